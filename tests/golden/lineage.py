"""A pledge of an order that is taken along into the claim, told in events: ordered, pledged, claimed, converted."""

from tests.golden import formats as f
from tests.golden import story

ORDER = f.make_id("stg", "order")
ORDER_POOL = f.make_id("cap", "order")
SECRET = f.sha256(b"secret of the order's pool")
PLEDGED = "870000.00"
WHOLE = "1245000.00"

PAPER = {
    "kind": "order",
    "seller": story.SUPPLIER,
    "buyer": story.CAR_MAKER,
    "number": "PO-2025-0117",
    "issued_on": "2025-09-01",
    "original_sha256": f.b64u(f.sha256(b"order")),
}
UNDERTAKEN = {
    **PAPER,
    "due_on": "2025-12-19",
    "confirmed": f.cny(WHOLE),
    "pool": ORDER_POOL,
    "pool_secret_sha256": f.b64u(f.sha256(SECRET)),
}


def order_pool(kind, cause, deltas, sums):
    """The record of a version of the order's pool."""
    made = story.pool(kind, cause, deltas, sums)
    return lambda teller: {**made(teller), "asset": ORDER}


def _terms(teller):
    return {
        "pledgor": story.SUPPLIER,
        "pledgee": story.BANK,
        "receivable_event": f.b64u(teller.steps["undertaken"].hash),
        "pool": ORDER_POOL,
        "amount": f.cny(PLEDGED),
        "principal": {
            "contract_sha256": f.b64u(f.sha256(b"contract")),
            "amount": f.cny("700000.00"),
            "rate": "0.0385",
            "due_on": "2025-12-30",
        },
    }


def _accepted(teller):
    return {**_terms(teller), "signed_event": f.b64u(teller.steps["signed"].hash)}


FREE = "375000.00"
_LOCKED = {**story._RECORDS["locked"](None), "tokens": ["0x" + "0f" * 32]}
STEPS = (
    ("ordered", "stage.registered", ORDER, PAPER),
    ("undertaken", "stage.confirmed", ORDER, UNDERTAKEN),
    (
        "opened_order", "pool.opened", ORDER_POOL,
        order_pool("OPEN", "undertaken", (WHOLE, "0.00"), (WHOLE, "0.00", "0.00")),
    ),
    ("proposed", "pledge.proposed", story.PLEDGE, _terms),
    ("signed", "pledge.signed", story.PLEDGE, _terms),
    ("accepted", "pledge.accepted", story.PLEDGE, _accepted),
    (
        "reserved", "pool.reserved", ORDER_POOL,
        order_pool("RESERVE", "signed", ("0.00", PLEDGED), (WHOLE, PLEDGED, "0.00")),
    ),
    ("registered", "pledge.registered", story.PLEDGE, story._RECORDS["registered"]),
    ("locked", "pledge.locked", story.PLEDGE, _LOCKED),
    ("submitted", "receivable.submitted", story.RECEIVABLE, story._RECORDS["submitted"]),
    ("confirmed", "receivable.confirmed", story.RECEIVABLE, story._RECORDS["confirmed"]),
    ("opened", "pool.opened", story.POOL, story._RECORDS["opened"]),
    (
        "carried", "pool.carried", story.POOL,
        story.pool("CARRY", "reserved", ("0.00", PLEDGED), (WHOLE, PLEDGED, "0.00")),
    ),
    (
        "passed", "pool.converted", ORDER_POOL,
        order_pool("CONVERT", "opened", ("-" + FREE, "0.00"), (PLEDGED, PLEDGED, "0.00")),
    ),
    (
        "given_up", "pool.carried", story.POOL,
        story.pool("CARRY", "signed", ("0.00", "-" + PLEDGED), (WHOLE, "0.00", "0.00")),
    ),
    (
        "left", "pool.converted", ORDER_POOL,
        order_pool(
            "CONVERT", "signed", ("-" + PLEDGED, "-" + PLEDGED), ("0.00", "0.00", "0.00")
        ),
    ),
    (
        "arrived", "pool.converted", story.POOL,
        story.pool("CONVERT", "left", ("0.00", PLEDGED), (WHOLE, PLEDGED, "0.00")),
    ),
)  # fmt: skip
HIDDEN_STEPS = ("ordered", "proposed", "submitted")
"""Logged, and not in the file."""


def tell(*, without=(), steps=(), **bent):
    """Tell it, bent where asked; `steps` are more of them, `without` are left out of the file."""
    secrets = {ORDER: f.sha256(b"order"), ORDER_POOL: SECRET, **bent.pop("secret", {})}
    teller = story._Teller(story.Bent(secret=secrets, noise=3, **bent))
    for name, type_, subject, record in (*STEPS, *steps):
        teller.add(name, type_=type_, subject=subject, record=record)
    shown = [name for name in teller.steps if name not in (*HIDDEN_STEPS, *without)]
    return story._written(teller, shown)
