"""HOLDs of banks outside, against what they cannot do without: a token's row locked and written."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice

from scf.http.auth import create_client, issue_token
from scf.kernel.ids import public_id
from scf.parties import service as parties
from scf.parties.models import PartyKind
from scf_ledger.uscc import check_digit
from tests.benchmarks import load, pgbench
from tests.benchmarks.figures import Row, at_least, middle
from tests.benchmarks.installation import Installation
from tests.benchmarks.submissions import encoded

CLIENTS = 16
BANKS = 8
TOKENS = 200
HOLDS = 320  # of one round: with all rounds below what one client may ask a minute
ALONE = 100  # of one round of a single client
ROUNDS = 3
TRANSACTIONS = 150  # of one of pgbench's clients in one round
SCRIPT = f"""
\\set k :n % {TOKENS}
BEGIN;
SELECT held_minor FROM blind_tokens WHERE token = sha256(int8send(:k)) FOR UPDATE;
UPDATE blind_tokens SET held_minor = held_minor WHERE token = sha256(int8send(:k));
COMMIT;
"""


def measure(installation: Installation) -> Iterator[Row]:
    numbers, bearers = count(), _outside(installation)
    hold(
        installation, numbers, bearers, TOKENS, clients=CLIENTS
    )  # every token is known from here on
    for clients, holds in ((1, ALONE), (CLIENTS, HOLDS)):
        rates, limits = [], []
        for _ in range(ROUNDS):
            rates.append(hold(installation, numbers, bearers[:clients], holds, clients=clients))
            limits.append(lock(installation, clients))
        yield Row(
            f"盲登记占用，{clients} 并发 blind HOLDs, clients: {clients}",
            middle(rates),
            "笔/s",
            middle(limits),
            at_least(0.01),
        )


def hold(
    installation: Installation,
    numbers: Iterator[int],
    bearers: Sequence[str],
    holds: int,
    *,
    clients: int,
) -> float:
    """Place holds on one token after the other; return how many a second."""
    requests = [
        _hold(installation, number, bearer)
        for number, bearer in zip(islice(numbers, holds), cycle(bearers), strict=False)
    ]
    installation.settle()
    driven = load.drive(installation.api, requests, clients=clients)
    assert set(driven.statuses) == {200}, driven.statuses
    return driven.per_second


def lock(installation: Installation, clients: int) -> float:
    """Let pgbench lock and write the rows of the same tokens; return how many a second."""
    installation.settle()
    return pgbench.transactions_per_second(
        installation.settings.database_url, SCRIPT, clients=clients, each=TRANSACTIONS, first=0
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
