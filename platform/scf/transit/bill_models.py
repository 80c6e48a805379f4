"""Bills of carriers and keepers (运费、仓储费), claims for goods lost on the way, and what settles them pair by pair."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties.countersigning import Countersigned
from scf.transit.bill_rules import Match, match


class BillKind(StrEnum):
    """What is billed, and by whom: a carrier, a keeper, or the holder whose goods were lost on the way."""

    FREIGHT = "freight"  # 运费
    STORAGE = "storage"  # 仓储费
    CLAIM = "claim"  # 货损索赔


class BillState(StrEnum):
    """ENTERED until its payee signs it; SETTLED where all that is accepted is paid and nothing is disputed."""

    ENTERED = "ENTERED"
    ISSUED = "ISSUED"
    ANSWERED = "ANSWERED"
    SETTLED = "SETTLED"
    WITHDRAWN = "WITHDRAWN"


BILL_TRANSITIONS: Final[Mapping[BillState, frozenset[BillState]]] = MappingProxyType(
    {
        BillState.ENTERED: frozenset({BillState.ISSUED, BillState.WITHDRAWN}),
        BillState.ISSUED: frozenset({BillState.ANSWERED, BillState.WITHDRAWN}),
        BillState.ANSWERED: frozenset({BillState.SETTLED}),
        BillState.SETTLED: frozenset({BillState.ANSWERED}),
        BillState.WITHDRAWN: frozenset(),
    }
)
"""The one table of a bill's moves; a settled one is open again where its payment comes back."""


class SettlementState(StrEnum):
    """INSTRUCTED: the bank has the order, or is to get it; RETURNED: what was paid came back."""

    INSTRUCTED = "INSTRUCTED"
    PAID = "PAID"
    RETURNED = "RETURNED"


SETTLEMENT_TRANSITIONS: Final[Mapping[SettlementState, frozenset[SettlementState]]] = (
    MappingProxyType(
        {
            SettlementState.INSTRUCTED: frozenset({SettlementState.PAID}),
            SettlementState.PAID: frozenset({SettlementState.RETURNED}),
            SettlementState.RETURNED: frozenset(),
        }
    )
)


class BillMoveRefused(Conflict):
    """A bill moves only as its table says."""

    code = "freight_bill.state_forbids"
    title = "账单当前状态不允许此操作"
    title_en = "The bill's state does not allow this now"


class StorageTariff(Subject, Countersigned, Base):
    """What a keeper and its client agree on for storing: fen for a whole unit and a day, from one day on.

    Of several agreed on that hold on a day the one that begins last is in force.
    """

    __tablename__ = "storage_tariffs"
    __table_args__ = (
        Index("ix_storage_tariffs_keeper_id_client_id", "keeper_id", "client_id"),
        Index("ix_storage_tariffs_client_id_id", "client_id", "id"),
        CheckConstraint("keeper_id <> client_id", name="two_parties"),
        CheckConstraint("rate_minor > 0", name="rate_positive"),
        CheckConstraint("payment_days >= 0", name="payment_days_not_negative"),
        CheckConstraint("last_on >= first_on", name="runs_forward"),
    )

    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    unit: Mapped[str] = mapped_column(Text)
    rate_minor: Mapped[int]
    payment_days: Mapped[int]
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date | None] = mapped_column(Date)
    proposed_at: Mapped[datetime]
    agreed_at: Mapped[datetime | None]

    @property
    def parties(self) -> list[UUID]:
        """Who agrees."""
        return [self.keeper_id, self.client_id]


