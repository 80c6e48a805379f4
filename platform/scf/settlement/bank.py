"""What the platform asks of banks: take a payment file, say what became of it, hand out reports.

A file is known by its MsgId: sent again, it is answered again and pays nothing twice. What a bank answers is
bounded in bytes and time, and believed only in its form; anything else is no answer, and is asked for again.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from itertools import pairwise
from types import TracebackType
from typing import Any, Final, Self

import httpx

from scf.http.bounds import BODY_BYTES_MAX
from scf.http.outbound import Answer, AnswerUnfit, fetch
from scf.kernel.errors import Conflict, Unavailable

TIMEOUT: Final = 5.0  # seconds until the next byte
PATIENCE: Final = 15.0  # seconds for one whole answer
STATUS_BYTES_MAX: Final = 16_384
REPORTS_AT_ONCE: Final = 50
REPORTS_BYTES_MAX: Final = 2 * BODY_BYTES_MAX
"""One report as long as one handed in may be, in base64."""


class BankUnavailable(Unavailable):
    """The bank did not answer; whether it took the file is asked by its MsgId."""

    code = "bank.unavailable"
    title = "银行接口暂时不可用，请稍后重试"
    title_en = "The bank is not available, try again"


class AnswerUnreadable(BankUnavailable):
    """The bank's answer is too long, too slow, or not in its form: nothing of it is believed."""

    code = "bank.answer_unreadable"
    title = "银行接口的应答无法识别，将重新查询"
    title_en = "The bank's answer cannot be read; it will be asked again"


class BankRefused(Conflict):
    """A bank takes a file only in its form, and a MsgId for one file."""

    code = "bank.refused"
    title = "银行不予受理"
    title_en = "The bank refused the file"


class FileState(StrEnum):
    """What became of a payment file."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXECUTED = "EXECUTED"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A bank's word on a file; `reason` is its ISO 20022 status reason code, where rejected."""

    message_id: str
    state: FileState
    reason: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A report that a bank issued, in the order of `number`."""

    number: int
    body: bytes


class HttpBank:
    """Speaks to a bank's gateway at a base URL, as a context manager. Every call may raise BankUnavailable."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT, patience: float = PATIENCE) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def submit(self, file: bytes, message_id: str) -> FileStatus:
        """Hand a pain.001 in, or ask again about the same. Raises BankRefused."""
        headers = {"Content-Type": "application/xml"}
        answer = self._ask("POST", "/payments", STATUS_BYTES_MAX, content=file, headers=headers)
        return _status(_accepted(answer), message_id)

    def status(self, message_id: str) -> FileStatus | None:
        """Return what became of a file; None where it never came."""
        answer = self._ask("GET", f"/payments/{message_id}", STATUS_BYTES_MAX)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return _status(_accepted(answer), message_id)

    def issued(self, after: int) -> Sequence[Issued]:
        """Return reports issued after a number, oldest first; one alone where several are too long."""
        try:
            return self._issued(after, REPORTS_AT_ONCE)
        except AnswerUnreadable:
            return self._issued(after, 1)

    def _issued(self, after: int, count: int) -> list[Issued]:
        parameters = {"after": after, "limit": count}
        answer = self._ask("GET", "/reports", REPORTS_BYTES_MAX, params=parameters)
        reports = _reports(_accepted(answer))
        numbers = [after, *(report.number for report in reports)]
        if any(one >= two for one, two in pairwise(numbers)):
            raise AnswerUnreadable(problem="reports are not in the order of their numbers")
        return reports

    def _ask(self, method: str, path: str, bytes_max: int, **what: Any) -> Answer:
        try:
            answer = fetch(
                self._http, method, path, bytes_max=bytes_max, patience=self._patience, **what
            )
        except httpx.HTTPError as error:
            raise BankUnavailable from error
        except AnswerUnfit as error:
            raise AnswerUnreadable(problem=str(error)) from error
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise BankUnavailable(status=answer.status)
        return answer


def _accepted(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise AnswerUnreadable(status=answer.status, problem="not JSON") from error
    if not isinstance(body, dict):
        raise AnswerUnreadable(status=answer.status, problem="not an object")
    if answer.is_error:
        raise BankRefused(status=answer.status, bank_code=str(body.get("code"))[:100])
    return body


def _status(row: dict[str, Any], message_id: str) -> FileStatus:
    try:
        state, reason = FileState(row["state"]), row["reason"]
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerUnreadable(problem="no status") from error
    if row.get("message_id") != message_id:
        raise AnswerUnreadable(problem="about another file")
    return FileStatus(message_id, state, None if reason is None else str(reason)[:100])


def _reports(body: dict[str, Any]) -> list[Issued]:
    try:
        found = [
            Issued(row["number"], base64.b64decode(row["body"], validate=True))
            for row in body["reports"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerUnreadable(problem="no reports") from error
    if any(type(report.number) is not int for report in found):
        raise AnswerUnreadable(problem="a report without its number")
    return found
