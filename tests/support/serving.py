"""The application on a port, for commands that call it over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.support.actors import Stage


@contextmanager
def served(stage: Stage) -> Iterator[str]:
    """Give the address of the stage's application."""
    server = uvicorn.Server(uvicorn.Config(stage.http.app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
