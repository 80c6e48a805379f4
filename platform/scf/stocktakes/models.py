"""A random stocktake (随机盘点): called over a fixed list, drawn by both sides' secrets and a block, then counted."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict


class State(StrEnum):
    """Where a stocktake stands."""

    CALLED = "CALLED"  # both sides are to commit
    COMMITTED = "COMMITTED"  # a height is to be announced
    ANNOUNCED = "ANNOUNCED"  # its block is to come, and to be final
    SEALED = "SEALED"  # both sides are to reveal
    DRAWN = "DRAWN"  # the supervisor is to count
    DONE = "DONE"
    FAILED = "FAILED"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.CALLED: frozenset({State.COMMITTED, State.FAILED}),
        State.COMMITTED: frozenset({State.ANNOUNCED}),
        State.ANNOUNCED: frozenset({State.SEALED}),
        State.SEALED: frozenset({State.ANNOUNCED, State.DRAWN, State.FAILED}),
        State.DRAWN: frozenset({State.DONE, State.FAILED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset(),
    }
)
"""A block that the chain lost before anybody revealed sends a sealed one back to be announced anew."""


class StepRefused(Conflict):
    """A stocktake goes its steps in order, each side each step once."""

    code = "stocktake.step_refused"
    title = "盘点当前阶段不允许此操作，或本方已完成该步骤"
    title_en = "The stocktake is at another step, or you have taken this one"


class Stocktake(Subject, Base):
    """What one bank and one supervisor draw of the lots in `lots`; `due_at` is when the step they are at lapses."""

    __tablename__ = "stocktakes"
    __table_args__ = (
        Index("ix_stocktakes_bank_id_id", "bank_id", "id"),
        Index("ix_stocktakes_supervisor_id_id", "supervisor_id", "id"),
        Index("ix_stocktakes_keeper_id_id", "keeper_id", "id"),
        Index("ix_stocktakes_open", "id", postgresql_where=text("state NOT IN ('DONE', 'FAILED')")),
        CheckConstraint("draws BETWEEN 1 AND cardinality(lots)", name="draws_of_the_list"),
        CheckConstraint(
            "(state IN ('CALLED', 'SEALED', 'DRAWN')) = (due_at IS NOT NULL)",
            name="due_where_somebody_acts",
        ),
        CheckConstraint("(drawn IS NULL) = (seed IS NULL)", name="drawn_by_seed"),
    )

    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    supervisor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    lots: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    draws: Mapped[int]
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    due_at: Mapped[datetime | None]
    called_at: Mapped[datetime]
    chain_id: Mapped[int | None]
    height: Mapped[int | None]
    block_hash: Mapped[bytes | None]
    seed: Mapped[bytes | None]
    drawn: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    failed: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")

    def move(self, to: State, *, now: datetime, due_at: datetime | None = None) -> None:
        """Go to the next step. Raises StepRefused."""
        if to not in TRANSITIONS[self.state]:
            raise StepRefused(state=self.state.value, asked=to.value)
        self.state, self.state_since, self.due_at = to, now, due_at

    def require(self, state: State) -> None:
        """Raise StepRefused at another step."""
        if self.state is not state:
            raise StepRefused(state=self.state.value, asked=state.value)

    @property
    def sides(self) -> tuple[UUID, UUID]:
        """Bank and supervisor, in the order in which their values are mixed."""
        return self.bank_id, self.supervisor_id


class StocktakeSide(Base):
    """What one side committed to, and what it turned out to be."""

    __tablename__ = "stocktake_sides"
    __table_args__ = (
        CheckConstraint("octet_length(commitment) = 32", name="commitment_length"),
        CheckConstraint(
            "num_nulls(salt, value, revealed_at) IN (0, 3)"
            " AND (salt IS NULL OR sha256(salt || value) = commitment)",
            name="opens_what_it_closed",
        ),
    )

    stocktake_id: Mapped[UUID] = mapped_column(ForeignKey("stocktakes.id"), primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"), primary_key=True)
    commitment: Mapped[bytes]
    committed_at: Mapped[datetime]
    salt: Mapped[bytes | None]
    value: Mapped[bytes | None]
    revealed_at: Mapped[datetime | None]


class StocktakeCount(Base):
    """What the supervisor counted of a drawn lot, by its 巡库记录; insert only."""

    __tablename__ = "stocktake_counts"

    stocktake_id: Mapped[UUID] = mapped_column(ForeignKey("stocktakes.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), unique=True)
    paper_number: Mapped[str] = mapped_column(Text)
    book_minor: Mapped[int]
    counted_minor: Mapped[int]
    tolerance_minor: Mapped[int]
    counted_at: Mapped[datetime]


guard_states(Stocktake, TRANSITIONS)
append_only(StocktakeCount)
