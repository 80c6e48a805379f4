"""A bank's policy, its case for a financing, and the case's records.

A case is what its records made of it: each names who acted under which mandate with which inputs, and is
never rewritten. Its SHA-256 stands in the log, the record itself stays with the bank.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.evidence.models import Subject
from scf.kernel.errors import Conflict
from scf.kernel.money import Money

BYTES_MAX: Final = 4 * 1024 * 1024
"""Of one file: a scanned contract, a photograph."""


class State(StrEnum):
    """Where a case stands."""

    INVESTIGATING = "INVESTIGATING"
    REVIEWING = "REVIEWING"
    DECIDING = "DECIDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    OFFERED = "OFFERED"
    CLEARED = "CLEARED"
    LENT = "LENT"
    CLOSED = "CLOSED"
    ENDED = "ENDED"


_EARLIER: Final = frozenset({State.INVESTIGATING, State.REVIEWING, State.DECIDING})

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.INVESTIGATING: frozenset(
            {State.REVIEWING, State.DECIDING, State.APPROVED, State.ENDED}
        ),
        State.REVIEWING: frozenset(
            {State.INVESTIGATING, State.DECIDING, State.APPROVED, State.ENDED}
        ),
        State.DECIDING: frozenset(
            {State.INVESTIGATING, State.REVIEWING, State.APPROVED, State.REJECTED, State.ENDED}
        ),
        State.APPROVED: _EARLIER | {State.OFFERED, State.ENDED},
        State.REJECTED: _EARLIER | {State.ENDED},
        State.OFFERED: frozenset({State.CLEARED, State.LENT, State.ENDED}),
        State.CLEARED: frozenset({State.OFFERED, State.LENT, State.ENDED}),
        State.LENT: frozenset({State.CLOSED}),
        State.CLOSED: frozenset(),
        State.ENDED: frozenset(),
    }
)
"""The one table of moves. What was decided is given back for another look until the offer is signed."""


class Kind(StrEnum):
    """What a record is about. The last five are told by what happens to the financing."""

    INVESTIGATED = "investigated"
    REVIEWED = "reviewed"
    VOTED = "voted"
    DECIDED = "decided"
    RETURNED = "returned"
    PAYMENT_PLANNED = "payment_planned"
    TICKED = "ticked"
    CLEARED = "cleared"
    REOPENED = "reopened"
    USE_SHOWN = "use_shown"
    CHECKED = "checked"
    GRADE_PROPOSED = "grade_proposed"
    GRADED = "graded"
    EXTENSION_DECIDED = "extension_decided"
    OPENED = "opened"
    OFFERED = "offered"
    LENT = "lent"
    EXTENDED = "extended"
    FINISHED = "finished"


class MoveRefused(Conflict):
    """A case moves only as its table says, through the steps that its policy has."""

    code = "approval.state_forbids"
    title = "审批流程当前状态不允许此操作"
    title_en = "The case's state does not allow this now"


class Policy(Base):
    """How a bank decides, from a day on; insert only. A case keeps the version that it began with.

    `content` is `scf.approvals.policy.Content` as JSON, `sha256` that of `journal.policy_content`.
    """

    __tablename__ = "approval_policies"
    __table_args__ = (
        UniqueConstraint("bank_id", "number"),
        CheckConstraint("maker_id <> checker_id", name="two_people"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    number: Mapped[int]
    effective_on: Mapped[date] = mapped_column(Date)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[bytes]
    maker_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    maker_mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"))
    checker_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    checker_mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"))
    recorded_at: Mapped[datetime]


class Case(Subject, Base):
    """A bank's case for one financing; only that bank knows of it."""

    __tablename__ = "approval_cases"
    __table_args__ = (Index("ix_approval_cases_bank_id_id", "bank_id", "id"),)

    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"), unique=True)
    bank_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    receivable_id: Mapped[UUID] = mapped_column(ForeignKey("receivables.id"))
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("approval_policies.id"))
    currency: Mapped[str] = mapped_column(Text)
    asked_minor: Mapped[int]
    asked_days: Mapped[int]
    state: Mapped[State] = mapped_column(text_enum(State))
    state_since: Mapped[datetime]
    opened_at: Mapped[datetime]

    def require(self, *states: State) -> None:
        """Raise MoveRefused unless the case stands in one of these states."""
        if self.state not in states:
            raise MoveRefused(state=self.state.value, needed=[state.value for state in states])

    def require_move(self, to: State) -> None:
        """Raise MoveRefused where the table does not allow a move."""
        if to not in TRANSITIONS[self.state]:
            raise MoveRefused(state=self.state.value, asked=to.value)

    @property
    def asked(self) -> Money:
        """What the borrower asked for."""
        return Money(self.asked_minor, self.currency)


class Record(Base):
    """One act of a case; insert only. `state` is the case's after it, `seq` the version of the event.

    A person and a mandate where somebody acted, neither where the case followed its financing. `sha256` is
    that of the record as `scf.approvals.journal.content` writes it, which the event carries.
    """

    __tablename__ = "approval_records"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        CheckConstraint("(person_id IS NULL) = (mandate_id IS NULL)", name="hand_with_mandate"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("approval_cases.id"))
    seq: Mapped[int]
    kind: Mapped[Kind] = mapped_column(text_enum(Kind))
    state: Mapped[State] = mapped_column(text_enum(State))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    mandate_id: Mapped[UUID | None] = mapped_column(ForeignKey("mandates.id"))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[bytes]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"), unique=True)
    recorded_at: Mapped[datetime]


class CasePaper(Base):
    """A file that a record names by hash, as it came; insert only. `name` is what the record calls it."""

    __tablename__ = "approval_papers"
    __table_args__ = (
        UniqueConstraint("case_id", "sha256"),
        CheckConstraint("sha256 = sha256(original)", name="sha256_of_original"),
        CheckConstraint(f"octet_length(original) BETWEEN 1 AND {BYTES_MAX}", name="size"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("approval_cases.id"))
    sha256: Mapped[bytes]
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    original: Mapped[bytes] = mapped_column(deferred=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    kept_at: Mapped[datetime]


guard_states(Case, TRANSITIONS)
append_only(Policy, Record, CasePaper)
