"""Tokens, and what outside banks hold under them.

A token's row is locked before any of its holds, a hold before the pool that it takes of.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class State(StrEnum):
    """HELD runs out by itself; COMMITTED stands until it is released."""

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.HELD: frozenset({State.COMMITTED, State.RELEASED, State.EXPIRED}),
        State.COMMITTED: frozenset({State.RELEASED}),
        State.RELEASED: frozenset(),
        State.EXPIRED: frozenset(),
    }
)
LIVE: Final = (State.HELD, State.COMMITTED)


class HoldEnded(Conflict):
    """A hold is committed while it runs, and given back once."""

    code = "blind.hold_ended"
    title = "占用已到期、已释放或已确认，不能执行此操作"
    title_en = "The hold has run out, was given back or was committed"


class BlindToken(Base):
    """What is held under a token. `pool_id` is a pool of its own, where the paper's claim had none.

    `value_minor` is the paper's, as registered here, else the highest declared with the holds that stand;
    nothing is held that takes `held_minor` past it. `document_id` is the paper once it is known here.
    """

    __tablename__ = "blind_tokens"
    __table_args__ = (
        CheckConstraint("octet_length(token) = 32", name="token_length"),
        CheckConstraint("value_minor > 0 AND held_minor >= 0", name="amounts_not_negative"),
    )

    token: Mapped[bytes] = mapped_column(primary_key=True)
    document_id: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"), unique=True)
    pool_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pools.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    currency: Mapped[str] = mapped_column(Text)
    value_minor: Mapped[int]
    held_minor: Mapped[int]
    known_at: Mapped[datetime]

    @property
    def value(self) -> Money:
        """What its paper is worth."""
        return Money(self.value_minor, self.currency)


class BlindHold(Subject, Base):
    """A part of a paper's value that an outside bank holds; `expires_at` is business time."""

    __tablename__ = "blind_holds"
    __table_args__ = (
        Index("ix_blind_holds_token", "token"),
        Index("ix_blind_holds_party_id_id", "party_id", "id"),
        Index("ix_blind_holds_running", "expires_at", postgresql_where="state = 'HELD'"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "(state IN ('RELEASED', 'EXPIRED')) = (ended_at IS NOT NULL)", name="ended_at_its_end"
        ),
    )

    token: Mapped[bytes] = mapped_column(ForeignKey("blind_tokens.token"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    state: Mapped[State] = mapped_column(text_enum(State))
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What is held."""
        return Money(self.amount_minor, self.currency)

    def require_move(self, to: State) -> None:
        """Raise HoldEnded where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise HoldEnded(state=self.state.value, asked=to.value)


guard_states(BlindHold, TRANSITIONS)
