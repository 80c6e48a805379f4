"""Sequencing: committed events get their place in the log, and the log a new signed head.

One round is one transaction under the head's row lock, so any number of sequencers may run and one may
die anywhere: a round is there with its checkpoint, or it never was and its events still wait.

With its place an event comes into the feed of each of its parties: in the order of that table's key, and
without looking for rows that are in the way, which costs a third of the rate. There are none, but where
somebody put one beyond the log's end: then the round fails, and making the feeds again takes it away.

The queue is filled by a trigger on `events`. Identity order is not commit order: whoever asked for
"greater than the last" would lose, for ever, an event that commits late. The trigger does not notify:
PostgreSQL lets transactions that notify commit one by one, which costs writers nine tenths of their rate.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.log import LogClosed
from scf.evidence.models import Checkpoint, LogHead
from scf.kernel.errors import Conflict
from scf_ledger import checkpoint, merkle, tiles
from scf_ledger.note import Signer

BATCH_MAX: Final = (
    4_000  # events of one round: well below a second, well above the cost of a commit
)
LOG_CHANNEL: Final = "log_published"  # notified with the new size, for whoever waits for a proof

_WAITING = "SELECT EXISTS (SELECT FROM event_queue)"
_HEAD = "SELECT size FROM log_head WHERE origin = %s FOR UPDATE"
_TAKE = """
WITH taken AS (
  DELETE FROM event_queue WHERE seq <= (
    SELECT max(seq) FROM (SELECT seq FROM event_queue ORDER BY seq LIMIT %(batch)s) AS first
  )
  RETURNING seq, event_id, entry, type, parties
), numbered AS (
  SELECT %(size)s + row_number() OVER (ORDER BY seq) - 1 AS index, event_id, entry, type, parties
  FROM taken
), placed AS (
  INSERT INTO log_entries (index, event_id, entry) SELECT index, event_id, entry FROM numbered
), told AS (
  INSERT INTO party_events (party_id, index, event_id, type)
  SELECT DISTINCT ON (party_id, index) party_id, index, event_id, type
  FROM numbered CROSS JOIN unnest(parties) AS party_id ORDER BY party_id, index
)
SELECT entry FROM numbered ORDER BY index
"""
_TILE = "SELECT hashes FROM log_tiles WHERE level = %s AND index = %s"
_KEEP_TILE = """
INSERT INTO log_tiles (level, index, hashes) VALUES (%s, %s, %s)
ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
"""
_KEEP_CHECKPOINT = """
INSERT INTO checkpoints (size, root, note, published_at) VALUES (%s, %s, %s, %s)
"""
_MOVE_HEAD = "UPDATE log_head SET size = %s, root = %s WHERE origin = %s"

Connection = psycopg.Connection[tuple[Any, ...]]


class OtherLog(Conflict):
    """A database holds one log, under one origin and one key, for ever."""

    code = "log.other_key"
    title = "数据库中的日志属于另一密钥"
    title_en = "The log in this database is signed by another key"


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: events placed, and the head after it."""

    count: int
    size: int
    root: bytes


def open_log(session: Session, signer: Signer, *, now: datetime) -> None:
    """Write the head of the empty log where there is none. Raises OtherLog; `now` is real time."""
    head = session.scalar(select(LogHead).with_for_update())
    vkey = str(signer.verifier)
    if head is not None:
        if head.vkey != vkey:
            raise OtherLog(log=head.vkey, key=vkey)
        return
    empty = checkpoint.Checkpoint(signer.verifier.name, 0, merkle.EMPTY_ROOT)
    note = checkpoint.sign(empty, signer)
    session.add(LogHead(origin=empty.origin, vkey=vkey, size=0, root=empty.root))
    session.add(Checkpoint(size=0, root=empty.root, note=note, published_at=now))
    session.flush()


def sequence(connection: Connection, signer: Signer, *, now: datetime) -> Round | None:
    """Do one round in a transaction of its own; None where nothing waits. `now` is real time.

    Raises LogClosed, psycopg.Error.
    """
    origin = signer.verifier.name
    if connection.execute(_WAITING).fetchone() == (False,):
        return None
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        head = cursor.execute(_HEAD, (origin,)).fetchone()
        if head is None:
            raise LogClosed(origin=origin)
        size = int(head[0])
        cursor.execute(_TAKE, {"batch": BATCH_MAX, "size": size})
        entries = [bytes(row[0]) for row in cursor]
        if not entries:
            return None
        appended = tiles.append(_edge(cursor, size), entries)
        for tile in appended.tiles:
            cursor.execute(_KEEP_TILE, (tile.level, tile.index, tile.hashes))
        made = Round(len(entries), appended.edge.size, appended.root)
        note = checkpoint.sign(checkpoint.Checkpoint(origin, made.size, made.root), signer)
        cursor.execute(_KEEP_CHECKPOINT, (made.size, made.root, note, now))
        cursor.execute(_MOVE_HEAD, (made.size, made.root, origin))
        cursor.execute("SELECT pg_notify(%s, %s)", (LOG_CHANNEL, str(made.size)))
    return made


def _edge(cursor: psycopg.Cursor[tuple[Any, ...]], size: int) -> tiles.Edge:
    def read_tile(level: int, index: int) -> bytes:
        row = cursor.execute(_TILE, (level, index)).fetchone()
        return bytes(row[0]) if row else b""

    return tiles.load_edge(size, read_tile)
