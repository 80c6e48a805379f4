"""Event proofs: every type that someone signs, alone in a file."""

import copy

import pytest

from scf_ledger import trust
from scf_ledger.verify import verify_file
from tests.golden import formats as f
from tests.golden import story
from tests.golden.story import BANK, CAR_MAKER, PEOPLE, SUPPLIER

FINANCING = f.make_id("fin", "one")
CONTRACT = f.b64u(f.sha256(b"contract"))
OTHER_EVENT = f.b64u(f.sha256(b"another event"))
TWO_OF_THE_BANK = (("make", "bank.clerk"), ("check", "bank.approver"))

AGREED = {
    "borrower": SUPPLIER,
    "lender": BANK,
    "receivable_event": OTHER_EVENT,
    "amount": f.cny("996000.00"),
    "rate": "0.0385",
    "day_count": "ACT/360",
    "days": 50,
    "dates": {"due_on": "2025-12-30", "repaid_on": None},
    "reason": None,
    "contract_sha256": CONTRACT,
    "receipt_no": None,
}
OFFERED = ("borrower", "receivable_event", "amount", "rate", "day_count", "days", "contract_sha256")
EARLIER = {"subject": FINANCING, "version": 1, "subject_event": OTHER_EVENT}
OF_THE_PLEDGE = {"subject": story.PLEDGE, "version": 1, "subject_event": OTHER_EVENT}


def of(record, *fields):
    return {field: record[field] for field in fields}


REFUSED = {"debtor": CAR_MAKER, "reason": "质量争议", "amount": f.cny("41400.00")}
RELEASED = {"pledgee": BANK, "reason": "已清偿"}

CHANGED = {
    "owners": sorted([SUPPLIER, CAR_MAKER]),
    "holders": [BANK],
    "pay_to": {"account": "6217 0002"},
    "pay_to_before": {"account": "6217 0001"},
    "reason": "基本户变更",
}
RECONCILED = {
    "parties": sorted([SUPPLIER, CAR_MAKER]),
    "creditor": SUPPLIER,
    "debtor": CAR_MAKER,
    "first_on": "2025-11-01",
    "last_on": "2025-11-30",
    "opening": f.cny("0.00"),
    "confirmed": f.cny("1245000.00"),
    "paid": f.cny("45000.00"),
    "reversed": f.cny("0.00"),
    "credited": f.cny("0.00"),
    "closing": f.cny("1200000.00"),
    "lines_sha256": OTHER_EVENT,
}
NOTIFIED = {
    "pledge": story.PLEDGE,
    "pledge_event": OTHER_EVENT,
    "pledgor": SUPPLIER,
    "pledgee": BANK,
    "debtor": CAR_MAKER,
    "receivable_event": OTHER_EVENT,
    "amount": f.cny("1245000.00"),
    "pay_to": {"account": "6217 0001"},
    "reg_no": "12345678000123456789",
}
BOTH = ((None, "car.clerk"), (None, "supplier"))
RECONCILIATION = f.make_id("rcn", "one")
DEBTOR_NOTICE = f.make_id("dnt", "one")

SIGNED = {
    "receivable.account_changed": (
        story.RECEIVABLE,
        CHANGED,
        [("account", BOTH, CHANGED, None), ("consent", TWO_OF_THE_BANK, CHANGED, None)],
    ),
    "reconciliation.agreed": (
        RECONCILIATION,
        RECONCILED,
        [("reconcile", BOTH, RECONCILED, None)],
    ),
    "debtor_notice.acknowledged": (
        DEBTOR_NOTICE,
        NOTIFIED,
        [("acknowledge", ((None, "car.clerk"),), NOTIFIED, None)],
    ),
    "receivable.disputed": (
        story.RECEIVABLE,
        REFUSED,
        [("dispute", ((None, "car.clerk"),), of(REFUSED, "reason", "amount"), None)],
    ),
    "receivable.rejected": (
        story.RECEIVABLE,
        REFUSED,
        [("reject", ((None, "car.clerk"),), of(REFUSED, "reason", "amount"), None)],
    ),
    "financing.approved": (
        FINANCING,
        AGREED,
        [("offer", TWO_OF_THE_BANK, of(AGREED, *OFFERED), None)],
    ),
    "financing.contracted": (
        FINANCING,
        AGREED,
        [
            ("offer", TWO_OF_THE_BANK, of(AGREED, *OFFERED), EARLIER),
            (
                "pledge",
                ((None, "supplier"),),
                {"pledgee": BANK, "principal": {"contract_sha256": CONTRACT}},
                OF_THE_PLEDGE,
            ),
        ],
    ),
    "pledge.released": (
        story.PLEDGE,
        RELEASED,
        [("release", TWO_OF_THE_BANK, of(RELEASED, "reason"), None)],
    ),
}
UNSIGNED = {
    "receivable.paid": (
        story.RECEIVABLE,
        {"amount": f.cny("1245000.00"), "paid_on": "2025-12-19", "account": "6217"},
        [],
    ),
    "financing.disbursed": (FINANCING, {**AGREED, "receipt_no": "FK-1"}, []),
    "pledge.cancelled": (story.PLEDGE, {"due_on": "2026-01-05", "reg_no": "DJ1"}, []),
}
AT = "2025-11-10T02:00:00Z"


