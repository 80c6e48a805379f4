"""What an event costs in a long log, against what it costs in a short one.

An event is appended by the product in a transaction of its own and sequenced with its neighbours. Two
databases are measured in turns, so that both see the same machine.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from scf.db.session import Database
from scf.evidence import service as evidence
from scf.evidence.sequencing import BATCH_MAX
from scf_ledger.note import Signer
from tests.benchmarks import events
from tests.benchmarks.figures import Row, at_most, middle, seconds
from tests.benchmarks.sequencing import drain
from tests.support.log import NOW, SomeSubject, a_document, a_log
from tests.support.services import Servers, fresh_database

SHORT = 10_000
LONG = 200_000
LONGEST = 1_000_000
EVENTS = 250  # of one turn
TURNS = 16  # of each log


@dataclass
class Log:
    """A database with a log in it."""

    url: str
    database: Database
    signer: Signer
    connection: psycopg.Connection

    def grow(self, size: int) -> None:
        """Fill it to a size, and let the database put its house in order."""
        for start in range(0, size, BATCH_MAX):
            events.append(self.connection, min(BATCH_MAX, size - start))
            drain(self.connection, self.signer)
        self.connection.execute("VACUUM ANALYZE")
        self.connection.execute("CHECKPOINT")

    def cost(self) -> float:
        """Append and sequence some more; return the seconds an event took."""

        def work() -> None:
            for number in range(EVENTS):
                self.append(f"{number:020}")
            drain(self.connection, self.signer)

        return seconds(work) / EVENTS

    def append(self, number: str) -> None:
        with self.database.transaction() as session:
            evidence.append(
                session,
                SomeSubject(),
                "document.registered",
                a_document(number),
                now=NOW,
                actor=None,
                parties=[],
            )


def measure(servers: Servers, *, long: bool = False) -> Iterator[Row]:
    size = LONGEST if long else LONG
    with ExitStack() as stack:
        logs = [opened(stack, servers, length) for length in (SHORT, size)]
        costs: list[list[float]] = [[], []]
        for log in logs:
            log.cost()  # prepared statements, caches
        for _ in range(TURNS):
            for log, found in zip(logs, costs, strict=True):
                found.append(log.cost())
    short, grown = map(middle, costs)
    yield Row(
        f"增长：第 {size:,} 个事件对第 {SHORT:,} 个 growth: event {size:,} to {SHORT:,}",
        1000 * grown,
        "ms",
        1000 * short,
        at_most(1.2),
    )


def opened(stack: ExitStack, servers: Servers, size: int) -> Log:
    url = stack.enter_context(fresh_database(servers))
    database = Database(url, pool_size=1)
    stack.callback(database.close)
    connection = stack.enter_context(psycopg.connect(url, autocommit=True))
    log = Log(url, database, a_log(database), connection)
    log.grow(size)
    return log
