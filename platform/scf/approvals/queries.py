"""Reading a bank's policies and cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.approvals.models import Case, Policy, State


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases to list; None where it does not matter."""

    state: State | None = None
    financing_id: UUID | None = None


def policies(session: Session, bank_id: UUID, *, after: UUID | None, size: int) -> Sequence[Policy]:
    """Return a page of a bank's policies, oldest first."""
    statement = select(Policy).where(Policy.bank_id == bank_id)
    if after is not None:
        statement = statement.where(Policy.id > after)
    return session.scalars(statement.order_by(Policy.id).limit(size)).all()


def page(
    session: Session, bank_id: UUID, wanted: Filter, *, after: UUID | None, size: int
) -> Sequence[Case]:
    """Return a page of a bank's cases, oldest first."""
    statement = select(Case).where(Case.bank_id == bank_id)
    if wanted.state is not None:
        statement = statement.where(Case.state == wanted.state)
    if wanted.financing_id is not None:
        statement = statement.where(Case.financing_id == wanted.financing_id)
    if after is not None:
        statement = statement.where(Case.id > after)
    return session.scalars(statement.order_by(Case.id).limit(size)).all()


def case_of(session: Session, financing_id: UUID) -> Case | None:
    """Return the case for a financing; None where its bank asked for none."""
    return session.scalar(select(Case).where(Case.financing_id == financing_id))
