"""Checkpoints (C2SP ``tlog-checkpoint``): the signed head of a log, with witnesses' cosignatures."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scf_ledger import note
from scf_ledger.encoding import b64, from_b64
from scf_ledger.errors import BadSignature, Malformed
from scf_ledger.merkle import HASH_BYTES

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, how many entries, the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that its log signed, and when each trusted witness saw it (POSIX time)."""

    checkpoint: Checkpoint
    witnessed_at: Mapping[str, int]


def sign(checkpoint: Checkpoint, signer: note.Signer) -> str:
    """Sign a head as its log; the key is named like the origin.

    :raises Malformed: a key of another name
    """
    if signer.verifier.name != checkpoint.origin:
        raise Malformed("the log's key has the origin's name", name=signer.verifier.name)
    return f"{checkpoint.text}\n{signer.sign(checkpoint.text)}"


def parse(signed: str) -> Checkpoint:
    """Read the head of a checkpoint without trusting it.

    :raises Malformed: not three lines of origin, size and root, or no signature lines
    """
    return _read(note.parse(signed).text)


def open_signed(signed: str, log: note.Verifier, witnesses: Iterable[note.Verifier] = ()) -> Opened:
    """Verify a checkpoint against the log's key, and the cosignatures of known witnesses.

    :raises Malformed: not a checkpoint
    :raises BadSignature: not signed by the log, or a known key's signature does not verify
    """
    parsed = note.parse(signed)
    checkpoint = _read(parsed.text)
    found = note.verified(parsed, [log, *witnesses])
    if log not in found or checkpoint.origin != log.name:
        raise BadSignature("the log did not sign the checkpoint", origin=checkpoint.origin)
    times = {key.name: time for key, time in found.items() if time is not None}
    return Opened(checkpoint, times)


def _read(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) != 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - origin, size, root
        raise Malformed("a checkpoint is the lines origin, size and root")
    root = from_b64(lines[2])
    if len(root) != HASH_BYTES:
        raise Malformed("a root has 32 bytes", size=len(root))
    return Checkpoint(lines[0], int(lines[1]), root)
