"""A job: a list handed in, its items as they came, and what became of each of them.

Items and results are only ever added. A job's `cursor` counts the items that have a result, and moves in the
transaction that writes these, so that a job goes on where it stood however its worker ended.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only, guard_states, text_enum
from scf.kernel.errors import Conflict


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Outcome(StrEnum):
    """What became of an item: done, waiting for something outside the job, or refused."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"


OPEN: Final = (State.QUEUED, State.RUNNING)
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED, State.CANCELLED}),
        State.RUNNING: frozenset({State.DONE, State.FAILED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset({State.QUEUED}),
        State.CANCELLED: frozenset({State.QUEUED}),
    }
)
"""The one table of moves; what was cancelled or has failed may be resumed."""


class JobMoveRefused(Conflict):
    """A job moves only as its table says."""

    code = "job.state_forbids"
    title = "任务当前状态不允许此操作"
    title_en = "The job's state does not allow this now"


class Job(Base):
    """Work of a `kind` over `total` items, for a party, asked for by one of its clients.

    `columns` are the headers that items have cells for; `arguments` what holds for all of them;
    `input_sha256` is that of all items. `running_from` is the cursor at `running_since`. Times are real.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_party_id_id", "party_id", "id"),
        Index(
            "ix_jobs_open",
            "advanced_at",
            postgresql_where=text("state IN ('QUEUED', 'RUNNING')"),
        ),
        CheckConstraint("total > 0 AND cursor <= total", name="cursor_within"),
        CheckConstraint(
            "least(done, waiting, failed) >= 0 AND done + waiting + failed = cursor",
            name="results_add_up",
        ),
        CheckConstraint("(state = 'DONE') = (cursor = total)", name="done_when_all_are"),
        CheckConstraint("octet_length(input_sha256) = 32", name="input_sha256_length"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    party_id: Mapped[UUID]
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    state: Mapped[State] = mapped_column(text_enum(State), server_default=State.QUEUED)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))
    filename: Mapped[str | None] = mapped_column(Text)
    input_sha256: Mapped[bytes]
    total: Mapped[int]
    cursor: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int] = mapped_column(server_default="0")
    waiting: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    running_since: Mapped[datetime | None]
    running_from: Mapped[int] = mapped_column(server_default="0")
    advanced_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(Text)

    def move(self, to: State) -> None:
        """Move as the table says. Raises JobMoveRefused, which names both states."""
        if to not in TRANSITIONS[self.state]:
            raise JobMoveRefused(state=self.state.value, asked=to.value)
        self.state = to

    def begin(self, now: datetime) -> None:
        """Start, or go on after a pause."""
        if self.state is State.QUEUED:
            self.move(State.RUNNING)
            self.started_at = self.started_at or now
            self.running_since, self.running_from = now, self.cursor

    def end(self, to: State, now: datetime, *, error: str | None = None) -> None:
        """End, well or not. Raises JobMoveRefused."""
        self.move(to)
        self.finished_at, self.error = now, error

    def resume(self, now: datetime) -> None:
        """Wait for a worker again. Raises JobMoveRefused."""
        self.move(State.QUEUED)
        self.finished_at = self.error = None
        self.attempts, self.not_before = 0, now


class JobItem(Base):
    """One item as it was handed in: the row of its list, as a spreadsheet counts, and its cells."""

    __tablename__ = "job_items"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int]
    cells: Mapped[list[str]] = mapped_column(ARRAY(Text))


class JobResult(Base):
    """What became of an item, once: the object that it became, or why not, in words."""

    __tablename__ = "job_results"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "place"], ["job_items.job_id", "job_items.place"]),
        CheckConstraint("(outcome = 'failed') = (object IS NULL)", name="object_unless_failed"),
        CheckConstraint("(outcome = 'done') = (code IS NULL)", name="code_unless_done"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    object: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    column: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


guard_states(Job, TRANSITIONS)
append_only(JobItem, JobResult)
