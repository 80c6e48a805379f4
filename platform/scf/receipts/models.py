"""A warehouse receipt (仓单), or another title to goods: who holds it may have them.

Its pool counts what may still be taken of the goods; a pledge is a holder in it, so what is pledged cannot leave.
The lots behind it count the receipt among their holders.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.quantity import Quantity
from scf.parties.countersigning import Countersigned


class TitleKind(StrEnum):
    """What kind of title it is; road and river bills are titles by contract alone, as pilots."""

    WAREHOUSE_RECEIPT = "warehouse_receipt"  # 仓单
    RAIL_BILL = "rail_bill"  # 铁路运单
    MULTIMODAL = "multimodal"  # 多式联运一单制
    ROAD = "road"  # 公路运输提单
    RIVER = "river"  # 内河航运提单
    EXCHANGE_RECEIPT = "exchange_receipt"  # 交易所标准仓单


class Medium(StrEnum):
    """How it exists: never both ways at once."""

    ELECTRONIC = "electronic"
    PAPER = "paper"


class State(StrEnum):
    """Where a receipt stands. Whether it is pledged its pool says."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    DISPUTED = "DISPUTED"
    EXPIRED = "EXPIRED"
    LOST = "LOST"
    DIVIDED = "DIVIDED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


ENDS: Final = frozenset({State.DIVIDED, State.DELIVERED, State.CANCELLED})
"""Where nothing of a receipt is left."""

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.ACTIVE: ENDS | {State.FROZEN, State.DISPUTED, State.EXPIRED, State.LOST},
        State.FROZEN: frozenset({State.ACTIVE, State.DISPUTED, State.EXPIRED}),
        State.DISPUTED: frozenset({State.ACTIVE, State.FROZEN, State.EXPIRED}),
        State.EXPIRED: frozenset({State.ACTIVE, State.FROZEN, State.DISPUTED, State.DELIVERED}),
        State.LOST: frozenset({State.ACTIVE, State.DISPUTED}),
        State.DIVIDED: frozenset(),
        State.DELIVERED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)
"""The one table of a receipt's moves."""


class RestraintKind(StrEnum):
    """What a restraint makes of a receipt."""

    FREEZE = "freeze"
    DISPUTE = "dispute"


class Basis(StrEnum):
    """Why a receipt is kept still."""

    COURT = "court"  # 法院查封
    PLEDGEE = "pledgee"  # 质权人要求
    LOSS = "loss"  # 货物短少
    COUNT = "count"  # 盘点、计量不符


class MoveRefused(Conflict):
    """A receipt moves only as its table says."""

    code = "receipt.state_forbids"
    title = "仓单当前状态不允许此操作"
    title_en = "The receipt's state does not allow this now"


class WarehouseReceipt(Subject, Base):
    """A title to a quantity of goods, with one holder at any time; its other items (Civil Code 909) in `items`.

    `quantity_minor` is what it was issued over; its pool tells what is left of that. `fee_owed_minor` is what the
    keeper said it is owed for storing, in fen: its lien stands before everything that leaves. `title_event_hash` is the
    issue or the endorsement by which its holder has it, `issued_event_hash` the issue itself.
    """

    __tablename__ = "warehouse_receipts"
    __table_args__ = (
        Index("ix_warehouse_receipts_keeper_id_id", "keeper_id", "id"),
        Index("ix_warehouse_receipts_holder_id_id", "holder_id", "id"),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
        CheckConstraint("holder_id <> keeper_id", name="holder_is_not_keeper"),
        CheckConstraint("fee_owed_minor >= 0", name="fee_not_negative"),
    )

    kind: Mapped[TitleKind] = mapped_column(text_enum(TitleKind))
    medium: Mapped[Medium] = mapped_column(text_enum(Medium))
    number: Mapped[str] = mapped_column(Text, unique=True)
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    depositor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    goods: Mapped[str] = mapped_column(Text)
    grade: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    quantity_minor: Mapped[int]
    stored_until: Mapped[date] = mapped_column(Date)
    items: Mapped[dict[str, Any]] = mapped_column(JSONB)
    pool_id: Mapped[UUID] = mapped_column(
        ForeignKey("pools.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    issued_event_hash: Mapped[bytes]
    title_event_hash: Mapped[bytes]
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    state_reason: Mapped[str | None] = mapped_column(Text)
    fee_owed_minor: Mapped[int] = mapped_column(default=0)
    expiring_told_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]

    lots: Mapped[list["ReceiptLot"]] = relationship(order_by="ReceiptLot.lot_id", lazy="select")

    def move(self, to: State, *, now: datetime, reason: str | None = None) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state = to
        self.state_since = now
        self.state_reason = reason

    def require_deliverable(self) -> None:
        """Raise MoveRefused where goods may not leave; after its period they may (Civil Code 915)."""
        if self.state is not State.EXPIRED:
            self.require_active("deliver")

    def require_active(self, asked: str) -> None:
        """Raise MoveRefused for whatever needs a receipt that nothing stands against."""
        if self.state is not State.ACTIVE:
            raise MoveRefused(state=self.state.value, asked=asked, reason=self.state_reason)

    def measure(self, minor: int) -> Quantity:
        """Return a quantity in the receipt's unit."""
        return Quantity(minor, self.unit)

    @property
    def quantity(self) -> Quantity:
        """What it was issued over."""
        return self.measure(self.quantity_minor)

    @property
    def confirmed_event_hash(self) -> bytes:
        """What says that its holder has it, as a claim's confirmation does of its creditor."""
        return self.title_event_hash

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return sorted({self.keeper_id, self.depositor_id, self.holder_id})


class ReceiptLot(Base):
    """How much of a receipt lies in which lot: what the lot's pool holds for it; and what of it was lost there."""

    __tablename__ = "receipt_lots"
    __table_args__ = (
        CheckConstraint("least(quantity_minor, lost_minor) >= 0", name="quantities_not_negative"),
    )

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), primary_key=True, index=True)
    quantity_minor: Mapped[int]
    lost_minor: Mapped[int] = mapped_column(default=0)


