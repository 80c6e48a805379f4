"""Commands over jobs: handed in, cancelled, resumed. A worker does the rest (`scf.jobs.running`)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.db.locks import take_turns
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.jobs.models import OPEN, Job, JobItem, State
from scf.jobs.permissions import visible_to
from scf.kernel.errors import Invalid, LimitExceeded, TooLarge
from scf.kernel.ids import new_id
from scf_ledger import canonical

ITEMS_MAX: Final = 10_000
CELL_LENGTH_MAX: Final = 2_000
OPEN_MAX: Final = 20
"""Jobs of one party that wait or run at a time."""


class JobEmpty(Invalid):
    """A job has at least one item."""

    code = "job.empty"
    title = "清单中没有数据行"
    title_en = "The list has no rows"


class JobTooLarge(TooLarge):
    """A job stays below a number of items, and each cell below a length."""

    code = "job.too_large"
    title = "清单行数或单元格长度超过上限"
    title_en = "The list has too many rows, or a cell is too long"


class TooManyJobs(LimitExceeded):
    """A party has a number of jobs under way at most."""

    code = "job.too_many"
    title = "进行中的任务过多"
    title_en = "Too many jobs are under way"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was handed in: its number, as a spreadsheet counts, and its cells."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A list as it was handed in: its headers and its rows."""

    columns: Sequence[str]
    rows: Sequence[Row]
    filename: str | None = None


def start(
    session: Session,
    actor: Actor,
    kind: str,
    table: Table,
    *,
    arguments: Mapping[str, Any],
    now: datetime,
) -> Job:
    """Keep a list, to be worked through in the background; `now` is real time.

    Raises JobEmpty, JobTooLarge, TooManyJobs, PartyOnly.
    """
    _check(table)
    _check_open(session, actor.party)
    job = Job(
        id=new_id(),
        kind=kind,
        party_id=actor.party,
        client_id=actor.client_id,
        state=State.QUEUED,
        arguments=dict(arguments),
        columns=list(table.columns),
        filename=table.filename,
        input_sha256=input_sha256([(row.number, row.cells) for row in table.rows]),
        total=len(table.rows),
        created_at=now,
        advanced_at=now,
        not_before=now,
    )
    session.add(job)
    session.flush()
    rows = [
        {"job_id": job.id, "place": place, "row": row.number, "cells": list(row.cells)}
        for place, row in enumerate(table.rows)
    ]
    copy_in(session, JobItem, rows)
    session.refresh(job)
    return job


def cancel(session: Session, actor: Actor, job_id: UUID, *, now: datetime) -> Job:
    """Stop a job: a slice under way is waited for, and what was done stays.

    Raises SubjectNotFound, JobMoveRefused.
    """
    job = lock(session, actor, job_id)
    job.end(State.CANCELLED, now)
    return job


def resume(session: Session, actor: Actor, job_id: UUID, *, now: datetime) -> Job:
    """Let a job go on that was cancelled or has failed. Raises SubjectNotFound, JobMoveRefused."""
    job = lock(session, actor, job_id)
    job.resume(now)
    return job


def lock(session: Session, actor: Actor, job_id: UUID) -> Job:
    """Return a job of the caller's, its row locked. Raises SubjectNotFound."""
    job = session.scalar(
        select(Job)
        .where(Job.id == job_id, visible_to(actor))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise SubjectNotFound
    return job


def input_sha256(rows: Sequence[tuple[int, Sequence[str]]]) -> bytes:
    """Return the SHA-256 over items in their order, each as canonical JSON `[row, [cells…]]`."""
    digest = hashlib.sha256()
    for number, cells in rows:
        digest.update(canonical.encode([number, list(cells)]))
    return digest.digest()


def _check(table: Table) -> None:
    if not table.rows:
        raise JobEmpty
    if len(table.rows) > ITEMS_MAX:
        raise JobTooLarge(rows=len(table.rows), rows_max=ITEMS_MAX)
    for row in table.rows:
        longest = max(map(len, row.cells), default=0)
        if longest > CELL_LENGTH_MAX:
            raise JobTooLarge(row=row.number, length=longest, length_max=CELL_LENGTH_MAX)


def _check_open(session: Session, party_id: UUID) -> None:
    """Raise TooManyJobs; a party's jobs come in one after the other, so that they are counted."""
    take_turns(session, [f"jobs {party_id}"])
    count = session.scalar(
        select(func.count()).where(Job.party_id == party_id, Job.state.in_(OPEN))
    )
    if count is not None and count >= OPEN_MAX:
        raise TooManyJobs(count=count, count_max=OPEN_MAX)
