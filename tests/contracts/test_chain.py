"""The chain client by itself: deployment, sending, keys, nodes that fail."""

import hashlib
import socket
import stat
import threading

import pytest
from eth_account import Account

from scf_ledger.chain.calls import prepare_claim
from scf_ledger.chain.client import Chain
from scf_ledger.chain.deployment import ensure_deployed, predicted_addresses
from scf_ledger.chain.errors import (
    ChainMisconfigured,
    ChainRefused,
    ChainUnavailable,
    TransactionRejected,
)
from scf_ledger.chain.keys import Key, create_key, load_key
from scf_ledger.chain.transactions import sign
from scf_ledger.chain.types import Fees
from tests.support.anvil import CHAIN_ID, free_port


class TestDeployment:
    def test_addresses_are_known_beforehand(self, site):
        assert site.addresses == predicted_addresses(
            admin=site.consortium.address, ticket_signer=site.service.address
        )
        assert site.chain.code(site.addresses.anchor)
        assert site.chain.code(site.addresses.registry)

    def test_deploying_again_changes_nothing(self, site):
        penniless = Key(Account.create())

        again = ensure_deployed(
            site.chain,
            deployer=penniless,
            admin=site.consortium.address,
            ticket_signer=site.service.address,
        )

        assert again == site.addresses
        assert site.chain.nonce(penniless.address) == 0

    def test_another_service_has_another_registry_and_the_same_anchor(self, site):
        other = ensure_deployed(
            site.chain,
            deployer=site.fresh_key(),
            admin=site.consortium.address,
            ticket_signer=site.consortium.address,
        )

        assert other.anchor == site.addresses.anchor
        assert other.registry != site.addresses.registry

    def test_without_funds_it_says_so(self, site):
        with pytest.raises(TransactionRejected) as rejected:
            ensure_deployed(
                site.chain,
                deployer=Key(Account.create()),
                admin=site.service.address,
                ticket_signer=site.service.address,
            )
        assert rejected.value.reason == "insufficient_funds"


class TestSending:
    def test_the_same_bytes_may_be_sent_again_and_again(self, site):
        key = site.fresh_key()
        signed = site.signed(prepare_claim(site.addresses.anchor, "again"), key)

        assert site.chain.broadcast(signed.raw) == signed.tx_hash
        assert site.chain.broadcast(signed.raw) == signed.tx_hash
        mined = site.chain.wait(signed.tx_hash)
        assert site.chain.broadcast(signed.raw) == signed.tx_hash

        assert mined.tx_hash == signed.tx_hash
        assert site.chain.nonce(key.address) == 1

    def test_signing_is_pure(self, site):
        call = prepare_claim(site.addresses.anchor, "pure")
        key, fees = Key(Account.create()), Fees(3 * 10**9, 10**9)

        one, two = (sign(call, chain_id=CHAIN_ID, nonce=7, fees=fees, key=key) for _ in range(2))

        assert one == two
        assert Account.recover_transaction(one.raw) == key.address

    def test_a_spent_nonce_is_rejected(self, site):
        key = site.fresh_key()
        site.send(prepare_claim(site.addresses.anchor, "one"), key)
        late = site.signed(prepare_claim(site.addresses.anchor, "two"), key, nonce=0)

        with pytest.raises(TransactionRejected) as rejected:
            site.chain.broadcast(late.raw)
        assert rejected.value.reason == "nonce_too_low"
        assert rejected.value.fields["tx_hash"] == f"0x{late.tx_hash.hex()}"

    def test_a_replacement_pays_more(self, site):
        key = site.fresh_key()
        nonce = 5  # behind a gap, so that it waits
        first = site.signed(prepare_claim(site.addresses.anchor, "first"), key, nonce=nonce)
        second = prepare_claim(site.addresses.anchor, "second")
        site.chain.broadcast(first.raw)

        with pytest.raises(TransactionRejected) as rejected:
            site.chain.broadcast(site.signed(second, key, nonce=nonce).raw)
        assert rejected.value.reason == "underpriced"
        fees = site.chain.fees().bumped()
        bumped = sign(second, chain_id=CHAIN_ID, nonce=nonce, fees=fees, key=key)
        assert site.chain.broadcast(bumped.raw) == bumped.tx_hash

    def test_without_funds_it_is_rejected(self, site):
        pauper = Key(Account.create())
        signed = site.signed(prepare_claim(site.addresses.anchor, "poor"), pauper)

        with pytest.raises(TransactionRejected) as rejected:
            site.chain.broadcast(signed.raw)
        assert rejected.value.reason == "insufficient_funds"

    def test_bytes_that_are_no_transaction_are_rejected(self, site):
        with pytest.raises(TransactionRejected) as rejected:
            site.chain.broadcast(b"\2nonsense")
        assert rejected.value.reason == "invalid"

    def test_observation_counts_confirmations(self, site):
        key = site.fresh_key()
        signed = site.signed(prepare_claim(site.addresses.anchor, "watched"), key)
        assert site.chain.observe(signed.tx_hash).confirmations == 0

        site.chain.broadcast(signed.raw)
        mined = site.chain.wait(signed.tx_hash)
        site.chain.kick()
        site.chain.kick()

        seen = site.chain.observe(signed.tx_hash, seen=mined.block_hash)
        assert seen.receipt == mined
        assert seen.confirmations >= 3
        assert not seen.lost
        assert site.chain.observe(signed.tx_hash, seen=b"\1" * 32).lost
        assert site.chain.observe(b"\1" * 32, seen=mined.block_hash).lost

    def test_blocks_that_are_not_there_have_no_hash(self, site):
        head = site.chain.head()

        assert site.chain.block_hash(head.number) == head.hash
        assert site.chain.block_hash(head.number + 10_000) is None


