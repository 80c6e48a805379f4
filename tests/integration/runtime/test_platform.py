"""The whole platform as `scf up` runs it: it starts, recovers from any kill, and leaves nothing."""

import os
import shutil
import signal
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from scf.runtime import SERVICES, running, running_at

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "ANVIL") if name in os.environ}
STARTED = {service.name for service in SERVICES if not service.once}


@pytest.fixture(scope="module")
def platform():
    data = Path(tempfile.mkdtemp(prefix="scf-platform-"))
    with running(data, SERVICES, environment=ENVIRONMENT, fixed_ports=False) as runtime:
        yield runtime
        last = runtime.pids().values()
    assert [member for pid in last for member in members(pid)] == []
    shutil.rmtree(data)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def eventually(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def members(session):
    """Return the processes of a session, which every child leads one of."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z" and int(fields[3]) == session:
            found.append(stat.parent.name)
    return found


def test_everything_runs_and_answers(platform):
    assert set(platform.pids()) == STARTED
    assert answers(f"{platform.addresses['PUBLIC_URL']}/readyz")
    assert answers(f"{platform.addresses['PUBLIC_URL']}/log/checkpoint")
    assert (platform.data / "trust.json").exists()


def test_secrets_are_private(platform):
    for path in (platform.data / "secrets").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_another_command_finds_it(platform):
    found = running_at(platform.data)
    assert found.settings == platform.settings
    assert found.settings.database_url == platform.addresses["DATABASE_URL"]


@pytest.mark.parametrize("name", sorted(STARTED))
def test_a_killed_process_comes_back(platform, name):
    killed = platform.pids()[name]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: platform.pids().get(name, killed) != killed)
    eventually(lambda: answers(f"{platform.addresses['PUBLIC_URL']}/readyz"))
    eventually(lambda: not members(killed))


def test_everything_dead_at_once_comes_back(platform):
    killed = platform.pids()
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: set(platform.pids()) == STARTED)
    eventually(lambda: answers(f"{platform.addresses['PUBLIC_URL']}/readyz"))
    assert not set(killed.values()) & set(platform.pids().values())
