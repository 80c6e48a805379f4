"""A development chain for tests: anvil from node_modules, on a free port, killed with the test."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from scf_ledger.chain.client import Chain
from scf_ledger.chain.errors import ChainError

ROOT = Path(__file__).resolve().parents[2]
CHAIN_ID = 31337
BLOCK_TIME = 0.2  # seconds


def anvil_binary() -> str:
    """Where anvil is: the variable ANVIL, or node_modules, or the path."""
    local = ROOT / "node_modules/.bin/anvil"
    found = os.environ.get("ANVIL") or (str(local) if local.exists() else shutil.which("anvil"))
    assert found, "no anvil: run `make setup`"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Anvil:
    """One anvil process that can be killed and started again on the same port and state."""

    def __init__(self, state: Path | None = None, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, dump_every: int = 1) -> Chain:
        """Start and give a connection, once it answers.

        :param dump_every: seconds between two writings of the state, if there is a state
        """
        command = [anvil_binary(), "--host", "127.0.0.1", "--port", str(self.port), "--silent"]
        command += ["--accounts", "0", "--block-time", str(BLOCK_TIME), "--no-cors"]
        command += ["--chain-id", str(CHAIN_ID), "--hardfork", "osaka"]
        if self._state:
            command += ["--state", str(self._state), "--state-interval", str(dump_every)]
        self._process = subprocess.Popen(command)
        chain = Chain(self.url, chain_id=CHAIN_ID, timeout=5)
        deadline = time.monotonic() + 20
        while True:
            try:
                chain.check()
            except ChainError:
                assert self._process.poll() is None, "anvil ended"
                assert time.monotonic() < deadline, "anvil does not answer"
                time.sleep(0.05)
            else:
                return chain

    def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the process, by default without warning."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(sig)
            self._process.wait(timeout=20)
            self._process = None


@contextlib.contextmanager
def running_anvil(state: Path | None = None) -> Iterator[tuple[Anvil, Chain]]:
    anvil = Anvil(state)
    try:
        yield anvil, anvil.start()
    finally:
        anvil.kill()
