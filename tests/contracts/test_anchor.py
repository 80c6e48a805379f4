"""LedgerAnchor through the chain client."""

import base64
import hashlib
import json
import secrets
from pathlib import Path

import pytest
from web3.exceptions import MismatchedABI

from scf_ledger.chain.calls import (
    origin_key,
    prepare_accept_publisher,
    prepare_claim,
    prepare_offer_publisher,
    prepare_publish,
)
from scf_ledger.chain.errors import ChainRefused
from scf_ledger.chain.types import AnchorHead
from tests.contracts.conftest import proof_of, root_of

WORK = Path(__file__).resolve().parents[3]
VECTORS = WORK / "shared/data/merkle/transparency-dev-merkle/testdata/consistency"
LEAVES = [bytes([i]) * 64 for i in range(200)]
ORIGIN = "scf.example/log"


@pytest.fixture
def log(site):
    """A claimed origin: its publisher and its key."""
    publisher = site.fresh_key()
    site.send(prepare_claim(site.addresses.anchor, ORIGIN), publisher)
    return publisher, origin_key(publisher.address, ORIGIN)


def head(site, key, size, first=0):
    """The call that extends the head of `first` leaves to `size`."""
    leaves = LEAVES[:size]
    proof = proof_of(first, leaves) if first else []
    return prepare_publish(site.addresses.anchor, key, size=size, root=root_of(leaves), proof=proof)


class TestPublishing:
    def test_heads_follow_one_another_and_stay(self, site, log):
        publisher, key = log
        anchor = site.addresses.anchor

        for first, size in ((0, 3), (3, 64), (64, 65), (65, 200)):
            receipt = site.send(head(site, key, size, first), publisher)
            assert receipt.succeeded

        assert site.chain.anchor_head(anchor, key) == AnchorHead(
            publisher.address, 200, root_of(LEAVES)
        )
        for size in (3, 64, 65, 200):
            assert site.chain.anchored_root(anchor, key, size) == root_of(LEAVES[:size])
        assert site.chain.anchored_root(anchor, key, 4) is None

    def test_the_same_head_again_changes_nothing(self, site, log):
        publisher, key = log
        site.send(head(site, key, 5), publisher)

        again = site.send(head(site, key, 5), publisher)

        assert again.succeeded
        assert again.gas_used < 30_000
        assert site.chain.anchor_head(site.addresses.anchor, key).size == 5

    def test_a_rewritten_history_is_refused_with_its_numbers(self, site, log):
        publisher, key = log
        site.send(head(site, key, 5), publisher)
        rewritten = [b"other" + LEAVES[0], *LEAVES[1:9]]
        call = prepare_publish(
            site.addresses.anchor,
            key,
            size=9,
            root=root_of(rewritten),
            proof=proof_of(5, rewritten),
        )

        with pytest.raises(ChainRefused) as refused:
            site.chain.simulate(call, sender=publisher.address)
        sent = site.send(call, publisher)

        assert refused.value.error == "AnchorInconsistent"
        assert refused.value.fields == {
            "originKey": f"0x{key.hex()}",
            "published": 5,
            "size": 9,
            "publishedRoot": f"0x{root_of(LEAVES[:5]).hex()}",
            "root": f"0x{root_of(rewritten).hex()}",
        }
        assert not sent.succeeded
        assert site.chain.anchor_head(site.addresses.anchor, key).size == 5

    def test_every_refusal_is_decoded(self, site, log):
        publisher, key = log
        anchor = site.addresses.anchor
        site.send(head(site, key, 5), publisher)
        stranger = site.fresh_key().address

        def refusal(call, sender=publisher.address):
            with pytest.raises(ChainRefused) as refused:
                site.chain.simulate(call, sender=sender)
            return refused.value.error, refused.value.fields

        name, fields = refusal(head(site, key, 4))
        assert (name, fields["published"], fields["size"]) == ("AnchorSizeShrinks", 5, 4)
        other = prepare_publish(anchor, key, size=5, root=b"\1" * 32, proof=[])
        assert refusal(other)[0] == "AnchorRootConflict"
        zero = prepare_publish(anchor, key, size=6, root=bytes(32), proof=[])
        assert refusal(zero)[0] == "AnchorRootZero"
        name, fields = refusal(head(site, key, 9, 5), stranger)
        assert name == "AnchorNotPublisher"
        assert (fields["caller"], fields["publisher"]) == (stranger, publisher.address)
        unknown = prepare_publish(anchor, bytes(32), size=1, root=b"\1" * 32, proof=[])
        assert refusal(unknown)[0] == "AnchorOriginUnknown"
        assert refusal(prepare_claim(anchor, ORIGIN))[0] == "AnchorOriginClaimed"
        assert refusal(prepare_claim(anchor, ""))[0] == "AnchorOriginEmpty"
        accept = prepare_accept_publisher(anchor, key)
        assert refusal(accept, stranger)[0] == "AnchorNotOffered"

    def test_a_pending_head_is_simulated_on(self, site, log):
        publisher, key = log
        first = site.signed(head(site, key, 5), publisher)
        site.chain.broadcast(first.raw)

        site.chain.simulate(head(site, key, 9, 5), sender=publisher.address, pending=True)