def make(type_, subject, record, signings, *, hide=(), version=3):
    """A file with one event; ``signings`` are act, hands, content, and what it is about."""
    people = {
        name: f.make_certificate(ca, uscc=uscc, person=f.make_id("per", name), word=name)
        for name, (ca, uscc) in PEOPLE.items()
    }
    previous = f.sha256(b"version 2")
    before = {
        "subject": subject,
        "version": version - 1,
        "subject_event": f.b64u(previous),
    }
    authorizations = []
    for act, hands, content, about in signings:
        for step, person in hands:
            value = {
                "format": "scf-statement/1",
                "id": f.make_id("stm", f"{act} {step}"),
                "origin": story.ORIGIN,
                "act": act,
                "party": PEOPLE[person][1],
                "person": f.make_id("per", person),
                "mandate": None,
                **(about or before),
                "issued_at": "2025-11-10T01:00:00Z",
                "expires_at": "2025-11-11T01:00:00Z",
                "content": content,
                **({"step": step} if step else {}),
            }
            authorizations.append(f.sign_statement(f.rfc8785.dumps(value), *people[person]))
    body, shown = f.make_event(
        word=type_,
        type_=type_,
        subject=subject,
        version=version,
        occurred_at=AT,
        previous=previous,
        authorizations=authorizations,
        record={"id": subject, "actor": None, "at": AT, **record},
    )
    tag = f.make_tag(f.sha256(b"secret"), version)
    entry = f.sha256(body) + tag
    note = f.checkpoint(story.ORIGIN, 1, f.leaf(entry), story.LOG_KEY)
    return {
        "format": "scf-proof/1",
        "kind": "event",
        "entries": [
            {
                "body": f.b64u(body),
                "tag": f.b64u(tag),
                "disclosures": [text for name, text in shown.items() if name not in hide],
                "authorizations": authorizations,
                "tlog_proof": f.tlog_proof(0, [], note),
            }
        ],
        "certificates": [f.pem(certificate) for _, certificate in people.values()],
        "revocations": [f.b64(f.make_crl(ca)) for ca in (story.ENTERPRISE_CA, story.BANK_CA)],
    }


def failing(proof):
    report = verify_file(f.as_json(proof), trust.parse(f.as_json(story.make_trust())))
    found = {
        name.value: outcome.code
        for name, outcome in report.fragments.items()
        if outcome.status == "fail"
    }
    assert report.passed == (not found)
    return found


class TestEventProof:
    @pytest.mark.parametrize("type_", [*SIGNED, *UNSIGNED])
    def test_passes(self, type_):
        assert failing(make(type_, *{**SIGNED, **UNSIGNED}[type_])) == {}

    @pytest.mark.parametrize("type_", UNSIGNED)
    def test_of_a_fact_may_hide_any_field(self, type_):
        subject, record, _ = UNSIGNED[type_]
        for field in record:
            assert failing(make(type_, subject, record, [], hide=[field])) == {}

    @pytest.mark.parametrize("type_", SIGNED)
    def test_needs_every_hand(self, type_):
        subject, record, signings = SIGNED[type_]
        for place, (act, hands, content, about) in enumerate(signings):
            for missing in hands:
                rest = tuple(hand for hand in hands if hand != missing)
                fewer = [*signings[:place], (act, rest, content, about), *signings[place + 1 :]]
                found = failing(make(type_, subject, record, fewer))
                assert found == {"completeness": "completeness.signer_missing"}

    @pytest.mark.parametrize("type_", SIGNED)
    def test_binds_what_was_signed(self, type_):
        subject, record, signings = SIGNED[type_]
        for place, (act, hands, content, about) in enumerate(signings):
            bent = [*signings]
            bent[place] = (act, hands, dict.fromkeys(content, "another"), about)
            found = failing(make(type_, subject, record, bent))
            assert found == {"authorization": "authorization.content_differs"}

    @pytest.mark.parametrize("type_", SIGNED)
    def test_shows_what_was_signed_and_by_whom(self, type_):
        subject, record, signings = SIGNED[type_]
        bound = {"debtor", "lender", "pledgee", "borrower", "contract_sha256"} & record.keys()
        for field in bound:
            found = failing(make(type_, subject, record, signings, hide=[field]))
            assert found == {"completeness": "completeness.field_hidden"}

    def test_of_a_contract_takes_no_offer_of_another_financing(self):
        subject, record, signings = copy.deepcopy(SIGNED["financing.contracted"])
        other = {**EARLIER, "subject": f.make_id("fin", "another")}
        signings[0] = (*signings[0][:3], other)
        found = failing(make("financing.contracted", subject, record, signings))
        assert found == {"authorization": "authorization.wrong_version"}

    def test_of_a_contract_takes_no_offer_of_a_later_version(self):
        subject, record, signings = copy.deepcopy(SIGNED["financing.contracted"])
        signings[0] = (*signings[0][:3], {**EARLIER, "version": 3})
        found = failing(make("financing.contracted", subject, record, signings))
        assert found == {"authorization": "authorization.wrong_version"}

    def test_has_one_entry(self):
        proof = make("receivable.paid", *UNSIGNED["receivable.paid"])
        proof["entries"] *= 2
        assert failing(proof) == {"completeness": "completeness.version_twice"}
