"""A small HTTP client for hostile servers: bounded in bytes and in time, no redirects, no cookies."""

import http.client
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

from scf_ledger.errors import Malformed
from scf_ledger.verify.report import Failure

ANSWER_SECONDS: Final = 10.0
"""Longest wait for the next bytes; the alarm bounds the whole."""
RPC_BYTES_MAX: Final = 1_048_576


def split_url(url: str) -> SplitResult:
    """Take a base URL apart.

    :raises Malformed: not http or https, with a query or a user's name, or not printable ASCII
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise Malformed("not a URL", url=url) from error
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise Malformed("an http or https URL without user and query is expected", url=url)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Malformed("a URL is printable ASCII", url=url)
    return parts


class Client:
    """One connection to one server, kept alive, and cut when ``seconds`` are over."""

    def __init__(self, url: str, *, seconds: float) -> None:
        parts = split_url(url)
        secure = parts.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.url = url
        self._base = parts.path.rstrip("/")
        self._connection = make(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
        self._socket: socket.socket | None = None
        self._over = False
        self._alarm = threading.Timer(seconds, self._cut)
        self._alarm.daemon = True

    def __enter__(self) -> Self:
        self._alarm.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        self._connection.close()

    def get(self, path: str, *, max_bytes: int) -> bytes:
        """Return the resource at ``path`` below the base URL.

        :raises Failure: no answer in time, another status than 200, or more than ``max_bytes``
        """
        return self._ask("GET", f"/{path}", None, max_bytes)

    def call(self, method: str, *params: Any) -> Any:
        """Call a JSON-RPC method and return its result.

        :raises Failure: no answer in time, or one that is not a result
        """
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._ask("POST", "", json.dumps(question).encode(), RPC_BYTES_MAX)
        try:
            return json.loads(answer)["result"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Failure("web.no_result", url=self.url, method=method) from error

    def _ask(self, method: str, path: str, body: bytes | None, max_bytes: int) -> bytes:
        headers: Mapping[str, str] = {
            "Accept-Encoding": "identity",
            **({"Content-Type": "application/json"} if body else {}),
        }
        try:
            self._connection.request(method, (self._base + path) or "/", body, headers)
            self._socket = self._connection.sock  # let go by the connection before the answer ends
            if self._over:
                raise TimeoutError
            answer = self._connection.getresponse()
            data = answer.read(max_bytes + 1)
            if self._over:  # cut, an answer of no stated length would pass for a whole one
                raise TimeoutError
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._connection.close()
            raise Failure("web.no_answer", url=self.url) from error
        if answer.status != http.HTTPStatus.OK:
            raise Failure("web.status", url=self.url, path=path, status=answer.status)
        if len(data) > max_bytes:
            self._connection.close()
            raise Failure("web.too_large", url=self.url, path=path, limit=max_bytes)
        return data

    def _cut(self) -> None:
        """End whatever the connection waits for; called by the alarm, on its own thread."""
        self._over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
