"""HOLDs of banks outside, against what they cannot do without: a token's row locked and written."""

import hashlib
import uuid
from collections.abc import Iterator
from itertools import cycle

from scf.http.auth import create_client, issue_token
from scf.kernel.ids import public_id
from scf.parties import service as parties
from scf.parties.models import PartyKind
from scf_ledger.uscc import check_digit
from tests.benchmarks import load, pgbench
from tests.benchmarks.figures import Row, at_least
from tests.benchmarks.installation import Installation
from tests.benchmarks.submissions import encoded

CLIENTS = 32
BANKS = 8
TOKENS = 200
HOLDS = 1_600  # 50 of each client: below what one may ask a minute
TRANSACTIONS = 150  # of one of pgbench's clients
SCRIPT = f"""
\\set k :n % {TOKENS}
BEGIN;
SELECT held_minor FROM blind_tokens WHERE token = sha256(int8send(:k)) FOR UPDATE;
UPDATE blind_tokens SET held_minor = held_minor WHERE token = sha256(int8send(:k));
COMMIT;
"""


def measure(installation: Installation) -> Iterator[Row]:
    bearers = cycle(_outside(installation))
    requests = [_hold(installation, number, next(bearers)) for number in range(HOLDS)]
    installation.settle()
    driven = load.drive(installation.api, requests, clients=CLIENTS)
    assert set(driven.statuses) == {200}, driven.statuses
    installation.settle()
    limit = pgbench.transactions_per_second(
        installation.settings.database_url, SCRIPT, clients=CLIENTS, each=TRANSACTIONS, first=0
    )
    yield Row(
        "盲登记占用，32 并发 blind HOLDs, 32 clients",
        driven.per_second,
        "笔/s",
        limit,
        at_least(0.01),
    )


def _hold(installation: Installation, number: int, bearer: str) -> bytes:
    token = hashlib.sha256((number % TOKENS).to_bytes(8, "big")).hexdigest()
    body = {
        "token": f"0x{token}",
        "amount": {"amount": "1.00", "currency": "CNY"},
        "document_value": {"amount": "100.00", "currency": "CNY"},
        "ttl_seconds": 86_400,
    }
    head = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid.uuid4().hex}
    return load.post(installation.api, "/v1/blind/holds", head, encoded(body))


def _outside(installation: Installation) -> list[str]:
    """Register the banks, each with its share of the clients; return their bearer tokens."""
    clock, bearers = installation.settings.clock, []
    with installation.database.transaction() as session:
        for number in range(BANKS):
            stem = f"91500000MA5BN0{number:03}"
            bank = parties.register_party(
                session,
                uscc=stem + check_digit(stem),
                name=f"外部银行{number}(示例)",
                kind=PartyKind.BANK,
                size_class=None,
                now=clock.now(),
            )
            for _ in range(CLIENTS // BANKS):
                client, secret = create_client(
                    session, name="credit", party_id=bank.id, scope="blind", now=clock.real()
                )
                identity = public_id("cli", client.id)
                bearers.append(issue_token(session, identity, secret, now=clock.real()))
    return bearers
