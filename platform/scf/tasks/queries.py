"""Reading tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.tasks.models import State, Task
from scf.tasks.permissions import visible_to


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks to list; None where it does not matter. `overdue`: open, and its day has passed."""

    state: State | None = None
    kind: str | None = None
    subject: str | None = None
    role: str | None = None
    party_id: UUID | None = None
    overdue: bool = False


def visible(session: Session, actor: Actor, task_id: UUID) -> Task:
    """Return a task that the caller may see. Raises SubjectNotFound."""
    task = session.scalar(select(Task).where(Task.id == task_id, visible_to(actor)))
    if task is None:
        raise SubjectNotFound
    return task


def page(
    session: Session,
    actor: Actor,
    wanted: Filter,
    *,
    today: date,
    after: UUID | None,
    size: int,
) -> Sequence[Task]:
    """Return a page of the tasks that the caller may see, oldest first."""
    statement = select(Task).where(visible_to(actor)).order_by(Task.id).limit(size)
    equal = {
        Task.state: wanted.state,
        Task.kind: wanted.kind,
        Task.subject: wanted.subject,
        Task.role: wanted.role,
        Task.party_id: wanted.party_id,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if wanted.overdue:
        statement = statement.where(Task.state == State.OPEN, Task.due_on < today)
    if after is not None:
        statement = statement.where(Task.id > after)
    return session.scalars(statement).all()


def open_subjects(session: Session, kind: str, subjects: Sequence[str]) -> set[str]:
    """Return which of some subjects have an open task of a kind."""
    found = select(Task.subject).where(
        Task.kind == kind, Task.state == State.OPEN, Task.subject.in_(subjects)
    )
    return set(session.scalars(found))
