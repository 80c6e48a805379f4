"""Reading what banks told, and what went to another account than the one named."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.kernel.money import Money
from scf.receivables.models import PaymentReversal, Receivable, ReceivablePayment
from scf.settlement.models import BankEntry, EntryState


def entries(
    session: Session, bank_id: UUID, *, state: EntryState | None, after: UUID | None, size: int
) -> Sequence[BankEntry]:
    """Return a bank's entries, oldest first; those UNMATCHED are its work list."""
    statement = select(BankEntry).where(BankEntry.bank_id == bank_id)
    if state is not None:
        statement = statement.where(BankEntry.state == state)
    if after is not None:
        statement = statement.where(BankEntry.id > after)
    return session.scalars(statement.order_by(BankEntry.id).limit(size)).all()


def newest_entries(
    session: Session, bank_id: UUID, *, state: EntryState | None, size: int
) -> Sequence[BankEntry]:
    """Return a bank's newest entries, the newest first."""
    statement = select(BankEntry).where(BankEntry.bank_id == bank_id)
    if state is not None:
        statement = statement.where(BankEntry.state == state)
    return session.scalars(statement.order_by(BankEntry.id.desc()).limit(size)).all()


def astray(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> list[tuple[ReceivablePayment, Receivable, Money]]:
    """Return payments to other accounts than the one named, and what is left of each, oldest first.

    Creditor and debtor see theirs; a bank those of claims that it encumbers, or whose account it keeps.
    """
    gone = (
        select(func.coalesce(func.sum(PaymentReversal.amount_minor), 0))
        .where(PaymentReversal.payment_id == ReceivablePayment.id)
        .correlate(ReceivablePayment)
        .scalar_subquery()
    )
    held = select(PoolEntry.pool_id).where(PoolEntry.party_id == party_id)
    statement = (
        select(ReceivablePayment, Receivable, gone)
        .join(Receivable, Receivable.id == ReceivablePayment.receivable_id)
        .where(
            ReceivablePayment.to_named_account.is_(False),
            or_(
                Receivable.creditor_id == party_id,
                Receivable.debtor_id == party_id,
                Receivable.viewers.contains([party_id]),
                Receivable.pool_id.in_(held),
            ),
        )
    )
    if after is not None:
        statement = statement.where(ReceivablePayment.id > after)
    rows = session.execute(statement.order_by(ReceivablePayment.id).limit(size))
    return [
        (payment, receivable, Money(payment.amount_minor - int(minor), payment.currency))
        for payment, receivable, minor in rows
    ]
