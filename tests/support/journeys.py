"""`scf` as a person runs it: a program, on a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
INHERITED = ("PATH", "HOME", "ANVIL", "LANG")
MINUTES = 60


@dataclass(frozen=True)
class Installation:
    """A folder and what runs on it."""

    data: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a person's shell would have, and the folder."""
        found = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**found, "SCF_DATA": str(self.data), "COLUMNS": "100"}

    def run(self, *words: str, seconds: float = 5 * MINUTES) -> subprocess.CompletedProcess[str]:
        """Run `scf` to its end."""
        return subprocess.run(
            [PROGRAMS / "scf", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def told(self) -> Path:
        """What a program that was started says to a person."""
        return self.data.parent / "told.txt"

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `scf`: its results in a pipe, what it tells a person in the file `told`."""
        with self.told.open("w") as told:
            return subprocess.Popen(
                [PROGRAMS / "scf", *words],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
                start_new_session=True,
            )

    def wait_for(self, words: str, *, seconds: float = 3 * MINUTES) -> None:
        """Wait until a started program has said something."""
        deadline = time.monotonic() + seconds
        while words not in self.told.read_text():
            assert time.monotonic() < deadline, f"{words!r} not in {self.told.read_text()}"
            time.sleep(0.02)

    def processes(self) -> dict[int, str]:
        """Return every process that was started for this folder, by its environment."""
        mark, found = f"\0SCF_DATA={self.data}\0".encode(), {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in b"\0" + (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = words.decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found

    def is_quiet(self, seconds: float = 0.0) -> bool:
        """Say whether nothing runs for this folder any more, at the latest after so long."""
        deadline = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


@contextmanager
def installation() -> Iterator[Installation]:
    """Give a new folder, and leave neither it nor a process of its behind."""
    made = Installation(Path(tempfile.mkdtemp(prefix="scf-journey-")) / "scf")
    try:
        yield made
    finally:
        for pid in made.processes():
            os.kill(pid, signal.SIGKILL)
        made.is_quiet(10)
        shutil.rmtree(made.data.parent, ignore_errors=True)
