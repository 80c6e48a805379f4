"""Receipts over goods that were found not to be as the book says: disputed at once, settled when that is lifted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.receipts import restraining
from scf.receipts.models import (
    ENDS,
    Basis,
    Restraint,
    RestraintKind,
    State,
    WarehouseReceipt,
)
from scf.receipts.restraining import Reason


def dispute(
    session: Session,
    ids: Iterable[UUID],
    *,
    reason: str,
    fields: dict[str, Any],
    now: datetime,
) -> list[WarehouseReceipt]:
    """Dispute receipts that can be; nothing leaves, and whoever holds a part is told in the same transaction.

    `fields` are what the notices say. Returns those that are disputed now, by this or before; locked in id order.
    """
    receipts = evidence.lock_all(session, WarehouseReceipt, ids).values()
    counted = Reason(RestraintKind.DISPUTE, Basis.COUNT, reason)
    for receipt in receipts:
        if receipt.state not in ENDS and not _counted(session, receipt):
            restraining.place(session, receipt, counted, fields=fields, actor=None, now=now)
    return [receipt for receipt in receipts if receipt.state is State.DISPUTED]


def settle(
    session: Session, ids: Iterable[UUID], *, reason: str, fields: dict[str, Any], now: datetime
) -> list[WarehouseReceipt]:
    """Give disputed receipts back their effect, where nothing else stands against them."""
    settled = []
    for receipt in evidence.lock_all(session, WarehouseReceipt, ids).values():
        own = _counted(session, receipt)
        if own:
            restraining.lift(session, receipt, own, reason, fields=fields, actor=None, now=now)
            settled.append(receipt)
    return settled


def _counted(session: Session, receipt: WarehouseReceipt) -> list[Restraint]:
    """Return what counts and readings have against a receipt."""
    return [
        one
        for one in restraining.standing(session, receipt.id)
        if one.kind is RestraintKind.DISPUTE and one.basis is Basis.COUNT
    ]
