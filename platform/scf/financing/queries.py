"""Reading financings, their contracts and receipts."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.financing import permissions, rules
from scf.financing.models import (
    Contract,
    Financing,
    FinancingReceipt,
    ReceiptKind,
    State,
)
from scf.financing.permissions import Action
from scf.financing.rules import Loan, Owed, Payment
from scf.kernel.money import Money, parse_rate
from scf.receivables.models import Receivable


def visible(session: Session, party_id: UUID, financing_id: UUID) -> Financing:
    """Return a financing that this party is in. Raises SubjectNotFound."""
    financing = session.get(Financing, financing_id)
    if financing is None:
        raise SubjectNotFound
    permissions.require(financing, party_id, Action.VIEW)
    return financing


def page(
    session: Session,
    party_id: UUID,
    *,
    after: UUID | None,
    size: int,
    state: State | None = None,
) -> Sequence[Financing]:
    """Return the financings that a party is in, oldest first."""
    statement = (
        select(Financing)
        .where(or_(Financing.borrower_id == party_id, Financing.lender_id == party_id))
        .order_by(Financing.id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(Financing.id > after)
    if state is not None:
        statement = statement.where(Financing.state == state)
    return session.scalars(statement).all()


def contract(session: Session, party_id: UUID, financing_id: UUID) -> bytes:
    """Return the text of the contract that was offered. Raises SubjectNotFound."""
    financing = visible(session, party_id, financing_id)
    if financing.contract_sha256 is None:
        raise SubjectNotFound
    return session.get_one(Contract, financing.contract_sha256).body


def receipt(session: Session, lender_id: UUID, receipt_no: str) -> FinancingReceipt | None:
    """Return what a bank reported under a receipt number."""
    return session.scalar(
        select(FinancingReceipt).where(
            FinancingReceipt.lender_id == lender_id, FinancingReceipt.receipt_no == receipt_no
        )
    )


def receipts(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[FinancingReceipt]]:
    """Return the receipts of some financings, in the order reported."""
    found: dict[UUID, list[FinancingReceipt]] = {identity: [] for identity in ids}
    statement = (
        select(FinancingReceipt)
        .where(FinancingReceipt.financing_id.in_(found))
        .order_by(FinancingReceipt.id)
    )
    for row in session.scalars(statement):
        found[row.financing_id].append(row)
    return found


def loan(financing: Financing) -> Loan | None:
    """Return the loan that was paid out, None before."""
    if financing.disbursed_on is None:
        return None
    assert financing.rate is not None
    assert financing.day_count is not None
    return Loan(
        financing.amount,
        parse_rate(financing.rate),
        financing.day_count,
        financing.disbursed_on,
    )


def payments(financing: Financing, rows: Iterable[FinancingReceipt]) -> list[Payment]:
    """Return the repayments among receipts."""
    return [
        Payment(row.on, financing.money(row.amount_minor))
        for row in rows
        if row.kind is ReceiptKind.REPAYMENT
    ]


def owed(financing: Financing, rows: Iterable[FinancingReceipt], on: date) -> Owed | None:
    """Return what is owed on a day, None before the disbursement."""
    paid_out = loan(financing)
    return None if paid_out is None else rules.owed(paid_out, payments(financing, rows), on)


def remainders(session: Session, financings: Iterable[Financing]) -> dict[UUID, Money]:
    """Return, of what the debtors have paid, what repaid loans leave to their borrowers.

    Nothing where the bank took the claim without recourse: the surplus is its own (Civil Code 767).
    """
    over = (State.REPAID, State.CLOSED)
    repaid = [one for one in financings if one.state in over and not one.taken.surplus_is_holders]
    wanted = select(Receivable.id, Receivable.paid_minor).where(
        Receivable.id.in_({one.receivable_id for one in repaid})
    )
    paid: dict[UUID, int] = {row[0]: row[1] for row in session.execute(wanted)}
    return {one.id: one.money(max(paid[one.receivable_id] - one.repaid_minor, 0)) for one in repaid}
