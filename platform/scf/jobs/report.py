"""A job's items handed back as a file: the cells as they came, what became of them, and why not."""

from collections.abc import Iterator, Sequence
from typing import Final

from scf.jobs.models import Job, JobResult, Outcome
from scf.jobs.queries import Reported

ROW: Final = "原行号"
RESULT: Final = "结果"
OBJECT: Final = "编号"
ERROR: Final = "错误说明"
ADDED: Final = (ROW, RESULT, OBJECT, ERROR)
"""Columns that a report adds; a list that is handed in again may have them."""
_SAID: Final = {Outcome.DONE: "成功", Outcome.WAITING: "等待", Outcome.FAILED: "未通过"}


def table(job: Job, reported: Sequence[Reported]) -> Iterator[list[str]]:
    """Iterate over the rows of a report, the header first."""
    added = [f"{name}*" if name in job.columns else name for name in ADDED]
    yield [*job.columns, *added]
    for item, result in reported:
        yield [*item.cells, str(item.row), *_said(result)]


def _said(result: JobResult | None) -> list[str]:
    if result is None:
        return ["未处理", "", ""]
    error = result.message or ""
    if result.column and error:
        error = f"{result.column}：{error}"
    return [_SAID[result.outcome], result.object or "", error]
