"""A pledged receipt that was split, and how an operator or a keeper would cheat with it."""

import pytest

from tests.golden import divided, stored, story
from tests.golden import formats as f
from tests.golden.divided import NUMBERS, PARTS, RECEIPTS, tell
from tests.golden.stored import tonnes
from tests.unit.ledger.verdicts import failing, verify

OTHER_RECEIPT = f.make_id("whr", "another")
DIFFERS = "completeness.division_differs"


def bent(**record):
    return {"record": record}


def without_pledge(one):
    """The goods pass into the new receipt as free ones, past the pledge."""
    name = f"left_{one}"
    minus = "-" + PARTS[one]
    free = stored.pool(
        "CONVERT", f"opened_{one}", (minus, "0.000"), ("60.000", "140.000", "80.000")
    )
    left_out = (f"carried_{one}", f"given_up_{one}", f"arrived_{one}")
    return tuple(
        (*step[:3], free) if step[0] == name else step
        for step in divided.STEPS
        if step[0] not in left_out and not step[0].endswith("_two")
    )


class TestDivided:
    def test_passes(self):
        assert failing(verify(tell())) == {}

    def test_says_what_was_pledged(self):
        facts = verify(tell()).facts["pledge"]
        assert facts["amount"] == tonnes(stored.WHOLE)


FRAUDS = {
    "nobody divided it": ({"without": ["divided"]}, "completeness.entry_missing"),
    "the pledge came to a receipt of other goods": (
        bent(issued_one={"of": [OTHER_RECEIPT]}),
        DIFFERS,
    ),
    "the new receipt is not the one that was signed": (
        bent(issued_one={"number": "GQ-9"}),
        DIFFERS,
    ),
    "the new receipt is over less than was signed": (
        bent(
            divided={
                "into": [
                    {"number": NUMBERS["one"], "quantity": tonnes("90.000")},
                    {"number": NUMBERS["two"], "quantity": tonnes("50.000")},
                ]
            }
        ),
        DIFFERS,
    ),
    "the division was of another receipt": (
        bent(
            divided={"of": [OTHER_RECEIPT]},
            issued_one={"of": [OTHER_RECEIPT]},
            issued_two={"of": [OTHER_RECEIPT]},
        ),
        DIFFERS,
    ),
    "another keeper issued it": (bent(issued_one={"keeper": story.CAR_MAKER}), None),
    "it was issued to somebody else": (
        bent(issued_one={"holder": story.CAR_MAKER}),
        DIFFERS,
    ),
    "the bank was not asked": (
        {
            **bent(divided={"pledgees": []}),
            "unsigned": ("divided.make", "divided.check"),
        },
        DIFFERS,
    ),
    "less arrives than left": (
        bent(
            arrived_one={"used_delta": tonnes("70.000"), "used": tonnes("70.000")},
            given_up_one={"used_delta": tonnes("-70.000"), "used": tonnes("10.000")},
        ),
        None,
    ),
    "goods pass into the new receipt past the pledge": (
        {"steps": without_pledge("one")},
        "completeness.over_capacity",
    ),
    "a new receipt's pool is another's": (
        {"secret": {divided.POOLS["one"]: f.sha256(b"another")}},
        "completeness.other_pool",
    ),
    "a new receipt without its issue": ({"without": ["issued_two"]}, None),
}
"""What is bent, and how completeness finds it; None where it may be found in more than one way."""


@pytest.mark.parametrize("fraud", FRAUDS)
def test_a_fraud_is_found(fraud):
    how, code = FRAUDS[fraud]

    found = failing(verify(tell(**how)))

    assert found.get("completeness") == code if code else found


class TestSignatures:
    def test_the_bank_consents_with_both_hands(self):
        found = failing(verify(tell(unsigned=("divided.check",))))
        assert found["completeness"] == "completeness.signer_missing"

    def test_the_holder_asked_for_it(self):
        told = tell(unsigned=("divided",))
        assert failing(verify(told))["completeness"] == "completeness.signer_missing"

    def test_all_signed_the_same(self):
        told = tell(content={"divided": {"into": [{"number": "X", "quantity": tonnes("1.000")}]}})
        assert failing(verify(told))["authorization"] == "authorization.content_differs"

    def test_what_was_signed_of_another_receipt_does_not_count(self):
        about = {"subject": OTHER_RECEIPT, "version": 2}
        told = tell(statement={"divided": about})
        assert failing(verify(told))["authorization"] == "authorization.wrong_version"

    def test_the_new_receipts_need_both_hands_of_the_keeper(self):
        told = tell(unsigned=("issued_two.check",))
        assert failing(verify(told))["completeness"] == "completeness.signer_missing"
        assert RECEIPTS["two"] in str(told.steps["issued_two"].subject)
