"""Lists handed in: items hash to what their job says, results add up, lines say what their rows say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.jobs.models import Job, JobItem, JobResult, Outcome
from scf.jobs.service import input_sha256
from scf.kernel.ids import parse_id, public_id
from scf.receivables.models import Receivable
from scf.receivables.upload_jobs import UPLOADED, payable_line
from scf.receivables.upload_models import LineState, PayableLine
from scf.receivables.upload_rows import LINE_NO, UPLOAD, read_row

SETTLED: Final = {"id", "state", "receivable_id", "code", "message", "uploaded_at", "changed_at"}
"""Columns of an uploaded line that its row does not say."""
_LINE_AT: Final = select(PayableLine).where(
    PayableLine.job_id == bindparam("job_id"), PayableLine.place == bindparam("place")
)


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every job to its items, and every uploaded line to its row. Raises Different."""
    for job in session.scalars(select(Job).order_by(Job.id)):
        report.rows["jobs"] += 1
        _check_job(session, job, report)
    for line in session.scalars(select(PayableLine).order_by(PayableLine.id)):
        report.rows["payable_lines"] += 1
        _check_line(session, line, codes)


def _check_job(session: Session, job: Job, report: Report) -> None:
    key = public_id("job", job.id)
    items = session.scalars(
        select(JobItem).where(JobItem.job_id == job.id).order_by(JobItem.place)
    ).all()
    results = session.scalars(
        select(JobResult).where(JobResult.job_id == job.id).order_by(JobResult.place)
    ).all()
    report.rows["job_items"] += len(items)
    report.rows["job_results"] += len(results)
    expect("jobs", key, "total", job.total, len(items))
    expect("job_items", key, "place", _places(items), list(range(len(items))))
    sha256 = input_sha256([(item.row, item.cells) for item in items])
    expect("job_items", key, "cells", job.input_sha256, sha256)
    expect("jobs", key, "cursor", job.cursor, len(results))
    expect("job_results", key, "place", _places(results), list(range(len(results))))
    counted = Counter(result.outcome for result in results)
    for outcome in Outcome:
        expect("jobs", key, outcome.value, getattr(job, outcome.value), counted[outcome])
    for item, result in zip(items, results, strict=False):
        _check_object(session, job, item, result)


def _places(rows: Sequence[JobItem] | Sequence[JobResult]) -> list[int]:
    return [row.place for row in rows]


def _check_object(session: Session, job: Job, item: JobItem, result: JobResult) -> None:
    """Hold what an item is said to have become to what is there."""
    if result.outcome is Outcome.FAILED:
        return
    assert result.object is not None, "the database's own check"
    key = f"{public_id('job', job.id)} {item.row}"
    with readable("job_results", key, "object"):
        identity = parse_id(result.object.partition("_")[0], result.object)
    if result.outcome is Outcome.WAITING:
        line = session.get(PayableLine, identity)
        expect(
            "job_results", key, "object", line and (line.job_id, line.place), (job.id, item.place)
        )
        return
    if job.kind == UPLOADED:
        line = session.scalar(_LINE_AT, {"job_id": job.id, "place": item.place})
        expect("job_results", key, "object", identity, line and line.receivable_id)
    receivable = session.get(Receivable, identity)
    found = receivable and receivable.line_no
    cells = dict(zip(job.columns, item.cells, strict=True))
    expect("job_results", key, "object", found, cells.get(LINE_NO))


def _check_line(session: Session, line: PayableLine, codes: Mapping[UUID, str]) -> None:
    key = public_id("pyl", line.id)
    job = session.get(Job, line.job_id)
    item = session.get(JobItem, (line.job_id, line.place))
    there = (job and job.kind, item is not None)
    expect("payable_lines", key, "place", there, (UPLOADED, True))
    assert job is not None
    assert item is not None
    with readable("payable_lines", key, "place"):
        row = read_row(dict(zip(job.columns, item.cells, strict=True)), UPLOAD)
    said = _values(payable_line(job, item.place, row))
    expect_row("payable_lines", key, _values(line), said)
    receivable = line.receivable_id and session.get(Receivable, line.receivable_id)
    state = LineState.SUBMITTED if receivable else line.state
    expect("payable_lines", key, "state", line.state, state)
    became = (
        {
            "supplier": codes.get(receivable.creditor_id),
            "debtor_id": receivable.debtor_id,
            "line_no": receivable.line_no,
            "currency": receivable.currency,
            "amount_minor": receivable.claimed_minor,
        }
        if receivable
        else {}
    )
    expect("payable_lines", key, "receivable_id", line.receivable_id, receivable and receivable.id)
    expect_row("payable_lines", key, _values(line), became)


def _values(line: PayableLine) -> dict[str, Any]:
    names = inspect(PayableLine).columns.keys()
    return {name: getattr(line, name) for name in names if name not in SETTLED}
