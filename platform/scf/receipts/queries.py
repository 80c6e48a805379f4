"""Reading receipts and what is asked of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.receipts import permissions
from scf.receipts.models import ReceiptLot, WarehouseReceipt, Withdrawal
from scf.receipts.permissions import Action


def visible(session: Session, party_id: UUID, receipt_id: UUID) -> WarehouseReceipt:
    """Return a receipt that this party has a part in. Raises SubjectNotFound."""
    receipt = session.get(WarehouseReceipt, receipt_id)
    if receipt is None:
        raise SubjectNotFound
    permissions.require(receipt, party_id, Action.VIEW)
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


def withdrawals(session: Session, receipt_id: UUID) -> Sequence[Withdrawal]:
    """Return what was asked for of a receipt, oldest first."""
    found = select(Withdrawal).where(Withdrawal.receipt_id == receipt_id)
    return session.scalars(found.order_by(Withdrawal.ordered_at, Withdrawal.id)).all()
