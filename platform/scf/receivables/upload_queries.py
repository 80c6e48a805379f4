"""Reading uploaded lines."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.http.auth import Actor
from scf.parties import queries as parties
from scf.receivables.upload_models import LineState, PayableLine


def page(
    session: Session,
    actor: Actor,
    *,
    job_id: UUID | None,
    state: LineState | None,
    supplier: str | None,
    after: UUID | None,
    size: int,
) -> Sequence[PayableLine]:
    """Return a page of lines that the caller uploaded, or is the supplier of, oldest first."""
    own = parties.party(session, actor.party)
    statement = (
        select(PayableLine)
        .where((PayableLine.debtor_id == own.id) | (PayableLine.supplier == own.uscc))
        .order_by(PayableLine.id)
        .limit(size)
    )
    if job_id is not None:
        statement = statement.where(PayableLine.job_id == job_id)
    if state is not None:
        statement = statement.where(PayableLine.state == state)
    if supplier is not None:
        statement = statement.where(PayableLine.supplier == supplier)
    if after is not None:
        statement = statement.where(PayableLine.id > after)
    return session.scalars(statement).all()
