"""Giving committed events their place: sequenced, integrated into the tiles, published under a head.

The limit does nothing but hash the leaves of the same entries and copy the tiles that result.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from scf.db.session import Database
from scf.evidence.sequencing import sequence
from scf_ledger.note import Signer
from tests.benchmarks import events
from tests.benchmarks.figures import Row, at_least, middle, seconds
from tests.support.log import a_log
from tests.support.services import Servers, fresh_database

EVENTS = 20_000  # of one round
ROUNDS = 3


def measure(servers: Servers) -> Iterator[Row]:
    with fresh_database(servers) as url:
        database = Database(url, pool_size=1)
        signer = a_log(database)
        database.close()
        with psycopg.connect(url, autocommit=True) as connection:
            rates, limits = [], []
            for _ in range(ROUNDS):
                events.append(connection, EVENTS)
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")
                rates.append(EVENTS / seconds(lambda: drain(connection, signer)))
                limits.append(EVENTS / least(connection))
    yield Row(
        "定序、入树、发布 sequence, integrate, publish",
        middle(rates),
        "事件/s events/s",
        middle(limits),
        at_least(20_000, of="value"),
    )


def drain(connection: psycopg.Connection, signer: Signer) -> None:
    """Sequence until nothing waits."""
    while sequence(connection, signer, now=datetime.now(UTC)):
        pass


def least(connection: psycopg.Connection) -> float:
    """Hash the leaves of the newest round and copy the tiles it touched; return the seconds."""
    rows = connection.execute(
        "SELECT entry FROM log_entries ORDER BY index DESC LIMIT %s", (EVENTS,)
    ).fetchall()
    entries = [row[0] for row in rows]
    tiles = connection.execute(
        "SELECT level, index, hashes FROM log_tiles WHERE level > 0 OR index >= ("
        "SELECT max(index) FROM log_tiles WHERE level = 0) - %s",
        (EVENTS // 256,),
    ).fetchall()

    def work() -> None:
        for entry in entries:
            hashlib.sha256(b"\x00" + entry).digest()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE copied (LIKE log_tiles INCLUDING ALL)")
            with cursor.copy("COPY copied FROM STDIN") as copy:
                for tile in tiles:
                    copy.write_row(tile)

    spent = seconds(work)
    connection.execute("DROP TABLE copied")
    return spent
