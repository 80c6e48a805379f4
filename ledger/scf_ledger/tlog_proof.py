"""Inclusion proofs as text (C2SP ``tlog-proof``): index, hashes, and the checkpoint verbatim."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scf_ledger.encoding import b64, from_b64
from scf_ledger.errors import Malformed, TooLarge
from scf_ledger.merkle import HASH_BYTES, PROOF_HASHES_MAX
from scf_ledger.note import NOTE_BYTES_MAX

HEADER: Final = "c2sp.org/tlog-proof@v1"
PROOF_BYTES_MAX: Final = NOTE_BYTES_MAX + 4_096

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where an entry stands in the tree of a checkpoint; nothing is verified yet."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str


def build(index: int, hashes: Sequence[bytes], checkpoint: str) -> str:
    """Write a proof; ``checkpoint`` is the signed note as published."""
    lines = [HEADER, f"index {index}", *map(b64, hashes)]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse(text: str) -> TlogProof:
    """Read a proof. Extra data is allowed by C2SP, means nothing here, and is refused.

    :raises TooLarge: more than ``PROOF_BYTES_MAX`` or ``PROOF_HASHES_MAX``
    :raises Malformed: another form
    """
    if len(text) > PROOF_BYTES_MAX:
        raise TooLarge("proof is too large", size=len(text), limit=PROOF_BYTES_MAX)
    head, blank, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    match = _INDEX.fullmatch(lines[0]) if lines else None
    if not blank or header != HEADER or match is None:
        raise Malformed("not a tlog-proof")
    hashes = tuple(map(from_b64, lines[1:]))
    if len(hashes) > PROOF_HASHES_MAX:
        raise TooLarge("proof is too long", size=len(hashes), limit=PROOF_HASHES_MAX)
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise Malformed("a hash has 32 bytes")
    return TlogProof(int(match[1]), hashes, checkpoint)
