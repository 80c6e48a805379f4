"""A receivable: one line of the buyer's payable list, its documents, its payments, its states."""

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
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, pairs, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class State(StrEnum):
    """Where a receivable stands."""

    SUBMITTED = "SUBMITTED"
    DISPUTED = "DISPUTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    CONFIRMED = "CONFIRMED"
    PARTIALLY_CONFIRMED = "PARTIALLY_CONFIRMED"
    PARTLY_PAID = "PARTLY_PAID"
    PAID = "PAID"


GIVEN_UP: Final = (State.REJECTED, State.WITHDRAWN)
"""Claims that nobody holds up any more: their documents and line numbers are free."""
_ANSWERS = frozenset({State.CONFIRMED, State.PARTIALLY_CONFIRMED, State.REJECTED})
_PAYMENTS = frozenset({State.PARTLY_PAID, State.PAID})

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.SUBMITTED: _ANSWERS | {State.DISPUTED, State.WITHDRAWN},
        State.DISPUTED: _ANSWERS,
        State.REJECTED: frozenset(),
        State.WITHDRAWN: frozenset(),
        State.CONFIRMED: _PAYMENTS,
        State.PARTIALLY_CONFIRMED: _PAYMENTS,
        State.PARTLY_PAID: frozenset({State.PAID}),
        State.PAID: frozenset({State.PARTLY_PAID}),
    }
)
"""The one table of moves. A further payment of a part, or beyond the whole, moves nothing; one that is taken
back leaves it PARTLY_PAID, also where nothing is left of it: it is not to be answered again."""


class MoveRefused(Conflict):
    """A receivable moves only as its table says."""

    code = "receivable.state_forbids"
    title = "应收账款当前状态不允许此操作"
    title_en = "The receivable's state does not allow this now"


