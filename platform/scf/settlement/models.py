"""Payment orders, what banks told, account changes asked for, balances agreed."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.parties.countersigning import Countersigned
from scf.settlement.camt import Direction


class OrderState(StrEnum):
    """Where a payment order stands."""

    DRAFTED = "DRAFTED"
    APPROVED = "APPROVED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXECUTED = "EXECUTED"
    WITHDRAWN = "WITHDRAWN"


ORDER_TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = MappingProxyType(
    {
        OrderState.DRAFTED: frozenset({OrderState.APPROVED, OrderState.WITHDRAWN}),
        OrderState.APPROVED: frozenset({OrderState.SENT}),
        OrderState.SENT: frozenset({OrderState.ACCEPTED, OrderState.REJECTED}),
        OrderState.ACCEPTED: frozenset({OrderState.EXECUTED, OrderState.REJECTED}),
        OrderState.REJECTED: frozenset(),
        OrderState.EXECUTED: frozenset(),
        OrderState.WITHDRAWN: frozenset(),
    }
)
DEAD: Final = (OrderState.REJECTED, OrderState.WITHDRAWN)
"""An order in these states pays nothing."""


class MoveRefused(Conflict):
    """A payment order moves only as its table says."""

    code = "payment_order.state_forbids"
    title = "付款指令当前状态不允许此操作"
    title_en = "The payment order's state does not allow this now"


class PaymentOrder(Base):
    """What a debtor tells its bank to pay: one file, fixed when it is drafted, named by its MsgId."""

    __tablename__ = "payment_orders"
    __table_args__ = (
        Index("ix_payment_orders_debtor_id_id", "debtor_id", "id"),
        Index(
            "ix_payment_orders_open",
            "id",
            postgresql_where=text("state IN ('APPROVED', 'SENT', 'ACCEPTED')"),
        ),
        CheckConstraint("maker_id <> checker_id", name="two_people"),
        CheckConstraint(
            "(checker_id IS NULL) = (state IN ('DRAFTED', 'WITHDRAWN'))", name="approved_first"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    message_id: Mapped[str] = mapped_column(Text, unique=True)
    account: Mapped[dict[str, str]] = mapped_column(JSONB)
    currency: Mapped[str] = mapped_column(Text)
    total_minor: Mapped[int]
    execute_on: Mapped[date] = mapped_column(Date)
    body: Mapped[bytes]
    state: Mapped[OrderState] = mapped_column(text_enum(OrderState))
    state_since: Mapped[datetime]
    problem: Mapped[str | None] = mapped_column(Text)
    maker_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    checker_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    drafted_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]

    @property
    def total(self) -> Money:
        """The sum of its lines (CtrlSum)."""
        return Money(self.total_minor, self.currency)

    def move(self, to: OrderState, *, now: datetime, problem: str | None = None) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in ORDER_TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state, self.state_since, self.problem = to, now, problem


class PaymentOrderLine(Base):
    """One transfer of an order, to the account that was named when it was drafted; insert only.

    `payee_id` is the creditor, or whose part of a split payment it is.
    """

    __tablename__ = "payment_order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "receivable_id", "payee_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("payment_orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), index=True)
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    amount_minor: Mapped[int]
    pay_to: Mapped[dict[str, str]] = mapped_column(JSONB)


class PaymentOrderTransfer(Base):
    """What an order pays that is no receivable: one transfer, to the account that was named; insert only."""

    __tablename__ = "payment_order_transfers"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("payment_orders.id"), primary_key=True)
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    amount_minor: Mapped[int]
    pay_to: Mapped[dict[str, str]] = mapped_column(JSONB)


class PaymentOrderEntry(Base):
    """An entry by which the payee's bank told of an order's transfer: it came in, or, below zero, went back; insert only."""

    __tablename__ = "payment_order_entries"
    __table_args__ = (CheckConstraint("amount_minor <> 0", name="amount_not_zero"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("bank_entries.id"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("payment_order_transfers.order_id"), index=True
    )
    amount_minor: Mapped[int]


class BankReport(Base):
    """A camt message as a bank sent it, once per content; insert only."""

    __tablename__ = "bank_reports"
    __table_args__ = (UniqueConstraint("bank_id", "sha256"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes]
    original: Mapped[bytes]
    received_at: Mapped[datetime]


class EntryState(StrEnum):
    """What became of an entry.

    RECORDED as a payment or as one taken back, UNMATCHED until a person assigns it, NOTED where it has nothing
    to do with a receivable.
    """

    RECORDED = "RECORDED"
    UNMATCHED = "UNMATCHED"
    NOTED = "NOTED"


class BankEntry(Base):
    """A booked movement that a bank told of, known by (bank, account, its reference).

    `bank` is the USCC of the bank that keeps the account, `other_bank` the USCC or name of the one on the other
    side, empty where nothing is told of it. `corrections`: how often a person took an assignment back.
    """

    __tablename__ = "bank_entries"
    __table_args__ = (
        UniqueConstraint("bank_id", "account", "reference"),
        Index("ix_bank_entries_bank_id_state_id", "bank_id", "state", "id"),
        Index("ix_bank_entries_receivable_id", "receivable_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("bank_reports.id"))
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    account: Mapped[str] = mapped_column(Text)
    bank: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    reversal: Mapped[bool]
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    booked_on: Mapped[date] = mapped_column(Date)
    end_to_end: Mapped[str] = mapped_column(Text)
    remittance: Mapped[str] = mapped_column(Text)
    other_name: Mapped[str] = mapped_column(Text)
    other_account: Mapped[str] = mapped_column(Text)
    other_bank: Mapped[str] = mapped_column(Text)
    state: Mapped[EntryState] = mapped_column(text_enum(EntryState))
    problem: Mapped[str | None] = mapped_column(Text)
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivables.id"))
    assigned: Mapped[bool] = mapped_column(server_default=text("false"))
    corrections: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))

    @property
    def amount(self) -> Money:
        """How much moved."""
        return Money(self.amount_minor, self.currency)

    @property
    def receipt_no(self) -> str:
        """The number under which it is recorded: another one each time that it was corrected."""
        again = f" ({self.corrections + 1})" if self.corrections else ""
        return f"{self.account}/{self.reference}{again}"


class BankFeed(Base):
    """How far the bank's reports were fetched."""

    __tablename__ = "bank_feeds"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    fetched: Mapped[int]


