"""Event proofs of lots and receipts: every type alone in a file, signed by whom it takes, and by nobody else."""

import pytest

from tests.golden import divided, stored, story
from tests.golden import formats as f
from tests.golden.stored import DEPOSITOR, KEEPER, LOT, RECEIPT, tonnes
from tests.unit.ledger.test_verify_events import OTHER_EVENT, TWO_OF_THE_BANK, failing, make

BY_HOLDER = ((None, "depositor"),)
BY_KEEPER = ((None, "keeper.manager"),)
TWO_OF_THE_KEEPER = (("make", "keeper.clerk"), ("check", "keeper.manager"))
OF_THE_LOT = {"subject": LOT, "version": 6, "subject_event": OTHER_EVENT}

ORDERED = {
    "holder": DEPOSITOR,
    "keeper": KEEPER,
    "order_no": "TH-0001",
    "quantity": tonnes("40.000"),
    "units_sha256": None,
    "taker": "渝川物流 渝C12345",
}
DELIVERED = {
    **ORDERED,
    "rest": tonnes("100.000"),
    "weighed": [{"source": KEEPER, "quantity": tonnes("40.010")}],
    "papers": [OTHER_EVENT],
}
ENDORSED = {"title": OTHER_EVENT, "from": DEPOSITOR, "to": story.SUPPLIER, "keeper": KEEPER}
CANCELLED = {
    "title": OTHER_EVENT,
    "holder": DEPOSITOR,
    "keeper": KEEPER,
    "rest": tonnes("100.000"),
}
AMENDED = {
    "keeper": KEEPER,
    "medium": "electronic",
    "stored_until": "2027-11-02",
    "storage_fee": "每吨每日 0.60 元",
    "insurance": None,
    "reason": "续存",
}
DIVIDED = {**divided.DIVIDED, "holder": DEPOSITOR}
RELOCATED = {
    "consignment": f.make_id("csg", "one"),
    "title": OTHER_EVENT,
    "carrier": story.SUPPLIER,
    "keeper_before": story.CAR_MAKER,
    "keeper": KEEPER,
    "warehouse": "珞璜 2 号仓",
    "location": "B-03",
    "lot": LOT,
    "carried": tonnes("140.000"),
    "quantity": tonnes("139.990"),
    "lost": tonnes("0.010"),
}
SIGNED = {
    "lot.stored": (LOT, stored.STORED, [("store", BY_KEEPER, None)]),
    "receipt.issued": (RECEIPT, stored.ISSUED, [("issue", TWO_OF_THE_KEEPER, OF_THE_LOT)]),
    "receipt.endorsed": (
        RECEIPT,
        ENDORSED,
        [("endorse", BY_HOLDER, None), ("attest", BY_KEEPER, None)],
    ),
    "receipt.divided": (
        RECEIPT,
        DIVIDED,
        [("divide", BY_HOLDER, None), ("consent", TWO_OF_THE_BANK, None)],
    ),
    "receipt.cancelled": (
        RECEIPT,
        CANCELLED,
        [("surrender", BY_HOLDER, None), ("cancel", BY_KEEPER, None)],
    ),
    "receipt.amended": (RECEIPT, AMENDED, [("amend", BY_KEEPER, None)]),
    "receipt.withdrawal_ordered": (RECEIPT, ORDERED, [("withdraw", BY_HOLDER, None)]),
    "receipt.delivered": (RECEIPT, DELIVERED, [("deliver", BY_KEEPER, None)]),
    "receipt.relocated": (RECEIPT, RELOCATED, [("receive", BY_KEEPER, None)]),
    "pledge.part_released": (
        story.PLEDGE,
        stored.PART_RELEASED,
        [("release", TWO_OF_THE_BANK, None)],
    ),
}
"""Type -> its subject, its record, and who signs it about what."""
LOST = {"quantity": tonnes("1.000"), "reason": "盘点短少"}
FACTS = {
    "lot.entered": (LOT, {name: stored.STORED[name] for name in list(stored.STORED)[:12]}),
    "lot.paper_added": (
        LOT,
        {
            "kind": "weighing",
            "source": KEEPER,
            "number": "BD-1",
            "made_on": "2025-11-03",
            "quantity": tonnes("140.000"),
            "passed": None,
            "original_sha256": OTHER_EVENT,
            "order": None,
        },
    ),
    "lot.turned_away": (LOT, {"reason": "质检不合格"}),
    "lot.counted": (
        LOT,
        {
            "book": tonnes("140.000"),
            "counted": tonnes("139.990"),
            "tolerance": tonnes("0.140"),
            "source": "盘点",
        },
    ),
    "lot.lost": (LOT, LOST),
    "lot.found": (LOT, LOST),
    "receipt.moved": (RECEIPT, {"state": "FROZEN", "reason": "(2025)渝0118财保1号"}),
    "receipt.fee_told": (RECEIPT, {"owed": f.cny("36.00"), "as_of": "2025-11-30"}),
    "receipt.withdrawal_refused": (RECEIPT, {"asked": tonnes("1.000")}),
}
"""Type -> its subject and its record: what nobody signs."""


