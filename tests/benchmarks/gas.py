"""What the chain takes for an event: heads published with their consistency proofs, a batch at a time.

The limit is one stored hash per event, with the smallest contract that can store one.
"""

import os
from collections.abc import Iterator

from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from scf_ledger.chain.calls import origin_key, prepare_claim, prepare_publish
from scf_ledger.chain.client import Chain
from scf_ledger.chain.deployment import FACTORY, ensure_deployed
from scf_ledger.chain.keys import Key
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Call
from scf_ledger.tiles import EMPTY, append, consistency_proof
from tests.benchmarks.figures import Row, at_most

CHAIN_ID = 31337
ETHER = 10**18  # wei
ORIGIN = "scf.example/log"
BATCH = 1_000
BATCHES = 24  # the first, which claims its slot, is not counted
STORE = bytes.fromhex("425f355500")  # store the block's time under the 32 bytes of call data; stop
CREATE = bytes.fromhex("6005600c60003960056000f3")  # return the 5 bytes that follow
LIMIT = 3_000_000


def measure(rpc_url: str) -> Iterator[Row]:
    chain = Chain(rpc_url, chain_id=CHAIN_ID)
    key = Key(Account.create())
    chain.fund(key.address, 100 * ETHER)
    spent = published(chain, key)
    yield Row(
        f"链上成本，每批 {BATCH:,} 个事件 chain cost at {BATCH:,} a batch",
        sum(spent) / len(spent) / BATCH,
        "gas/事件 gas/event",
        stored_hash(chain, key),
        at_most(90, of="value"),
    )


def published(chain: Chain, key: Key) -> list[int]:
    """Publish head after head of a growing log; return the gas of each but the first."""
    addresses = ensure_deployed(chain, deployer=key, admin=key.address, ticket_signer=key.address)
    send(chain, key, prepare_claim(addresses.anchor, ORIGIN))
    log, stored, spent = EMPTY, dict[tuple[int, int], bytes](), []
    for _ in range(BATCHES):
        grown = append(log, (os.urandom(64) for _ in range(BATCH)))
        stored.update({(tile.level, tile.index): tile.hashes for tile in grown.tiles})
        proof = consistency_proof(log.size, grown.edge.size, lambda level, n: stored[level, n])
        call = prepare_publish(
            addresses.anchor,
            origin_key(key.address, ORIGIN),
            size=grown.edge.size,
            root=grown.root,
            proof=proof,
        )
        spent.append(send(chain, key, call))
        log = grown.edge
    return spent[1:]


def stored_hash(chain: Chain, key: Key) -> int:
    """Store one hash in a contract that does nothing else; return the gas."""
    code, salt = CREATE + STORE, bytes(32)
    send(chain, key, Call(FACTORY, salt + code, LIMIT))
    made = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + salt + keccak(code))
    address = to_checksum_address(made[12:])
    assert chain.code(address) == STORE
    return send(chain, key, Call(address, os.urandom(32), LIMIT))


def send(chain: Chain, key: Key, call: Call) -> int:
    """Send, mine and wait; return the gas used."""
    signed = sign(
        call,
        chain_id=chain.chain_id,
        nonce=chain.nonce(key.address),
        fees=chain.fees(),
        key=key,
    )
    tx_hash = chain.broadcast(signed.raw)
    chain.kick()
    receipt = chain.wait(tx_hash)
    assert receipt.succeeded
    return receipt.gas_used