class FreightBill(Subject, Base):
    """What one party bills another; its amounts are in yuan, the sums of its items'."""

    __tablename__ = "freight_bills"
    __table_args__ = (
        Index("uq_freight_bills_number", "payee_id", "number", unique=True),
        Index("ix_freight_bills_payee_id_id", "payee_id", "id"),
        Index("ix_freight_bills_payer_id_id", "payer_id", "id"),
        CheckConstraint("payee_id <> payer_id", name="two_parties"),
        CheckConstraint("(state = 'ENTERED') <= (issued_at IS NULL)", name="entered_before_issued"),
        CheckConstraint(
            "least(tolerance_bps, tolerance_minor) >= 0", name="tolerance_not_negative"
        ),
    )

    kind: Mapped[BillKind] = mapped_column(text_enum(BillKind))
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    number: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date] = mapped_column(Date)
    pay_to: Mapped[dict[str, Any]] = mapped_column(JSONB)
    tolerance_bps: Mapped[int]
    tolerance_minor: Mapped[int]
    state: Mapped[BillState] = mapped_column(text_enum(BillState))
    state_since: Mapped[datetime]
    entered_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]

    items: Mapped[list["FreightBillItem"]] = relationship(
        order_by="FreightBillItem.position", lazy="select"
    )

    def move(self, to: BillState, *, now: datetime) -> None:
        """Move as the table says. Raises BillMoveRefused, which names both states."""
        self.require_move(to)
        self.state, self.state_since = to, now

    def require_move(self, to: BillState) -> None:
        """Raise BillMoveRefused where the table does not allow a move."""
        if to not in BILL_TRANSITIONS[self.state]:
            raise BillMoveRefused(state=self.state.value, asked=to.value)

    @property
    def parties(self) -> list[UUID]:
        """Who sees it, once it is issued."""
        return [self.payee_id, self.payer_id]

    @property
    def total(self) -> Money:
        """What is billed."""
        return Money(sum(item.amount_minor for item in self.items))

    @property
    def accepted(self) -> Money:
        """What the payer accepts of it."""
        return Money(sum(item.accepted_minor for item in self.items))

    @property
    def paid(self) -> Money:
        """What is paid of it, or set off."""
        return Money(sum(item.paid_minor for item in self.items))

    @property
    def disputed(self) -> Money:
        """What is neither accepted nor conceded."""
        return Money(sum(item.disputed_minor for item in self.items))


class FreightBillItem(Base):
    """A journey, or days of storage, on a bill: as billed, as agreement and book have it, as answered and as paid.

    `quantity_minor` is billed of what arrived, what was lost, or units times days, `rate_minor` for a whole one;
    `book_minor`, `agreed_minor` and `expected_minor` are what the book, the agreement and both together say.
    `live` until its bill is withdrawn.
    """

    __tablename__ = "freight_bill_items"
    __table_args__ = (
        Index(
            "uq_freight_bill_items_consignment",
            "consignment_id",
            "claimed",
            unique=True,
            postgresql_where="live AND consignment_id IS NOT NULL",
        ),
        Index("ix_freight_bill_items_receipt_id", "receipt_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "least(quantity_minor, rate_minor, book_minor, agreed_minor, expected_minor) >= 0",
            name="not_negative",
        ),
        CheckConstraint(
            "(consignment_id IS NULL) = (first_on IS NOT NULL AND last_on IS NOT NULL)"
            " AND last_on >= first_on",
            name="of_a_journey_or_days",
        ),
        CheckConstraint(
            "least(accepted_minor, conceded_minor, paid_minor) >= 0"
            " AND accepted_minor + conceded_minor <= amount_minor"
            " AND paid_minor <= accepted_minor",
            name="no_more_than_billed",
        ),
    )

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("freight_bills.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse_receipts.id"))
    consignment_id: Mapped[UUID | None] = mapped_column(ForeignKey("consignments.id"))
    claimed: Mapped[bool]
    first_on: Mapped[date | None] = mapped_column(Date)
    last_on: Mapped[date | None] = mapped_column(Date)
    unit: Mapped[str] = mapped_column(Text)
    quantity_minor: Mapped[int]
    rate_minor: Mapped[int]
    amount_minor: Mapped[int]
    book_minor: Mapped[int]
    agreed_minor: Mapped[int]
    expected_minor: Mapped[int]
    within: Mapped[bool]
    accepted_minor: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(Text)
    conceded_minor: Mapped[int] = mapped_column(default=0)
    paid_minor: Mapped[int] = mapped_column(default=0)
    live: Mapped[bool] = mapped_column(default=True)

    @property
    def disputed_minor(self) -> int:
        """What is neither accepted nor conceded, in fen."""
        return self.amount_minor - self.accepted_minor - self.conceded_minor

    @property
    def match(self) -> Match:
        """What is billed beside what book and agreement say."""
        return match(
            self.measure(self.quantity_minor),
            Money(self.rate_minor),
            Money(self.amount_minor),
            book=self.measure(self.book_minor),
            agreed=Money(self.agreed_minor),
        )

    def measure(self, minor: int) -> Quantity:
        """Return a quantity in the item's unit."""
        return Quantity(minor, self.unit)


