"""An extension of a loan (展期): asked by the borrower, agreed by both with their signatures."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum
from scf.parties.countersigning import Countersigned


class ExtensionState(StrEnum):
    """Where an extension stands."""

    OPEN = "OPEN"
    DONE = "DONE"
    ENDED = "ENDED"


EXTENSION_TRANSITIONS = {
    ExtensionState.OPEN: frozenset({ExtensionState.DONE, ExtensionState.ENDED}),
    ExtensionState.DONE: frozenset(),
    ExtensionState.ENDED: frozenset(),
}
"""The one table of moves; either side may end what is not signed by both."""


class LoanExtension(Countersigned, Base):
    """What was asked for, and who has signed it at which version of the pledge."""

    __tablename__ = "loan_extensions"
    __table_args__ = (
        Index(
            "uq_loan_extensions_open",
            "financing_id",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
        CheckConstraint("due_on > due_on_before", name="later"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), index=True)
    due_on_before: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    pledge_version: Mapped[int]
    state: Mapped[ExtensionState] = mapped_column(text_enum(ExtensionState))
    ended_reason: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


guard_states(LoanExtension, EXTENSION_TRANSITIONS)
