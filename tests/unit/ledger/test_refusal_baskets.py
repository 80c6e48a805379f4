"""Baskets of disputes and rejections: each line is proven by its own disclosure, and no other."""

import pytest

from scf_ledger import trust
from scf_ledger.verify import verify_file
from tests.golden import formats as f
from tests.golden import story
from tests.unit.ledger.verdicts import failing


def entry_of(entry):
    return f.json.loads(f.base64.urlsafe_b64decode(entry["body"] + "=="))


@pytest.mark.parametrize("end", ["disputed", "rejected"])
def test_a_refusal_is_proven_by_its_own_line_and_no_other(end):
    told, proofs = story.tell_refusals(noise=3)
    entry = proofs[end]["entries"][0]
    (text,) = entry["authorizations"]
    believed = trust.parse(told.trust_bytes)
    assert verify_file(f.as_json(proofs[end]), believed).verdict == "pass"

    jws, line, _ = text.split("~")
    about = {"subject": entry_of(entry)["subject"], "version": 1, "n": 2}
    about["subject_event"] = entry_of(entry)["previous"]
    other = f.b64u(f.rfc8785.dumps([f.b64u(f.sha256(b"tlas")[:16]), about]))
    for shown, code in (
        (f"{jws}~{other}~", "authorization.content_differs"),
        (jws, "authorization.one_line_shown"),
        (f"{jws}~{line}~{line}~", "authorization.one_line_shown"),
    ):
        entry["authorizations"] = [shown]
        report = verify_file(f.as_json(proofs[end]), believed)
        assert failing(report) == {"authorization": code}


@pytest.mark.parametrize("end", ["disputed", "rejected"])
@pytest.mark.parametrize("key", ["reason", "amount"])
def test_what_was_signed_of_a_refusal_is_what_is_recorded(end, key):
    other = {"reason": "质量争议", "amount": f.cny("1.00")}[key]
    told, proofs = story.tell_refusals(noise=3, content={end: {key: other}})
    report = verify_file(f.as_json(proofs[end]), trust.parse(told.trust_bytes))
    assert failing(report) == {"authorization": "authorization.content_differs"}
