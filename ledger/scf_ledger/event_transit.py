"""The fields of goods on their way: consignments, what happened to them, and the bills of carriers and keepers."""

import re
from collections.abc import Mapping
from typing import Any

from scf_ledger import shapes as s
from scf_ledger.shapes import Shape, nullable

_DEGREE = re.compile(r"-?(0|[1-9][0-9]{0,2})\.[0-9]{6}", re.ASCII)


def _is_degree(value: Any) -> bool:
    """Degrees with six decimals, as devices say them."""
    return type(value) is str and _DEGREE.fullmatch(value) is not None


_POINT = {"lat": _is_degree, "lon": _is_degree}
MODES = ("road", "rail", "river", "multimodal")
ROLES = ("broker", "guarantor", "principal")
CONSIGNMENT: Mapping[str, Shape] = {
    "receipt": s.is_public_id,
    "title": s.is_digest,
    "holder": s.is_uscc,
    "keeper": s.is_uscc,
    "carrier": s.is_uscc,
    "pledgees": s.array_of(s.is_uscc),
    "quantity": s.is_quantity,
    "waybill_no": s.is_text,
    "mode": s.one_of(*MODES),
    "vehicles": s.array_of(s.is_text, least=1),
    "device": nullable(s.is_public_id),
    "route": s.array_of(s.object_of(place=s.is_text, at=s.is_instant, **_POINT), least=2),
    "fence": s.object_of(
        kind=s.one_of("polygon", "corridor"),
        points=s.array_of(s.object_of(**_POINT), least=2),
        tolerance=s.is_count,
    ),
    "halt_minutes": s.is_count,
    "destination": s.object_of(
        kind=s.one_of("warehouse", "buyer"), party=s.is_uscc, address=s.is_text
    ),
    "freight_rate": s.is_money,
    "role": s.object_of(
        kind=s.one_of(*ROLES), amount=nullable(s.is_money), fee_rate=nullable(s.is_rate)
    ),
}
"""What everybody concerned signs of goods that are to travel.

`title` is the issue or endorsement by which the holder has the receipt; `tolerance` is in metres; `freight_rate` is
for one whole unit of what arrives. `role` is what the carrier is to the deal that the goods secure: a broker, the
guarantor of so much, or a lender of so much of its own.
"""
DISPATCHED: Mapping[str, Shape] = {
    **CONSIGNMENT,
    "lots": s.array_of(s.object_of(lot=s.is_public_id, quantity=s.is_quantity), least=1),
}
"""`lots` is what was taken over, of which lots: together the quantity."""
ALARMED: Mapping[str, Shape] = {
    "alarm": s.one_of("left_fence", "standing", "seal_open"),
    "seen_at": s.is_instant,
    **_POINT,
    "source": s.is_text,
}
CLEARED: Mapping[str, Shape] = {"party": s.is_uscc, "reason": s.is_text}
ARRIVED: Mapping[str, Shape] = {
    "relocated": s.is_digest,
    "quantity": s.is_quantity,
    "lost": s.is_quantity,
}
"""`relocated` is the receipt's own event, which the new keeper signed."""
HANDED_OUT: Mapping[str, Shape] = {
    "consignment": s.is_public_id,
    "receipt": s.is_public_id,
    "holder": s.is_uscc,
    "carrier": s.is_uscc,
    "consignee": s.is_uscc,
    "quantity": s.is_quantity,
    "papers": s.array_of(s.is_digest, least=1),
}
"""Handed to the buyer, free of every pledge; `papers` are the proof of delivery (签收单)."""
RELOCATED: Mapping[str, Shape] = {
    "consignment": s.is_public_id,
    "title": s.is_digest,
    "carrier": s.is_uscc,
    "keeper_before": s.is_uscc,
    "keeper": s.is_uscc,
    "warehouse": s.is_text,
    "location": s.is_text,
    "lot": s.is_public_id,
    "carried": s.is_quantity,
    "quantity": s.is_quantity,
    "lost": s.is_quantity,
}
"""A receipt whose goods lie at another keeper's now: `quantity` was weighed there, `lost` is what is missing of `carried`."""

TARIFF: Mapping[str, Shape] = {
    "parties": s.array_of(s.is_uscc, least=2),
    "keeper": s.is_uscc,
    "client": s.is_uscc,
    "rate": s.is_money,
    "unit": s.one_of(*s.QUANTITIES),
    "payment_days": s.is_count,
    "first_on": s.is_date,
    "last_on": nullable(s.is_date),
}
"""What a keeper and its client agree on for storing: `rate` for a whole unit and a day; `last_on` null for ever.

`payment_days` is how many days a bill gives at least.
"""
BILL_ITEM = s.object_of(
    receipt=s.is_public_id,
    consignment=nullable(s.is_public_id),
    first_on=nullable(s.is_date),
    last_on=nullable(s.is_date),
    quantity=s.is_quantity,
    rate=s.is_money,
    amount=s.is_money,
)
BILL: Mapping[str, Shape] = {
    "kind": s.one_of("freight", "storage", "claim"),
    "payee": s.is_uscc,
    "payer": s.is_uscc,
    "number": s.is_text,
    "due_on": s.is_date,
    "pay_to": s.map_of(s.is_text),
    "items": s.array_of(BILL_ITEM, least=1),
    "total": s.is_money,
}
"""What a carrier bills for a journey, a keeper for days of storage, or a holder for goods lost on the way.

`quantity` is what arrived, what was lost, or units times days; `rate` for a whole one of them.
"""
ENTERED: Mapping[str, Shape] = {
    **BILL,
    "tolerance_bps": s.is_count,
    "tolerance": s.is_money,
    "matches": s.array_of(
        s.object_of(
            quantity=s.is_quantity,
            rate=s.is_money,
            expected=s.is_money,
            by_quantity=s.is_money,
            by_rate=s.is_money,
            by_sum=s.is_money,
            within=s.is_flag,
        ),
        least=1,
    ),
}
"""A bill held to the agreement and the book, item by item: `expected` and the differences add up to the amount billed."""
ANSWERED: Mapping[str, Shape] = {
    "payee": s.is_uscc,
    "payer": s.is_uscc,
    "number": s.is_text,
    "answers": s.array_of(
        s.object_of(item=s.is_count, accepted=s.is_money, reason=nullable(s.is_text)), least=1
    ),
    "accepted": s.is_money,
}
"""What the payer accepts of each item, counted from 1; the rest is disputed for a reason."""
INSTRUCTED: Mapping[str, Shape] = {
    "settlement": s.is_public_id,
    "order": nullable(s.is_public_id),
    "amount": s.is_money,
    "owed": s.is_money,
    "set_off": s.is_money,
    "net": s.is_money,
}
"""`amount` of this bill is settled with others: `owed` by who pays less `set_off` of its own is `net`, in one order."""
SETTLED: Mapping[str, Shape] = {
    "settlement": s.is_public_id,
    "parts": s.array_of(s.object_of(item=s.is_count, amount=s.is_money), least=1),
    "amount": s.is_money,
    "receipt_no": nullable(s.is_text),
    "on": s.is_date,
}
"""What was paid of a bill, or came back; `receipt_no` the bank's, null where set-off left nothing to pay."""
