"""A pledge, its registration and its lock: three rows, each with its own machine.

The pledge's row is locked before any of the three is changed.
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity, measure
from scf.pledges.kinds import Security, SecurityKind


class State(StrEnum):
    """Where a pledge stands. It is a right in rem from EFFECTIVE on (Civil Code 445)."""

    PROPOSED = "PROPOSED"
    SIGNED = "SIGNED"
    RESERVED = "RESERVED"
    EFFECTIVE = "EFFECTIVE"
    RELEASED = "RELEASED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


_ENDINGS = frozenset({State.CANCELLED, State.EXPIRED})

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.PROPOSED: _ENDINGS | {State.SIGNED},
        State.SIGNED: _ENDINGS | {State.RESERVED},
        State.RESERVED: _ENDINGS | {State.EFFECTIVE},
        State.EFFECTIVE: frozenset({State.RELEASED}),
        State.RELEASED: frozenset(),
        State.CANCELLED: frozenset(),
        State.EXPIRED: frozenset(),
    }
)
"""The one table of a pledge's moves."""
OPEN: Final = (State.PROPOSED, State.SIGNED, State.RESERVED)
"""States before a pledge takes effect; time ends them."""
LIVE: Final = (State.RESERVED, State.EFFECTIVE)
"""States in which a part of the value is taken."""
OVER: Final = (State.RELEASED, State.CANCELLED, State.EXPIRED)
"""States from which a pledge moves no more."""


class LockState(StrEnum):
    """Where the lock on chain stands. It conditions no right; a release never waits for it."""

    NONE = "none"
    SENT = "sent"
    FINAL = "final"
    LOST = "lost"
    UNLOCKING = "unlocking"


LOCK_TRANSITIONS: Final[Mapping[LockState, frozenset[LockState]]] = MappingProxyType(
    {
        LockState.NONE: frozenset({LockState.SENT, LockState.UNLOCKING}),
        LockState.SENT: frozenset(
            {LockState.FINAL, LockState.NONE, LockState.LOST, LockState.UNLOCKING}
        ),
        LockState.FINAL: frozenset({LockState.LOST, LockState.UNLOCKING, LockState.NONE}),
        LockState.LOST: frozenset(
            {LockState.SENT, LockState.FINAL, LockState.UNLOCKING, LockState.NONE}
        ),
        LockState.UNLOCKING: frozenset({LockState.NONE}),
    }
)
"""The one table of a lock's moves: lost blocks and refusals lead back, and it is tried again.

From FINAL straight to NONE goes a lock whose tokens another pledge here still wants.
"""


class SearchStep(StrEnum):
    """When the register was searched: before and after registering, and every month from then on."""

    BEFORE = "before"
    AFTER = "after"
    REVIEW = "review"


class MoveRefused(Conflict):
    """A pledge moves only as its table says."""

    code = "pledge.state_forbids"
    title = "质押当前状态不允许此操作"
    title_en = "The pledge's state does not allow this now"


