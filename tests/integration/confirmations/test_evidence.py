"""The letter and the pack of evidence: from stored facts, provable offline, the same every time."""

import base64
import hashlib
import json

import pytest

from scf.evidence.sequencing import open_log
from scf.parties import certification
from scf.parties import queries as parties
from scf_ledger import canonical, trust
from scf_ledger.encoding import from_b64url
from scf_ledger.note import Signer
from scf_ledger.verify import verify_file
from tests.support.actors import STORY_BEGINS
from tests.support.clock import act, answer, asked, move_to, refuse, turn
from tests.support.log import sequence_all
from tests.support.pdf import attached, packed, text_of
from tests.support.problems import refusal


@pytest.fixture(scope="module")
def signer(stage):
    made = Signer.generate("test.example/log")
    with stage.database.transaction() as session:
        open_log(session, made, now=stage.clock.real())
    return made


@pytest.fixture(scope="module")
def request_(stage, signer):
    """Silence but for an unlawful reason; a letter, an objection, then a late answer."""
    stage.clock.set(STORY_BEGINS)
    found = asked(stage, note="请按对账单确认")
    move_to(stage, 2)
    act(stage, stage.cast.anchor, found, "deliver")
    move_to(stage, 10)
    assert refuse(stage, found, "等待业主付款").status_code == 200
    move_to(stage, 33)
    turn(stage)
    act(stage, stage.cast.supplier, found, "escalate")
    act(stage, stage.cast.anchor, found, "contest", reason="请求所附单据不全")
    move_to(stage, 36)
    answer(stage, found)
    turn(stage)
    path = f"/v1/confirmation-requests/{found['id']}"
    for file in ("evidence.json", "evidence.pdf"):
        pending = refusal(stage.get(stage.cast.supplier, f"{path}/{file}"), 409, "evidence.pending")
        assert (pending["fields"]["events"], pending["fields"]["published"]) == (4, 0)
    move_to(stage, 37)
    with stage.database.transaction() as session:
        for scope, authority in stage.cast.authorities.items():
            at = stage.clock.now()
            certification.receive_revocations(
                session, stage.cast.authority_ids[scope], der=authority.crl(at=at), now=at
            )
    sequence_all(stage.settings.database_url, signer)
    return found


def file(stage, request, name, who=None):
    path = f"/v1/confirmation-requests/{request['id']}/{name}"
    found = stage.get(who or stage.cast.supplier, path)
    assert found.status_code == 200, found.text
    return found


def test_every_proof_verifies_offline(stage, request_, signer):
    with stage.database.reading() as session:
        trusted = trust.parse(
            trust.build(
                logs=[("test.example/log", str(signer.verifier), None)],
                authorities=parties.authorities(session),
            )
        )
    pack = file(stage, request_, "evidence.json").json()

    told = [one["type"] for one in pack["pack"]["events"]]
    assert told == [
        "receivable.submitted",
        "receivable.requested",
        "receivable.disputed",
        "receivable.confirmed",
    ]
    assert len(pack["proofs"]) == len(told)
    for proof, event in zip(pack["proofs"], pack["pack"]["events"], strict=True):
        content = base64.b64decode(proof["base64"])
        assert hashlib.sha256(content).hexdigest() == proof["sha256"]
        mine = stage.get(stage.cast.supplier, f"/v1/events/{event['id']}/proof")
        assert content == mine.content
        report = verify_file(content, trusted)
        assert report.passed, report.as_json()


