"""Receivables registered in bulk through the API, against the same rows inserted by `unnest`.

The product reads, checks, builds events with salted disclosures and answers per item; the limit is its
own INSERTs with the parameters made before, in one transaction.
"""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from scf.db.session import Database
from scf.receivables import submission
from scf.receivables.schemas import BulkIn
from scf.receivables.submission import Mode
from tests.benchmarks.figures import Row, at_least, middle, seconds
from tests.benchmarks.installation import Installation
from tests.benchmarks.recording import Sent, recorded
from tests.benchmarks.submissions import encoded, headers, line

ITEMS = 5_000  # of one request
ROUNDS = 4
PATH = "/v1/receivables/bulk"


def measure(installation: Installation) -> Iterator[Row]:
    submit(installation)  # imports, connections
    rates, limits = [], []
    for _ in range(ROUNDS):
        rates.append(ITEMS / submit(installation))
        limits.append(ITEMS / insert(installation))
    yield Row(
        "批量登记 bulk registration",
        middle(rates),
        "笔/s",
        middle(limits),
        at_least(0.5),
    )


def submit(installation: Installation) -> float:
    """Submit one list over fresh documents; return the seconds until the answer is there."""
    body, key = encoded(_items(installation)), headers(installation)
    connection = http.client.HTTPConnection(urlsplit(installation.api).netloc, timeout=120)

    def ask() -> None:
        connection.request("POST", PATH, body, {"Content-Type": "application/json", **key})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:1000]

    try:
        return seconds(ask)
    finally:
        connection.close()


def insert(installation: Installation) -> float:
    """Insert what the product would have written; return the seconds with the commit."""
    insertions = _insertions(installation)
    with psycopg.connect(installation.settings.database_url) as connection:

        def write() -> None:
            for sent in insertions:
                connection.execute(sent.statement, sent.parameters)
            connection.commit()

        return seconds(write)


def _insertions(installation: Installation) -> list[Sent]:
    """Record the product's own statements over fresh documents, and take back what they wrote."""
    items = BulkIn.model_validate(_items(installation)).items
    database = Database(installation.settings.database_url, pool_size=1)
    with recorded(database.engine) as sent, database.transaction() as session:
        submission.submit_many(
            session,
            installation.cast.supplier.actor,
            [item.submission() for item in items],
            mode=Mode.ATOMIC,
            now=installation.settings.clock.now(),
        )
        session.rollback()
    database.close()
    return [one for one in sent if "INSERT INTO receivables" in one.statement]


def _items(installation: Installation) -> dict[str, object]:
    _, documents = installation.register(ITEMS)
    installation.settle()
    return {"items": [line(installation, document) for document in documents]}
