"""Pure builders of calls.

Gas limits are bounds by formula, checked against the contracts in tests: a call is priced before,
and without, asking a node.
"""

from collections.abc import Sequence

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from scf_ledger.chain.contracts import ANCHOR, REGISTRY, encode
from scf_ledger.chain.types import Call


def origin_key(claimer: str, origin: str) -> bytes:
    """Give the key under which `claimer`'s origin stands for ever, whoever publishes later."""
    return keccak(abi_encode(["address", "string"], [claimer, origin]))


def prepare_claim(anchor: str, origin: str) -> Call:
    """Claim `origin` for the sender; needed once, before the first head."""
    return Call(anchor, encode(ANCHOR, "claim", origin), 110_000 + 40 * len(origin.encode()))


def prepare_publish(
    anchor: str, key: bytes, *, size: int, root: bytes, proof: Sequence[bytes]
) -> Call:
    """Publish a head under the origin `key`.

    :param proof: RFC 9162 consistency proof from the last published size; empty when that is 0
    """
    data = encode(ANCHOR, "publish", key, size, root, list(proof))
    return Call(anchor, data, 80_000 + 3_000 * len(proof))


def prepare_offer_publisher(anchor: str, key: bytes, next_publisher: str) -> Call:
    """Offer the origin to another publisher, who then accepts."""
    return Call(anchor, encode(ANCHOR, "offerPublisher", key, next_publisher), 80_000)


def prepare_accept_publisher(anchor: str, key: bytes) -> Call:
    """Take over an origin that is offered to the sender."""
    return Call(anchor, encode(ANCHOR, "acceptPublisher", key), 80_000)


def prepare_lock(
    registry: str, tokens: Sequence[bytes], *, expiry: int, valid_until: int, ticket: bytes
) -> Call:
    """Lock all of `tokens` for the sender, with the ticket that was issued for exactly this.

    :param expiry: Unix seconds; when the lock stops binding
    :param valid_until: Unix seconds; the last second in which the ticket is good
    """
    data = encode(REGISTRY, "lock", list(tokens), expiry, valid_until, ticket)
    return Call(registry, data, 70_000 + 35_000 * len(tokens))


def prepare_release(registry: str, tokens: Sequence[bytes]) -> Call:
    """Release all of `tokens`, which the sender holds."""
    return Call(registry, encode(REGISTRY, "release", list(tokens)), 50_000 + 12_000 * len(tokens))