def test_the_pack_tells_the_whole_story_in_order(stage, request_):
    pack = file(stage, request_, "evidence.json").json()["pack"]

    assert [(one["on"], one["what"], one["by"]) for one in pack["timeline"]] == [
        ("2025-11-03", "receivable.submitted", "creditor"),
        ("2025-11-03", "receivable.requested", "creditor"),
        ("2025-11-05", "DELIVERED", "debtor"),
        ("2025-11-10", "REMINDER", "platform"),
        ("2025-11-13", "receivable.disputed", "debtor"),
        ("2025-11-18", "REMINDER", "platform"),
        ("2025-11-28", "REMINDER", "platform"),
        ("2025-12-04", "CONFIRM_OVERDUE", "platform"),
        ("2025-12-06", "ESCALATED", "creditor"),
        ("2025-12-06", "CONTESTED", "debtor"),
        ("2025-12-09", "receivable.confirmed", "debtor"),
    ]
    assert pack["state"] == "ANSWERED_LATE"
    said = {one["what"]: one for one in pack["timeline"]}
    assert said["receivable.disputed"]["compliant"] is False
    assert said["receivable.confirmed"]["compliant"] is True
    (article,) = pack["articles"]
    assert (article["article"], article["rule"]) == ("第十六条", "RPAY-09/1")
    assert "国务院令第802号" in article["law"]
    (document,) = pack["documents"]
    shown = stage.get(stage.cast.supplier, f"/v1/documents/{document['id']}").json()
    assert document["original_sha256"] == shown["original_sha256"]


def test_pdf_and_json_are_the_same_facts_to_both_sides(stage, request_):
    content = file(stage, request_, "evidence.json").content
    pack = json.loads(content)
    facts = canonical.encode(pack["pack"])
    sha256 = hashlib.sha256(facts).hexdigest()
    pdf = file(stage, request_, "evidence.pdf").content

    assert pack["pack_sha256"] == sha256
    assert content == canonical.encode(pack)
    original = from_b64url(pack["pack"]["documents"][0]["original_sha256"]).hex()
    text = text_of(pdf)
    for part in (
        sha256,
        original,
        "第31日：确权逾期",
        "等待业主付款（理由不合规，期限继续计算）",
        "第十六条",
    ):
        assert packed(part) in text, part
    assert list(attached(pdf).values()) == [facts]
    assert file(stage, request_, "evidence.pdf", stage.cast.anchor).content == pdf
    assert file(stage, request_, "evidence.json", stage.cast.anchor).content == content


def test_the_letter_names_article_parties_amount_and_days(stage, request_):
    cast = stage.cast
    pdf = file(stage, request_, "notice.pdf", cast.anchor).content
    text = text_of(pdf)

    for part in (
        "应收账款确权催告函",
        f"{cast.anchor.name}（统一社会信用代码{cast.anchor.uscc}）：",
        "《保障中小企业款项支付条例》（国务院令第802号）第十六条",
        "人民币100.00元（大写：人民币壹佰元整）",
        "自收到确权请求之日起30日内确认，期限至2025年12月3日届满",
        "以“等待业主付款”为由提出争议，该理由不属于可以不予确认的情形",
        "2025年11月10日第7日提醒",
        "2025年12月6日",
    ):
        assert packed(part) in text, part
    (stored,) = attached(pdf).values()
    assert canonical.encode(json.loads(stored)) == stored
    pack = file(stage, request_, "evidence.json").json()["pack"]
    assert pack["letter_sha256"] == hashlib.sha256(stored).hexdigest()


def test_no_letter_before_it_is_asked_for(stage, signer):
    stage.clock.set(STORY_BEGINS)
    found = asked(stage)
    path = f"/v1/confirmation-requests/{found['id']}/notice.pdf"
    problem = refusal(stage.get(stage.cast.supplier, path), 409, "confirmation.no_letter")
    assert problem["fields"] == {"state": "OPEN"}


def test_a_request_without_a_statutory_time_has_its_pack_too(stage, signer):
    stage.clock.set(STORY_BEGINS)
    found = asked(stage, creditor_size="large")
    sequence_all(stage.settings.database_url, signer)

    pack = file(stage, found, "evidence.json").json()["pack"]

    assert (pack["statutory"], pack["articles"], pack["deadline_on"]) == (False, [], None)
    assert "不适用法定期限" in text_of(file(stage, found, "evidence.pdf").content)
