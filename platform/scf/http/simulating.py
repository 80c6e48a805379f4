"""What a stand-in for somebody else's service is made of: books in a file, refusals, an HTTP face, a process."""

import argparse
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from scf.kernel.clock import Clock
from scf.settings import Settings


class Refusal(Exception):
    """What a stand-in answers instead, with its HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Books:
    """A stand-in's books in one SQLite file; one at a time, durable before the answer. Its clock is business time."""

    def __init__(self, path: Path, schema: str, clock: Clock) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(schema)
        self._lock = threading.Lock()
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the books until the block ends, only to read."""
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the books; what the block writes stands when it ends, and nothing of it when it raises."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise


def insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    """Insert a row; the names of table and columns are the program's own, never somebody's input."""
    names, places = ", ".join(values), ", ".join("?" for _ in values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608


def face(title: str) -> FastAPI:
    """Return an application that answers `/healthz`, and refusals as `{code, message}`."""
    app = FastAPI(title=title)

    @app.exception_handler(Refusal)
    def refused(_: Any, refusal: Refusal) -> Response:
        return JSONResponse({"code": refusal.code, "message": refusal.message}, refusal.status)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def serve(build: Callable[[Path, Clock], FastAPI], *, about: str | None, port: int) -> None:
    """Serve what `build` makes of the data folder and the clock, on `--host` and `--port`, until told to stop."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port)
    arguments = parser.parse_args()
    settings = Settings.load()
    app = build(settings.data, settings.clock)
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning")
