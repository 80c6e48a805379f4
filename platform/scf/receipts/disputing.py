"""Receipts over goods that were found not to be as the book says: disputed at once, settled when that is lifted."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.evidence import service as evidence
from scf.receipts import delivering
from scf.receipts.models import TRANSITIONS, State, WarehouseReceipt

MOVED: Final = "receipt.moved"


def pledgees(session: Session, receipts: Iterable[WarehouseReceipt]) -> list[UUID]:
    """Return who holds a part of these receipts' goods, whom what happens to them is told."""
    found = {
        holding.party_id
        for receipt in receipts
        for holding in pools.holdings(session, receipt.pool_id)
        if holding.minor > 0
    }
    return sorted(party for party in found if party is not None)


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
    for receipt in receipts:
        if State.DISPUTED in TRANSITIONS[receipt.state]:
            _move(session, receipt, State.DISPUTED, reason=reason, now=now)
            delivering.alarm(session, receipt, "receipt.disputed", fields, now=now)
    return [receipt for receipt in receipts if receipt.state is State.DISPUTED]


def settle(
    session: Session, ids: Iterable[UUID], *, reason: str, fields: dict[str, Any], now: datetime
) -> list[WarehouseReceipt]:
    """Give disputed receipts back their effect."""
    settled = []
    for receipt in evidence.lock_all(session, WarehouseReceipt, ids).values():
        if receipt.state is State.DISPUTED:
            _move(session, receipt, State.ACTIVE, reason=reason, now=now)
            delivering.alarm(session, receipt, "receipt.settled", fields, now=now)
            settled.append(receipt)
    return settled


def _move(
    session: Session, receipt: WarehouseReceipt, to: State, *, reason: str, now: datetime
) -> None:
    told: Collection[UUID] = {*receipt.parties, *pledgees(session, [receipt])}
    receipt.move(to, now=now, reason=None if to is State.ACTIVE else reason)
    record = {"state": to.value, "reason": reason}
    evidence.append(session, receipt, MOVED, record, now=now, actor=None, parties=told)
