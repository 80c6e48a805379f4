"""What the platform asks of banks: take a payment file, say what became of it, hand out reports.

A file is known by its MsgId: sent again, it is answered again and pays nothing twice.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

import httpx

from scf.kernel.errors import Conflict, Unavailable

TIMEOUT: Final = 5.0  # seconds for one answer
NOT_FOUND: Final = 404
SERVER_ERROR: Final = 500


class BankUnavailable(Unavailable):
    """The bank did not answer; whether it took the file is asked by its MsgId."""

    code = "bank.unavailable"
    title = "银行接口暂时不可用，请稍后重试"
    title_en = "The bank is not available, try again"


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

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def submit(self, file: bytes) -> FileStatus:
        """Hand a pain.001 in, or ask again about the same. Raises BankRefused."""
        headers = {"Content-Type": "application/xml"}
        return _status(_accepted(self._request("POST", "/payments", content=file, headers=headers)))

    def status(self, message_id: str) -> FileStatus | None:
        """Return what became of a file; None where it never came."""
        answer = self._request("GET", f"/payments/{message_id}")
        return None if answer.status_code == NOT_FOUND else _status(_accepted(answer))

    def issued(self, after: int) -> Sequence[Issued]:
        """Return reports issued after a number, oldest first."""
        found = _accepted(self._request("GET", "/reports", params={"after": after}))
        return [Issued(row["number"], base64.b64decode(row["body"])) for row in found["reports"]]

    def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **what)
        except httpx.HTTPError as error:
            raise BankUnavailable from error
        if answer.status_code >= SERVER_ERROR:
            raise BankUnavailable(status=answer.status_code)
        return answer


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise BankUnavailable(status=answer.status_code) from error
    if not answer.is_success:
        raise BankRefused(status=answer.status_code, bank_code=str(body.get("code")))
    read: dict[str, Any] = body
    return read


def _status(row: dict[str, Any]) -> FileStatus:
    return FileStatus(row["message_id"], FileState(row["state"]), row["reason"])
