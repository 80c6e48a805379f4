"""A line to a real server that does what lines and servers do on bad days: a proxy with a list of faults.

Each request takes the next fault of the list; when there is none left it is passed on as it is.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

SLOW = 4.0  # seconds; longer than the time-out that the test sets


class Fault(Enum):
    """What goes wrong with one request."""

    FAILS = "answers 503 and does nothing"
    FAILS_AFTER = "does it and answers 500"
    SLOW = "does it and answers when nobody listens any more"
    TWICE = "does it twice"
    GARBAGE = "does it and answers no JSON"
    HALF = "does it and answers half of the bytes"
    ANOTHER = "does it and answers something else than was asked"
    DIES = "does it, is killed, and never answers"


class Line:
    """Where the faulty server listens, and what it will do."""

    def __init__(self, url: str, to: str, *, kill: Callable[[], None]) -> None:
        self.url = url
        self.to = to
        self.kill = kill
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        """Method and path of what came through."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    line: Line

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        line, body = self.line, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line.asked.append(f"{method} {self.path}")
        fault = line.faults.pop(0) if line.faults else None
        if fault is Fault.FAILS:
            self._answer(503, b"{}")
            return
        answer = self._forward(method, body)
        if fault is Fault.TWICE:
            answer = self._forward(method, body)
        elif fault is Fault.SLOW:
            time.sleep(SLOW)
        elif fault is Fault.DIES:
            line.kill()
            self.close_connection = True
            return
        self._answer(*_spoiled(fault, answer))

    def _forward(self, method: str, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return httpx.request(
            method, self.line.to + self.path, content=body, headers=headers, trust_env=False
        )

    def _answer(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # nobody listens any more
            self.close_connection = True


@contextmanager
def line_to(target: str, *, kill: Callable[[], None]) -> Iterator[Line]:
    """Open a faulty line to a server; `kill` ends that server."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    line = handler.line = Line(f"http://127.0.0.1:{server.server_port}", target, kill=kill)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spoiled(fault: Fault | None, answer: httpx.Response) -> tuple[int, bytes]:
    if fault is Fault.FAILS_AFTER:
        return 500, b"{}"
    if fault is Fault.GARBAGE:
        return answer.status_code, b"<html>" + b"\xff" * 64
    if fault is Fault.HALF:
        return answer.status_code, answer.content[: len(answer.content) // 2]
    if fault is Fault.ANOTHER:
        return answer.status_code, answer.content.replace(b"2550200", b"2550299").replace(
            b"91500118", b"91500119"
        )
    return answer.status_code, answer.content
