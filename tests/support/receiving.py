"""A bank's side of webhooks: a server that keeps what it was sent, and answers as a test says."""

import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from scf.feed.addresses import Resolve

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """What came; `answer` says what is answered, 204 unless a test changes it."""

    url: str = ""
    answer: Answer = field(default=lambda handler: answer(handler, 204))
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [one["webhook-id"] for one in self.headers]


def answer(
    handler: http.server.BaseHTTPRequestHandler,
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> None:
    handler.send_response(status)
    for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def receiving(context: Any = None) -> Iterator[Receiver]:
    """Run a receiver on a free port; over TLS where a context is given."""
    found, whole = Receiver(), threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with whole:  # a request's headers and body stand at one place of both lists
                found.headers.append({name.lower(): value for name, value in self.headers.items()})
                found.bodies.append(body)
            found.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment] # clients leave
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        found.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}/in"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def speaking(raw: bytes) -> Iterator[str]:
    """Run a server that answers everything with these bytes; give its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(raw)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def resolving(*addresses: str) -> Resolve:
    """Return a resolver that gives these addresses for every name."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve
