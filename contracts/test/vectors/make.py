# ruff: noqa: INP001 - a script beside the vectors that it makes
"""Make the vectors that Solidity and Python tests share, from code that is not ours.

consistency.json: proofs that hold and proofs that must fail; the roots come from pymerkle, the
proofs from RFC 9162 2.1.4.1 over hashlib. encodings.json: an origin key, by pycryptodome over the
ABI's rules, and a ticket, by eth_account's EIP-712. Run it with
``python contracts/test/vectors/make.py``; the same bytes come out every time.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from Crypto.Hash import keccak
from eth_account import Account
from eth_account.messages import encode_typed_data
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
    what: str,
    sizes: tuple[int, int],
    roots: tuple[bytes, bytes],
    proof: list[bytes],
    *,
    holds: bool,
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


def origin_key() -> dict[str, Any]:
    """Hash ``abi.encode(address, string)``: a word, the offset of the text, its length, its bytes."""
    claimer, origin = "0x50000000000000000000000000000000000000Fa", "scf.example/永川"
    text = origin.encode()
    words = [bytes.fromhex(claimer[2:]).rjust(32, b"\0"), (64).to_bytes(32, "big")]
    words += [len(text).to_bytes(32, "big"), text.ljust(-(-len(text) // 32) * 32, b"\0")]
    key = keccak.new(data=b"".join(words), digest_bits=256).hexdigest()
    return {"claimer": claimer, "origin": origin, "key": f"0x{key}"}


def ticket() -> dict[str, Any]:
    """Sign a ticket of two tokens as eth_account does."""
    service = Account.from_key(hashlib.sha256(b"a token service of the tests").digest())
    message = {
        "operator": "0x50000000000000000000000000000000000000Fa",
        "tokens": [hashlib.sha256(name).digest() for name in (b"one", b"two")],
        "expiry": 1_797_292_800,
        "validUntil": 1_767_571_800,
    }
    domain = {
        "name": "SCF AssetRegistry",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    }
    kinds = ("address operator", "bytes32[] tokens", "uint64 expiry", "uint64 validUntil")
    fields = [dict(zip(("type", "name"), kind.split(), strict=True)) for kind in kinds]
    signed = service.sign_message(encode_typed_data(domain, {"Ticket": fields}, message))
    tokens = [f"0x{token.hex()}" for token in message["tokens"]]
    return {
        "chain_id": domain["chainId"],
        "contract": domain["verifyingContract"],
        "operator": message["operator"],
        "tokens": tokens,
        "expiry": message["expiry"],
        "valid_until": message["validUntil"],
        "digest": f"0x{signed.message_hash.hex()}",
        "signer": service.address,
        "signature": f"0x{signed.signature.hex()}",
    }


def write(name: str, content: dict[str, Any]) -> None:
    """Write one file."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (Path(__file__).parent / name).write_text(text, "utf-8")


def main() -> None:
    """Write the files."""
    tree = InmemoryTree(algorithm="sha256")
    leaves = [bytes([i]) * 64 for i in range(200)]
    for leaf in leaves:
        tree.append_entry(leaf)
    made = [one for m, n in SIZES for one in cases(tree, leaves, m, n)]
    write("consistency.json", {"count": len(made), "cases": made})
    write("encodings.json", {"origin_key": origin_key(), "ticket": ticket()})


if __name__ == "__main__":
    main()