class TestRotation:
    def test_the_next_publisher_goes_on_under_the_same_key(self, site, log):
        publisher, key = log
        anchor = site.addresses.anchor
        successor = site.fresh_key()
        site.send(head(site, key, 5), publisher)

        site.send(prepare_offer_publisher(anchor, key, successor.address), publisher)
        assert site.chain.anchor_head(anchor, key).publisher == publisher.address
        site.send(prepare_accept_publisher(anchor, key), successor)

        assert site.chain.anchor_head(anchor, key) == AnchorHead(
            successor.address, 5, root_of(LEAVES[:5])
        )
        assert site.send(head(site, key, 9, 5), successor).succeeded
        with pytest.raises(ChainRefused, match="AnchorNotPublisher"):
            site.chain.simulate(head(site, key, 20, 9), sender=publisher.address)

    def test_a_key_is_known_before_it_is_claimed(self, site):
        claimer = site.fresh_key()
        anchor = site.addresses.anchor
        key = origin_key(claimer.address, "永川.example/日志")
        assert site.chain.anchor_head(anchor, key) == AnchorHead(None, 0, bytes(32))

        site.send(prepare_claim(anchor, "永川.example/日志"), claimer)

        empty = hashlib.sha256(b"").digest()
        assert site.chain.anchor_head(anchor, key) == AnchorHead(claimer.address, 0, empty)


def test_gas_stays_below_what_the_calls_allow(site, log):
    publisher, key = log
    anchor = site.addresses.anchor
    sizes = [1, 2, 3, 7, 8, 63, 64, 100, 127, 128, 200]

    for first, size in zip([0, *sizes], sizes, strict=False):
        call = head(site, key, size, first)
        receipt = site.send(call, publisher)
        assert receipt.succeeded
        assert receipt.gas_used <= 90_000
        assert receipt.gas_used < call.gas
    longest = [secrets.token_bytes(32)] * 128  # more than any two 64-bit sizes need
    call = prepare_publish(anchor, key, size=2**64 - 1, root=b"\1" * 32, proof=longest)
    with pytest.raises(ChainRefused, match="AnchorInconsistent"):
        site.chain.simulate(call, sender=publisher.address)
    for origin in ("x", "y" * 500):
        call = prepare_claim(anchor, origin)
        receipt = site.send(call, publisher)
        assert receipt.succeeded
        assert receipt.gas_used < call.gas
    for call in (
        prepare_offer_publisher(anchor, key, publisher.address),
        prepare_accept_publisher(anchor, key),
    ):
        assert site.send(call, publisher).gas_used < call.gas


CASES = sorted(VECTORS.rglob("*.json"))


@pytest.mark.skipif(not CASES, reason="third-party vectors are not there")
@pytest.mark.parametrize("path", CASES, ids=lambda path: "/".join(path.parts[-2:]))
def test_third_party_vectors(site, log, path):
    """transparency-dev/merkle: what must hold holds, every `wantErr` is refused."""
    publisher, key = log
    anchor = site.addresses.anchor
    case = json.loads(path.read_text())
    first, second = case["size1"], case["size2"]
    root1, root2 = (base64.b64decode(case[name]) for name in ("root1", "root2"))
    proof = [base64.b64decode(node) for node in case["proof"] or []]
    if any(len(node) != 32 for node in (root1, root2, *proof)):
        with pytest.raises(MismatchedABI):
            prepare_publish(anchor, key, size=second, root=root2, proof=[root1, *proof])
        assert case["wantErr"]
        return
    if first:
        site.send(prepare_publish(anchor, key, size=first, root=root1, proof=[]), publisher)
    call = prepare_publish(anchor, key, size=second, root=root2, proof=proof)

    if case["wantErr"]:
        with pytest.raises(ChainRefused, match="AnchorInconsistent"):
            site.chain.simulate(call, sender=publisher.address)
    else:
        site.chain.simulate(call, sender=publisher.address)