class Pledge(Subject, Base):
    """A claim, or a part of it, given as security for one principal debt: pledged, assigned or factored.

    Or an order or goods (`stage_id`) that will be one; what it holds may since stand on later forms of them.
    Or a warehouse receipt (`receipt_id`), of which a quantity is pledged.

    `receivable_event` is the hash of the debtor's confirmation, or of the issue or endorsement of a receipt by
    which its pledgor holds it; `contract_sha256` that of the contract;
    `ending` is the reason of an end that may still wait for the register's answer, `lapsed` whether time
    brought it. `realise_told_on` is the end of a receipt before the debt's that its pledgee was told of.
    """

    __tablename__ = "pledges"
    __table_args__ = (
        Index("ix_pledges_pledgor_id_id", "pledgor_id", "id"),
        Index("ix_pledges_pledgee_id_id", "pledgee_id", "id"),
        Index(
            "ix_pledges_realise_told_on", "id", postgresql_where=text("realise_told_on IS NOT NULL")
        ),
        CheckConstraint(
            "num_nonnulls(receivable_id, stage_id, receipt_id) = 1", name="on_one_ground"
        ),
        CheckConstraint("principal_minor > 0", name="principal_positive"),
        CheckConstraint("kind <> 'pledge' OR recourse AND disclosed", name="pledge_is_plain"),
        CheckConstraint("(unit = currency) = (receipt_id IS NULL)", name="goods_in_their_unit"),
        CheckConstraint(
            "unit <> currency OR amount_minor >= principal_minor", name="amount_covers_principal"
        ),
        CheckConstraint(
            "(state IN ('EFFECTIVE', 'RELEASED')) = (legally_effective_at IS NOT NULL)",
            name="effective_when_registered",
        ),
        CheckConstraint(
            "ready_to_disburse_at IS NULL"
            " OR (legally_effective_at IS NOT NULL AND lock_final_at IS NOT NULL)",
            name="ready_when_registered_and_locked",
        ),
    )

    kind: Mapped[SecurityKind] = mapped_column(text_enum(SecurityKind), server_default="pledge")
    recourse: Mapped[bool] = mapped_column(server_default=text("true"))
    disclosed: Mapped[bool] = mapped_column(server_default=text("true"))
    pledgor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    pledgee_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receivable_id: Mapped[UUID | None] = mapped_column(ForeignKey("receivables.id"), index=True)
    stage_id: Mapped[UUID | None] = mapped_column(ForeignKey("trade_stages.id"), index=True)
    receipt_id: Mapped[UUID | None] = mapped_column(ForeignKey("warehouse_receipts.id"), index=True)
    receivable_event: Mapped[bytes]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    currency: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    contract_sha256: Mapped[bytes]
    principal_minor: Mapped[int]
    rate: Mapped[str] = mapped_column(Text)
    principal_due_on: Mapped[date] = mapped_column(Date)
    signed_event: Mapped[bytes | None]
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    expires_at: Mapped[datetime]
    ending: Mapped[str | None] = mapped_column(Text)
    lapsed: Mapped[bool] = mapped_column(server_default=text("false"))
    reserved_at: Mapped[datetime | None]
    legally_effective_at: Mapped[datetime | None]
    lock_final_at: Mapped[datetime | None]
    ready_to_disburse_at: Mapped[datetime | None]
    recourse_called_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    realise_told_on: Mapped[date | None] = mapped_column(Date)

    registration: Mapped["PledgeRegistration"] = relationship(lazy="joined", innerjoin=True)
    lock: Mapped["PledgeLock"] = relationship(lazy="joined", innerjoin=True)

    def move(self, to: State, *, now: datetime) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state = to
        self.state_since = now

    def may_become(self, to: State) -> bool:
        """Say whether the table allows a move."""
        return to in TRANSITIONS[self.state]

    @property
    def security(self) -> Security:
        """What kind of security it is, with its choices."""
        return Security(self.kind, self.recourse, self.disclosed)

    @property
    def amount(self) -> Money | Quantity:
        """What is pledged: fen of a claim, a quantity of the goods of a receipt."""
        return measure(self.amount_minor, self.unit)

    @property
    def money(self) -> Money:
        """What is pledged of a claim. Raises AmountInvalid for goods."""
        return Money(self.amount_minor, self.unit)

    @property
    def principal(self) -> Money:
        """The debt that is secured."""
        return Money(self.principal_minor, self.currency)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return [self.pledgor_id, self.pledgee_id]


class PledgeRegistration(Base):
    """What the register knows of a pledge. `filing_sent_at` (real time) is stored before filing.

    `cancellation_due_on` is the tenth working day after the release.
    """

    __tablename__ = "pledge_registrations"

    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    filing_sent_at: Mapped[datetime | None]
    reg_no: Mapped[str | None] = mapped_column(Text, unique=True)
    registered_at: Mapped[datetime | None]
    expires_on: Mapped[date | None] = mapped_column(Date)
    certificate: Mapped[bytes | None]
    cancellation_due_on: Mapped[date | None] = mapped_column(Date)
    cancellation_raised_at: Mapped[datetime | None]
    cancellation_asked_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class PledgeSearch(Base):
    """A search of the register, with its certificate (查询证明) as issued; insert only."""

    __tablename__ = "pledge_searches"
    __table_args__ = (UniqueConstraint("pledge_id", "cert_no"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"))
    step: Mapped[SearchStep] = mapped_column(text_enum(SearchStep))
    cert_no: Mapped[str] = mapped_column(Text)
    searched_at: Mapped[datetime]
    clean: Mapped[bool]
    results_hash: Mapped[bytes]
    certificate: Mapped[bytes]


class PledgeLock(Base):
    """A pledge's lock on chain. `tokens` stand here while this pledge counts among their holders.

    `transaction_id` is the newest transaction sent for it: what is heard of older ones is history.
    `papers_sha256` is of the papers that it was last sent for.
    """

    __tablename__ = "pledge_locks"
    __table_args__ = (Index("ix_pledge_locks_state", "state", "since"),)

    pledge_id: Mapped[UUID] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    state: Mapped[LockState] = mapped_column(text_enum(LockState))
    since: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    transaction_id: Mapped[int | None]
    tokens: Mapped[list[bytes] | None] = mapped_column(ARRAY(LargeBinary))
    papers_sha256: Mapped[bytes | None]
    ticket_sha256: Mapped[bytes | None]
    tx_hash: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)

    def move(self, to: LockState, *, now: datetime, problem: str | None = None) -> None:
        """Move as the table says. Raises MoveRefused, which names both states."""
        if to not in LOCK_TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)
        self.state = to
        self.since = now
        self.problem = problem


class AssetToken(Base):
    """How many live pledges here want a token locked; the last one gives it back to the chain.

    `expiry` is the latest asked for on chain (Unix seconds), null where nothing was sent.
    """

    __tablename__ = "asset_tokens"
    __table_args__ = (CheckConstraint("holders >= 0", name="holders_not_negative"),)

    token: Mapped[bytes] = mapped_column(primary_key=True)
    holders: Mapped[int]
    expiry: Mapped[int | None]


guard_states(Pledge, TRANSITIONS)
guard_states(PledgeLock, LOCK_TRANSITIONS)
append_only(PledgeSearch)
