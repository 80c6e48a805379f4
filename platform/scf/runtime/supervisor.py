"""Keeps a table of services alive: starts them in order, restarts what dies, stops them in order.

One thread does everything in small steps, so that no two things happen at once. It is the parent of
every child and outlives them all: Linux tells a child when the *thread* that made it is gone.
"""

import contextlib
import ctypes
import enum
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scf.kernel.errors import SCFError, Unavailable
from scf.runtime.logs import last_line, open_log
from scf.runtime.service import Service
from scf.runtime.site import Site

STEP = 0.03  # seconds between two looks while something starts or stops
REST = 0.25  # the same while all is well
BACKOFF_FIRST = 0.1  # seconds before the first restart; doubles with every further crash
BACKOFF_MAX = 5.0
CRASHES_MAX = 8  # in a row; a service that stayed ready for STEADY seconds starts counting anew
STEP_FAILURES_MAX = 2  # of a service with `once`
STEADY = 30.0
STOP_PATIENCE = 15.0  # seconds for all to leave; whoever is left is killed

PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServiceFailed(Unavailable):
    """A service that keeps dying is given up, and the platform with it."""

    code = "runtime.service_failed"
    title = "服务无法启动或反复退出"
    title_en = "A service does not start, or keeps dying"


class State(enum.Enum):
    """Where a child stands."""

    WAITING = "waiting"  # for what it needs, or for its next try
    STARTING = "starting"
    READY = "ready"  # a step: done


@dataclass(slots=True)
class Child:
    """A service and its process."""

    service: Service
    state: State = State.WAITING
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0  # monotonic seconds, as all times here
    became_ready: float = 0.0
    not_before: float = 0.0
    crashes: int = 0

    @property
    def running(self) -> bool:
        """Whether it has a process that has not ended."""
        return self.process is not None and self.process.poll() is None

    def tell(self, message: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None:
            self.process.send_signal(message)

    def kill(self) -> None:
        """End the process and its own children at once, and wait for it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


Report = Callable[[str, Service, float], None]  # what happened, to whom, after how many seconds


def silent(_what: str, _service: Service, _seconds: float) -> None:
    """Report nothing."""


@dataclass(slots=True)
class Supervisor:
    """Runs `services` on `site` until `stop` is set. `changed` is called when a process is new."""

    site: Site
    services: Sequence[Service]
    report: Report = silent
    changed: Callable[[dict[str, int]], None] = lambda _pids: None
    stop: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)  # all ready, or failed
    ended: threading.Event = field(default_factory=threading.Event)
    failure: SCFError | None = None
    children: dict[str, Child] = field(init=False)

    def __post_init__(self) -> None:
        """Make the children; what is needed and not in the table runs elsewhere."""
        self.children = {service.name: Child(service) for service in self.services}

    def run(self) -> None:
        """Start all, keep all, and stop all; `failure` tells why it ended by itself."""
        try:
            while not self.stop.is_set():
                self.step()
                if all(child.state is State.READY for child in self.children.values()):
                    self.settled.set()
                    self.stop.wait(REST)
                else:
                    self.stop.wait(STEP)
        except SCFError as error:
            self.failure = error
        finally:
            self.stop_all()
            self.settled.set()
            self.ended.set()

    def step(self) -> None:
        """Take every child one step further. Raises ServiceFailed, Unusable."""
        for child in self.children.values():
            match child.state:
                case State.WAITING if self.may_start(child):
                    self.launch(child)
                case State.STARTING:
                    self.look_at_starting(child)
                case State.READY if not child.service.once and not child.running:
                    self.crashed(child)

    def may_start(self, child: Child) -> bool:
        """Say whether everything it needs is ready and its pause is over."""
        return time.monotonic() >= child.not_before and all(
            self.children[name].state is State.READY
            for name in child.service.needs
            if name in self.children
        )

    def launch(self, child: Child) -> None:
        """Start the process, its output appended to its log."""
        service = child.service
        child.started = time.monotonic()
        if service.prepare:
            service.prepare(self.site)
        command = service.command(self.site)
        try:
            child.process = self.spawn(command, service)
        except OSError as error:
            raise ServiceFailed(
                service=service.name, program=command[0], said=str(error)
            ) from error
        child.state = State.STARTING
        self.changed(self.pids())

    def spawn(self, command: Sequence[str], service: Service) -> subprocess.Popen[bytes]:
        """Make the process: in a session of its own, so that Ctrl-C reaches the supervisor only."""
        with open_log(self.site.log(service.name)) as log:
            return subprocess.Popen(  # noqa: S603 - our own words
                command,
                env=self.site.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=leave_with_parent(service.stop_signal),  # noqa: PLW1509 - takes no lock
            )

    def look_at_starting(self, child: Child) -> None:
        """Find it ready, dead, or too slow."""
        service, now = child.service, time.monotonic()
        if not child.running:
            ended_well = child.process is not None and child.process.returncode == 0
            if service.once and ended_well:
                self.mark_ready(child)
            else:
                self.crashed(child)
        elif not service.once and service.ready(self.site, service.name):
            self.mark_ready(child)
        elif now - child.started > service.patience:
            self.crashed(child)

    def mark_ready(self, child: Child) -> None:
        """Let those start that need it."""
        child.state, child.became_ready = State.READY, time.monotonic()
        self.report("ready", child.service, child.became_ready - child.started)

    def crashed(self, child: Child) -> None:
        """Clear away what is left and plan the next try. Raises ServiceFailed after too many."""
        child.kill()
        now = time.monotonic()
        steady = child.state is State.READY and now - child.became_ready > STEADY
        child.crashes = 1 if steady else child.crashes + 1
        service = child.service
        if child.crashes >= (STEP_FAILURES_MAX if service.once else CRASHES_MAX):
            log = self.site.log(service.name)
            raise ServiceFailed(service=service.name, log=str(log), said=last_line(log))
        pause = min(BACKOFF_FIRST * 2 ** (child.crashes - 1), BACKOFF_MAX)
        child.state, child.not_before = State.WAITING, now + pause
        self.report("crashed", service, now - child.started)

    def stop_all(self) -> None:
        """Stop every child after those that need it; kill who does not leave in time."""
        deadline = time.monotonic() + STOP_PATIENCE
        told: set[str] = set()
        while left := [child for child in self.children.values() if child.running]:
            if time.monotonic() > deadline:
                for child in left:
                    child.kill()
            for child in left:
                name = child.service.name
                if name not in told and not any(self.needs(other, name) for other in left):
                    told.add(name)
                    child.tell(child.service.stop_signal)
            time.sleep(STEP)
        for child in self.children.values():
            child.kill()  # what a service left behind
        self.changed({})

    def needs(self, child: Child, name: str) -> bool:
        """Say whether a child needs a service, directly or through others."""
        return any(
            need == name or (need in self.children and self.needs(self.children[need], name))
            for need in child.service.needs
        )

    def pids(self) -> dict[str, int]:
        """Return the process id of every running child."""
        return {
            name: child.process.pid
            for name, child in self.children.items()
            if child.process is not None and child.running
        }


def leave_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a new child does first: heed `stop_signal`, and get it when its parent is gone.

    A signal that whoever started the platform ignores, as under nohup, would stay ignored in every
    child: none of them would leave when told.
    """
    if LIBC is None:
        return None
    parent = os.getpid()

    def begin() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {stop_signal})
        signal.signal(stop_signal, signal.SIG_DFL)
        LIBC.prctl(PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:  # it was gone before Linux was asked
            os.kill(os.getpid(), stop_signal)

    return begin
