"""A task: whose it is, about what, by when, and whether it is done."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum


class State(StrEnum):
    """Where a task stands. It is VOID when what asked for it is no longer so."""

    OPEN = "open"
    DONE = "done"
    VOID = "void"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.OPEN: frozenset({State.DONE, State.VOID}),
        State.DONE: frozenset(),
        State.VOID: frozenset(),
    }
)
"""The one table of moves: a task ends once. What recurs is another task, told apart by `occasion`."""


class Task(Base):
    """Work of a `kind` about a `subject` (a public id), owed by a party: by its `role`, or one person.

    `due_on` is None only while the working days that it is counted by are not published. `closed_by` is the
    client whose act closed it, None where the platform's own worker did.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("party_id", "kind", "subject", "occasion"),
        Index("ix_tasks_party_id_id", "party_id", "id"),
        Index("ix_tasks_open", "subject", "kind", postgresql_where=text("state = 'open'")),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_when_not_open"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    role: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    occasion: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[State] = mapped_column(text_enum(State))
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("oauth_clients.id"))

    def is_overdue(self, today: date) -> bool:
        """Say whether its day has passed and it is still to be done."""
        return self.state is State.OPEN and self.due_on is not None and self.due_on < today


guard_states(Task, TRANSITIONS)
