"""Reading jobs, and what became of their items."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.jobs.models import Job, JobItem, JobResult, Outcome, State
from scf.jobs.permissions import visible_to


class Shown(StrEnum):
    """Which items of a job a report shows; `left` are those without a result yet."""

    ALL = "all"
    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"
    LEFT = "left"


Reported = Row[JobItem, JobResult]
"""An item and its result, None where it has none yet."""
_OUTCOMES: Final = {Shown(outcome.value): outcome for outcome in Outcome}


def visible(session: Session, actor: Actor, job_id: UUID) -> Job:
    """Return a job that the caller may see. Raises SubjectNotFound."""
    job = session.scalar(select(Job).where(Job.id == job_id, visible_to(actor)))
    if job is None:
        raise SubjectNotFound
    return job


def page(
    session: Session,
    actor: Actor,
    *,
    state: State | None,
    kind: str | None,
    after: UUID | None,
    size: int,
) -> Sequence[Job]:
    """Return a page of the jobs that the caller may see, oldest first."""
    statement = select(Job).where(visible_to(actor)).order_by(Job.id).limit(size)
    if state is not None:
        statement = statement.where(Job.state == state)
    if kind is not None:
        statement = statement.where(Job.kind == kind)
    if after is not None:
        statement = statement.where(Job.id > after)
    return session.scalars(statement).all()


def report(
    session: Session, job: Job, *, shown: Shown, after: int | None, size: int
) -> Sequence[Reported]:
    """Return items with their results, in the order handed in, those after a place."""
    statement = _reported(job, shown).limit(size)
    if after is not None:
        statement = statement.where(JobItem.place > after)
    return session.execute(statement).all()


def _reported(job: Job, shown: Shown) -> Select[JobItem, JobResult]:
    same = (JobResult.job_id == JobItem.job_id) & (JobResult.place == JobItem.place)
    statement = (
        select(JobItem, JobResult)
        .outerjoin(JobResult, same)
        .where(JobItem.job_id == job.id)
        .order_by(JobItem.place)
    )
    if shown is Shown.LEFT:
        return statement.where(JobResult.place.is_(None))
    if shown is not Shown.ALL:
        return statement.where(JobResult.outcome == _OUTCOMES[shown])
    return statement
