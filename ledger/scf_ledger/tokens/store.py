"""The service's memory: admitted operators, the append-only log, and answers given.

One SQLite file. A request is one immediate transaction, so requests are handled one after the
other, and the log, the rate limit and the answer cannot disagree.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS operators (
  address TEXT PRIMARY KEY, name TEXT NOT NULL, bearer_sha256 BLOB NOT NULL UNIQUE,
  admitted_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, operator TEXT NOT NULL, idempotency_key TEXT,
  outcome TEXT NOT NULL, assets INTEGER NOT NULL, expiry INTEGER, valid_until INTEGER, digest BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS requests_rate ON requests (operator, at);
CREATE TABLE IF NOT EXISTS issued (
  request INTEGER NOT NULL REFERENCES requests, token BLOB NOT NULL, document_sha256 BLOB NOT NULL,
  valid_until INTEGER NOT NULL, PRIMARY KEY (token, valid_until)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  operator TEXT NOT NULL, idempotency_key TEXT NOT NULL, fingerprint BLOB NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (operator, idempotency_key)
) STRICT;
"""
_PATIENCE = 10.0  # seconds for the write lock
_APPEND_ONLY = """
CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table}
BEGIN SELECT raise(ABORT, '{table} is append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class Operator:
    """An admitted platform and its address on chain."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A request as logged. `outcome` is ``issued``, ``named``, ``replayed`` or a refusal's code."""

    at: int
    operator: str
    outcome: str
    assets: int
    idempotency_key: str | None = None
    expiry: int | None = None
    valid_until: int | None = None
    digest: bytes | None = None


class Store:
    """The database file; every use opens a connection of its own, so threads may share this."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self.transaction() as connection:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            for table in ("requests", "issued"):
                for verb in ("UPDATE", "DELETE"):
                    connection.execute(_APPEND_ONLY.format(table=table, verb=verb))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that holds the write lock; commits, or rolls back on an exception."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that waits for nobody."""
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()


def admit(connection: sqlite3.Connection, operator: Operator, bearer: str, *, at: int) -> None:
    """Admit an operator, or give an admitted one a new bearer token."""
    connection.execute(
        "INSERT INTO operators VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET"
        " name = excluded.name, bearer_sha256 = excluded.bearer_sha256",
        (operator.address, operator.name, _hash(bearer), at),
    )


def operator_of(connection: sqlite3.Connection, bearer: str) -> Operator | None:
    """Find whose bearer token this is."""
    row = connection.execute(
        "SELECT address, name FROM operators WHERE bearer_sha256 = ?", (_hash(bearer),)
    ).fetchone()
    return Operator(*row) if row else None


def log(connection: sqlite3.Connection, line: LogLine) -> int:
    """Append a line; gives its number."""
    cursor = connection.execute(
        "INSERT INTO requests"
        " (at, operator, idempotency_key, outcome, assets, expiry, valid_until, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            line.at,
            line.operator,
            line.idempotency_key,
            line.outcome,
            line.assets,
            line.expiry,
            line.valid_until,
            line.digest,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def asked_since(connection: sqlite3.Connection, operator: str, since: int) -> int:
    """Count the assets that an operator asked for since then, replays aside."""
    row = connection.execute(
        "SELECT coalesce(sum(assets), 0) FROM requests"
        " WHERE operator = ? AND at > ? AND outcome <> 'replayed'",
        (operator, since),
    ).fetchone()
    return int(row[0])


def last_valid_until(connection: sqlite3.Connection, tokens: list[bytes]) -> int:
    """Give when the latest ticket for any of `tokens` runs out; 0 when none was issued."""
    latest = (
        connection.execute(
            "SELECT coalesce(max(valid_until), 0) FROM issued WHERE token = ?", (token,)
        ).fetchone()[0]
        for token in tokens
    )
    return max(latest, default=0)


def record_issued(
    connection: sqlite3.Connection,
    request: int,
    documents: dict[bytes, bytes],
    valid_until: int,
) -> None:
    """Append which tokens a ticket names and the hash of the document behind each."""
    connection.executemany(
        "INSERT INTO issued VALUES (?, ?, ?, ?)",
        [(request, token, document, valid_until) for token, document in documents.items()],
    )


def answered(
    connection: sqlite3.Connection, operator: str, idempotency_key: str
) -> tuple[bytes, str] | None:
    """Give the fingerprint and body of the answer that this key got, if it got one."""
    row = connection.execute(
        "SELECT fingerprint, body FROM answers WHERE operator = ? AND idempotency_key = ?",
        (operator, idempotency_key),
    ).fetchone()
    return (row[0], row[1]) if row else None


def record_answer(
    connection: sqlite3.Connection,
    operator: str,
    idempotency_key: str,
    fingerprint: bytes,
    body: str,
) -> None:
    """Keep an answer for its repetition."""
    connection.execute(
        "INSERT INTO answers VALUES (?, ?, ?, ?)", (operator, idempotency_key, fingerprint, body)
    )


def _hash(bearer: str) -> bytes:
    # A bearer token is 256 random bits: a plain hash cannot be searched.
    return hashlib.sha256(bearer.encode()).digest()
