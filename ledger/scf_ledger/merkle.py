"""The Merkle tree of RFC 6962 section 2.1 and its proofs (RFC 9162 section 2.1), SHA-256.

Pure functions over hashes. Proofs of a large stored tree come from ``tiles``; those made here from
all leaf hashes are the plain reading of the RFC.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from scf_ledger.errors import BadProof

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
PROOF_HASHES_MAX: Final = 64
"""A tree of 2^63 leaves needs no longer proof."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours as their parent."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = split_point(len(leaves))
    return node_hash(root(leaves[:split]), root(leaves[split:]))


def split_point(size: int) -> int:
    """Return the largest power of two smaller than ``size`` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Prove that leaf ``index`` is in the tree over ``leaves`` (RFC 9162 section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    split = split_point(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root(leaves[:split])]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Prove that the tree over ``leaves`` extends its first ``old_size`` (RFC 9162 2.1.4.1)."""
    return _subproof(leaves, old_size, whole=True) if 0 < old_size < len(leaves) else []


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    split = split_point(len(leaves))
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, whole=False), root(leaves[:split])]


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Verify that leaf hash ``leaf`` stands at ``index`` of the tree (RFC 9162 section 2.1.3.2).

    :raises BadProof: it does not lead to ``root``, or has another length than the tree asks
    """
    if not 0 <= index < size:
        raise BadProof("index is outside the tree", index=index, size=size)
    _check_hashes(leaf, *proof)
    left, last, found = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise BadProof("inclusion proof is too long", length=len(proof))
        if left & 1 or left == last:
            found = node_hash(hash_, found)
            while not left & 1 and left:
                left, last = left >> 1, last >> 1
        else:
            found = node_hash(found, hash_)
        left, last = left >> 1, last >> 1
    if last != 0 or found != root:
        raise BadProof("inclusion proof does not lead to the root", index=index, size=size)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Verify that the new tree extends the old one (RFC 9162 section 2.1.4.2).

    :raises BadProof: it does not, or the proof has another length than the trees ask
    """
    _check_hashes(old_root, new_root, *proof)
    if not 0 <= old_size <= new_size:
        raise BadProof("a log does not shrink", old_size=old_size, new_size=new_size)
    if old_size in (0, new_size):
        same = EMPTY_ROOT if old_size == 0 else new_root
        if proof or old_root != same:
            raise BadProof("the roots of one tree differ", old_size=old_size, new_size=new_size)
    elif _extend(old_size, new_size, old_root, proof) != (old_root, new_root):
        raise BadProof("the new tree does not extend the old", old_size=old_size, new_size=new_size)


def _extend(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return both roots that a consistency proof leads to, ``0 < old_size < new_size``."""
    left, last = old_size - 1, new_size - 1
    while left & 1:
        left, last = left >> 1, last >> 1
    hashes = [old_root, *proof] if left == 0 else list(proof)
    if not hashes:
        raise BadProof("consistency proof is empty")
    old = new = hashes[0]
    for hash_ in hashes[1:]:
        if last == 0:
            raise BadProof("consistency proof is too long", length=len(proof))
        if left & 1 or left == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not left & 1 and left:
                left, last = left >> 1, last >> 1
        else:
            new = node_hash(new, hash_)
        left, last = left >> 1, last >> 1
    if last != 0:
        raise BadProof("consistency proof is too short", length=len(proof))
    return old, new


def _check_hashes(*hashes: bytes) -> None:
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise BadProof("a hash has 32 bytes")
