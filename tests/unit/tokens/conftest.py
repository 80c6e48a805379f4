import secrets
from dataclasses import dataclass

import pytest
from eth_account import Account

from scf_ledger.chain.keys import Key
from scf_ledger.encoding import b64url
from scf_ledger.tokens import store
from scf_ledger.tokens.schemas import TicketRequest
from scf_ledger.tokens.service import Terms, TokenService
from scf_ledger.tokens.store import Operator, Store

NOW = 1_767_571_200  # 2026-01-05, Unix seconds
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
LIMIT = 10


@dataclass
class Desk:
    """A token service with a clock that stands still until it is moved."""

    service: TokenService
    store: Store
    signer: Key
    now: float = NOW

    def admit(self, name: str = "platform") -> tuple[Operator, str]:
        operator = Operator(Account.create().address, name)
        bearer = secrets.token_urlsafe()
        with self.store.transaction() as connection:
            store.admit(connection, operator, bearer, at=int(self.now))
        return operator, bearer

    def log(self) -> list[tuple[str, str, int]]:
        with self.store.reading() as connection:
            return connection.execute(
                "SELECT operator, outcome, assets FROM requests ORDER BY id"
            ).fetchall()


@pytest.fixture
def desk(tmp_path):
    signer = Key(Account.create())
    kept = Store(tmp_path / "tokens.sqlite3")
    made = Desk(None, kept, signer)
    made.service = TokenService(
        signer=signer,
        secret=b"k" * 32,
        store_=kept,
        terms=Terms(31337, CONTRACT, LIMIT),
        now=lambda: made.now,
    )
    return made


def asset(number="25502000000112345678", *, seller="91500118MA5U7XHR4R", document=b"\1" * 32):
    return {
        "kind": "invoice",
        "seller": seller,
        "number": number,
        "document_sha256": b64url(document),
    }


def request(*numbers, expiry=NOW + 240 * 86_400, valid_for=600):
    assets = [asset(number) for number in numbers or ("1",)]
    return TicketRequest.model_validate(
        {"assets": assets, "expiry": expiry, "valid_for": valid_for}
    )
