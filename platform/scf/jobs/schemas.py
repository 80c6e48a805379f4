"""HTTP shapes of jobs."""

from typing import Self

from pydantic import Field

from scf.http.schemas import InstantText, JobId, Out, PartyId
from scf.jobs.models import Job, JobItem, JobResult, Outcome, State


class JobOut(Out):
    """A job and how far it is. Rate and rest are of the present run, whole numbers; null where unknown."""

    id: JobId
    kind: str = Field(examples=["receivables.import"])
    party: PartyId
    state: State
    filename: str | None = Field(examples=["应付清单.xlsx"])
    total: int = Field(examples=[10_000])
    cursor: int = Field(examples=[4_000], description="已处理条数 items that have a result")
    done: int = Field(examples=[3_900])
    waiting: int = Field(examples=[60])
    failed: int = Field(examples=[40])
    created_at: InstantText
    started_at: InstantText | None
    since: InstantText | None = Field(description="本次运行开始 when the present run began")
    advanced_at: InstantText
    finished_at: InstantText | None
    items_per_second: int | None = Field(examples=[2_000])
    seconds_left: int | None = Field(examples=[3])
    error: str | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        rate = _rate(job)
        running = job.state is State.RUNNING
        return cls(
            id=job.id,
            kind=job.kind,
            party=job.party_id,
            state=job.state,
            filename=job.filename,
            total=job.total,
            cursor=job.cursor,
            done=job.done,
            waiting=job.waiting,
            failed=job.failed,
            created_at=job.created_at,
            started_at=job.started_at,
            since=job.running_since,
            advanced_at=job.advanced_at,
            finished_at=job.finished_at,
            items_per_second=rate,
            seconds_left=-(-(job.total - job.cursor) // rate) if running and rate else None,
            error=job.error,
        )


class ReportItemOut(Out):
    """An item, and what became of it; `outcome` null: nothing yet."""

    row: int = Field(examples=[3], description="清单行号，表头为第 1 行")
    outcome: Outcome | None
    object: str | None = Field(examples=["rcv_01k3e5m8q2x7v9b4c6d8f0g1h2"])
    code: str | None = Field(examples=["receivable.document_in_use"])
    column: str | None = Field(examples=["发票号码"])
    message: str | None = Field(examples=["发票已用于另一笔应收账款"])
    cells: list[str]

    @classmethod
    def of(cls, item: JobItem, result: JobResult | None) -> Self:
        """Show an item."""
        names = ("outcome", "object", "code", "column", "message")
        return cls(
            row=item.row, cells=item.cells, **{name: getattr(result, name, None) for name in names}
        )


class ReportOut(Out):
    """A page of a job's items, in the order handed in; `next` is the cursor of the page after."""

    columns: list[str]
    items: list[ReportItemOut]
    next: int | None = Field(examples=[499])


def _rate(job: Job) -> int | None:
    """Return items a second of the present run, at least one, None before its first slice."""
    if job.running_since is None or job.cursor == job.running_from:
        return None
    seconds = (job.advanced_at - job.running_since).total_seconds()
    return max(round((job.cursor - job.running_from) / seconds), 1) if seconds > 0 else None
