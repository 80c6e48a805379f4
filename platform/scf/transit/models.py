"""Consignments: a receipt's goods on their way, from one keeper to another or to a buyer.

While they travel the consignment stands for them: what lies in lots for a receipt and what travels for it are
together what its pool has left, which the database holds to whenever a transaction that moved either commits.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.quantity import Quantity
from scf.parties.countersigning import Countersigned


class DestinationKind(StrEnum):
    """Where goods travel: into another warehouse, or to whoever bought them."""

    WAREHOUSE = "warehouse"
    BUYER = "buyer"


class State(StrEnum):
    """Where a consignment stands. HALTED: an alarm stands; nothing is received or handed out until it is cleared."""

    PLANNED = "PLANNED"
    AGREED = "AGREED"
    IN_TRANSIT = "IN_TRANSIT"
    HALTED = "HALTED"
    ARRIVED = "ARRIVED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.PLANNED: frozenset({State.AGREED, State.CANCELLED}),
        State.AGREED: frozenset({State.IN_TRANSIT, State.CANCELLED}),
        State.IN_TRANSIT: frozenset({State.HALTED, State.ARRIVED, State.DELIVERED}),
        State.HALTED: frozenset({State.IN_TRANSIT}),
        State.ARRIVED: frozenset(),
        State.DELIVERED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)
"""The one table of a consignment's moves."""
TRAVELLING: Final = frozenset({State.IN_TRANSIT, State.HALTED})


class AlarmKind(StrEnum):
    """What a position gave alarm for."""

    LEFT_FENCE = "left_fence"  # 驶出电子围栏
    STANDING = "standing"  # 停留过久
    SEAL_OPEN = "seal_open"  # 封签开启


class MoveRefused(Conflict):
    """A consignment moves only as its table says."""

    code = "consignment.state_forbids"
    title = "运单当前状态不允许此操作"
    title_en = "The consignment's state does not allow this now"


class Consignment(Subject, Countersigned, Base):
    """Goods of one receipt that travel together; `plan` is what everybody signs of it.

    `quantity_minor` is what the plan says, `in_transit_minor` what travels now, `arrived_minor` what was weighed in
    or handed out at the end, in the smallest part of `unit`. `signed` and `authorizations` are of the step that
    waits: the order and the consents first, then the taking over.
    """

    __tablename__ = "consignments"
    __table_args__ = (
        Index(
            "uq_consignments_open",
            "receipt_id",
            unique=True,
            postgresql_where=text("state IN ('PLANNED', 'AGREED', 'IN_TRANSIT', 'HALTED')"),
        ),
        Index("ix_consignments_holder_id_id", "holder_id", "id"),
        Index("ix_consignments_keeper_id_id", "keeper_id", "id"),
        Index("ix_consignments_carrier_id_id", "carrier_id", "id"),
        Index("ix_consignments_destination_id_id", "destination_id", "id"),
        Index("ix_consignments_pledgees", "pledgees", postgresql_using="gin"),
        Index("ix_consignments_device_id", "device_id"),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
        CheckConstraint(
            "in_transit_minor = CASE WHEN state IN ('IN_TRANSIT', 'HALTED')"
            " THEN quantity_minor ELSE 0 END",
            name="travels_whole",
        ),
        CheckConstraint(
            "(state IN ('ARRIVED', 'DELIVERED')) = (arrived_minor IS NOT NULL)"
            " AND arrived_minor BETWEEN 0 AND quantity_minor",
            name="arrived_at_the_end",
        ),
        CheckConstraint(
            "carrier_id <> keeper_id AND carrier_id <> holder_id AND carrier_id <> destination_id",
            name="carrier_apart",
        ),
    )

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    carrier_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    destination_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    destination: Mapped[DestinationKind] = mapped_column(text_enum(DestinationKind))
    pledgees: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("devices.id"))
    unit: Mapped[str] = mapped_column(Text)
    quantity_minor: Mapped[int]
    in_transit_minor: Mapped[int] = mapped_column(default=0)
    arrived_minor: Mapped[int | None]
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    planned_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        self.require_move(to)
        self.state, self.state_since = to, now

    def require_move(self, to: State) -> None:
        """Raise MoveRefused where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)

    def measure(self, minor: int) -> Quantity:
        """Return a quantity in the consignment's unit."""
        return Quantity(minor, self.unit)

    @property
    def quantity(self) -> Quantity:
        """What travels by the plan."""
        return self.measure(self.quantity_minor)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        own = {self.holder_id, self.keeper_id, self.carrier_id, self.destination_id}
        return sorted(own | set(self.pledgees))


class ConsignmentLot(Base):
    """What a carrier took over of which lot, for which receipt; insert only."""

    __tablename__ = "consignment_lots"
    __table_args__ = (
        ForeignKeyConstraint(
            ["receipt_id", "lot_id"], ["receipt_lots.receipt_id", "receipt_lots.lot_id"]
        ),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
    )

    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignments.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID]
    quantity_minor: Mapped[int]


class Position(Base):
    """Where a consignment was seen, by its device or as its carrier tells; insert only. In millionths of a degree."""

    __tablename__ = "consignment_positions"
    __table_args__ = (
        CheckConstraint(
            "abs(latitude) <= 90000000 AND abs(longitude) <= 180000000", name="on_the_globe"
        ),
    )

    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignments.id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    latitude: Mapped[int]
    longitude: Mapped[int]
    seal_open: Mapped[bool | None]
    told_at: Mapped[datetime]


class Alarm(Base):
    """What a position gave alarm for, until a pledgee (where there is none, the holder) cleared it."""

    __tablename__ = "consignment_alarms"
    __table_args__ = (
        Index(
            "uq_consignment_alarms_open",
            "consignment_id",
            "kind",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
        CheckConstraint(
            "num_nulls(cleared_at, cleared_event_id) IN (0, 2)", name="cleared_by_an_event"
        ),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), primary_key=True)
    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("consignments.id"), index=True)
    kind: Mapped[AlarmKind] = mapped_column(text_enum(AlarmKind))
    seen_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_event_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id"))


guard_states(Consignment, TRANSITIONS)
append_only(ConsignmentLot, Position)
after_table(
    ConsignmentLot,
    """
CREATE FUNCTION guard_goods_of_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  lying bigint;
  travelling bigint;
  left_ bigint;
BEGIN
  SELECT coalesce(sum(quantity_minor), 0) INTO lying FROM receipt_lots
    WHERE receipt_id = NEW.receipt_id;
  SELECT coalesce(sum(in_transit_minor), 0) INTO travelling FROM consignments
    WHERE receipt_id = NEW.receipt_id;
  SELECT confirmed_minor INTO left_ FROM pools
    WHERE id = (SELECT pool_id FROM warehouse_receipts WHERE id = NEW.receipt_id);
  IF lying + travelling <> left_ THEN
    RAISE EXCEPTION 'receipt %: % in lots and % on the way, but % left of it',
      NEW.receipt_id, lying, travelling, left_ USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE CONSTRAINT TRIGGER consignments_guard_goods AFTER INSERT OR UPDATE ON consignments
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_goods_of_receipt()
""",
    """
CREATE CONSTRAINT TRIGGER receipt_lots_guard_goods
  AFTER INSERT OR UPDATE OF quantity_minor ON receipt_lots
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_goods_of_receipt()
""",
)
