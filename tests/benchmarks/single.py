"""A receivable submitted by one POST, with its event, against pgbench running the same statements."""

from collections.abc import Iterator
from uuid import UUID

from fastapi.testclient import TestClient

from scf.db.session import Database
from scf.main import create_app
from tests.benchmarks import load, pgbench
from tests.benchmarks.figures import Row, at_least, at_most, middle, percentile
from tests.benchmarks.installation import DOCUMENT_ID, Installation
from tests.benchmarks.recording import Sent, as_script, recorded
from tests.benchmarks.submissions import encoded, headers, line

CLIENTS = 32
ROUNDS = 3
WARM_UP = 320  # requests before anything is timed: imports, connections, prepared statements
REQUESTS = 1_920  # of one round
TRANSACTIONS = 150  # of one of pgbench's clients in one round
LATENCY_MAX = 250.0  # ms
PATH = "/v1/receivables"


def measure(installation: Installation) -> Iterator[Row]:
    script = statements(installation)
    submit(installation, WARM_UP)
    rates, limits, latencies = [], [], []
    for _ in range(ROUNDS):
        driven = submit(installation, REQUESTS)
        rates.append(driven.per_second)
        latencies += driven.latencies
        limits.append(replay(installation, script))
    yield Row(
        "单笔提交，32 并发 single POST, 32 clients",
        middle(rates),
        "笔/s",
        middle(limits),
        at_least(0.12),
    )
    yield Row(
        "单笔提交 p99 latency of a single POST, p99",
        1000 * percentile(latencies, 0.99),
        "ms",
        LATENCY_MAX,
        at_most(1),
    )


def submit(installation: Installation, count: int) -> load.Driven:
    """Submit lines over fresh documents, `CLIENTS` at a time."""
    _, documents = installation.register(count)
    installation.settle()
    requests = [
        load.post(
            installation.api, PATH, headers(installation), encoded(line(installation, document))
        )
        for document in documents
    ]
    driven = load.drive(installation.api, requests, clients=CLIENTS)
    assert set(driven.statuses) == {201}, driven.statuses
    return driven


def replay(installation: Installation, script: str) -> float:
    """Let pgbench run the statements over fresh documents."""
    first, _ = installation.register(CLIENTS * TRANSACTIONS)
    installation.settle()
    return pgbench.transactions_per_second(
        installation.settings.database_url,
        script,
        clients=CLIENTS,
        each=TRANSACTIONS,
        first=first,
    )


def statements(installation: Installation) -> str:
    """Record the command twice, and make a script of it."""
    _, documents = installation.register(2)
    app = create_app(installation.settings)
    database: Database = app.state.database
    with TestClient(app) as client:
        recordings = [
            _recording(installation, client, database, document) for document in documents
        ]
    database.close()
    number = DOCUMENT_ID.format(number=":n")
    return as_script(*recordings, lambda value: number if value == documents[0] else None)


def _recording(
    installation: Installation, client: TestClient, database: Database, document: UUID
) -> list[Sent]:
    body = line(installation, document)
    with recorded(database.engine) as sent:
        answer = client.post(PATH, json=body, headers=headers(installation))
    assert answer.status_code == 201, answer.text
    return sent