class ChangeState(StrEnum):
    """OPEN until everybody signed; ENDED by a signer, OVERTAKEN when the receivable moved on, before that."""

    OPEN = "OPEN"
    DONE = "DONE"
    ENDED = "ENDED"
    OVERTAKEN = "OVERTAKEN"


class Agreement(Countersigned, Base):
    """What everybody concerned with a claim is to sign: another account for it, or the split of its payment.

    Who has to sign it, or who ended it and why; `content` says which of the two it is.
    """

    __tablename__ = "account_changes"
    __table_args__ = (
        Index(
            "uq_account_changes_open",
            "receivable_id",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
        Index("ix_account_changes_signers", "signers", postgresql_using="gin"),
        CheckConstraint(
            "(state = 'ENDED') = (ended_by IS NOT NULL)"
            " AND (ended_by IS NULL) = (ended_because IS NULL)",
            name="ended_by_somebody",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    state: Mapped[ChangeState] = mapped_column(text_enum(ChangeState))
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    proposed_at: Mapped[datetime]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    ended_because: Mapped[str | None] = mapped_column(Text)


class ReconciliationState(StrEnum):
    """OPEN until both agree; OBJECTED while a side says another figure."""

    OPEN = "OPEN"
    OBJECTED = "OBJECTED"
    AGREED = "AGREED"


class Reconciliation(Subject, Countersigned, Base):
    """A month's balance between a creditor and a debtor in one currency (往来对账)."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("ix_reconciliations_creditor_id_id", "creditor_id", "id"),
        Index("ix_reconciliations_debtor_id_id", "debtor_id", "id"),
        UniqueConstraint("creditor_id", "debtor_id", "currency", "first_on", "number"),
        CheckConstraint(
            "closing_minor = opening_minor + confirmed_minor - paid_minor + reversed_minor"
            " - credited_minor",
            name="adds_up",
        ),
    )

    creditor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    currency: Mapped[str] = mapped_column(Text)
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    number: Mapped[int]
    opening_minor: Mapped[int]
    confirmed_minor: Mapped[int]
    paid_minor: Mapped[int]
    reversed_minor: Mapped[int]
    credited_minor: Mapped[int]
    closing_minor: Mapped[int]
    lines: Mapped[bytes]
    state: Mapped[ReconciliationState] = mapped_column(text_enum(ReconciliationState))
    drawn_at: Mapped[datetime]


class ReconciliationObjection(Base):
    """What a side says instead of signing: another amount, and why; insert only."""

    __tablename__ = "reconciliation_objections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reconciliation_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliations.id"), index=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    closing_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    objected_at: Mapped[datetime]


guard_states(PaymentOrder, ORDER_TRANSITIONS)
append_only(
    PaymentOrderLine, PaymentOrderTransfer, PaymentOrderEntry, BankReport, ReconciliationObjection
)
