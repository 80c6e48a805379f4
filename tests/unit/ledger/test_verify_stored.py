"""A pledge of stored goods, and how an operator, a keeper or a holder would cheat with it."""

import pytest

from tests.golden import formats as f
from tests.golden import stored, story
from tests.golden.stored import PART, POOL, REST, WHOLE, pool, tell, tonnes
from tests.unit.ledger.verdicts import failing, verify

OTHER = f.sha256(b"another")
MORE = "30.000"


def bent(**record):
    return {"record": record}


class TestStored:
    def test_passes(self):
        assert failing(verify(tell())) == {}

    def test_says_what_it_is_about(self):
        facts = verify(tell()).facts["pledge"]

        assert facts["quantity"] == tonnes(WHOLE)
        assert facts["rest"] == tonnes(REST)
        assert facts["keeper"] == stored.KEEPER


FRAUDS = {
    "endorsed by somebody who does not hold it": (
        bent(endorsed={"from": story.CAR_MAKER}),
        "completeness.title_broken",
    ),
    "endorsed from another title": (
        bent(endorsed={"title": f.b64u(OTHER)}),
        "completeness.title_broken",
    ),
    "attested by another keeper": (
        bent(endorsed={"keeper": story.CAR_MAKER}),
        "completeness.terms_differ",
    ),
    "the endorsement is left out": ({"without": ["endorsed"]}, "completeness.terms_differ"),
    "more is pledged than the receipt is over": (
        bent(
            reserved={
                "used_delta": tonnes("150.000"),
                "used": tonnes("150.000"),
                "shortfall": tonnes("10.000"),
            },
        ),
        "completeness.over_capacity",
    ),
    "the pool opens with more than was issued": (
        bent(opened={"confirmed_delta": tonnes("141.000"), "confirmed": tonnes("141.000")}),
        "completeness.pool_sum",
    ),
    "kilograms pass for tonnes": (
        bent(opened={"confirmed_delta": {"quantity": WHOLE, "unit": "KGM"}}),
        "completeness.pool_unit",
    ),
    "goods pass for money": (
        bent(signed={"amount": f.cny("1400.00")}, accepted={"amount": f.cny("1400.00")}),
        "completeness.reserved_amount",
    ),
    "more was given back than was signed": (
        bent(
            given={"used_delta": tonnes("-30.000"), "used": tonnes("110.000")},
            left={"used": tonnes("110.000")},
        ),
        "completeness.given_back",
    ),
    "a release in part was signed and not carried out": (
        bent(given={"cause": f.b64u(OTHER)}),
        "completeness.given_back",
    ),
    "pledged goods left": (
        bent(
            left={
                "confirmed_delta": tonnes("-" + MORE),
                "confirmed": tonnes("110.000"),
                "shortfall": tonnes("10.000"),
            }
        ),
        "completeness.over_capacity",
    ),
    "pledged goods left with their holder": (
        bent(
            left={
                "used_delta": tonnes("-" + PART),
                "used": tonnes("100.000"),
            }
        ),
        "completeness.reservation_gone",
    ),
    "the reservation went without the bank": (
        {
            "steps": [
                (
                    "gone",
                    "pool.released",
                    POOL,
                    pool("RELEASE", OTHER, ("0.000", "-1.000"), (REST, "119.000", "0.000")),
                )
            ]
        },
        "completeness.reservation_gone",
    ),
    "another pool of the same receipt": (
        {"secret": {POOL: OTHER}},
        "completeness.other_pool",
    ),
}


@pytest.mark.parametrize("fraud", FRAUDS)
def test_a_fraud_is_found(fraud):
    how, code = FRAUDS[fraud]

    assert failing(verify(tell(**how)))["completeness"] == code


class TestSignatures:
    def test_a_receipt_needs_both_hands_of_its_keeper(self):
        told = tell(unsigned=("issued.check",))
        assert failing(verify(told))["completeness"] == "completeness.signer_missing"

    def test_a_receipt_is_issued_over_the_lots_that_it_names(self):
        elsewhere = {"subject": f.make_id("lot", "zinc")}
        told = tell(statement={"issued": elsewhere})
        assert failing(verify(told))["authorization"] == "authorization.wrong_version"

    def test_an_endorsement_needs_the_keeper(self):
        told = tell(signer={"endorsed": "supplier"})
        assert "authorization" in failing(verify(told))

    def test_the_quantity_that_was_signed_is_the_one_that_stands(self):
        told = tell(content={"issued": {"quantity": tonnes("100.000")}})
        assert failing(verify(told))["authorization"] == "authorization.content_differs"

    def test_a_release_in_part_needs_both_hands_of_the_bank(self):
        told = tell(unsigned=("part.make",))
        assert failing(verify(told))["completeness"] == "completeness.signer_missing"
