"""A stand-in for the tax bureau's answers about invoices: a process of its own, with its own store.

Every invoice is 正常 until `PUT /invoices/{number}` says otherwise: `{"status": "红冲"}`. Statuses are kept in
`$SCF_DATA/invoice-status.json`. `python -m scf.documents.status_simulator --port 8704`. It stands on the
standard library alone, so that it starts at once. Its clock is business time.
"""

import argparse
import json
import os
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from scf.documents.status import InvoiceStatus
from scf.kernel.clock import Clock, instant_text

PATH: Final = re.compile(r"/invoices/([0-9A-Za-z-]{1,64})(\?.*)?", re.ASCII)
BYTES_MAX: Final = 4_096


class Store:
    """The statuses that are not 正常, written whole before an answer leaves."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path, self._lock = path, threading.Lock()
        self._statuses: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def status(self, number: str) -> InvoiceStatus:
        """Return how an invoice stands."""
        return InvoiceStatus(self._statuses.get(number, InvoiceStatus.NORMAL))

    def set(self, number: str, status: InvoiceStatus) -> None:
        """Let an invoice stand otherwise from now on."""
        with self._lock:
            self._statuses[number] = status.value
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._statuses, ensure_ascii=False))
            draft.replace(self._path)


class Server(ThreadingHTTPServer):
    """Answers on a port, from a store."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: Store, clock: Clock) -> None:
        super().__init__(address, Handler)
        self.store, self.clock = store, clock


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        """Answer how an invoice stands, or that the service lives."""
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        elif number := self._number():
            self._tell(number)

    def do_PUT(self) -> None:
        """Let an invoice stand otherwise."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BYTES_MAX:
            self.close_connection = True
            self._answer(HTTPStatus.BAD_REQUEST, {"code": "length"})
            return
        body = self.rfile.read(int(length))
        if not (number := self._number()):
            return
        try:
            status = InvoiceStatus(json.loads(body)["status"])
        except (ValueError, KeyError, TypeError):
            statuses = [status.value for status in InvoiceStatus]
            self._answer(HTTPStatus.BAD_REQUEST, {"code": "status", "statuses": statuses})
            return
        self.server.store.set(number, status)
        self._tell(number)

    def log_message(self, *_: Any) -> None:
        """Say nothing of what went well."""

    def _number(self) -> str | None:
        match = PATH.fullmatch(self.path)
        if match is None:
            self._answer(HTTPStatus.NOT_FOUND, {"code": "not_found"})
            return None
        return match[1]

    def _tell(self, number: str) -> None:
        body = {
            "number": number,
            "status": self.server.store.status(number).value,
            "answered_at": instant_text(self.server.clock.now()),
        }
        self._answer(HTTPStatus.OK, body)

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8704)
    arguments = parser.parse_args()
    data = Path(os.environ.get("SCF_DATA", ".scf"))
    offset = os.environ.get("BUSINESS_CLOCK")
    store = Store(data / "invoice-status.json")
    address = (arguments.host, arguments.port)
    Server(address, store, Clock(Path(offset) if offset else None)).serve_forever()


if __name__ == "__main__":
    main()
