"""The ground of one installation: its folder, its secrets, its ports, its processes' environment."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """Where one installation lives.

    `addresses` are the variables that tell where its servers are, `inherited` the variables of the
    process that started it; every child is given both.
    """

    data: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every child."""
        return {**self.inherited, **self.addresses, "PYTHONUNBUFFERED": "1"}

    def folder(self, name: str) -> Path:
        """Return a folder of the installation, made private when it is new."""
        path = self.data / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def log(self, service: str) -> Path:
        """Return the file that takes a service's output."""
        return self.folder("logs") / f"{service}.log"

    def secret(self, name: str) -> str:
        """Return a random password kept under `secrets/`, made at its first use."""
        path = self.folder("secrets") / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def url(self, service: str) -> str:
        """Return the HTTP address of a service, without a slash at the end."""
        return f"http://{HOST}:{self.ports[service]}"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


class Ports:
    """The ports of one installation, held while it runs: another that starts meanwhile takes others.

    A server may open its port long after it was chosen. Until then a name in Linux's abstract namespace,
    which the kernel drops with its process, tells other installations that the port is taken.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for holder in self._held:
            holder.close()

    def take(self, *wanted: int) -> int:
        """Return the first wanted port that nobody has, else any such one."""
        for port in wanted:
            if is_free(port) and self._hold(port):
                return port
        while True:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                found: int = probe.getsockname()[1]
            if self._hold(found):
                return found

    def _hold(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0scf.port.{port}")
        except OSError:
            holder.close()
            return False
        self._held.append(holder)
        return True


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
