"""As many endpoints run at a time as there are database connections."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from anyio.to_thread import current_default_thread_limiter
from fastapi.testclient import TestClient

from scf.main import create_app
from scf.settings import Settings

CONNECTIONS = 3
CALLERS = 8


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
    leave = Event()

    @app.get("/test/staying")
    def staying() -> bool:
        return leave.wait(30)

    @app.get("/test/count")
    async def count() -> tuple[int, int]:
        found = current_default_thread_limiter().statistics()
        return found.borrowed_tokens, found.tasks_waiting

    with TestClient(app) as client, ThreadPoolExecutor(CALLERS) as callers:
        answers = [callers.submit(client.get, "/test/staying") for _ in range(CALLERS)]
        running, waiting = 0, 0
        while running + waiting < CALLERS and not any(answer.done() for answer in answers):
            running, waiting = client.get("/test/count").json()
        leave.set()

    assert (running, waiting) == (CONNECTIONS, CALLERS - CONNECTIONS)
    assert [answer.result().json() for answer in answers] == [True] * CALLERS
