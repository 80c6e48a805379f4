"""A financing: one request of one supplier to one bank over one claim, and its receipts of money."""

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
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.pledges.kinds import Security


class State(StrEnum):
    """Where a financing stands."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    CONTRACTED = "CONTRACTED"
    DISBURSED = "DISBURSED"
    REPAID = "REPAID"
    CLOSED = "CLOSED"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.REQUESTED: frozenset({State.APPROVED, State.REFUSED}),
        State.APPROVED: frozenset({State.CONTRACTED, State.REFUSED}),
        State.CONTRACTED: frozenset({State.DISBURSED, State.REFUSED}),
        State.DISBURSED: frozenset({State.REPAID}),
        State.REPAID: frozenset({State.CLOSED}),
        State.REFUSED: frozenset(),
        State.CLOSED: frozenset(),
    }
)
"""The one table of moves. Repaid in part, it stays DISBURSED and owes less."""
OVER: Final = (State.REFUSED, State.CLOSED)
"""States from which a financing moves no more: it has no claim, and another may be asked for."""


class ReceiptKind(StrEnum):
    """Which way the money went."""

    DISBURSEMENT = "disbursement"
    REPAYMENT = "repayment"


class MoveRefused(Conflict):
    """A financing moves only as its table says."""

    code = "financing.state_forbids"
    title = "融资当前状态不允许此操作"
    title_en = "The financing's state does not allow this now"


class Financing(Subject, Base):
    """What a supplier asks a bank for, and what became of it.

    Terms stand from the bank's signed offer on. `offer_authorizations` are the hashes of its two
    signatures, `receivable_event` that of the debtor's confirmation; `security` what the bank takes, null
    for a pledge, `trade` what the borrower declares of the trade behind the claim.
    """

    __tablename__ = "financings"
    __table_args__ = (
        Index(
            "uq_financings_open",
            "receivable_id",
            "lender_id",
            unique=True,
            postgresql_where=text("state NOT IN ('REFUSED', 'CLOSED')"),
        ),
        Index("ix_financings_borrower_id_id", "borrower_id", "id"),
        Index("ix_financings_lender_id_id", "lender_id", "id"),
        CheckConstraint("requested_minor > 0 AND requested_days > 0", name="request_positive"),
        CheckConstraint(
            "(contract_sha256 IS NULL) = (amount_minor IS NULL)", name="terms_with_contract"
        ),
        CheckConstraint(
            "state NOT IN ('DISBURSED', 'REPAID', 'CLOSED') OR disbursed_on IS NOT NULL",
            name="disbursed_on_a_day",
        ),
    )

    borrower_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    lender_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"))
    receivable_event: Mapped[bytes]
    currency: Mapped[str] = mapped_column(Text)
    requested_minor: Mapped[int]
    requested_days: Mapped[int]
    amount_minor: Mapped[int | None]
    rate: Mapped[str | None] = mapped_column(Text)
    day_count: Mapped[str | None] = mapped_column(Text)
    days: Mapped[int | None]
    starts_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    contract_sha256: Mapped[bytes | None]
    security: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trade: Mapped[dict[str, bool] | None] = mapped_column(JSONB(none_as_null=True))
    offer_authorizations: Mapped[list[bytes]] = mapped_column(
        ARRAY(LargeBinary), server_default="{}"
    )
    reason: Mapped[str | None] = mapped_column(Text)
    pledge_id: Mapped[UUID | None] = mapped_column(ForeignKey("pledges.id"), unique=True)
    disbursed_on: Mapped[date | None] = mapped_column(Date)
    repaid_minor: Mapped[int] = mapped_column(server_default="0")
    repaid_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        self.require_move(to)
        self.state = to
        self.state_since = now

    def require_move(self, to: State) -> None:
        """Raise MoveRefused where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)

    def money(self, minor: int) -> Money:
        """Return an amount in the financing's currency."""
        return Money(minor, self.currency)

    @property
    def taken(self) -> Security:
        """What kind of security the bank takes."""
        return Security.of_json(self.security)

    @property
    def requested(self) -> Money:
        """What was asked for."""
        return self.money(self.requested_minor)

    @property
    def amount(self) -> Money:
        """What is lent; before an offer, what is asked for."""
        return self.money(self.requested_minor if self.amount_minor is None else self.amount_minor)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return [self.borrower_id, self.lender_id]


class Contract(Base):
    """A contract's text under its hash, as both parties sign it; insert only."""

    __tablename__ = "contracts"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), index=True)
    body: Mapped[bytes]


class FinancingReceipt(Base):
    """A bank's receipt over money that moved; insert only. A bank's receipt number is used once.

    A repayment's parts: interest first, then principal.
    """

    __tablename__ = "financing_receipts"
    __table_args__ = (
        UniqueConstraint("lender_id", "receipt_no"),
        Index(
            "uq_financing_receipts_disbursement",
            "financing_id",
            unique=True,
            postgresql_where=text("kind = 'disbursement'"),
        ),
        CheckConstraint(
            "amount_minor > 0 AND amount_minor = principal_minor + interest_minor"
            " AND least(principal_minor, interest_minor) >= 0",
            name="parts_add_up",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), index=True)
    lender_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[ReceiptKind] = mapped_column(text_enum(ReceiptKind))
    receipt_no: Mapped[str] = mapped_column(Text)
    on: Mapped[date] = mapped_column("receipt_on", Date)
    amount_minor: Mapped[int]
    principal_minor: Mapped[int]
    interest_minor: Mapped[int]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    reported_at: Mapped[datetime]


class RankStep(StrEnum):
    """With which decision of the bank a rank was kept."""

    OFFER = "offer"
    DISBURSEMENT = "disbursement"


class FinancingRank(Base):
    """The order on the claim as a bank could know it when it decided; insert only.

    `claims` are what was ranked, `own` the ref of the bank's own, `ranks` what came of it.
    """

    __tablename__ = "financing_ranks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), index=True)
    step: Mapped[RankStep] = mapped_column(text_enum(RankStep))
    stated_at: Mapped[datetime]
    search_no: Mapped[str | None] = mapped_column(Text)
    own: Mapped[str] = mapped_column(Text)
    claims: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    ranks: Mapped[dict[str, int]] = mapped_column(JSONB)


guard_states(Financing, TRANSITIONS)
append_only(Contract, FinancingReceipt, FinancingRank)