def told(type_, *, changed=None, hands=None, about=None, **other):
    """A file of one signed event; `changed` are fields of what its first signer signed."""
    subject, record, signings = SIGNED[type_]
    made = [
        (
            act,
            hands if hands and not place else own,
            {**record, **((changed or {}) if not place else {})},
            (about if not place else None) or of,
        )
        for place, (act, own, of) in enumerate(signings)
    ]
    return failing(make(type_, subject, record, made, **other))


@pytest.mark.parametrize("type_", SIGNED)
class TestSigned:
    def test_passes(self, type_):
        assert told(type_) == {}

    def test_needs_every_hand(self, type_):
        subject, record, signings = SIGNED[type_]
        for place, (_, hands, _) in enumerate(signings):
            for missing in hands:
                made = [
                    (act, tuple(h for h in own if (n, h) != (place, missing)), record, of)
                    for n, (act, own, of) in enumerate(signings)
                ]
                found = failing(make(type_, subject, record, made))
                assert found == {"completeness": "completeness.signer_missing"}

    def test_binds_every_field(self, type_):
        for name in SIGNED[type_][1]:
            assert told(type_, changed={name: "another"}) == {
                "authorization": "authorization.content_differs"
            }, name

    def test_hides_no_field_that_was_signed(self, type_):
        for name in SIGNED[type_][1]:
            found = told(type_, hide=[name])
            assert found["completeness"] == "completeness.field_hidden", name

    def test_takes_no_other_party(self, type_):
        steps = [step for step, _ in SIGNED[type_][2][0][1]]
        hands = dict(zip(steps, ("car.clerk", "car.approver"), strict=False))
        found = told(type_, hands=tuple(hands.items()))
        assert found["authorization"] in {"authorization.wrong_party", "authorization.wrong_scope"}

    def test_takes_nothing_signed_of_something_else(self, type_):
        about = {"subject": f.make_id("lot", "zinc"), "version": 2, "subject_event": OTHER_EVENT}
        assert told(type_, about=about) == {"authorization": "authorization.wrong_version"}


@pytest.mark.parametrize("type_", FACTS)
class TestFacts:
    def test_passes_whatever_it_hides(self, type_):
        subject, record = FACTS[type_]
        for hidden in ([], *([name] for name in record)):
            assert failing(make(type_, subject, record, [], hide=hidden)) == {}

    def test_takes_no_signature_that_it_does_not_ask_for(self, type_):
        subject, record = FACTS[type_]
        found = failing(make(type_, subject, record, [("store", BY_KEEPER, record, None)]))
        assert found["authorization"] == "authorization.unexpected_act"

    def test_is_of_the_shape_that_its_type_has(self, type_):
        subject, record = FACTS[type_]
        name = next(iter(record))
        found = failing(make(type_, subject, {**record, name: 1}, []))
        assert "record" in found
