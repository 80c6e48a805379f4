"""Answers of other people's services: taken in whole, bounded in bytes and in time."""

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

_ERRORS: Final = HTTPStatus.BAD_REQUEST


class AnswerUnfit(Exception):
    """The answer is too long, or did not come whole in its time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes

    @property
    def is_error(self) -> bool:
        """Say whether the service did not do what was asked (4xx, 5xx)."""
        return self.status >= _ERRORS


def fetch(
    client: httpx.Client, method: str, path: str, *, bytes_max: int, patience: float, **what: Any
) -> Answer:
    """Ask, and read an answer of at most so many bytes within so many seconds.

    Raises AnswerUnfit, httpx.HTTPError.
    """
    deadline = time.monotonic() + patience
    with client.stream(method, path, **what) as answer:
        body = bytearray()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > bytes_max:
                raise AnswerUnfit(f"more than {bytes_max} bytes")
            if time.monotonic() > deadline:
                raise AnswerUnfit(f"not whole after {patience} s")
    return Answer(answer.status_code, bytes(body))
