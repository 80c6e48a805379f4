"""A good proof file with one thing changed or stripped fails in the fragment that answers for it."""

import copy
import json

import pytest

from scf_ledger import trust
from scf_ledger.errors import LedgerError
from scf_ledger.verify import verify_file
from tests.golden import formats as f
from tests.golden import story
from tests.unit.ledger.mutations import MUTATIONS, UNUSABLE


@pytest.fixture(scope="module")
def told():
    return story.tell(witnesses=story.WITNESSES)


@pytest.fixture(scope="module")
def believed(told):
    return trust.parse(told.trust_bytes)


def failing(report):
    return {name.value for name, outcome in report.fragments.items() if outcome.status == "fail"}


class TestMutatedFile:
    @pytest.mark.parametrize("name", MUTATIONS)
    def test_fails_in_its_fragment(self, told, believed, name):
        change, expected = MUTATIONS[name]
        proof = copy.deepcopy(told.proof)
        change(proof)
        report = verify_file(f.as_json(proof), believed)
        assert report.verdict == "fail"
        assert failing(report) == expected, report.as_json()["fragments"]

    @pytest.mark.parametrize("name", UNUSABLE)
    def test_is_unusable(self, told, believed, name):
        proof = copy.deepcopy(told.proof)
        UNUSABLE[name](proof)
        with pytest.raises(LedgerError):
            verify_file(json.dumps(proof).encode(), believed)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{}",
            b"[]",
            b"\xff",
            b"{" * 100_000,
            b'{"format":"scf-proof/1","format":"scf-proof/1"}',
            b"NaN",
        ],
    )
    def test_that_is_no_proof_at_all_is_unusable(self, believed, data):
        with pytest.raises(LedgerError):
            verify_file(data, believed)

    def test_there_are_enough_of_them(self):
        assert len(MUTATIONS) >= 40

    def test_every_single_byte_of_a_small_proof(self, told, believed):
        """A file with any one byte changed never passes, and never ends in another error."""
        event = {key: value for key, value in told.proof.items() if key != "anchor"}
        event |= {"kind": "event", "entries": told.proof["entries"][:1]}
        event["certificates"] = event["certificates"][:2]
        data = f.as_json(event)
        assert verify_file(data, believed).passed
        for place in range(0, len(data), 97):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            try:
                report = verify_file(changed, believed)
            except LedgerError:
                continue
            assert not report.passed or json.loads(changed) == json.loads(data), place


class TestWhatTrustAsks:
    def test_a_required_fragment_that_is_not_checked_fails(self, told):
        asked = trust.parse(
            f.as_json(story.make_trust(story.WITNESSES, pledge=["record", "anchor"]))
        )
        report = verify_file(told.proof_bytes, asked)
        assert failing(report) == set()
        assert report.verdict == "fail"

    def test_an_unwanted_fragment_that_fails_still_fails(self, told):
        asked = trust.parse(f.as_json(story.make_trust(story.WITNESSES, pledge=["record"])))
        proof = copy.deepcopy(told.proof)
        del proof["revocations"]
        report = verify_file(f.as_json(proof), asked)
        assert report.verdict == "fail"

    def test_other_people(self, told):
        value = story.make_trust(story.WITNESSES)
        value["cas"] = [{"pem": ca["pem"], "scope": "registry"} for ca in value["cas"]]
        report = verify_file(told.proof_bytes, trust.parse(f.as_json(value)))
        assert failing(report) == {"authorization"}

    def test_other_log_key(self, told):
        value = story.make_trust(story.WITNESSES)
        other = f.NoteKey(story.ORIGIN)
        other.key = f.ed25519.Ed25519PrivateKey.generate()
        other.typed = b"\x01" + other.key.public_key().public_bytes_raw()
        other.id = f.sha256(other.name.encode() + b"\n" + other.typed)[:4]
        value["logs"][0]["vkey"] = other.vkey
        report = verify_file(told.proof_bytes, trust.parse(f.as_json(value)))
        assert failing(report) == {"checkpoint"}
