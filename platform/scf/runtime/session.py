"""A running installation, for those who start it and for those who come later."""

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scf.kernel.errors import Conflict, Unavailable
from scf.runtime.service import Service
from scf.runtime.site import Ports, Site, is_free, write_private
from scf.runtime.supervisor import Report, Supervisor, silent
from scf.settings import Settings

ORPHAN_PATIENCE = 5.0  # seconds for the children of a killed supervisor to leave their ports
PASSED_ON = ("CHAIN_ID", "LOG_ORIGIN", "BUSINESS_CLOCK")  # as given, for commands that come later


class AlreadyRunning(Conflict):
    """One supervisor runs an installation at a time."""

    code = "runtime.already_running"
    title = "该目录的平台已在运行"
    title_en = "The platform already runs on this folder"


class NotRunning(Unavailable):
    """A command that works on the platform needs it running."""

    code = "runtime.not_running"
    title = "平台没有运行"
    title_en = "The platform is not running"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where a running installation is found."""

    data: Path
    addresses: Mapping[str, str]
    supervisor: Supervisor | None = None  # of the process that started it

    @property
    def settings(self) -> Settings:
        """The settings that its processes have."""
        return Settings.model_validate(dict(self.addresses))

    def pids(self) -> dict[str, int]:
        """Return the process id of each running service, now."""
        pids: dict[str, int] = _read_state(self.data).get("pids", {})
        return pids

    def wait(self) -> None:
        """Wait until the platform gives up (for ever, when all is well)."""
        if self.supervisor is not None:
            self.supervisor.ended.wait()


@contextmanager
def running(
    data: Path,
    services: Sequence[Service],
    *,
    environment: Mapping[str, str] | None = None,
    fixed_ports: bool = True,
    business_clock: bool = False,
    report: Report = silent,
) -> Iterator[Runtime]:
    """Run an installation for the length of the block.

    A service keeps the port it had, else takes its usual one, else any free one; without
    `fixed_ports` always any free one. Raises AlreadyRunning, Unusable, and ServiceFailed, also at
    the end of the block where the platform gave up meanwhile.
    """
    data = data.resolve()
    with claimed(data) as remembered, Ports() as ports:
        inherited = dict(os.environ if environment is None else environment)
        if business_clock:
            inherited["BUSINESS_CLOCK"] = str(data / "business-clock")
            inherited["WEBHOOKS_LOOPBACK"] = "true"  # as the clock, for demonstrations only
        known = remembered if fixed_ports else None
        site, own = lay_out(data, services, inherited, known, ports)
        supervisor = Supervisor(site, own, report, lambda pids: _write_state(site, pids))
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        try:
            thread.start()
            supervisor.settled.wait()
            if supervisor.failure is None:
                yield Runtime(data, site.addresses, supervisor)
        finally:
            supervisor.stop.set()
            if thread.is_alive():
                thread.join()
        if supervisor.failure is not None:
            raise supervisor.failure


def running_at(data: Path) -> Runtime | None:
    """Return the installation that runs on a folder, or None."""
    data = data.resolve()
    with contextlib.suppress(FileNotFoundError), _lock_file(data).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Runtime(data, _read_state(data).get("addresses", {}))
    return None


def settings_here() -> Settings:
    """Return the settings of a command that works on a running platform.

    The environment's word counts first, then what the running installation says. Raises NotRunning
    where neither tells where the database is.
    """
    runtime = running_at(Path(os.environ.get("SCF_DATA", ".scf")))
    found = dict(runtime.addresses) if runtime else {}
    if not found and "DATABASE_URL" not in os.environ:
        raise NotRunning(hint="scf up")
    return Settings.model_validate(
        found | {key: os.environ[key] for key in found if key in os.environ}
    )


@contextmanager
def claimed(data: Path) -> Iterator[Mapping[str, int]]:
    """Hold a folder for the length of the block; give the ports that it had the last time.

    The kernel drops the claim of a dead supervisor; its children leave by themselves, and their
    ports are waited for. Raises AlreadyRunning.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock_file(data).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(pid=lock.read().strip(), folder=str(data)) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        state = _read_state(data)
        ports: dict[str, int] = state.get("ports", {})
        if state.get("pids"):
            _wait_for_orphans(ports)
        yield ports


def lay_out(
    data: Path,
    services: Sequence[Service],
    inherited: Mapping[str, str],
    remembered: Mapping[str, int] | None,
    held: Ports,
) -> tuple[Site, Sequence[Service]]:
    """Choose what to start, its ports, and the addresses that everything is given."""
    own = [
        service
        for service in services
        if not (service.provides and service.replaceable and inherited.get(service.provides))
    ]
    ports: dict[str, int] = {}
    for service in own:
        if service.port is not None:
            known = () if remembered is None else (remembered.get(service.name), service.port)
            ports[service.name] = held.take(*filter(None, known))
    bare = Site(data, ports)
    given = {service.provides for service in services} | set(PASSED_ON)
    addresses = {
        "SCF_DATA": str(data),
        **{s.provides: s.address(bare) for s in own if s.provides and s.address},
        **{name: inherited[name] for name in given if name and inherited.get(name)},
    }
    return Site(data, ports, addresses, inherited), own


def _wait_for_orphans(ports: Mapping[str, int]) -> None:
    deadline = time.monotonic() + ORPHAN_PATIENCE
    while not all(map(is_free, ports.values())) and time.monotonic() < deadline:
        time.sleep(0.1)


def _lock_file(data: Path) -> Path:
    return data / "lock"


def _state_file(data: Path) -> Path:
    return data / "runtime.json"


def _read_state(data: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(_state_file(data).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return state


def _write_state(site: Site, pids: Mapping[str, int]) -> None:
    """Tell later commands where everything is. The database's password is in its address."""
    state = {"addresses": site.addresses, "ports": site.ports, "pids": pids}
    write_private(_state_file(site.data), json.dumps(state, indent=2))