class TestNodes:
    def test_no_node_is_unavailable(self):
        chain = Chain(f"http://127.0.0.1:{free_port()}", chain_id=CHAIN_ID)

        for ask in (chain.check, chain.head, chain.kick, chain.fees):
            with pytest.raises(ChainUnavailable):
                ask()

    def test_a_silent_node_is_given_up_on(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(ChainUnavailable):
                Chain(url, chain_id=CHAIN_ID, timeout=0.3).head()

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad",
            b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnot json",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b'HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\n{"jsonrpc":"2.0","id":0,"result":null}',
            b"\xff\xff\xff",
        ],
    )
    def test_a_broken_node_is_unavailable(self, answer):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            chain = Chain(
                f"http://127.0.0.1:{server.getsockname()[1]}", chain_id=CHAIN_ID, timeout=2
            )
            with pytest.raises(ChainUnavailable):
                chain.head()
            thread.join(timeout=5)

    def test_another_chain_is_noticed(self, site):
        url = site.chain._web3.provider.endpoint_uri
        with pytest.raises(ChainMisconfigured) as refused:
            Chain(url, chain_id=1).check()
        assert refused.value.fields == {"expected": 1, "found": CHAIN_ID}

    def test_a_revert_that_is_not_ours_keeps_its_reason(self, site):
        call = prepare_claim(site.addresses.registry, "the wrong contract")
        with pytest.raises(ChainRefused) as refused:
            site.chain.simulate(call, sender=site.consortium.address)
        assert refused.value.error == "Revert"


class TestKeys:
    @pytest.mark.parametrize("password", [None, "口令 password"])
    def test_a_key_comes_back_from_its_file(self, tmp_path, password):
        path = tmp_path / "chain.key"

        made = create_key(path, password=password)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_key(path, password=password).address == made.address
        with pytest.raises(FileExistsError):
            create_key(path)

    def test_a_keystore_hides_the_key(self, tmp_path):
        path = tmp_path / "chain.key"
        create_key(path, password="right")

        for wrong in ("wrong", None):
            with pytest.raises(ChainMisconfigured):
                load_key(path, password=wrong)

    @pytest.mark.parametrize("content", ["", "zz", "{}", '{"version":3}', "0" * 64, "ü"])
    def test_what_is_no_key_is_refused(self, tmp_path, content):
        path = tmp_path / "chain.key"
        path.write_text(content, "utf-8")
        path.chmod(0o600)

        with pytest.raises(ChainMisconfigured):
            load_key(path)

    def test_a_key_that_others_can_read_is_refused(self, tmp_path):
        path = tmp_path / "chain.key"
        create_key(path)
        path.chmod(0o640)

        with pytest.raises(ChainMisconfigured):
            load_key(path)
        with pytest.raises(ChainMisconfigured):
            load_key(tmp_path / "absent")

    def test_a_key_shows_its_address_only(self, tmp_path):
        path = tmp_path / "chain.key"
        key = create_key(path)

        assert path.read_text().strip() not in f"{key!r}{key}{vars(Key)}"
        assert key.address in repr(key)

    def test_signatures_have_a_low_s(self):
        key = Key(Account.create())
        n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

        for i in range(20):
            signature = key.sign_digest(hashlib.sha256(bytes([i])).digest())
            assert len(signature) == 65
            assert int.from_bytes(signature[32:64]) <= n // 2
            assert signature[64] in {27, 28}
