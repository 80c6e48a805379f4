"""The register's simulator, and any other, as a process of its own, to be killed and started again."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.support.services import is_well


class SimulatorProcess:
    """A simulator, started, killed and started again on one folder and port."""

    module: str

    def __init__(self, data: Path, *, business_clock: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = data
        self._environment = {"SCF_DATA": str(data), "PATH": ""}
        if business_clock is not None:
            self._environment["BUSINESS_CLOCK"] = str(business_clock)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=self._environment)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if is_well(self.url):
                return
            time.sleep(0.1)
        raise AssertionError("the simulator did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class RegistryProcess(SimulatorProcess):
    """The register's."""

    module = "scf.registry.simulator"
