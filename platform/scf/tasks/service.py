"""Raising tasks and closing them. Features call this within the act that does the work."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.kernel.ids import new_id
from scf.tasks.kinds import KINDS
from scf.tasks.models import State, Task


def raise_task(
    session: Session,
    kind: str,
    subject: str,
    *,
    party_id: UUID,
    role: str,
    due_on: date | None,
    now: datetime,
    occasion: str = "",
    person_id: UUID | None = None,
    fields: dict[str, Any] | None = None,
) -> bool:
    """Give a party something to do by a day; say whether it is new.

    One kind is raised once for a subject and an occasion, however often it is asked for, also after it
    was closed. `fields` are JSON values that whoever does it needs.
    """
    assert kind in KINDS, "a kind stands in the table"
    values = {
        "id": new_id(),
        "party_id": party_id,
        "role": role,
        "person_id": person_id,
        "kind": kind,
        "subject": subject,
        "occasion": occasion,
        "fields": fields or {},
        "due_on": due_on,
        "state": State.OPEN,
        "raised_at": now,
    }
    raised = session.scalar(insert(Task).values(values).on_conflict_do_nothing().returning(Task.id))
    return raised is not None


def close(
    session: Session,
    kind: str,
    subject: str,
    *,
    now: datetime,
    by: UUID | None = None,
    occasion: str | None = None,
    state: State = State.DONE,
) -> int:
    """Close what is open of a kind about a subject, done or void; return how many.

    Of one `occasion`, or of all; `by` is the client whose act it was.
    """
    statement = (
        update(Task)
        .where(Task.kind == kind, Task.subject == subject, Task.state == State.OPEN)
        .values(state=state, closed_at=now, closed_by=by)
        .returning(Task.id)
    )
    if occasion is not None:
        statement = statement.where(Task.occasion == occasion)
    return len(session.scalars(statement).all())


def find(session: Session, kind: str, subject: str) -> Task | None:
    """Return the first task of a kind that was raised about a subject, open or closed."""
    return session.scalar(
        select(Task).where(Task.kind == kind, Task.subject == subject).order_by(Task.id).limit(1)
    )


def set_due(session: Session, kind: str, subject: str, due_on: date) -> None:
    """Set the day of what was raised before its working days were published."""
    session.execute(
        update(Task)
        .where(
            Task.kind == kind,
            Task.subject == subject,
            Task.state == State.OPEN,
            Task.due_on.is_(None),
        )
        .values(due_on=due_on)
    )