class FreightSettlement(Base):
    """What one party pays another for both sides' bills: `owed_minor` less `set_off_minor`, in one payment order.

    There is no order where set-off leaves nothing to pay. A settlement whose order the bank rejected, or that was
    withdrawn, settles nothing.
    """

    __tablename__ = "freight_settlements"
    __table_args__ = (
        Index("ix_freight_settlements_payer_id_id", "payer_id", "id"),
        Index("ix_freight_settlements_payee_id_id", "payee_id", "id"),
        CheckConstraint("payer_id <> payee_id", name="two_parties"),
        CheckConstraint(
            "set_off_minor >= 0 AND owed_minor > 0 AND owed_minor >= set_off_minor", name="amounts"
        ),
        CheckConstraint(
            "(order_id IS NULL) = (owed_minor = set_off_minor)", name="order_for_something"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payer_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    owed_minor: Mapped[int]
    set_off_minor: Mapped[int]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_orders.id"), unique=True)
    state: Mapped[SettlementState] = mapped_column(text_enum(SettlementState))
    state_since: Mapped[datetime]
    made_at: Mapped[datetime]

    parts: Mapped[list["FreightSettlementPart"]] = relationship(
        order_by="FreightSettlementPart.bill_id, FreightSettlementPart.position", lazy="select"
    )

    @property
    def net(self) -> Money:
        """What is left to pay."""
        return Money(self.owed_minor - self.set_off_minor)


class FreightSettlementPart(Base):
    """What a settlement pays, or sets off, of one item of a bill; insert only."""

    __tablename__ = "freight_settlement_parts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bill_id", "position"], ["freight_bill_items.bill_id", "freight_bill_items.position"]
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    settlement_id: Mapped[UUID] = mapped_column(
        ForeignKey("freight_settlements.id"), primary_key=True
    )
    bill_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount_minor: Mapped[int]


guard_states(FreightBill, BILL_TRANSITIONS)
guard_states(FreightSettlement, SETTLEMENT_TRANSITIONS)
append_only(FreightSettlementPart)
after_table(
    FreightBillItem,
    """
CREATE FUNCTION guard_days_billed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM warehouse_receipts WHERE id = NEW.receipt_id FOR UPDATE; -- one bill after the other
  IF EXISTS (SELECT FROM freight_bill_items WHERE receipt_id = NEW.receipt_id
    AND payee_id = NEW.payee_id AND live AND first_on <= NEW.last_on AND last_on >= NEW.first_on)
  THEN
    RAISE EXCEPTION 'receipt %: days from % to % are billed already',
      NEW.receipt_id, NEW.first_on, NEW.last_on USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER freight_bill_items_guard_days BEFORE INSERT ON freight_bill_items
  FOR EACH ROW WHEN (NEW.first_on IS NOT NULL) EXECUTE FUNCTION guard_days_billed()
""",
)
after_table(
    FreightSettlementPart,
    """
CREATE FUNCTION guard_settled_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  accepted bigint;
  settled bigint;
BEGIN
  SELECT accepted_minor INTO accepted FROM freight_bill_items
    WHERE bill_id = NEW.bill_id AND position = NEW.position FOR UPDATE;
  SELECT coalesce(sum(p.amount_minor), 0) INTO settled FROM freight_settlement_parts p
    JOIN freight_settlements s ON s.id = p.settlement_id
    LEFT JOIN payment_orders o ON o.id = s.order_id
    WHERE p.bill_id = NEW.bill_id AND p.position = NEW.position AND s.state <> 'RETURNED'
      AND (o.state IS NULL OR o.state NOT IN ('REJECTED', 'WITHDRAWN'));
  IF settled + NEW.amount_minor > accepted THEN
    RAISE EXCEPTION 'bill %, item %: % of % accepted is settled already, no more than that',
      NEW.bill_id, NEW.position, settled, accepted USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER freight_settlement_parts_guard BEFORE INSERT ON freight_settlement_parts
  FOR EACH ROW EXECUTE FUNCTION guard_settled_once()
""",
)
