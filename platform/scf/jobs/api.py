"""Endpoints of jobs."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from scf.http import sheets
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import JobId, Line, PageSize
from scf.jobs import queries, service
from scf.jobs.models import State
from scf.jobs.queries import Shown
from scf.jobs.report import table
from scf.jobs.schemas import JobOut, ReportItemOut, ReportOut

router = APIRouter(tags=["jobs 后台任务"])

_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


@query(router, "/v1/jobs")
def jobs(
    call: Call,
    state: State | None = None,
    kind: Line | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[JobOut]:
    """任务列表 One's jobs, oldest first."""
    after = read_cursor("job", cursor)
    found = queries.page(call.session, call.actor, state=state, kind=kind, after=after, size=limit)
    return Page[JobOut](
        items=[JobOut.of(job) for job in found],
        next=next_cursor("job", [job.id for job in found], limit),
    )


@query(router, "/v1/jobs/{job_id}")
def job(call: Call, job_id: JobId) -> JobOut:
    """任务进度 How far a job is."""
    return JobOut.of(queries.visible(call.session, call.actor, job_id))


@command(router, "/v1/jobs/{job_id}/cancel")
def cancel(call: Call, job_id: JobId) -> JobOut:
    """取消任务 Stop between two slices; what was done stays, and is reported."""
    return JobOut.of(service.cancel(call.session, call.actor, job_id, now=call.clock.real()))


@command(router, "/v1/jobs/{job_id}/resume")
def resume(call: Call, job_id: JobId) -> JobOut:
    """继续任务 Go on where a cancelled or failed job stood."""
    return JobOut.of(service.resume(call.session, call.actor, job_id, now=call.clock.real()))


@query(router, "/v1/jobs/{job_id}/report")
def report(
    call: Call,
    job_id: JobId,
    show: Shown = Shown.ALL,
    cursor: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    limit: PageSize = PAGE_SIZE,
) -> ReportOut:
    """任务结果 What became of every item, by the page."""
    found = queries.visible(call.session, call.actor, job_id)
    rows = queries.report(call.session, found, shown=show, after=cursor, size=limit)
    return ReportOut(
        columns=found.columns,
        items=[ReportItemOut.of(item, result) for item, result in rows],
        next=rows[-1][0].place if len(rows) == limit else None,
    )


@query(router, "/v1/jobs/{job_id}/report.csv", responses={200: {"content": {"text/csv": _FILE}}})
def report_csv(call: Call, job_id: JobId, show: Shown = Shown.FAILED) -> Response:
    """任务结果 CSV The refused rows as they came, and why: to be corrected and handed in again."""
    return download(sheets.write_csv(_rows(call, job_id, show)), "report.csv", sheets.CSV)


@query(router, "/v1/jobs/{job_id}/report.xlsx", responses={200: {"content": {sheets.XLSX: _FILE}}})
def report_xlsx(call: Call, job_id: JobId, show: Shown = Shown.FAILED) -> Response:
    """任务结果 Excel The refused rows as they came, and why: to be corrected and handed in again."""
    return download(sheets.write_xlsx(_rows(call, job_id, show)), "report.xlsx", sheets.XLSX)


def _rows(call: Call, job_id: JobId, show: Shown) -> list[list[str]]:
    found = queries.visible(call.session, call.actor, job_id)
    rows = queries.report(call.session, found, shown=show, after=None, size=service.ITEMS_MAX)
    return list(table(found, rows))
