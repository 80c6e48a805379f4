import hashlib
import hmac
import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from scf_ledger import event
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import LedgerError, Malformed, NotCanonical, TooLarge, Unencodable
from scf_ledger.event_types import ACTS, EVENT_TYPES, PREFIXES
from tests.golden import formats as f

SUBJECT = f.make_id("plg", "one")
AT = "2025-11-03T02:00:00Z"
RECORD = {"id": SUBJECT, "actor": None, "at": AT, "due_on": "2026-01-05", "reg_no": "DJ1"}


def build(**changes):
    values = {
        "id": f.make_id("evt", "one"),
        "type": "pledge.cancellation_due",
        "subject": SUBJECT,
        "version": 2,
        "occurred_at": AT,
        "previous": bytes(32),
        "authorizations": [bytes(32), b"\1" * 32],
        "record": RECORD,
        "seed": b"seed",
    }
    return event.build_event(**(values | changes))


class TestBuildEvent:
    def test_is_canonical_hashed_and_reads_back(self):
        built = build()
        assert built.body == rfc8785.dumps(json.loads(built.body))
        assert built.body_hash == hashlib.sha256(built.body).digest()
        read = event.parse_event(built.body)
        assert (read.subject, read.version, read.occurred_at) == (SUBJECT, 2, AT)
        assert read.previous == bytes(32)
        assert read.authorizations == (bytes(32), b"\1" * 32)
        assert event.record_of(built.disclosures) == RECORD

    def test_discloses_as_rfc_9901_does(self):
        built = build()
        digests = []
        for text in built.disclosures:
            salt, name, value = json.loads(from_b64url(text))
            assert len(from_b64url(salt)) == event.SALT_BYTES
            assert RECORD[name] == value
            assert from_b64url(text) == rfc8785.dumps([salt, name, value])
            digests.append(b64url(hashlib.sha256(text.encode()).digest()))
        assert json.loads(built.body)["record"] == {"_sd": sorted(digests)}

    def test_depends_on_the_seed_alone(self):
        assert build() == build()
        assert build().body_hash != build(seed=b"other").body_hash
        salts = [json.loads(from_b64url(text))[0] for text in build().disclosures]
        assert len(set(salts)) == len(RECORD)

    @given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
    @settings(max_examples=50)
    def test_gives_any_text_back(self, text):
        built = build(record={**RECORD, "reg_no": text})
        assert event.record_of(built.disclosures)["reg_no"] == text

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "pledge.forgotten"},
            {"subject": f.make_id("rcv", "one")},
            {"subject": "plg_short"},
            {"subject": SUBJECT.upper()},
            {"id": f.make_id("plg", "one")},
            {"version": 0},
            {"version": True},
            {"version": 1},
            {"previous": None},
            {"previous": b"short"},
            {"occurred_at": "2025-11-03T10:00:00+08:00"},
            {"occurred_at": "2025-02-30T10:00:00Z"},
            {"occurred_at": "2025-11-03T10:00:00.123Z"},
            {"occurred_at": "\u0662025-11-03T10:00:00Z"},
            {"authorizations": [b"short"]},
            {"authorizations": [bytes(32), bytes(32)]},
            {"authorizations": [bytes([n]) * 32 for n in range(17)]},
            {"record": {}},
            {"record": {**RECORD, "extra": 1}},
        ],
    )
    def test_refuses(self, changes):
        with pytest.raises(Malformed):
            build(**changes)

    @pytest.mark.parametrize("value", [1.5, {1: 2}, "\ud800", 2**53])
    def test_refuses_values_without_a_canonical_form(self, value):
        with pytest.raises(Unencodable):
            build(record={**RECORD, "reg_no": value})


class TestParseEvent:
    @pytest.mark.parametrize(
        "changes",
        [
            {"format": "scf-event/2"},
            {"_sd_alg": "sha-512"},
            {"record": {"_sd": []}},
            {"record": {"_sd": ["A" * 43] * 5}},
            {"record": {"_sd": ["A" * 42 + "B"] * 5}},
            {"record": {"_sd": {}}},
            {"record": []},
            {"record": {"_sd": [], "x": 1}},
            {"authorizations": "A" * 43},
            {"authorizations": [1]},
            {"type": ["pledge.cancelled"]},
            {"version": "2"},
            {"previous": 5},
            {"occurred_at": None},
            {"more": 1},
        ],
    )
    def test_refuses(self, changes):
        value = json.loads(build().body)
        with pytest.raises(Malformed):
            event.parse_event(rfc8785.dumps(value | changes))

    def test_refuses_digests_out_of_order(self):
        value = json.loads(build().body)
        value["record"]["_sd"].reverse()
        with pytest.raises(Malformed):
            event.parse_event(rfc8785.dumps(value))

    def test_refuses_a_missing_key(self):
        for key in json.loads(build().body):
            value = json.loads(build().body)
            del value[key]
            with pytest.raises(Malformed):
                event.parse_event(rfc8785.dumps(value))

    def test_refuses_other_bytes_of_the_same_value(self):
        with pytest.raises(NotCanonical):
            event.parse_event(json.dumps(json.loads(build().body)).encode())
        with pytest.raises(TooLarge):
            event.parse_event(b" " * (event.BODY_BYTES_MAX + 1))

    @given(st.binary(max_size=200))
    def test_never_ends_in_another_error(self, data):
        with pytest.raises(LedgerError):
            event.parse_event(data)


