"""Canonical identity of an asset: the bytes that two platforms make alike from the same paper.

Length-prefixed and kind-tagged, so no two assets share an identity and no separator can be forged.
A token service keys these bytes; they are never published, because they can be guessed.
"""

import unicodedata
from typing import Final

from scf_ledger.errors import Malformed

FORMAT: Final = "scf-asset/1"
PART_BYTES_MAX: Final = 255


def invoice(*, seller: str, number: str) -> bytes:
    """Identify an invoice by its seller's code (USCC or tax number) and its number.

    :raises Malformed: an empty or an overlong part, or one with control characters
    """
    return _identity("invoice", seller, number)


def paper(kind: str, *, issuer: str, number: str) -> bytes:
    """Identify an order, the advice or receipt of goods, or a warehouse receipt, by its issuer's code and its number.

    :raises Malformed: as `invoice`
    """
    return _identity(kind, issuer, number)


def _identity(kind: str, *parts: str) -> bytes:
    return b"".join(map(_prefixed, (FORMAT, kind, *map(_normal, parts))))


def _prefixed(part: str) -> bytes:
    data = part.encode("utf-8")
    if len(data) > PART_BYTES_MAX:
        raise Malformed("part of an identity is too long", size=len(data), limit=PART_BYTES_MAX)
    return len(data).to_bytes(2, "big") + data


def _normal(part: str) -> str:
    """Fold what differs between two copies of one paper: width, case, spaces."""
    folded = "".join(unicodedata.normalize("NFKC", part).upper().split())
    if not folded or not folded.isprintable():
        raise Malformed("part of an identity is empty or has control characters")
    return folded
