"""An outside bank for tests: a client that may do nothing but hold, and the tokens that it holds by."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from scf.blind import service
from scf.documents.models import Document
from scf.http.auth import create_client, issue_token
from scf.kernel.ids import parse_id, public_id
from scf.parties import service as parties
from scf.parties.models import PartyKind
from tests.support.actors import Stage
from tests.support.receivables import money

CODES = ("91500000MA5U0AAA08", "91500000MA5U0AAB09")


def token_of(text: str) -> bytes:
    """What a token service would say: the same paper, the same token, for everybody."""
    return hashlib.sha256(b"token of " + text.encode()).digest()


@dataclass
class Outsider:
    """A bank outside, as the platform's API meets it."""

    stage: Stage
    party_id: UUID
    headers: dict[str, str]
    asked: list[str] = field(default_factory=list)

    def post(self, path: str, body: Any = None) -> Any:
        self.asked.append(path)
        key = {"Idempotency-Key": f"{self.party_id}-{len(self.asked)}"}
        return self.stage.http.post(path, json=body or {}, headers={**self.headers, **key})

    def get(self, path: str) -> Any:
        return self.stage.http.get(path, headers=self.headers)

    def hold(
        self, token: bytes, amount: str, *, value: str = "100.00", ttl: int = 3_600
    ) -> dict[str, Any]:
        """HOLD; return the answer."""
        answer = self.ask(token, amount, value=value, ttl=ttl)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, token: bytes, amount: str, *, value: str = "100.00", ttl: int = 3_600) -> Any:
        body = {
            "token": f"0x{token.hex()}",
            "amount": money(amount),
            "document_value": money(value),
            "ttl_seconds": ttl,
        }
        return self.post("/v1/blind/holds", body)

    def commit(self, hold: str) -> Any:
        return self.post(f"/v1/blind/holds/{hold}/commit")

    def release(self, hold: str) -> Any:
        return self.post(f"/v1/blind/holds/{hold}/release")


def outsider(stage: Stage, number: int, *, code: str) -> Outsider:
    """Register a bank that only asks the blind registry."""
    now = stage.clock.now()
    with stage.database.transaction() as session:
        party = parties.register_party(
            session,
            uscc=code,
            name=f"外部银行{number}(示例)",
            kind=PartyKind.BANK,
            size_class=None,
            now=now,
        )
        client, secret = create_client(
            session, name="credit", party_id=party.id, scope="blind", now=stage.clock.real()
        )
        bearer = issue_token(session, public_id("cli", client.id), secret, now=stage.clock.real())
    return Outsider(stage, party.id, {"Authorization": f"Bearer {bearer}"})


def learn(stage: Stage, documents: Sequence[str]) -> list[bytes]:
    """Let the platform learn the tokens of documents, as its clock does; return them."""
    found = []
    for document in documents:
        identity = parse_id("doc", document)
        with stage.database.transaction() as session:
            token = token_of(session.get_one(Document, identity).number)
            service.know(session, identity, token, now=stage.clock.now())
        found.append(token)
    return found


def pass_time(stage: Stage, token: bytes, seconds: int) -> None:
    """Let the clock look at a token's holds so many seconds later."""
    with stage.database.transaction() as session:
        later = stage.clock.now() + timedelta(seconds=seconds)
        service.expire(session, token, now=later)
