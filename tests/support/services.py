"""Real servers for tests, started by the test run itself and gone with it.

PostgreSQL and Valkey are started once for all pytest-xdist workers: the first that needs them is
their parent and, at its end, waits for the others.
"""

import fcntl
import http.client
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from scf.migrations import upgrade
from scf.runtime import Runtime, running
from scf.runtime.service import Service
from scf.runtime.services import broker, chain, database

TEMPLATE = "template_scf"
BLOCK_SECONDS = 0.2


@dataclass(frozen=True)
class Servers:
    """Where the shared servers are."""

    database_url: str  # of the maintenance database, as superuser
    redis_url: str


@contextmanager
def started(*services: Service) -> Iterator[Runtime]:
    """Run services in a folder of their own, on free ports, whatever the environment says."""
    names = ("PATH", "HOME", "ANVIL", "LANG")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    data = Path(tempfile.mkdtemp(prefix="scf-test-"))
    try:
        with running(data, services, environment=environment, fixed_ports=False) as runtime:
            yield runtime
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def own_chain(block_seconds: float = BLOCK_SECONDS) -> Iterator[Runtime]:
    """Run a development chain for one test or one worker; its address is `CHAIN_RPC_URL`."""
    with started(chain(block_seconds=block_seconds)) as runtime:
        yield runtime


@contextmanager
def shared_servers(folder: Path) -> Iterator[Servers]:
    """Give the servers of this test run; `folder` is common to all its workers."""
    found = folder / "servers.json"
    with (folder / "servers.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (folder / "servers.lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if found.exists():
                fcntl.flock(starting, fcntl.LOCK_UN)
                yield Servers(**json.loads(found.read_text()))
                return
            with started(database(durable=False), broker()) as runtime:
                servers = Servers(runtime.addresses["DATABASE_URL"], runtime.addresses["REDIS_URL"])
                make_template(servers)
                found.write_text(json.dumps(vars(servers)))
                fcntl.flock(starting, fcntl.LOCK_UN)
                yield servers
                fcntl.flock(users, fcntl.LOCK_EX)  # the others are done with them
                found.unlink()


def make_template(servers: Servers) -> None:
    """Migrate one database; every test gets a copy of it."""
    execute(servers, "CREATE DATABASE {}", TEMPLATE)
    upgrade(with_path(servers.database_url, TEMPLATE))


@contextmanager
def fresh_database(servers: Servers, template: str = TEMPLATE) -> Iterator[str]:
    """Give the URL of a migrated, empty database, or of another's copy, dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    execute(servers, "CREATE DATABASE {} TEMPLATE {}", name, template)
    try:
        yield with_path(servers.database_url, name)
    finally:
        execute(servers, "DROP DATABASE {} WITH (FORCE)", name)


def execute(servers: Servers, statement: str, *names: str) -> None:
    """Run one statement about databases."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def is_well(url: str) -> bool:
    """Say whether a service answers that it is well. Asked often, so without a client made anew each time."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def with_path(url: str, path: str) -> str:
    """Return a URL with another path."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
