"""Reading receipts and what is asked of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.evidence.service import SubjectNotFound
from scf.receipts.models import (
    Division,
    Endorsement,
    ReceiptLot,
    Restraint,
    WarehouseReceipt,
    Withdrawal,
)
from scf.stock.models import Lot


def visible(session: Session, party_id: UUID, receipt_id: UUID) -> WarehouseReceipt:
    """Return a receipt that this party has a part in, took a part of in pledge, or supervises the goods of.

    Raises SubjectNotFound.
    """
    supervised = exists().where(
        ReceiptLot.receipt_id == WarehouseReceipt.id,
        ReceiptLot.lot_id == Lot.id,
        Lot.supervisor_id == party_id,
    )
    took_part = exists().where(
        PoolEntry.pool_id == WarehouseReceipt.pool_id, PoolEntry.party_id == party_id
    )
    own = or_(
        WarehouseReceipt.keeper_id == party_id,
        WarehouseReceipt.holder_id == party_id,
        WarehouseReceipt.depositor_id == party_id,
        took_part,
        supervised,
    )
    receipt = session.scalar(select(WarehouseReceipt).where(WarehouseReceipt.id == receipt_id, own))
    if receipt is None:
        raise SubjectNotFound
    return receipt


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[WarehouseReceipt]:
    """Return the receipts that a party has a part in, oldest first."""
    own = or_(
        WarehouseReceipt.keeper_id == party_id,
        WarehouseReceipt.holder_id == party_id,
        WarehouseReceipt.depositor_id == party_id,
    )
    statement = select(WarehouseReceipt).where(own).order_by(WarehouseReceipt.id).limit(size)
    if after is not None:
        statement = statement.where(WarehouseReceipt.id > after)
    return session.scalars(statement).all()


def on_lot(session: Session, lot_id: UUID) -> Sequence[WarehouseReceipt]:
    """Return the receipts that still have goods in a lot, in id order."""
    return session.scalars(
        select(WarehouseReceipt)
        .join(ReceiptLot)
        .where(ReceiptLot.lot_id == lot_id, ReceiptLot.quantity_minor > 0)
        .order_by(WarehouseReceipt.id)
    ).all()


def pledged_to(party_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a party holds a part of a receipt's goods now."""
    held = (
        select(PoolEntry.pool_id)
        .where(PoolEntry.pool_id == WarehouseReceipt.pool_id, PoolEntry.party_id == party_id)
        .group_by(PoolEntry.pool_id, PoolEntry.holder_id)
    )
    return held.having(func.sum(PoolEntry.used_delta_minor) > 0).exists()


def lies_in_lot(whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that goods of such a receipt lie in a lot."""
    return exists().where(
        ReceiptLot.lot_id == Lot.id,
        ReceiptLot.receipt_id == WarehouseReceipt.id,
        ReceiptLot.quantity_minor > 0,
        whose,
    )


def withdrawals(session: Session, receipt_id: UUID) -> Sequence[Withdrawal]:
    """Return what was asked for of a receipt, oldest first."""
    found = select(Withdrawal).where(Withdrawal.receipt_id == receipt_id)
    return session.scalars(found.order_by(Withdrawal.ordered_at, Withdrawal.id)).all()


def restraints(session: Session, receipt_id: UUID) -> Sequence[Restraint]:
    """Return what stands or stood against a receipt, oldest first."""
    found = select(Restraint).where(Restraint.receipt_id == receipt_id)
    return session.scalars(found.order_by(Restraint.id)).all()


def endorsements(session: Session, receipt_id: UUID) -> Sequence[Endorsement]:
    """Return how a receipt was passed on or handed in, oldest first; what was taken back too."""
    found = select(Endorsement).where(Endorsement.receipt_id == receipt_id)
    return session.scalars(found.order_by(Endorsement.id)).all()


def divisions(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[Division]:
    """Return the divisions that a party asked for or carries out, oldest first."""
    own = or_(Division.holder_id == party_id, Division.keeper_id == party_id)
    statement = select(Division).where(own).order_by(Division.id).limit(size)
    if after is not None:
        statement = statement.where(Division.id > after)
    return session.scalars(statement).all()
