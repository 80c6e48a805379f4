"""Advancing jobs: a slice of items is one transaction, which writes its results and moves the cursor.

A worker that is killed loses the slice that it was at and nothing else; the row lock lets one worker at a
time advance a job, others take another or go away.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.db.session import Database
from scf.http import problems
from scf.http.auth import Actor, ClientInvalid, OAuthClient
from scf.jobs.models import OPEN, Job, JobItem, JobResult, Outcome, State
from scf.kernel.clock import Clock
from scf.kernel.errors import Refused, SCFError, Unavailable

ATTEMPTS_MAX: Final = 8  # of one slice; then a person decides, and may resume
PAUSE: Final = timedelta(seconds=1)  # after a first failed attempt, doubled after each more
MESSAGE_LENGTH_MAX: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """An item became an object (`rcv_…`)."""

    object: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item was kept as an object, which waits for what `error` says is missing."""

    object: str
    error: Refused


@dataclass(frozen=True, slots=True)
class Failed:
    """An item was refused; `column` is the header of the cell that is wrong."""

    error: Refused
    column: str | None = None


Result = Done | Waiting | Failed


@dataclass(frozen=True, slots=True)
class Slice:
    """Items of a job to work through now, as rows of {column: cell}; `now` is business time."""

    job: Job
    actor: Actor
    rows: Sequence[Mapping[str, str]]
    places: Sequence[int]
    now: datetime


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: how many items make a slice, and what is done with them, in their order."""

    size: int
    work: Callable[[Session, Slice], Sequence[Result]]


def turn(database: Database, kinds: Mapping[str, Kind], clock: Clock, *, seconds: float) -> int:
    """Advance jobs, the one that has waited longest first, until time is up; return how many slices."""
    ends, slices = monotonic() + seconds, 0
    while advance(database, kinds, clock):
        slices += 1
        if monotonic() >= ends:
            break
    return slices


def advance(database: Database, kinds: Mapping[str, Kind], clock: Clock) -> bool:
    """Do one slice of one job that no other worker is at; say whether there was one."""
    taken: UUID | None = None

    def slice_(session: Session) -> bool:
        nonlocal taken
        job = _take(session, clock.real())
        if job is None:
            return False
        taken = job.id
        _advance(session, job, kinds, clock)
        return True

    try:
        return database.run(slice_)
    except Exception as error:
        if taken is None:
            raise
        _put_off(database, taken, error, clock.real())
        return True


def _take(session: Session, now: datetime) -> Job | None:
    """Return the open job that has waited longest, locked."""
    return session.scalar(
        select(Job)
        .where(Job.state.in_(OPEN), Job.not_before <= now)
        .order_by(Job.advanced_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _advance(session: Session, job: Job, kinds: Mapping[str, Kind], clock: Clock) -> None:
    now = clock.real()
    client = session.get(OAuthClient, job.client_id)
    if client is None or client.revoked_at is not None:
        raise ClientInvalid
    kind = kinds[job.kind]
    job.begin(now)
    items = _items(session, job, kind.size)
    columns = job.columns
    slice_ = Slice(
        job,
        Actor(job.client_id, job.party_id),
        [dict(zip(columns, item.cells, strict=True)) for item in items],
        [item.place for item in items],
        clock.now(),
    )
    results = kind.work(session, slice_)
    counted = _keep(session, job, slice_.places, results, now)
    job.done += counted[Outcome.DONE]
    job.waiting += counted[Outcome.WAITING]
    job.failed += counted[Outcome.FAILED]
    job.cursor += len(items)
    job.advanced_at, job.attempts = now, 0
    if job.cursor == job.total:
        job.end(State.DONE, now)


def _items(session: Session, job: Job, size: int) -> Sequence[JobItem]:
    return session.scalars(
        select(JobItem)
        .where(JobItem.job_id == job.id, JobItem.place >= job.cursor)
        .order_by(JobItem.place)
        .limit(size)
    ).all()


def _keep(
    session: Session, job: Job, places: Sequence[int], results: Sequence[Result], now: datetime
) -> Counter[Outcome]:
    session.flush()
    rows = [
        {"job_id": job.id, "place": place, **_row(result), "at": now}
        for place, result in zip(places, results, strict=True)
    ]
    copy_in(session, JobResult, rows)
    return Counter(Outcome(row["outcome"]) for row in rows)


def _row(result: Result) -> dict[str, Any]:
    error = None if isinstance(result, Done) else result.error
    outcomes = {Done: Outcome.DONE, Waiting: Outcome.WAITING, Failed: Outcome.FAILED}
    return {
        "outcome": outcomes[type(result)].value,
        "object": None if isinstance(result, Failed) else result.object,
        "code": error and error.code,
        "column": result.column if isinstance(result, Failed) else None,
        "message": error and message(error),
    }


def message(error: Refused) -> str:
    """Return why an item was refused in Chinese, with the numbers."""
    numbers = "，".join(f"{name}={value}" for name, value in problems.plain(error.fields).items())
    said = f"{error.title}（{numbers}）" if numbers else error.title
    return said[:MESSAGE_LENGTH_MAX]


def _put_off(database: Database, job_id: UUID, error: Exception, now: datetime) -> None:
    """Let a job rest after a slice that came to nothing, or end it where that will not help."""
    transient = isinstance(error, Unavailable)
    if not isinstance(error, SCFError):
        log.error("job.defect", job=str(job_id), exc_info=error)
    with database.transaction() as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None or job.state not in OPEN:
            return
        job.attempts += 1
        job.advanced_at = now
        if job.attempts < ATTEMPTS_MAX and (transient or not isinstance(error, SCFError)):
            job.not_before = now + PAUSE * 2 ** (job.attempts - 1)
        else:
            said = error.line() if isinstance(error, SCFError) else type(error).__name__
            job.end(State.FAILED, now, error=said)
