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
