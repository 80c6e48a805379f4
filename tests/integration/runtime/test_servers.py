"""PostgreSQL, Valkey and the chain as children: they keep what they were told, whatever happens."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
import redis

from scf.runtime import postgres, running
from scf.runtime.services import broker, chain, database

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "ANVIL") if name in os.environ}
TABLE = (database(), broker(), chain(block_seconds=0.2))


@pytest.fixture
def site():
    folder = Path(tempfile.mkdtemp(prefix="scf-site-"))
    yield folder
    shutil.rmtree(folder)


def run(site, *services):
    return running(site, services or TABLE, environment=ENVIRONMENT, fixed_ports=False)


def eventually(attempt, seconds=15.0):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (OSError, psycopg.OperationalError, redis.ConnectionError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def wanted(condition):
    assert condition


def query(runtime, statement):
    with psycopg.connect(runtime.addresses["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def rpc(runtime, method, *parameters):
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    request = urllib.request.Request(
        runtime.addresses["CHAIN_RPC_URL"],
        json.dumps(call).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)["result"]


def height(runtime):
    return int(rpc(runtime, "eth_blockNumber"), 16)


def test_all_three_keep_their_data_over_a_stop(site):
    with run(site) as runtime:
        query(runtime, "CREATE TABLE kept AS SELECT 7 AS number")
        redis.Redis.from_url(runtime.addresses["REDIS_URL"]).set("kept", "7")
        eventually(lambda: wanted(height(runtime) >= 2))
        block = rpc(runtime, "eth_getBlockByNumber", "0x1", False)["hash"]
    with run(site) as runtime:
        assert query(runtime, "SELECT number FROM kept") == 7
        assert redis.Redis.from_url(runtime.addresses["REDIS_URL"]).get("kept") == b"7"
        assert rpc(runtime, "eth_getBlockByNumber", "0x1", False)["hash"] == block


def test_all_three_come_back_from_a_kill(site):
    with run(site) as runtime:
        query(runtime, "CREATE TABLE kept AS SELECT 7 AS number")
        client = redis.Redis.from_url(runtime.addresses["REDIS_URL"])
        client.set("kept", "7")
        client.execute_command("WAITAOF", 1, 0, 2000)  # written to disk, not merely promised
        before = runtime.pids()
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: query(runtime, "SELECT number FROM kept")) == 7
        assert eventually(lambda: client.get("kept")) == b"7"
        assert eventually(lambda: height(runtime)) >= 0
        assert not set(before.values()) & set(runtime.pids().values())


def test_strangers_are_kept_out(site):
    with run(site, database(), broker()) as runtime:
        password = runtime.addresses["DATABASE_URL"].split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(runtime.addresses["DATABASE_URL"].replace(password, "guess"))
        secret = runtime.addresses["REDIS_URL"].split(":")[2].split("@")[0]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(runtime.addresses["REDIS_URL"].replace(secret, "guess")).ping()
        for pid in runtime.pids().values():
            command = Path(f"/proc/{pid}/cmdline").read_text()
            assert password not in command
            assert secret not in command


def test_the_database_sorts_by_code_point_checks_its_pages_and_is_new(site):
    with run(site, database()) as runtime:
        assert query(runtime, "SHOW data_checksums") == "on"
        assert query(runtime, "SHOW timezone") == "UTC"
        collation = (
            "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'scf'"
        )
        assert query(runtime, collation) == "bC.UTF-8"


def test_a_cluster_half_made_is_made_again(site):
    (site / "postgres.part").mkdir()
    (site / "postgres.part" / "PG_VERSION").write_text("18\n")
    with run(site, database()) as runtime:
        assert query(runtime, "SELECT 1") == 1


def test_the_lock_of_a_dead_server_does_not_lock_out(site):
    with run(site, database()):
        pass
    lock = site / "postgres" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{site / 'postgres'}\n0\n0\n\n127.0.0.1\n0 0\n")
    with run(site, database()) as runtime:
        assert query(runtime, "SELECT 1") == 1


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="root and setpriv are needed"
)
def test_root_without_namespaces_runs_the_database_as_nobody(site, monkeypatch):
    monkeypatch.setattr(postgres, "unprivileged", lambda: postgres.AS_NOBODY)
    with run(site, database()) as runtime:
        pid = runtime.pids()["postgres"]
        assert Path(f"/proc/{pid}").owner() == "nobody"
        assert query(runtime, "SELECT 1") == 1
    assert not Path(f"/proc/{pid}").exists()


def test_servers_leave_with_a_killed_supervisor_and_start_again(site):
    script = f"""
        import pathlib
        from scf.runtime import running
        from scf.runtime.services import broker, chain, database
        site = pathlib.Path({str(site)!r})
        with running(site, (database(), broker(), chain()), fixed_ports=False) as runtime:
            print(*runtime.pids().values(), flush=True)
            runtime.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as first:
        pids = first.stdout.readline().split()
        assert len(pids) == 3
        first.kill()
    eventually(lambda: wanted(not any(is_serving(pid.decode()) for pid in pids)))
    with run(site, database()) as runtime:
        assert query(runtime, "SELECT 1") == 1


def is_serving(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
