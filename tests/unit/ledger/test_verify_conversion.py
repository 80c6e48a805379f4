"""A pledge of an order that was taken along into the claim, and how such a file is cheated with."""

import pytest

from scf_ledger import trust
from scf_ledger.verify import verify_file
from tests.golden import formats as f
from tests.golden import lineage, story
from tests.golden.lineage import FREE, ORDER_POOL, PLEDGED, WHOLE, order_pool, tell


def failing(told):
    report = verify_file(told.proof_bytes, trust.parse(f.as_json(told.trust)))
    return {
        name.value: outcome.code
        for name, outcome in report.fragments.items()
        if outcome.status == "fail"
    }


def bent(**record):
    return {"record": record}


OTHERS = story.pool("RESERVE", f.sha256(b"another"), ("0.00", FREE), (WHOLE, WHOLE, "0.00"))
PAID = story.pool("PAY", f.sha256(b"paid"), ("-" + WHOLE, "-" + PLEDGED), ("0.00", "0.00", "0.00"))
GONE = story.pool("RELEASE", f.sha256(b"gone"), ("0.00", "-0.01"), (WHOLE, "869999.99", "0.00"))


class TestTakenAlong:
    @pytest.mark.parametrize(
        "steps",
        [
            (),
            (("others", "pool.reserved", story.POOL, OTHERS),),
            (("paid", "pool.paid", story.POOL, PAID),),
        ],
    )
    def test_passes(self, steps):
        assert failing(tell(steps=steps)) == {}

    def test_an_order_alone_passes_before_it_is_claimed(self):
        told = tell(without=[name for name, *_ in lineage.STEPS[9:]])
        assert failing(told) == {}


FRAUDS = {
    "what left never arrived": (
        {"without": ["confirmed", "opened", "carried", "given_up", "arrived"]},
        "completeness.conversion_open",
    ),
    "what arrived is what another left": (
        bent(arrived={"cause": f.b64u(f.sha256(b"another"))}),
        "completeness.conversion_open",
    ),
    "more arrived than left": (
        bent(
            left={
                "confirmed_delta": f.cny("-800000.00"),
                "used_delta": f.cny("-800000.00"),
                "confirmed": f.cny("70000.00"),
                "used": f.cny("70000.00"),
            }
        ),
        "completeness.conversion_open",
    ),
    "more was taken over than was carried": (
        bent(arrived={"used_delta": f.cny(WHOLE), "used": f.cny(WHOLE)}),
        "completeness.pool_kind",
    ),
    "more is carried than there is": (
        bent(
            carried={
                "used_delta": f.cny("1300000.00"),
                "used": f.cny("1300000.00"),
                "shortfall": f.cny("55000.00"),
            }
        ),
        "completeness.over_capacity",
    ),
    "it was given back without the bank": (
        {"steps": [("gone", "pool.released", story.POOL, GONE)]},
        "completeness.reservation_gone",
    ),
    "a part of the order's pool was taken away for something else": (
        bent(
            left={"cause": f.b64u(f.sha256(b"another"))},
            arrived={"cause": f.b64u(f.sha256(b"another"))},
        ),
        "completeness.foreign_entry",
    ),
    "the claim is another buyer's": (
        bent(undertaken={"seller": story.BANK}),
        "completeness.terms_differ",
    ),
    "the order's pool is not the one that was signed": (
        {"secret": {ORDER_POOL: f.sha256(b"a second pool")}},
        "completeness.other_pool",
    ),
    "the pledge was reserved again in the claim": (
        {
            "steps": [
                (
                    "again",
                    "pool.reserved",
                    story.POOL,
                    story.pool("RESERVE", "signed", ("0.00", "1.00"), (WHOLE, "870001.00", "0.00")),
                )
            ]
        },
        "completeness.reserved_once",
    ),
    "a version of the order's pool is missing": (
        {"without": ["passed"]},
        "completeness.version_missing",
    ),
    "the order is worth less than is opened": (
        bent(
            opened_order={"confirmed_delta": f.cny("2000000.00"), "confirmed": f.cny("2000000.00")}
        ),
        "completeness.pool_sum",
    ),
    "two tokens lock one order and three invoices twice over": (
        bent(locked={"tokens": [f"0x{n:064x}" for n in range(5)]}),
        "completeness.tokens",
    ),
}


@pytest.mark.parametrize("name", FRAUDS)
def test_is_caught(name):
    how, code = FRAUDS[name]
    assert failing(tell(**how))["completeness"] == code


def test_nothing_leaves_a_pool_twice():
    again = order_pool("CONVERT", "signed", ("-1.00", "-1.00"), ("-1.00", "-1.00", "0.00"))
    told = tell(steps=[("again", "pool.converted", ORDER_POOL, again)])
    assert failing(told)["completeness"] == "completeness.pool_sum"
