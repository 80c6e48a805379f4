"""Endpoints of tasks. They are done by the acts that they ask for, so nothing here closes one."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from scf.http import sheets
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import Line, PageSize, PartyId, TaskId
from scf.kernel.clock import business_date, instant_text
from scf.kernel.ids import public_id
from scf.tasks import queries
from scf.tasks.kinds import KINDS
from scf.tasks.models import State, Task
from scf.tasks.queries import Filter
from scf.tasks.schemas import TaskOut

router = APIRouter(tags=["tasks 待办"])

EXPORTED_MAX: Final = 10_000
"""Of the oldest: a list for a spreadsheet."""
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_HEADER: Final = (
    *("编号 id", "事项 title", "对象 subject", "岗位 role", "到期日 due_on", "逾期 overdue"),
    *("状态 state", "提出时间 raised_at", "办结时间 closed_at", "依据 basis"),
)


def read_filter(
    *,
    state: State | None = None,
    kind: Line | None = None,
    subject: Line | None = None,
    role: Line | None = None,
    party: PartyId | None = None,
    overdue: bool = False,
) -> Filter:
    """Read which tasks are wanted."""
    return Filter(
        state=state, kind=kind, subject=subject, role=role, party_id=party, overdue=overdue
    )


Wanted = Annotated[Filter, Depends(read_filter)]


@query(router, "/v1/tasks")
def tasks(
    call: Call, wanted: Wanted, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[TaskOut]:
    """待办列表 What one has to do, oldest first; the operator sees everybody's."""
    after, today = read_cursor("tsk", cursor), business_date(call.now)
    found = queries.page(call.session, call.actor, wanted, today=today, after=after, size=limit)
    return Page[TaskOut](
        items=[TaskOut.of(task, today=today) for task in found],
        next=next_cursor("tsk", [task.id for task in found], limit),
    )


@query(router, "/v1/tasks/file", responses={200: {"content": {sheets.XLSX: _FILE}}})
def task_file(call: Call, wanted: Wanted) -> Response:
    """导出待办 The list as Excel, as far as a sheet goes."""
    today = business_date(call.now)
    found = queries.page(
        call.session, call.actor, wanted, today=today, after=None, size=EXPORTED_MAX
    )
    rows = [_HEADER, *(_row(task, today) for task in found)]
    return download(sheets.write_xlsx(rows), "待办.xlsx", sheets.XLSX)


@query(router, "/v1/tasks/{task_id}")
def task(call: Call, task_id: TaskId) -> TaskOut:
    """查看待办 One task."""
    found = queries.visible(call.session, call.actor, task_id)
    return TaskOut.of(found, today=business_date(call.now))


def _row(task: Task, today: date) -> tuple[str, ...]:
    kind = KINDS[task.kind]
    return (
        *(public_id("tsk", task.id), kind.title, task.subject, task.role),
        *(task.due_on.isoformat() if task.due_on else "", "是" if task.is_overdue(today) else ""),
        *(task.state.value, instant_text(task.raised_at)),
        *(instant_text(task.closed_at) if task.closed_at else "", kind.basis),
    )
