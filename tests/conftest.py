"""Fixtures that every test may use: real servers, each test with a database of its own."""

import signal
from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, settings

from scf.db.session import Database
from tests.support.services import (
    Servers,
    fresh_database,
    own_chain,
    shared_servers,
    with_path,
)

# Time is no property: a busy machine draws and runs slowly.
settings.register_profile("scf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("scf")

# Whoever runs the tests may ignore it, and every server that a test starts would inherit that.
signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Servers]:
    """PostgreSQL and Valkey of this test run."""
    base = tmp_path_factory.getbasetemp()
    with shared_servers(base if worker_id == "master" else base.parent) as found:
        yield found


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A migrated, empty database for one test."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Sessions on the test's own database."""
    opened = Database(database_url, pool_size=10)
    yield opened
    opened.close()


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> str:
    """An empty Redis database, one for each worker."""
    number = worker_id.removeprefix("gw") if worker_id != "master" else "0"
    url = with_path(servers.redis_url, number)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def chain_url() -> Iterator[str]:
    """A development chain for one worker; a block every 0.2 s."""
    with own_chain() as runtime:
        yield runtime.addresses["CHAIN_RPC_URL"]