class TestParseDisclosure:
    @pytest.mark.parametrize(
        "value",
        [
            {},
            [],
            ["A" * 22, "name"],
            ["A" * 22, "name", 1, 2],
            ["A" * 20, "name", 1],
            [1, "name", 1],
            ["A" * 22, 1, 1],
            ["not base64url!", "name", 1],
        ],
    )
    def test_refuses(self, value):
        with pytest.raises(Malformed):
            event.parse_disclosure(b64url(rfc8785.dumps(value)))

    def test_refuses_other_bytes(self):
        with pytest.raises(NotCanonical):
            event.parse_disclosure(b64url(b'["AAAAAAAAAAAAAAAAAAAAAA", "name", 1]'))


class TestTag:
    @given(st.binary(min_size=32, max_size=32), st.integers(1, 2**63))
    def test_is_the_hmac_of_the_version(self, secret, version):
        expected = hmac.new(secret, version.to_bytes(8, "big"), hashlib.sha256).digest()
        assert event.tag(secret, version) == expected


class TestEventTypes:
    def test_names_begin_with_their_subject(self):
        for name, row in EVENT_TYPES.items():
            assert name == row.name
            assert name.split(".")[0] == row.subject
            assert row.prefix == PREFIXES[row.subject]
            assert {"id", "actor", "at"} < set(row.fields)

    def test_signings_speak_of_fields_that_are_there(self):
        for row in EVENT_TYPES.values():
            for signing in row.signings:
                assert signing.act in ACTS
                fields = {**row.fields, **row.optional}
                assert {signing.party, *signing.content.values()} <= fields.keys()
            acts = [signing.act for signing in row.signings]
            assert len(set(acts)) == len(acts)

    def test_the_binding_ones_are_signed(self):
        signed = {name: [part.act for part in row.signings] for name, row in EVENT_TYPES.items()}
        assert {name: acts for name, acts in signed.items() if acts} == {
            "receivable.confirmed": ["confirm"],
            "receivable.disputed": ["dispute"],
            "receivable.rejected": ["reject"],
            "receivable.account_changed": ["account", "consent"],
            "receivable.split_agreed": ["account", "consent"],
            "financing.approved": ["offer"],
            "financing.contracted": ["offer", "pledge"],
            "financing.extended": ["extend", "prolong"],
            "pledge.extended": ["extend", "prolong"],
            "pledge.signed": ["pledge"],
            "pledge.accepted": ["accept"],
            "pledge.recourse_called": ["recourse"],
            "pledge.part_released": ["release"],
            "pledge.released": ["release"],
            "lot.stored": ["store"],
            "receipt.issued": ["issue"],
            "receipt.endorsed": ["endorse", "attest"],
            "receipt.withdrawal_ordered": ["withdraw"],
            "receipt.delivered": ["deliver"],
            "receipt.divided": ["divide", "consent"],
            "receipt.cancelled": ["surrender", "cancel"],
            "receipt.amended": ["amend"],
            "reconciliation.agreed": ["reconcile"],
            "debtor_notice.signed": ["notify", "countersign"],
            "debtor_notice.acknowledged": ["acknowledge"],
            "alarm.lifted": ["lift", "waive"],
            "stage.confirmed": ["undertake"],
            "control.agreed": ["entrust", "supervise", "appoint"],
            "control.acknowledged": ["notify", "countersign", "acknowledge"],
            "margin_call.noticed": ["dispose"],
            "consignment.agreed": ["consign", "consent"],
            "consignment.dispatched": ["hand_over", "take_over"],
            "consignment.delivered": ["deliver"],
            "receipt.relocated": ["receive"],
            "storage_tariff.agreed": ["tariff"],
            "freight_bill.issued": ["bill"],
            "freight_bill.answered": ["answer"],
        }