class Receivable(Subject, Base):
    """What a debtor owes a creditor under one line, with one due date and one payment.

    `claimed` is the creditor's word; confirmed, disputed and rejected add up to it once the debtor has
    confirmed. `paid` came into the named account, `astray` into others; `…_taken` is what its pool took of
    that (what is paid beyond the value stays outside). `viewers` are parties beside creditor and debtor that it was shown to.
    """

    __tablename__ = "receivables"
    __table_args__ = (
        Index(
            "uq_receivables_live_line",
            "programme_id",
            "creditor_id",
            "line_no",
            unique=True,
            postgresql_where=text("state NOT IN ('REJECTED', 'WITHDRAWN')"),
        ),
        Index("ix_receivables_creditor_id_id", "creditor_id", "id"),
        Index("ix_receivables_debtor_id_id", "debtor_id", "id"),
        Index("ix_receivables_viewers", "viewers", postgresql_using="gin"),
        CheckConstraint("claimed_minor > 0", name="claimed_positive"),
        CheckConstraint(
            "least(confirmed_minor, disputed_minor, rejected_minor) >= 0",
            name="amounts_not_negative",
        ),
        CheckConstraint(
            "paid_taken_minor BETWEEN 0 AND paid_minor"
            " AND astray_taken_minor BETWEEN 0 AND astray_minor",
            name="taken_was_paid",
        ),
        CheckConstraint(
            "retention_minor IS NULL AND retention_due_on IS NULL"
            " OR retention_minor BETWEEN 1 AND confirmed_minor AND retention_due_on >= due_on",
            name="retention_within",
        ),
        CheckConstraint(
            "CASE WHEN pool_id IS NULL THEN confirmed_minor = 0"
            " AND disputed_minor + rejected_minor <= claimed_minor"
            " ELSE confirmed_minor + disputed_minor + rejected_minor = claimed_minor END",
            name="answer_adds_up",
        ),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    creditor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    line_no: Mapped[str] = mapped_column(Text)
    contract_no: Mapped[str | None] = mapped_column(Text)
    receipt_no: Mapped[str | None] = mapped_column(Text)
    delivered_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(Text)
    claimed_minor: Mapped[int]
    confirmed_minor: Mapped[int] = mapped_column(server_default="0")
    disputed_minor: Mapped[int] = mapped_column(server_default="0")
    rejected_minor: Mapped[int] = mapped_column(server_default="0")
    paid_minor: Mapped[int] = mapped_column(server_default="0")
    paid_taken_minor: Mapped[int] = mapped_column(server_default="0")
    astray_minor: Mapped[int] = mapped_column(server_default="0")
    astray_taken_minor: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[State] = mapped_column(text_enum(State), server_default=State.SUBMITTED)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_compliant: Mapped[bool | None]
    pay_to: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    parts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    no_setoff: Mapped[bool | None]
    consents: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    retention_minor: Mapped[int | None]
    retention_due_on: Mapped[date | None] = mapped_column(Date)
    assignment_banned: Mapped[bool | None]
    counterclaims: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    pool_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pools.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    confirmed_event_hash: Mapped[bytes | None]
    viewers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    submitted_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    def move(self, to: State) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state = to

    def advance(self, to: State) -> None:
        """Move, or stay where it stands already. Raises MoveRefused."""
        if to is not self.state:
            self.move(to)

    def money(self, minor: int) -> Money:
        """Return an amount in the receivable's currency."""
        return Money(minor, self.currency)

    @property
    def claimed(self) -> Money:
        """What the creditor claims."""
        return self.money(self.claimed_minor)

    @property
    def confirmed(self) -> Money:
        """What the debtor has promised to pay."""
        return self.money(self.confirmed_minor)

    @property
    def free_of_defence(self) -> Money:
        """What is confirmed, less what the debtor says it may set off."""
        against = (Money.from_json(one["amount"]) for one in self.counterclaims or ())
        return sum((-amount for amount in against), self.confirmed)

    @property
    def maturities(self) -> list[tuple[date, Money]]:
        """When how much of what is confirmed falls due: a retention (质保金) on its own date."""
        if self.retention_minor is None or self.retention_due_on is None:
            return [(self.due_on, self.confirmed)]
        kept = self.money(self.retention_minor)
        rest = self.confirmed - kept
        own = [(self.retention_due_on, kept)]
        return [(self.due_on, rest), *own] if rest.minor else own

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it: creditor, debtor, and those that it was shown to."""
        return [self.creditor_id, self.debtor_id, *self.viewers]


class ReceivableDocument(Base):
    """A document behind a receivable. While `live`, no other receivable may stand on it."""

    __tablename__ = "receivable_documents"
    __table_args__ = (
        Index(
            "uq_receivable_documents_live",
            "document_id",
            unique=True,
            postgresql_where=text("live"),
        ),
    )

    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), index=True)
    live: Mapped[bool] = mapped_column(server_default=text("true"))


class ReceivablePayment(Base):
    """A bank's receipt over money that the debtor paid; insert only. A bank's receipt number is used once.

    `taken_minor` is what of it paid the value where the payment is split, null where it is not.
    """

    __tablename__ = "receivable_payments"
    __table_args__ = (
        UniqueConstraint("bank_id", "receipt_no"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), index=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receipt_no: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    paid_on: Mapped[date] = mapped_column(Date)
    account: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    to_named_account: Mapped[bool]
    taken_minor: Mapped[int | None]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    reported_at: Mapped[datetime]


class PaymentReversal(Base):
    """A bank's receipt over (a part of) a payment that was taken back; insert only."""

    __tablename__ = "payment_reversals"
    __table_args__ = (
        UniqueConstraint("bank_id", "receipt_no"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("receivable_payments.id"), index=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receipt_no: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    reversed_on: Mapped[date] = mapped_column(Date)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    reported_at: Mapped[datetime]


class ReceivableCreditNote(Base):
    """A note that takes back (a part of) a document behind a receivable; insert only."""

    __tablename__ = "receivable_credit_notes"

    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"), primary_key=True)
    note_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    amount_minor: Mapped[int]
    recorded_at: Mapped[datetime]


after_table(
    Receivable,
    f"""
CREATE FUNCTION guard_receivable_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN ({pairs(TRANSITIONS)}) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'receivable %: % does not become %', OLD.id, OLD.state, NEW.state
    USING ERRCODE = 'check_violation';
END $$
""",
    """
CREATE TRIGGER receivables_guard_state BEFORE UPDATE OF state ON receivables
  FOR EACH ROW EXECUTE FUNCTION guard_receivable_state()
""",
)
append_only(ReceivablePayment, PaymentReversal, ReceivableCreditNote)
