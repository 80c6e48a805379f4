"""A pledge of stored copper, told in events: stored, receipt issued, endorsed, pledged, a part of it released."""

from tests.golden import formats as f
from tests.golden import story

KEEPER = f.make_uscc("91500118MA5UKP004")
DEPOSITOR = f.make_uscc("91500118MA5UDP005")
LOT = f.make_id("lot", "copper")
LOT_POOL = f.make_id("cap", "copper lot")
RECEIPT = f.make_id("whr", "copper")
POOL = f.make_id("cap", "copper")
SECRET = f.sha256(b"secret of the receipt's pool")
WHOLE, PART, REST = "140.000", "20.000", "120.000"

story.PEOPLE.update(
    {
        "keeper.clerk": (story.ENTERPRISE_CA, KEEPER),
        "keeper.manager": (story.ENTERPRISE_CA, KEEPER),
        "depositor": (story.ENTERPRISE_CA, DEPOSITOR),
    }
)
story.ABOUT["issued"] = "stored"
ENDORSED = ("title", "from", "to", "keeper")
RELEASED = ("pledgee", "released", "rest", "reason")


def tonnes(text):
    return {"quantity": text, "unit": "TNE"}


STORED = {
    "keeper": KEEPER,
    "depositor": DEPOSITOR,
    "supervisor": None,
    "goods": "电解铜",
    "grade": "Cu-CATH-1",
    "packing": None,
    "marks": None,
    "warehouse": "港桥 1 号仓",
    "location": "A-12",
    "loss_standard": "0.001",
    "declared": tonnes(WHOLE),
    "units_sha256": None,
    "quantity": tonnes(WHOLE),
    "papers": [f.b64u(f.sha256(b"weighing"))],
    "pool": LOT_POOL,
    "pool_secret_sha256": f.b64u(f.sha256(b"lot")),
}
ISSUED = {
    "kind": "warehouse_receipt",
    "medium": "electronic",
    "number": "GQ-2025-0001",
    "keeper": KEEPER,
    "depositor": DEPOSITOR,
    "depositor_address": "重庆市永川区示例路 1 号",
    "holder": DEPOSITOR,
    "goods": "电解铜",
    "grade": "Cu-CATH-1",
    "quality": "Cu+Ag ≥ 99.95%",
    "packing": None,
    "pieces": None,
    "marks": None,
    "quantity": tonnes(WHOLE),
    "units_sha256": None,
    "loss_standard": "0.001",
    "warehouse": "港桥 1 号仓",
    "location": "A-12",
    "stored_from": "2025-11-03",
    "stored_until": "2026-11-02",
    "storage_fee": "每吨每日 0.60 元",
    "insurance": None,
    "issued_at": "重庆市永川区",
    "issued_on": "2025-11-03",
    "lots": [{"lot": LOT, "quantity": tonnes(WHOLE)}],
    "of": [],
    "pool": POOL,
    "pool_secret_sha256": f.b64u(f.sha256(SECRET)),
}
story.SIGNATURES.update(
    {
        "stored": [],
        "issued": [("issue", "make", "keeper.clerk"), ("issue", "check", "keeper.manager")],
        "endorsed": [("endorse", None, "depositor"), ("attest", None, "keeper.manager")],
        "part": [("release", "make", "bank.clerk"), ("release", "check", "bank.approver")],
    }
)
story.CONTENT.update({"issued": tuple(ISSUED), "endorsed": ENDORSED, "part": RELEASED})


def pool(kind, cause, deltas, sums, *, made=tonnes):
    """The record of a version of the receipt's pool, in tonnes."""
    names = ("confirmed_delta", "used_delta", "confirmed", "used", "shortfall")
    values = dict(zip(names, map(made, (*deltas, *sums)), strict=True))
    return lambda teller: {
        "asset": RECEIPT,
        "kind": kind,
        **values,
        "cause": f.b64u(teller.steps[cause].hash if isinstance(cause, str) else cause),
        "holder": story.BANK,
    }


def _endorsed(teller):
    return {
        "title": f.b64u(teller.steps["issued"].hash),
        "from": DEPOSITOR,
        "to": story.SUPPLIER,
        "keeper": KEEPER,
    }


def _terms(teller):
    return {
        "pledgor": story.SUPPLIER,
        "pledgee": story.BANK,
        "receivable_event": f.b64u(teller.steps["endorsed"].hash),
        "pool": POOL,
        "amount": tonnes(WHOLE),
        "principal": {
            "contract_sha256": f.b64u(f.sha256(b"contract")),
            "amount": f.cny("7000000.00"),
            "rate": "0.0435",
            "due_on": "2026-05-03",
        },
    }


def _accepted(teller):
    return {**_terms(teller), "signed_event": f.b64u(teller.steps["signed"].hash)}


PART_RELEASED = {
    "pledgee": story.BANK,
    "released": tonnes(PART),
    "rest": tonnes(REST),
    "reason": "补货后释放",
}
_LOCKED = {**story._RECORDS["locked"](None), "tokens": ["0x" + "0f" * 32]}
STEPS = (
    ("stored", "lot.stored", LOT, STORED),
    ("issued", "receipt.issued", RECEIPT, ISSUED),
    ("opened", "pool.opened", POOL, pool("OPEN", "issued", (WHOLE, "0.000"), (WHOLE, "0.000", "0.000"))),
    ("endorsed", "receipt.endorsed", RECEIPT, _endorsed),
    ("proposed", "pledge.proposed", story.PLEDGE, _terms),
    ("signed", "pledge.signed", story.PLEDGE, _terms),
    ("accepted", "pledge.accepted", story.PLEDGE, _accepted),
    ("reserved", "pool.reserved", POOL, pool("RESERVE", "signed", ("0.000", WHOLE), (WHOLE, WHOLE, "0.000"))),
    ("registered", "pledge.registered", story.PLEDGE, story._RECORDS["registered"]),
    ("locked", "pledge.locked", story.PLEDGE, _LOCKED),
    ("part", "pledge.part_released", story.PLEDGE, PART_RELEASED),
    ("given", "pool.released", POOL, pool("RELEASE", "part", ("0.000", "-" + PART), (WHOLE, REST, "0.000"))),
    ("left", "pool.delivered", POOL, pool("DELIVER", f.sha256(b"delivered"), ("-" + PART, "0.000"), (REST, REST, "0.000"))),
)  # fmt: skip
HIDDEN_STEPS = ("stored", "proposed")
"""Logged, and not in the file."""


def tell(*, without=(), steps=(), **bent):
    """Tell it, bent where asked; `steps` are more of them, `without` are left out of the file."""
    secrets = {name: f.sha256(name.encode()) for name in (LOT, RECEIPT)} | {POOL: SECRET}
    teller = story._Teller(
        story.Bent(secret={**secrets, **bent.pop("secret", {})}, noise=3, **bent)
    )
    for name, type_, subject, record in (*STEPS, *steps):
        teller.add(name, type_=type_, subject=subject, record=record)
    shown = [name for name in teller.steps if name not in (*HIDDEN_STEPS, *without)]
    return story._written(teller, shown)
