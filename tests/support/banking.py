"""A bank's gateway as a process of its own, and messages as banks write them."""

import base64
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from scf.kernel.ids import parse_id
from scf.settlement import issuing
from scf.settlement.matching import end_to_end_id
from tests.support.actors import Company, Stage
from tests.support.receivables import ACCOUNT

DIGITS = ACCOUNT.replace(" ", "")
DEBTOR_ACCOUNT = "6100 0000 0000 0009"
BASE = 0
"""Added to the numbers of entries."""


class BankProcess:
    """The simulator, started, killed and started again on one folder and port."""

    def __init__(self, data: Path, *, business_clock: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {"SCF_DATA": str(data), "PATH": ""}
        if business_clock is not None:
            self._environment["BUSINESS_CLOCK"] = str(business_clock)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "scf.settlement.simulator", "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=self._environment)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the simulator did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def reports(self) -> list[bytes]:
        found = httpx.get(f"{self.url}/reports", trust_env=False).json()["reports"]
        return [base64.b64decode(one["body"]) for one in found]

    def post(self, path: str) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", trust_env=False)


def entry(number: int, minor: int, **other: Any) -> dict[str, Any]:
    """A booked credit on the named account, as `issuing` writes it."""
    receivable = other.pop("receivable", None)
    return {
        "number": BASE + number,
        "minor": minor,
        "currency": "CNY",
        "account": DIGITS,
        "bank": "",
        "direction": "CRDT",
        "reversal": 0,
        "booked_on": "2025-11-03",
        "end_to_end": end_to_end_id(parse_id("rcv", receivable)) if receivable else "",
        "remittance": "",
        "other_account": "",
        "other_name": "渝川汽车(示例)",
        **other,
    }


def statement(entries: Sequence[dict[str, Any]], *, kind: str = "054", name: str = "N1") -> bytes:
    """A camt message over these entries; the bank is named by whoever hands it in."""
    return issuing.write(kind, name, "2025-11-03T08:00:00Z", entries)


def hand_in(stage: Stage, bank: Company, message: bytes) -> httpx.Response:
    """Send a message as a bank does."""
    headers = {
        **stage.headers(bank),
        "Idempotency-Key": uuid.uuid4().hex,
        "Content-Type": "application/xml",
    }
    return stage.http.post("/v1/bank-reports", content=message, headers=headers)


def told(stage: Stage, bank: Company, *entries: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Hand a message in and return what it came to."""
    answer = hand_in(stage, bank, statement(entries, **other))
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome
