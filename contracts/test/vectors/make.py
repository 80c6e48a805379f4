# ruff: noqa: INP001 - a script beside the vectors that it makes
"""Make consistency.json: proofs that hold and proofs that must fail, from code that is not ours.

The roots come from pymerkle; the proofs from RFC 9162 2.1.4.1 over hashlib. Run it with
``python contracts/test/vectors/make.py``; the same bytes come out every time.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pymerkle import InmemoryTree

SIZES = ((1, 2), (1, 7), (2, 3), (3, 4), (3, 7), (4, 7), (4, 8), (6, 7), (6, 8), (7, 8), (8, 9))
SIZES += ((5, 21), (16, 21), (31, 33), (32, 33), (33, 64), (63, 64), (64, 65), (100, 200))


def mth(leaves: list[bytes]) -> bytes:
    """Hash a tree by definition."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def subproof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """Prove by definition."""
    n = len(leaves)
    if m == n:
        return [] if complete else [mth(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return [*subproof(m, leaves[:k], complete), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], complete=False), mth(leaves[:k])]


def case(
    what: str, sizes: tuple[int, int], roots: tuple[bytes, bytes], proof: list[bytes], *, holds: bool
) -> dict[str, Any]:
    """Write one case down."""
    return {
        "what": what,
        "first": sizes[0],
        "second": sizes[1],
        "first_root": f"0x{roots[0].hex()}",
        "second_root": f"0x{roots[1].hex()}",
        "proof": [f"0x{node.hex()}" for node in proof],
        "holds": holds,
    }


def cases(tree: InmemoryTree, leaves: list[bytes], m: int, n: int) -> list[dict[str, Any]]:
    """Give the true proof and its corruptions."""
    first, second = tree.get_root(m), tree.get_root(n)
    proof = subproof(m, leaves[:n], complete=True)
    sizes, roots = (m, n), (first, second)
    other = hashlib.sha256(b"other").digest()
    flipped = [bytes([proof[-1][0] ^ 1]) + proof[-1][1:]]
    wrong = [
        ("no proof", sizes, roots, []),
        ("a node short", sizes, roots, proof[:-1]),
        ("a node too many", sizes, roots, [*proof, other]),
        ("one bit flipped", sizes, roots, proof[:-1] + flipped),
        ("the roots swapped", sizes, (second, first), proof),
        ("another first root", sizes, (other, second), proof),
        ("another second root", sizes, (first, other), proof),
        ("reversed", sizes, roots, proof[::-1]) if len(set(proof)) > 1 else None,
    ]
    return [
        case("true", sizes, roots, proof, holds=True),
        *(case(*one, holds=False) for one in wrong if one),
    ]


def main() -> None:
    """Write the file."""
    tree = InmemoryTree(algorithm="sha256")
    leaves = [bytes([i]) * 64 for i in range(200)]
    for leaf in leaves:
        tree.append_entry(leaf)
    made = [one for m, n in SIZES for one in cases(tree, leaves, m, n)]
    text = json.dumps({"count": len(made), "cases": made}, indent=1) + "\n"
    (Path(__file__).parent / "consistency.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
