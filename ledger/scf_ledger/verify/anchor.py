"""Fragment *anchor*: the contract on a trusted chain holds this root for this log and size.

The stored root alone decides. Transaction and block are information and may go stale when a chain
loses blocks; the block's time is evidence only when the root could be read at that block.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from scf_ledger.proof import Anchor, Proof
from scf_ledger.shapes import BYTES32
from scf_ledger.trust import Trust
from scf_ledger.verify.checkpoint import Head
from scf_ledger.verify.report import Failure, Skipped
from scf_ledger.verify.web import Client

ROOTS_SELECTOR: Final = "0x7c8635c6"
"""First 4 bytes of keccak256("roots(bytes32,uint64)")."""
SECONDS_MAX: Final = 30.0
"""For all questions to the node."""
_QUANTITY: Final = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,15})")


@dataclass(frozen=True, slots=True)
class Anchored:
    """A root that a contract holds."""

    by: datetime | None
    """Time of a block in which it already stood; None when the node cannot tell."""


def check(proof: Proof, trust: Trust, head: Head | None, rpc: str | None) -> Anchored:
    """Verify the anchor that a file names, and ask the chain for its root.

    :raises LedgerError: there is none, it contradicts the checkpoint, or the chain says otherwise
    """
    anchor = proof.anchor
    if anchor is None:
        raise Failure("anchor.absent") if rpc else Skipped("anchor.absent")
    if head is None:
        raise Skipped("anchor.no_checkpoint")
    point = head.checkpoint
    if (anchor.origin, anchor.size, anchor.root) != (point.origin, point.size, point.root):
        raise Failure("anchor.other_head", size=anchor.size, checkpoint_size=point.size)
    named = (anchor.chain_id, anchor.contract.lower())
    if trust.chains and named not in {(chain.chain_id, chain.anchor) for chain in trust.chains}:
        raise Failure("anchor.unknown_contract", chain_id=named[0], contract=named[1])
    if rpc is None:
        raise Skipped("anchor.no_rpc")
    if not trust.chains or head.log.origin_key is None:
        raise Failure("anchor.untrusted")
    with Client(rpc, seconds=SECONDS_MAX) as node:
        return _ask(node, anchor, head.log.origin_key)


def _ask(node: Client, anchor: Anchor, origin_key: bytes) -> Anchored:
    chain_id = _quantity(node.call("eth_chainId"))
    if chain_id != anchor.chain_id:
        raise Failure("anchor.other_chain", chain_id=chain_id, needed=anchor.chain_id)
    stored = _root_at(node, anchor, origin_key, "latest")
    if stored != anchor.root:
        raise Failure("anchor.root_differs", stored=stored, root=anchor.root, size=anchor.size)
    return Anchored(_stood_by(node, anchor, origin_key))


def _root_at(node: Client, anchor: Anchor, origin_key: bytes, block: str) -> bytes:
    data = ROOTS_SELECTOR + origin_key.hex() + anchor.size.to_bytes(32, "big").hex()
    result = node.call("eth_call", {"to": anchor.contract, "data": data}, block)
    if not isinstance(result, str) or not BYTES32.fullmatch(result):
        raise Failure("web.no_result", url=node.url, method="eth_call")
    return bytes.fromhex(result[2:])


def _stood_by(node: Client, anchor: Anchor, origin_key: bytes) -> datetime | None:
    """Return the time of the named block if the root already stood there."""
    block = hex(anchor.block_number)
    try:
        if _root_at(node, anchor, origin_key, block) != anchor.root:
            return None
        found = node.call("eth_getBlockByNumber", block, False)
        if not isinstance(found, dict):
            return None
        return datetime.fromtimestamp(_quantity(found.get("timestamp")), UTC)
    except (Failure, OverflowError, ValueError, OSError):
        return None


def _quantity(value: Any) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise Failure("web.not_a_number")
    return int(value, 16)
