"""A lot: goods of one kind and grade, of one depositor, in one place at one keeper's.

Its pool counts what is there, in the smallest part of its unit; receipts over the lot are holders in it. So there
are never receipts over more than was stored, and what goes missing shows as a shortfall.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.quantity import Quantity


class State(StrEnum):
    """Where a lot stands: put forward, weighed, assayed, stored, or turned away.

    A lot that was emptied stays stored: its pool says that nothing is there, and what was lost may be found again.
    """

    ENTERED = "ENTERED"
    WEIGHED = "WEIGHED"
    ASSAYED = "ASSAYED"
    STORED = "STORED"
    TURNED_AWAY = "TURNED_AWAY"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.ENTERED: frozenset({State.WEIGHED, State.TURNED_AWAY}),
        State.WEIGHED: frozenset({State.ASSAYED, State.TURNED_AWAY}),
        State.ASSAYED: frozenset({State.STORED, State.TURNED_AWAY}),
        State.STORED: frozenset(),
        State.TURNED_AWAY: frozenset(),
    }
)
"""The one table of a lot's moves."""


class PaperKind(StrEnum):
    """The papers of a warehouse, each the document of a step."""

    WEIGHING = "weighing"  # 磅单
    TALLY = "tally"  # 码单
    ASSAY = "assay"  # 质检单
    LOCATION_CARD = "location_card"  # 库位卡
    DAILY_STOCK = "daily_stock"  # 库存日报
    PATROL = "patrol"  # 巡库记录
    EXIT_SLIP = "exit_slip"  # 出门证


class MoveRefused(Conflict):
    """A lot moves only as its table says."""

    code = "lot.state_forbids"
    title = "该批货物当前状态不允许此操作"
    title_en = "The lot's state does not allow this now"


class Lot(Subject, Base):
    """Goods put forward for storing, and what is there of them (`pool_id`).

    `declared_minor` is what the depositor says, `stored_minor` what two independent sources weighed, in the
    smallest part of `unit`; `loss_standard` the share that may be lost as dust, damp or evaporation.
    """

    __tablename__ = "lots"
    __table_args__ = (
        Index("ix_lots_keeper_id_id", "keeper_id", "id"),
        Index("ix_lots_depositor_id_id", "depositor_id", "id"),
        Index(
            "ix_lots_supervisor_id_id",
            "supervisor_id",
            "id",
            postgresql_where=text("supervisor_id IS NOT NULL"),
        ),
        CheckConstraint("declared_minor > 0 AND stored_minor > 0", name="quantities_positive"),
        CheckConstraint("supervisor_id <> keeper_id", name="supervisor_is_not_keeper"),
        CheckConstraint(
            "(state = 'STORED') = (pool_id IS NOT NULL AND stored_minor IS NOT NULL)",
            name="stored_with_pool",
        ),
    )

    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    depositor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    supervisor_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    goods: Mapped[str] = mapped_column(Text)
    grade: Mapped[str | None] = mapped_column(Text)
    packing: Mapped[str | None] = mapped_column(Text)
    marks: Mapped[str | None] = mapped_column(Text)
    warehouse: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text)
    loss_standard: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    declared_minor: Mapped[int]
    stored_minor: Mapped[int | None]
    stored_on: Mapped[date | None] = mapped_column(Date)
    pool_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pools.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    stored_event_hash: Mapped[bytes | None]
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    entered_at: Mapped[datetime]

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        self.require_move(to)
        self.state = to
        self.state_since = now

    def require_move(self, to: State) -> None:
        """Raise MoveRefused where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)

    def require_stored(self) -> None:
        """Raise MoveRefused for whatever needs goods that are there."""
        if self.state is not State.STORED:
            raise MoveRefused(state=self.state.value, asked=State.STORED.value)

    def quantity(self, minor: int) -> Quantity:
        """Return a quantity in the lot's unit."""
        return Quantity(minor, self.unit)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        every = [self.keeper_id, self.depositor_id, self.supervisor_id]
        return [party for party in every if party is not None]

    @property
    def sources(self) -> tuple[UUID, UUID]:
        """The two independent sources that weigh and assay it: the keeper, and the supervisor where one is named.

        A depositor gains by more being there, and is heard only where nobody else watches the keeper: there both
        sides of the contract of storage see what it is about (Civil Code 907).
        """
        return self.keeper_id, self.supervisor_id or self.depositor_id


class LotUnit(Base):
    """A thing with a name of its own (VIN, coil, roll), with its certificate (合格证), until it leaves."""

    __tablename__ = "lot_units"
    __table_args__ = (
        Index(
            "uq_lot_units_present", "name", unique=True, postgresql_where=text("left_at IS NULL")
        ),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
    )

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    certificate_no: Mapped[str | None] = mapped_column(Text)
    quantity_minor: Mapped[int]
    receipt_id: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    left_at: Mapped[datetime | None]


class LotPaper(Base):
    """A paper of the warehouse as its source wrote it; insert only.

    `source` is the party that weighed or looked; `quantity_minor` what it saw of the lot,
    `passed` what an assay found; `order_id` the 提货通知书 for which it weighed goods out.
    """

    __tablename__ = "lot_papers"
    __table_args__ = (
        UniqueConstraint("lot_id", "kind", "source", "number"),
        CheckConstraint("quantity_minor >= 0", name="quantity_not_negative"),
        CheckConstraint(
            "order_id IS NULL OR kind IN ('weighing', 'tally')", name="order_is_weighed"
        ),
        Index("ix_lot_papers_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), index=True)
    kind: Mapped[PaperKind] = mapped_column(text_enum(PaperKind))
    source: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    made_on: Mapped[date] = mapped_column(Date)
    quantity_minor: Mapped[int | None]
    passed: Mapped[bool | None]
    original: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # up to 4 MiB, seldom asked
    original_sha256: Mapped[bytes]
    order_id: Mapped[UUID | None] = mapped_column(Uuid)
    added_at: Mapped[datetime]


class LotCount(Base):
    """What was counted beyond the tolerance of what the book says; insert only.

    By a report or a stocktake it is the lot; by a device `book_minor` and `counted_minor` are of all that lies at its place.
    """

    __tablename__ = "lot_counts"
    __table_args__ = (
        CheckConstraint(
            "least(book_minor, counted_minor, tolerance_minor) >= 0", name="not_negative"
        ),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), index=True)
    source: Mapped[str] = mapped_column(Text)
    book_minor: Mapped[int]
    counted_minor: Mapped[int]
    tolerance_minor: Mapped[int]
    counted_at: Mapped[datetime]


class LotChange(Base):
    """Goods lost from a lot, or found again; insert only."""

    __tablename__ = "lot_changes"
    __table_args__ = (CheckConstraint("quantity_minor <> 0", name="quantity_not_zero"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), index=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    quantity_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime]


guard_states(Lot, TRANSITIONS)
append_only(LotPaper, LotCount, LotChange)