class Endorsement(Base):
    """A receipt passed on, or handed in where there is no `to_id`: signed by its holder at its `version`.

    In force with the keeper's signature (Civil Code 910), and only while nothing else has happened to it.
    """

    __tablename__ = "receipt_endorsements"
    __table_args__ = (
        Index(
            "uq_receipt_endorsements_open",
            "receipt_id",
            unique=True,
            postgresql_where=text("attested_at IS NULL AND ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"), index=True)
    from_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    to_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    title_event_hash: Mapped[bytes]
    version: Mapped[int]
    authorizations: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    signed_at: Mapped[datetime]
    attested_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Restraint(Base):
    """Why a receipt is kept still: frozen, or in dispute, until everybody concerned has let go.

    A freeze is lifted by whoever placed it. A dispute is over `quantity_minor` that is missing; keeper and
    supervisor clear it together, or its holder says that the difference is settled.
    """

    __tablename__ = "receipt_restraints"
    __table_args__ = (
        Index(
            "ix_receipt_restraints_open", "receipt_id", postgresql_where=text("lifted_at IS NULL")
        ),
        CheckConstraint("quantity_minor >= 0", name="quantity_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"))
    kind: Mapped[RestraintKind] = mapped_column(text_enum(RestraintKind))
    basis: Mapped[Basis] = mapped_column(text_enum(Basis))
    reference: Mapped[str] = mapped_column(Text)
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lots.id"))
    quantity_minor: Mapped[int]
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    placed_at: Mapped[datetime]
    cleared_by_keeper_at: Mapped[datetime | None]
    cleared_by_supervisor_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]


class Division(Countersigned, Base):
    """Receipts that are to become others: asked for by their holder, allowed by whoever they are pledged to.

    `of` the receipts, `into` what the keeper is to issue (`scf.receipts.dividing`), `pledgees` who has to allow it.
    """

    __tablename__ = "receipt_divisions"
    __table_args__ = (Index("ix_receipt_divisions_holder_id_id", "holder_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"), index=True)
    version: Mapped[int]
    of: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    into: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    pledgees: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Withdrawal(Base):
    """提货通知书: what the holder asks for, until the keeper has handed it over or it is taken back."""

    __tablename__ = "receipt_withdrawals"
    __table_args__ = (
        Index("uq_receipt_withdrawals_order_no", "receipt_id", "order_no", unique=True),
        CheckConstraint("quantity_minor > 0", name="quantity_positive"),
        CheckConstraint("delivered_at IS NULL OR ended_at IS NULL", name="ends_once"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"), index=True)
    order_no: Mapped[str] = mapped_column(Text)
    quantity_minor: Mapped[int]
    units: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    taker: Mapped[str] = mapped_column(Text)
    ordered_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    delivered_event_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id"))
    ended_at: Mapped[datetime | None]


class WithdrawalRefusal(Base):
    """Goods that somebody wanted to take although they are pledged, frozen or disputed; insert only."""

    __tablename__ = "receipt_withdrawal_refusals"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"), index=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    quantity_minor: Mapped[int]
    code: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[datetime]


guard_states(WarehouseReceipt, TRANSITIONS)
append_only(WithdrawalRefusal)
after_table(
    Withdrawal,
    """
CREATE FUNCTION guard_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM warehouse_receipts WHERE id = NEW.receipt_id
    AND state IN ('ACTIVE', 'EXPIRED'))
  THEN
    RAISE EXCEPTION 'receipt %: nothing leaves while it is frozen, disputed or over', NEW.receipt_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER receipt_withdrawals_guard
  BEFORE INSERT OR UPDATE OF delivered_at ON receipt_withdrawals
  FOR EACH ROW WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION guard_withdrawal()
""",
)
after_table(
    WarehouseReceipt,
    """
CREATE FUNCTION guard_title() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'ACTIVE' OR EXISTS (SELECT FROM pools WHERE id = OLD.pool_id AND used_minor > 0)
  THEN
    RAISE EXCEPTION 'receipt %: it is not passed on while it is pledged or kept still', OLD.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER warehouse_receipts_guard_title BEFORE UPDATE OF holder_id ON warehouse_receipts
  FOR EACH ROW WHEN (OLD.holder_id <> NEW.holder_id) EXECUTE FUNCTION guard_title()
""",
)
