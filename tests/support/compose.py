"""docker-compose.yml without an engine: its processes, in its order, on Debian's database and broker.

Names and paths that only a container network has are put into this machine's terms: another service's
`name:port` becomes a free port here, `/data` a folder, and the two servers' images Debian's packages.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML  # check-jsonschema stands on it

from scf.runtime.postgres import unprivileged
from scf.runtime.programs import anvil_program
from scf.runtime.site import HOST, Ports

FILE = Path(__file__).parents[2] / "docker-compose.yml"
PORTS = {
    "postgres": 5432,
    "redis": 6379,
    "chain": 8712,
    "tokens": 8701,
    "registry": 8702,
    "bank": 8703,
    "status": 8704,
    "prices": 8705,
    "api": 8700,
}
PATIENCE = 120  # seconds for a service to become healthy, on a busy machine
SECRETS = {"POSTGRES_PASSWORD": "composed", "REDIS_PASSWORD": "composed"}
CONTAINER_USER = "scf"


def debian_postgres() -> Path | None:
    """Return the folder of the newest PostgreSQL that Debian installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4])
    )
    return found[-1].parent if found else None


@dataclass
class Composition:
    """The services as this machine runs them, and their processes."""

    data: Path
    ports: Mapping[str, int]
    services: Mapping[str, Any]
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What our own services are given."""
        return self._environment("api")

    def start(self) -> None:
        """Start every service once what it depends on is as the file wants it."""
        for name in self.services:  # a test elsewhere holds the file in this order
            for need in self.services[name].get("depends_on", {}):
                assert need in self.running
            self._start(name)

    def stop(self) -> None:
        """Stop all of them, the last first."""
        for name, process in reversed(self.running.items()):
            signal_name = self.services[name].get("stop_signal", "SIGTERM")
            process.send_signal(signal.Signals[signal_name])
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, name: str) -> str:
        """Return what a service has said."""
        return (self.data.parent / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str) -> None:
        with (self.data.parent / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                self._command(name),
                env=self._environment(name),
                cwd=self.data.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.running[name] = process
        once = self.services[name].get("restart") == "on-failure"
        deadline = time.monotonic() + PATIENCE
        while not (process.poll() == 0 if once else self._healthy(name)):
            ended = process.poll()
            assert ended in (None, 0), f"{name} ended with {ended}: {self.log(name)[-2000:]}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.log(name)[-2000:]}"
            time.sleep(0.2)

    def _healthy(self, name: str) -> bool:
        check = self.services[name].get("healthcheck")
        if check is None:
            return self.running[name].poll() is None
        words = [self._here(word) for word in check["test"][1:]]
        program = {
            "pg_isready": [
                str(debian_postgres() / "pg_isready"),
                "-h",
                HOST,
                "-p",
                self._port(name),
            ],
            "valkey-cli": ["redis-cli", "-p", self._port(name)],
            "python": [sys.executable],
        }[words[0]]
        done = subprocess.run(
            [*program, *words[1:]], env=self._environment(name), capture_output=True, check=False
        )
        return done.returncode == 0 and b"NOAUTH" not in done.stdout

    def _command(self, name: str) -> list[str]:
        first, *words = [self._here(word) for word in self.services[name]["command"]]
        if name == "postgres":
            cluster = make_cluster(self.data.parent / "cluster")
            server = [*unprivileged(), str(debian_postgres() / "postgres"), "-D", str(cluster)]
            return [*server, "-h", HOST, "-p", self._port(name), "-k", "", *words]
        if name == "redis":
            words[-1] = words[-1].replace("valkey-server", "redis-server")
            words[-1] += f" --bind {HOST} --port {self._port(name)} --dir {self.data.parent}"
        program = {"python": sys.executable, "node_modules/.bin/anvil": anvil_program(None)}
        return [program.get(first, first), *words]

    def _environment(self, name: str) -> dict[str, str]:
        given = self.services[name].get("environment", {})
        return {"PATH": os.environ["PATH"], **{k: self._here(str(v)) for k, v in given.items()}}

    def _port(self, name: str) -> str:
        return str(self.ports[name])

    def _here(self, word: str) -> str:
        """Put a word of the file into this machine's terms."""
        word = re.sub(r"\$\{(\w+)(?::[?-]([^}]*))?\}", lambda m: SECRETS.get(m[1], m[2]), word)
        for name, port in PORTS.items():
            word = word.replace(f"{name}:{port}", f"{HOST}:{port}")
        for name, port in PORTS.items():
            word = re.sub(rf"(?<!\d){port}(?!\d)", self._port(name), word)
        return word.replace("0.0.0.0", HOST).replace("/data", str(self.data)).replace("$$", "$")


def make_cluster(folder: Path) -> Path:
    """Make a cluster with the account and database of the file's image."""
    programs = debian_postgres()
    password = folder.with_suffix(".password")
    password.write_text(SECRETS["POSTGRES_PASSWORD"])
    folder.mkdir(mode=0o700)
    if unprivileged()[:1] == ("setpriv",):
        for path in (folder, password):
            shutil.chown(path, "nobody")
    words = [f"--pgdata={folder}", f"--username={CONTAINER_USER}", f"--pwfile={password}"]
    words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run([*unprivileged(), programs / "initdb", *words], check=True, capture_output=True)
    single = [*unprivileged(), programs / "postgres", "--single", "-D", folder, "postgres"]
    subprocess.run(single, input=b"CREATE DATABASE scf", check=True, capture_output=True)
    return folder


@contextmanager
def composed(folder: Path, **environment: str) -> Iterator[Composition]:
    """Run the file's services; `environment` is what an override file would add to our own."""
    services = YAML(typ="safe").load(FILE)["services"]
    for service in services.values():
        if "SCF_DATA" in service.get("environment", {}):
            service["environment"] |= environment
    data = folder / "data"
    data.mkdir()
    with Ports() as held:
        made = Composition(data, {name: held.take() for name in PORTS}, services)
        try:
            made.start()
            yield made
        finally:
            made.stop()
