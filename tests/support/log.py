"""Events and a log to put them in, without the business around them."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from scf.db.session import Database
from scf.evidence.models import Event
from scf.evidence.sequencing import Round, open_log, sequence
from scf.evidence.service import append, new_secret
from scf.kernel.ids import new_id, public_id
from scf_ledger import tiles
from scf_ledger.encoding import b64url
from scf_ledger.note import Signer

ORIGIN = "scf.test/log"
NOW = datetime(2025, 10, 31, 2, 0, tzinfo=UTC)


@dataclass
class SomeSubject:
    """What an event needs of a subject, without a table."""

    id: UUID = field(default_factory=new_id)
    version: int = 0
    secret: bytes = field(default_factory=new_secret)
    head_hash: bytes | None = None


def a_log(database: Database) -> Signer:
    """Open an empty log under a fresh key."""
    signer = Signer.generate(ORIGIN)
    with database.transaction() as session:
        open_log(session, signer, now=NOW)
    return signer


def a_document(number: str = "25507000000000000001") -> dict:
    """The record of a registered document."""
    money = {"amount": "113.00", "currency": "CNY"}
    return {
        "kind": "einvoice",
        "seller": "91500118MA5U0AAA0X",
        "buyer": "91500118MA5U0AAA0X",
        "number": number,
        "issued_on": "2025-10-21",
        "net": {"amount": "100.00", "currency": "CNY"},
        "tax": {"amount": "13.00", "currency": "CNY"},
        "total": money,
        "original_sha256": b64url(hashlib.sha256(number.encode()).digest()),
    }


def append_some(
    database: Database, count: int, *, parties: list[UUID] | None = None
) -> list[Event]:
    """Append `count` events of different documents, in one transaction."""
    with database.transaction() as session:
        return [
            append(
                session,
                SomeSubject(),
                "document.registered",
                a_document(f"{number:020d}"),
                now=NOW,
                actor=None,
                parties=parties or [],
            )
            for number in range(count)
        ]


def append_many(connection: psycopg.Connection, count: int) -> None:
    """Insert `count` events of random content as fast as the database can: for measuring."""
    connection.execute(
        """
        INSERT INTO events (id, type, subject_id, version, occurred_at, body, body_hash, tag,
                            disclosures, authorizations, parties)
        SELECT uuidv7(), 'document.registered', uuidv7(), 1, now(), '\\x7b7d',
               sha256(uuid_send(gen_random_uuid())), sha256(uuid_send(gen_random_uuid())),
               '', '{}', '{}'
        FROM generate_series(1, %s)
        """,
        (count,),
    )
    connection.commit()


def sequence_all(database_url: str, signer: Signer) -> list[Round]:
    """Sequence until nothing waits."""
    rounds = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        while done := sequence(connection, signer, now=datetime.now(UTC)):
            rounds.append(done)
    return rounds


def random_bytes32() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(32)


def event_id(event: Event) -> str:
    """Return the id that outsiders see."""
    return public_id("evt", event.id)


def paths_of(size: int) -> Iterator[tiles.TilePath]:
    """Every tile and bundle of a log, a partial one by its width (the example of C2SP tlog-tiles)."""
    for level in (None, *range(8)):
        full, width = divmod(size >> 8 * (level or 0), tiles.WIDTH)
        yield from (tiles.TilePath(level, index) for index in range(full))
        if width:
            yield tiles.TilePath(level, full, width)
