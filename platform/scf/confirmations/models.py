"""A request for confirmation, its state machine, and what is recorded on its way."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.kernel.errors import Conflict
from scf.kernel.money import Money


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    OVERDUE = "OVERDUE"
    ANSWERED_LATE = "ANSWERED_LATE"
    ESCALATED = "ESCALATED"
    WITHDRAWN = "WITHDRAWN"


_ENDS = frozenset({RequestState.ANSWERED_LATE, RequestState.WITHDRAWN})

REQUEST_TRANSITIONS: Final[Mapping[RequestState, frozenset[RequestState]]] = MappingProxyType(
    {
        RequestState.OPEN: frozenset(
            {RequestState.ANSWERED, RequestState.OVERDUE, RequestState.WITHDRAWN}
        ),
        RequestState.OVERDUE: _ENDS | {RequestState.ESCALATED},
        RequestState.ESCALATED: _ENDS,
        RequestState.ANSWERED: frozenset(),
        RequestState.ANSWERED_LATE: frozenset(),
        RequestState.WITHDRAWN: frozenset(),
    }
)
"""The one table of a request's moves. A letter that was sent does not end the wait for an answer."""

RUNNING: Final = frozenset(state for state, moves in REQUEST_TRANSITIONS.items() if moves)


class RequestMoveRefused(Conflict):
    """A request moves only as its table says."""

    code = "confirmation.state_forbids"
    title = "确权请求当前状态不允许此操作"
    title_en = "The request's state does not allow this now"


class ConfirmationRequest(Base):
    """A creditor's explicit request that its debtor confirm one receivable; day 0 is `requested_on`.

    `conditions` says what makes the statutory time run and what was found. `days` and `reminder_days` are
    those of the rules in force on day 0; without a statutory time they are absent, `deadline_on` is what the
    contract says, and nothing falls due. `event_version` is the receivable's version that tells of the
    request, `seen_version` the last one whose answers were looked at, `next_on` the next day that brings
    something about, `fault` why the clock could not bring it up to date the last time.
    """

    __tablename__ = "confirmation_requests"
    __table_args__ = (
        Index(
            "uq_confirmation_requests_running",
            "receivable_id",
            unique=True,
            postgresql_where=text("state IN ('OPEN', 'OVERDUE', 'ESCALATED')"),
        ),
        Index("ix_confirmation_requests_creditor_id_id", "creditor_id", "id"),
        Index("ix_confirmation_requests_debtor_id_deadline_on", "debtor_id", "deadline_on"),
        CheckConstraint("claimed_minor > 0", name="claimed_positive"),
        CheckConstraint(
            "statutory = (days IS NOT NULL) AND (NOT statutory OR deadline_on = requested_on + days)",
            name="statutory_has_days",
        ),
        CheckConstraint(
            "(overdue_on IS NOT NULL) >= (state IN ('OVERDUE', 'ESCALATED', 'ANSWERED_LATE'))",
            name="late_was_overdue",
        ),
        CheckConstraint(
            "(answered_on IS NOT NULL) = (state IN ('ANSWERED', 'ANSWERED_LATE'))"
            " AND (answered_on IS NULL) = (answer_event_id IS NULL)",
            name="answered_has_answer",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"))
    creditor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    debtor_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), unique=True)
    event_version: Mapped[int]
    requested_on: Mapped[date] = mapped_column(Date)
    requested_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    claimed_minor: Mapped[int]
    statutory: Mapped[bool]
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    rule_version: Mapped[int | None]
    days: Mapped[int | None] = mapped_column(Integer)
    reminder_days: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    deadline_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[RequestState] = mapped_column(text_enum(RequestState))
    state_since: Mapped[datetime]
    overdue_on: Mapped[date | None] = mapped_column(Date)
    answered_on: Mapped[date | None] = mapped_column(Date)
    answer_event_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id"))
    next_on: Mapped[date | None] = mapped_column(Date, index=True)
    seen_version: Mapped[int]
    fault: Mapped[str | None] = mapped_column(Text)

    def require_move(self, to: RequestState) -> None:
        """Raise RequestMoveRefused, which names both states, where the table does not allow a move."""
        if to not in REQUEST_TRANSITIONS[self.state]:
            raise RequestMoveRefused(state=self.state.value, asked=to.value)

    def move(self, to: RequestState, *, now: datetime) -> None:
        """Move as the table says, and note since when. Raises RequestMoveRefused."""
        self.require_move(to)
        self.state, self.state_since = to, now

    @property
    def claimed(self) -> Money:
        """What is to be confirmed."""
        return Money(self.claimed_minor, self.currency)

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""
        return [self.creditor_id, self.debtor_id]


class MomentKind(StrEnum):
    """What is recorded on a request's way; what parties say in events is not told twice."""

    REMINDER = "REMINDER"
    CONFIRM_OVERDUE = "CONFIRM_OVERDUE"
    DELIVERED = "DELIVERED"
    READ = "READ"
    ESCALATED = "ESCALATED"
    CONTESTED = "CONTESTED"
    DECIDED = "DECIDED"
    WITHDRAWN = "WITHDRAWN"


class Moment(Base):
    """One thing on a request's way; insert only.

    `day` counts calendar days from day 0. `due_on` is the day that it belongs to, `recorded_at` when it was
    written, later where no worker ran. `actor_id` is the party that did it, None for the platform and its
    operator; `upheld` how a contest was decided.
    """

    __tablename__ = "confirmation_moments"
    __table_args__ = (
        Index("uq_confirmation_moments_kind_day", "request_id", "kind", "day", unique=True),
        Index(
            "uq_confirmation_moments_once",
            "request_id",
            "kind",
            unique=True,
            postgresql_where=text("kind <> 'REMINDER'"),
        ),
        CheckConstraint("day >= 0", name="day_not_negative"),
        CheckConstraint("(kind = 'DECIDED') = (upheld IS NOT NULL)", name="decided_either_way"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID] = mapped_column(ForeignKey("confirmation_requests.id"))
    kind: Mapped[MomentKind] = mapped_column(text_enum(MomentKind))
    day: Mapped[int]
    due_on: Mapped[date] = mapped_column(Date)
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    reason: Mapped[str | None] = mapped_column(Text)
    upheld: Mapped[bool | None]
    recorded_at: Mapped[datetime]


class Letter(Base):
    """What a letter over an overdue confirmation (催告函) says, as canonical bytes; insert only."""

    __tablename__ = "confirmation_letters"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),)

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("confirmation_requests.id"), primary_key=True
    )
    content: Mapped[bytes]
    sha256: Mapped[bytes]
    written_at: Mapped[datetime]


guard_states(ConfirmationRequest, REQUEST_TRANSITIONS)
append_only(Moment, Letter)
