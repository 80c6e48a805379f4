"""What a financing asks and tells the desk of its bank; a bank that configured no steps is not held up."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from scf.approvals import gates
from scf.approvals import service as approvals
from scf.approvals.gates import Gate
from scf.approvals.rules import Loan
from scf.financing.models import Financing
from scf.registrations import tasks as registration_tasks
from scf.tasks.models import State as TaskState


def opened(session: Session, financing: Financing, *, now: datetime) -> None:
    """Have the bank's case begin with the request."""
    asked = approvals.Asked(
        financing.id,
        financing.lender_id,
        financing.receivable_id,
        financing.requested,
        financing.requested_days,
    )
    approvals.open_case(session, asked, now=now)


def offered(session: Session, financing: Financing, *, now: datetime) -> None:
    """Pass the gate with the terms that were signed, and tell the case."""
    loan = loan_of(financing)
    gates.gate(session, loan, Gate.OFFER, now=now)
    gates.offered(session, loan, now=now)
    _decided(session, financing, now=now)


def require_clearing(
    session: Session, financing: Financing, *, now: datetime
) -> list[dict[str, Any]]:
    """Return the conditions before paying as they hold. Raises what the gate raises."""
    return gates.gate(session, loan_of(financing), Gate.DISBURSE, now=now)


def lent(
    session: Session,
    financing: Financing,
    *,
    on: date,
    conditions: list[dict[str, Any]],
    now: datetime,
) -> None:
    """Tell the case that the money was paid."""
    gates.lent(session, loan_of(financing), on=on, conditions=conditions, now=now)
    _decided(session, financing, now=now)


def extended(session: Session, financing: Financing, *, due_on_before: date, now: datetime) -> None:
    """Tell the case that the loan is due later."""
    assert financing.due_on is not None
    gates.extended(
        session, financing.id, due_on=financing.due_on, due_on_before=due_on_before, now=now
    )


def finished(session: Session, financing: Financing, *, now: datetime) -> None:
    """Tell the case that the loan is repaid, or is not going to happen."""
    reason = financing.reason or financing.state.value
    gates.finished(session, financing.id, reason=reason, now=now)
    _decided(session, financing, now=now)


def _decided(session: Session, financing: Financing, *, now: datetime) -> None:
    """Let go of what the bank was to look up itself before it decided."""
    registration_tasks.done_unlinked(session, financing.id, now=now, state=TaskState.VOID)


def loan_of(financing: Financing) -> Loan:
    """Return a financing's loan, once its terms stand."""
    assert financing.days is not None
    assert financing.rate is not None
    assert financing.due_on is not None
    assert financing.contract_sha256 is not None
    return Loan(
        financing.id,
        financing.amount,
        financing.days,
        financing.rate,
        financing.due_on,
        financing.contract_sha256,
        financing.pledge_id,
    )
