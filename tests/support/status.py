"""The simulator of the tax bureau's answers, on a thread of the test's own; and services that fail."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from scf.documents.status_simulator import Server, Store
from scf.kernel.clock import Clock


@dataclass
class StatusService:
    """Where the simulator answers, and what it is told to answer."""

    url: str

    def set(self, number: str, status: str) -> None:
        """Let an invoice stand otherwise."""
        answer = httpx.put(
            f"{self.url}/invoices/{number}", json={"status": status}, trust_env=False
        )
        assert answer.is_success, answer.text


@contextmanager
def status_service(folder: Path) -> Iterator[StatusService]:
    """Run the simulator until the block ends; its statuses are kept in the folder."""
    store = Store(folder / "invoice-status.json")
    with _serving(Server(("127.0.0.1", 0), store, Clock())) as url:
        yield StatusService(url)


@contextmanager
def answering(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Run a service that answers every GET as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def saying(body: object, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    """A response with a body: bytes as they are, else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return respond


def dripping(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """A response that comes a byte at a time, each in time, never to its end."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends:
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass  # the client has left

    return respond


def silent(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """No response for a while."""
    return lambda _: time.sleep(seconds)


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[str]:
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
