"""The draw of a stocktake: who counts what, decided by nobody alone.

Both sides commit to 32 random bytes each, ``SHA-256(salt || value)``; a block height that is yet to come is
announced; both reveal. ``seed = SHA-256(value of the bank || value of the supervisor || block hash)``,
and of the lots listed before, those with the smallest ``SHA-256(seed || lot)`` are counted.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from scf_ledger import canonical
from scf_ledger.errors import BadProof

VALUE_BYTES: Final = 32
"""Of a value, of its salt, and of a block's hash."""


def commitment(salt: bytes, value: bytes) -> bytes:
    """Return what is shown of a value before it may be known.

    :raises BadProof: salt or value is not 32 bytes, so that one commitment could be opened twice
    """
    _check_lengths(salt, value)
    return sha256(salt + value).digest()


def list_hash(lots: Sequence[str]) -> bytes:
    """Return the hash that fixes which lots can be drawn: of their ids, sorted, as canonical JSON."""
    return sha256(canonical.encode(sorted(lots))).digest()


def seed(bank_value: bytes, supervisor_value: bytes, block_hash: bytes) -> bytes:
    """Mix both revealed values with the block.

    :raises BadProof: one of them is not 32 bytes
    """
    _check_lengths(bank_value, supervisor_value, block_hash)
    return sha256(bank_value + supervisor_value + block_hash).digest()


def draw(seed_: bytes, lots: Sequence[str], count: int) -> list[str]:
    """Return which ``count`` of the listed lots are counted, in the order drawn."""
    return sorted(lots, key=lambda lot: sha256(seed_ + lot.encode("ascii")).digest())[:count]


def _check_lengths(*values: bytes) -> None:
    if any(len(value) != VALUE_BYTES for value in values):
        raise BadProof("a value of a draw has 32 bytes")
