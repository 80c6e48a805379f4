"""One chain with both contracts for each worker; keys with funds; a token service of its own."""

import hashlib
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account

from scf_ledger.chain.client import Chain
from scf_ledger.chain.deployment import ensure_deployed
from scf_ledger.chain.keys import Key
from scf_ledger.chain.tickets import ticket_digest
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Addresses, Call, Receipt, SignedTransaction
from tests.support.anvil import CHAIN_ID, free_port, running_anvil
from tests.support.services import is_well

ETHER = 10**18  # wei


@dataclass(frozen=True)
class Site:
    """A chain with the contracts, and the keys behind them."""

    chain: Chain
    addresses: Addresses
    consortium: Key
    service: Key

    def fresh_key(self) -> Key:
        key = Key(Account.create())
        self.chain.fund(key.address, 10 * ETHER)
        return key

    def signed(self, call: Call, key: Key, *, nonce: int | None = None) -> SignedTransaction:
        nonce = self.chain.nonce(key.address) if nonce is None else nonce
        return sign(call, chain_id=CHAIN_ID, nonce=nonce, fees=self.chain.fees(), key=key)

    def send(self, call: Call, key: Key) -> Receipt:
        """Send without asking first, and wait."""
        tx_hash = self.chain.broadcast(self.signed(call, key).raw)
        self.chain.kick()
        return self.chain.wait(tx_hash)

    def ticket(
        self, operator: str, tokens: Sequence[bytes], *, expiry: int, valid_until: int
    ) -> bytes:
        digest = ticket_digest(
            chain_id=CHAIN_ID,
            registry=self.addresses.registry,
            operator=operator,
            tokens=tokens,
            expiry=expiry,
            valid_until=valid_until,
        )
        return self.service.sign_digest(digest)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with running_anvil() as (_, chain):
        consortium, service = Key(Account.create()), Key(Account.create())
        chain.fund(consortium.address, 10 * ETHER)
        addresses = ensure_deployed(
            chain,
            deployer=consortium,
            admin=consortium.address,
            ticket_signer=service.address,
        )
        yield Site(chain, addresses, consortium, service)


@pytest.fixture
def tokens() -> Callable[[int], list[bytes]]:
    """Tokens that no other test knows."""
    return lambda count: [secrets.token_bytes(32) for _ in range(count)]


@contextmanager
def token_service(folder: Path, contract: str, *options: str) -> Iterator[str]:
    """Run the service as the process that it is; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "scf_ledger.tokens", "--data", str(folder), "serve"]
    command += ["--port", str(port), "--chain-id", str(CHAIN_ID), "--contract", contract]
    process = subprocess.Popen([*command, *options])
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not is_well(url):
            assert process.poll() is None, "the token service ended"
            assert time.monotonic() < deadline, "the token service does not answer"
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait(timeout=10)


# RFC 9162 by definition, on hashlib alone: 2.1.1 and 2.1.4.1.


def root_of(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def proof_of(first: int, leaves: Sequence[bytes], *, complete: bool = True) -> list[bytes]:
    if first == len(leaves):
        return [] if complete else [root_of(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= k:
        return [*proof_of(first, leaves[:k], complete=complete), root_of(leaves[k:])]
    return [*proof_of(first - k, leaves[k:], complete=False), root_of(leaves[:k])]
