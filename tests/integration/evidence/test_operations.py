"""Health, readiness and metrics tell an operator what is going on."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from scf.db.outbox import enqueue
from scf.db.session import Database
from scf.http.auth import create_client, issue_token
from scf.kernel.ids import public_id
from scf.main import create_app
from scf.settings import Settings
from tests.support.log import a_log, append_some, sequence_all


@pytest.fixture
def http(database_url: str) -> Iterator[TestClient]:
    app = create_app(Settings.model_validate({"DATABASE_URL": database_url}))
    database, now = app.state.database, app.state.settings.clock.real()
    with database.transaction() as session:
        made, secret = create_client(
            session, name="Prometheus", party_id=None, now=now, operator=True
        )
        token = issue_token(session, public_id("cli", made.id), secret, now=now)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
    app.state.database.close()


def metric(http: TestClient, line: str) -> float:
    lines = http.get("/metrics").text.splitlines()
    return next(float(found.rsplit(" ", 1)[1]) for found in lines if found.startswith(line))


def test_alive_without_anything() -> None:
    app = create_app(Settings.model_validate({"DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}))
    http = TestClient(app, raise_server_exceptions=False)

    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").status_code == 503
    assert http.get("/readyz").headers["retry-after"] == "1"
    assert http.get("/metrics").text.splitlines()[2:] == ["scf_database_up 0.0"]
    assert http.get("/log/checkpoint").status_code == 503


def test_ready_once_the_log_is_open(http: TestClient, database: Database) -> None:
    before = http.get("/readyz")
    assert (before.status_code, before.json()["code"]) == (503, "platform.not_ready")

    a_log(database)

    assert http.get("/readyz").status_code == 200


def test_the_figures_are_those_of_every_process(
    http: TestClient, database: Database, database_url: str
) -> None:
    signer = a_log(database)
    append_some(database, 3)
    sequence_all(database_url, signer)
    append_some(database, 2)
    with database.transaction() as session:
        enqueue(session, "pledge.perfect")
        enqueue(session, "document.takes_back")
        session.flush()
        session.execute(
            text("UPDATE outbox SET done_at = now(), error = 'x' WHERE kind LIKE 'doc%'")
        )

    assert metric(http, "scf_database_up ") == 1
    assert metric(http, "scf_log_size ") == 3
    assert metric(http, "scf_events_waiting ") == 2
    assert metric(http, "scf_log_anchored_size ") == 0
    assert metric(http, 'scf_outbox_waiting{of="pledge.perfect"}') == 1
    assert metric(http, 'scf_outbox_given_up{of="document.takes_back"}') == 1


def test_requests_are_counted_by_route_not_by_path(http: TestClient, database: Database) -> None:
    a_log(database)
    for path in ("/log/tile/0/001", "/log/tile/0/002", "/nowhere/1", "/nowhere/2"):
        http.get(path)

    series = 'scf_http_requests_total{method="GET",route="%s",status="404"}'
    assert metric(http, series % "/log/tile/{path:path}") >= 2
    assert metric(http, series % "unrouted") >= 2
    assert "/nowhere/1" not in http.get("/metrics").text
