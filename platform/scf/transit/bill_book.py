"""What the book says of what is billed: how much arrived or was lost on a journey, what lay at a keeper's day by day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.kernel.clock import start_of
from scf.kernel.quantity import Quantity
from scf.receipts.models import WarehouseReceipt
from scf.stock.models import Lot
from scf.transit import bill_rules
from scf.transit.models import Consignment, State

ENDED = (State.ARRIVED, State.DELIVERED)
Changes: TypeAlias = Sequence[tuple[datetime, int]]


def changes(session: Session, receipt: WarehouseReceipt, keeper_id: UUID) -> Changes:
    """Return what came to a receipt's goods at a keeper's, or went, by instant: what its lots' pools hold for it.

    In the smallest part of the receipt's unit; nothing where none of it ever lay there.
    """
    entries = (
        select(PoolEntry.entered_at, PoolEntry.used_delta_minor)
        .join(Lot, Lot.pool_id == PoolEntry.pool_id)
        .where(
            Lot.keeper_id == keeper_id,
            PoolEntry.holder_id == receipt.id,
            PoolEntry.used_delta_minor != 0,
        )
    )
    return [(entered_at, minor) for entered_at, minor in session.execute(entries)]


def unit_days(receipt: WarehouseReceipt, moved: Changes, first_on: date, last_on: date) -> Quantity:
    """Return the sum over days of what lay there when the day ended, in the receipt's unit.

    Raises `quantity.invalid` where that is more than a quantity can be.
    """
    days = bill_rules.days_of(first_on, last_on)
    ends = [start_of(day + timedelta(days=1)) for day in days]
    return receipt.measure(bill_rules.unit_days(ends, moved))


def arrived(consignment: Consignment) -> Quantity:
    """Return what a journey that is over brought to its end: nothing of one that is not."""
    over = consignment.state in ENDED
    return consignment.measure((consignment.arrived_minor or 0) if over else 0)


def lost(consignment: Consignment) -> Quantity:
    """Return what is missing of a journey that is over."""
    if consignment.state not in ENDED:
        return consignment.measure(0)
    return consignment.quantity - arrived(consignment)
