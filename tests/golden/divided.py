"""A pledge of stored copper whose receipt is split, told in events: pledged, divided with the bank's consent, taken along."""

from tests.golden import formats as f
from tests.golden import stored, story
from tests.golden.stored import KEEPER, LOT, WHOLE, tonnes

PARTS = {"one": "80.000", "two": "60.000"}
RECEIPTS = {name: f.make_id("whr", name) for name in PARTS}
POOLS = {name: f.make_id("cap", name) for name in PARTS}
SECRETS = {name: f.sha256(name.encode() + b"'s pool") for name in PARTS}
NUMBERS = {"one": "GQ-2025-0001-1", "two": "GQ-2025-0001-2"}
ZERO = "0.000"

DIVIDED = {
    "holder": story.SUPPLIER,
    "keeper": KEEPER,
    "pledgees": [story.BANK],
    "of": [stored.RECEIPT],
    "into": [{"number": NUMBERS[one], "quantity": tonnes(PARTS[one])} for one in PARTS],
}
_BY_THE_KEEPER = [("issue", "make", "keeper.clerk"), ("issue", "check", "keeper.manager")]
story.SIGNATURES.update(
    {
        "divided": [
            ("divide", None, "supplier"),
            ("consent", "make", "bank.clerk"),
            ("consent", "check", "bank.approver"),
        ],
        **{f"issued_{one}": _BY_THE_KEEPER for one in PARTS},
    }
)
story.ABOUT.update({f"issued_{one}": "stored" for one in PARTS})
story.CONTENT.update(
    {"divided": tuple(DIVIDED), **{f"issued_{one}": tuple(stored.ISSUED) for one in PARTS}}
)


def issued(one):
    """The issue of one of the new receipts."""
    return {
        **stored.ISSUED,
        "number": NUMBERS[one],
        "holder": story.SUPPLIER,
        "quantity": tonnes(PARTS[one]),
        "lots": [{"lot": LOT, "quantity": tonnes(PARTS[one])}],
        "of": [stored.RECEIPT],
        "pool": POOLS[one],
        "pool_secret_sha256": f.b64u(f.sha256(SECRETS[one])),
    }


def pool(one, kind, cause, deltas, sums):
    """The record of a version of a new receipt's pool."""
    made = stored.pool(kind, cause, deltas, sums)
    return lambda teller: {**made(teller), "asset": RECEIPTS[one]}


def _opened(one):
    part = PARTS[one]
    told = pool(one, "OPEN", f"issued_{one}", (part, ZERO), (part, ZERO, ZERO))
    return (
        (f"issued_{one}", "receipt.issued", RECEIPTS[one], issued(one)),
        (f"opened_{one}", "pool.opened", POOLS[one], told),
    )


def _taken_along(one, left):
    """What is held goes along: carried, given up, gone from the old pool, there in the new one."""
    part, minus = PARTS[one], "-" + PARTS[one]
    whole, gone = (part, part, ZERO), stored.pool(
        "CONVERT", "signed", (minus, minus), (left, left, ZERO)
    )  # fmt: skip
    return (
        (f"carried_{one}", "pool.carried", POOLS[one], pool(one, "CARRY", "reserved", (ZERO, part), whole)),
        (f"given_up_{one}", "pool.carried", POOLS[one], pool(one, "CARRY", "signed", (ZERO, minus), (part, ZERO, ZERO))),
        (f"left_{one}", "pool.converted", stored.POOL, gone),
        (f"arrived_{one}", "pool.converted", POOLS[one], pool(one, "CONVERT", f"left_{one}", (ZERO, part), whole)),
    )  # fmt: skip


STEPS = (
    *stored.STEPS[: [step[0] for step in stored.STEPS].index("part")],
    ("divided", "receipt.divided", stored.RECEIPT, DIVIDED),
    *_opened("one"),
    *_opened("two"),
    *_taken_along("one", PARTS["two"]),
    *_taken_along("two", ZERO),
)
assert WHOLE == "140.000", "the parts are the whole"


def tell(*, without=(), steps=STEPS, **bent):
    """Tell it, bent where asked; `without` are left out of the file."""
    secrets = {name: f.sha256(name.encode()) for name in (LOT, stored.RECEIPT, *RECEIPTS.values())}
    secrets |= {stored.POOL: stored.SECRET} | {POOLS[one]: SECRETS[one] for one in PARTS}
    teller = story._Teller(
        story.Bent(secret={**secrets, **bent.pop("secret", {})}, noise=3, **bent)
    )
    for name, type_, subject, record in steps:
        teller.add(name, type_=type_, subject=subject, record=record)
    hidden = (*stored.HIDDEN_STEPS, *without)
    return story._written(teller, [name for name in teller.steps if name not in hidden])
