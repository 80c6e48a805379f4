"""A stage: an order, or goods sent or received, on its way to being a claim."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class StageKind(StrEnum):
    """Which form of the value it is."""

    ORDER = "order"
    GOODS = "goods"


class State(StrEnum):
    """Whether the buyer has confirmed it."""

    REGISTERED = "REGISTERED"
    CONFIRMED = "CONFIRMED"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {State.REGISTERED: frozenset({State.CONFIRMED}), State.CONFIRMED: frozenset()}
)


class MoveRefused(Conflict):
    """A stage is confirmed once, and only what is confirmed can be reduced."""

    code = "stage.state_forbids"
    title = "该订单或货物当前状态不允许此操作"
    title_en = "The order's or goods' state does not allow this now"


class TradeStage(Subject, Base):
    """An order, or goods on their way to the buyer, over one registered paper of the trade.

    `confirmed_minor` is what the buyer confirmed with tax; its pool tells what is still there of it.
    """

    __tablename__ = "trade_stages"
    __table_args__ = (
        Index("ix_trade_stages_seller_id_id", "seller_id", "id"),
        Index("ix_trade_stages_buyer_id_id", "buyer_id", "id"),
        CheckConstraint(
            "(state = 'CONFIRMED') = (pool_id IS NOT NULL AND confirmed_minor IS NOT NULL"
            " AND due_on IS NOT NULL AND confirmed_event_hash IS NOT NULL)",
            name="confirmed_with_pool",
        ),
        CheckConstraint("confirmed_minor > 0", name="confirmed_positive"),
    )

    document_id: Mapped[UUID] = mapped_column(ForeignKey("trade_documents.id"), unique=True)
    kind: Mapped[StageKind] = mapped_column(text_enum(StageKind))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    state: Mapped[State] = mapped_column(text_enum(State))
    currency: Mapped[str] = mapped_column(Text)
    confirmed_minor: Mapped[int | None]
    due_on: Mapped[date | None] = mapped_column(Date)
    pool_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pools.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    confirmed_event_hash: Mapped[bytes | None]
    registered_at: Mapped[datetime]

    def require_move(self, to: State) -> None:
        """Raise MoveRefused where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return [self.seller_id, self.buyer_id]

    @property
    def confirmed(self) -> Money | None:
        """What the buyer confirmed."""
        return None if self.confirmed_minor is None else Money(self.confirmed_minor, self.currency)


class StageReduction(Base):
    """Bad news of a stage: an order cancelled, goods lost, less invoiced than ordered. Insert only."""

    __tablename__ = "stage_reductions"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    stage_id: Mapped[UUID] = mapped_column(ForeignKey("trade_stages.id"), index=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime]


guard_states(TradeStage, TRANSITIONS)
append_only(StageReduction)
