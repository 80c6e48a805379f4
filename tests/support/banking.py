"""A bank's gateway as a process of its own, and messages as banks write them."""

import base64
import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from scf.kernel.ids import parse_id
from scf.settlement import issuing
from scf.settlement.matching import end_to_end_id
from tests.support.actors import Company, Stage
from tests.support.receivables import ACCOUNT
from tests.support.registry import SimulatorProcess

DIGITS = ACCOUNT.replace(" ", "")
DEBTOR_ACCOUNT = "6100 0000 0000 0009"
BASE = 0
"""Added to the numbers of entries."""


class BankProcess(SimulatorProcess):
    """The bank's."""

    module = "scf.settlement.simulator"

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
        "other_bank": "",
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
