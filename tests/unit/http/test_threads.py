"""As many endpoints run at a time as there are database connections, no more and no fewer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest
from fastapi.testclient import TestClient

from scf.main import create_app
from scf.settings import Settings

CONNECTIONS = 3


@pytest.fixture
def app():
    app = create_app(
        Settings(
            DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", DATABASE_POOL_SIZE=CONNECTIONS
        )
    )
    yield app
    app.state.database.close()


def test_endpoints_wait_for_a_thread_and_not_for_a_connection(app):
    running, seen, lock = 0, [], Lock()
    all_threads = Barrier(CONNECTIONS, timeout=30)

    @app.get("/test/meeting")
    def meeting() -> None:
        nonlocal running
        with lock:
            running += 1
            seen.append(running)
        all_threads.wait()
        with lock:
            running -= 1

    with TestClient(app) as client, ThreadPoolExecutor(4 * CONNECTIONS) as callers:
        answers = list(callers.map(client.get, ["/test/meeting"] * 4 * CONNECTIONS))

    assert [answer.status_code for answer in answers] == [200] * 4 * CONNECTIONS
    assert max(seen) == CONNECTIONS
