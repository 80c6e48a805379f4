"""What a service is: one line of the table in `services.py`."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scf.runtime.probes import Probe, alive
from scf.runtime.site import Site


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the platform.

    `provides` names the environment variable that tells the others where it is, and `address` its
    value; where that is `replaceable` and already set, another server stands in and nothing is
    started.
    A service with `once` is a step: it is ready when its process has ended well.
    """

    name: str
    title: str  # for a person, Chinese and English
    command: Callable[[Site], Sequence[str]]
    ready: Probe = alive
    needs: tuple[str, ...] = ()
    port: int | None = None  # the usual one; another is taken where it is busy
    provides: str | None = None
    replaceable: bool = True
    address: Callable[[Site], str] | None = None
    prepare: Callable[[Site], None] | None = None  # before every start, so it bears repetition
    once: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 90.0  # seconds from start to ready
