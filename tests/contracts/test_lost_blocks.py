"""A chain that is killed loses its last blocks: seen by the stored hash, sent again, all as before."""

import signal
import time

from eth_account import Account

from scf_ledger.chain.calls import origin_key, prepare_claim, prepare_publish
from scf_ledger.chain.deployment import ensure_deployed
from scf_ledger.chain.keys import Key
from scf_ledger.chain.transactions import sign
from tests.contracts.conftest import ETHER, proof_of, root_of
from tests.support.anvil import CHAIN_ID, Anvil

LEAVES = [bytes([i]) * 64 for i in range(40)]
ORIGIN = "scf.example/log"


def test_lost_heads_are_noticed_and_published_again(tmp_path):
    deployer, publisher, service = (Key(Account.create()) for _ in range(3))
    anvil = Anvil(tmp_path / "state.json")
    try:
        chain = anvil.start()
        for key in (deployer, publisher):
            chain.fund(key.address, 10 * ETHER)
        roles = {"admin": deployer.address, "ticket_signer": service.address}
        addresses = ensure_deployed(chain, deployer=deployer, **roles)
        key = origin_key(publisher.address, ORIGIN)

        def publish(first: int, size: int):
            leaves = LEAVES[:size]
            proof = proof_of(first, leaves) if first else []
            return prepare_publish(
                addresses.anchor, key, size=size, root=root_of(leaves), proof=proof
            )

        stored = []  # what a database would hold: raw bytes, hash, block in which it was seen

        def send(call) -> None:
            nonce = len(stored)
            signed = sign(call, chain_id=CHAIN_ID, nonce=nonce, fees=chain.fees(), key=publisher)
            stored.append([signed, None])
            stored[-1][1] = chain.wait(chain.broadcast(signed.raw)).block_hash

        send(prepare_claim(addresses.anchor, ORIGIN))
        send(publish(0, 5))
        anvil.kill(signal.SIGTERM)  # writes its state
        chain = anvil.start(dump_every=3600)  # and from now on does not
        send(publish(5, 9))
        send(publish(9, 40))
        last = chain.receipt(stored[-1][0].tx_hash)
        assert chain.anchor_head(addresses.anchor, key).size == 40

        anvil.kill()
        chain = anvil.start()

        lost = [chain.observe(tx.tx_hash, seen=block).lost for tx, block in stored]
        assert lost == [False, False, True, True]
        assert chain.block_hash(last.block_number) != last.block_hash
        assert chain.anchor_head(addresses.anchor, key).size == 5
        assert chain.nonce(publisher.address) == 2

        assert ensure_deployed(chain, deployer=deployer, **roles) == addresses
        for signed, _ in stored:  # in nonce order; what the chain still has is sent already
            chain.broadcast(signed.raw)
        for signed, _ in stored:
            assert chain.wait(signed.tx_hash).succeeded
        assert chain.anchor_head(addresses.anchor, key).size == 40
        assert chain.anchored_root(addresses.anchor, key, 9) == root_of(LEAVES[:9])
    finally:
        anvil.kill()


def test_a_chain_that_forgot_everything_gets_it_all_again(tmp_path):
    """No state at all: contracts at the same addresses, the same bytes, the same heads."""
    deployer, publisher = Key(Account.create()), Key(Account.create())
    anvil = Anvil()
    try:
        raws = []
        addresses = None
        for life in range(2):
            chain = anvil.start()
            for key in (deployer, publisher):
                chain.fund(key.address, 10 * ETHER)
            again = ensure_deployed(
                chain, deployer=deployer, admin=deployer.address, ticket_signer=deployer.address
            )
            assert addresses in {None, again}
            addresses = again
            key = origin_key(publisher.address, ORIGIN)
            if life == 0:
                for nonce, call in enumerate(
                    [
                        prepare_claim(addresses.anchor, ORIGIN),
                        prepare_publish(
                            addresses.anchor, key, size=3, root=root_of(LEAVES[:3]), proof=[]
                        ),
                    ]
                ):
                    signed = sign(
                        call, chain_id=CHAIN_ID, nonce=nonce, fees=chain.fees(), key=publisher
                    )
                    raws.append(signed.raw)
            for tx_hash in [chain.broadcast(raw) for raw in raws]:
                assert chain.wait(tx_hash).succeeded
            assert chain.anchored_root(addresses.anchor, key, 3) == root_of(LEAVES[:3])
            anvil.kill()
    finally:
        anvil.kill()


def test_a_kick_drains_a_pool(tmp_path):
    anvil = Anvil(tmp_path / "state.json")
    try:
        chain = anvil.start()
        before = chain.head().number

        chain.kick()

        deadline = time.monotonic() + 5
        while chain.head().number == before:
            assert time.monotonic() < deadline
    finally:
        anvil.kill()
