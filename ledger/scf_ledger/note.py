"""Signed notes (C2SP ``signed-note``): a text, and who signed it with Ed25519.

Two kinds of signature: the plain one (a log's), and the timestamped cosignature of a witness (C2SP
``tlog-cosignature``), which says that the text is the newest head it has seen of that log.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from scf_ledger.encoding import b64, from_b64
from scf_ledger.errors import BadSignature, Malformed, TooLarge

NOTE_BYTES_MAX: Final = 16_384
SIGNATURES_MAX: Final = 32

_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_VKEY: Final = re.compile(r"(?P<name>[^+\s]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_SKEY: Final = re.compile("PRIVATE[+]KEY[+]" + _VKEY.pattern)


class KeyType(IntEnum):
    """Signature type byte of the note format."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that a reader trusts: name, kind and Ed25519 public key."""

    name: str
    type: KeyType
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read ``<name>+<key id>+<base64 of type and key>``.

        :raises Malformed: another form, another kind of key, or a key id that is not the key's
        """
        match = _VKEY.fullmatch(vkey)
        if match is None:
            raise Malformed("not a verifier key")
        type_, key = _typed_key(match["key"])
        verifier = cls(_name(match["name"]), type_, key)
        if verifier.key_id.hex() != match["id"]:
            raise Malformed("the key id is not the key's", name=verifier.name)
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.type]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name, newline, type, public key)."""
        seen = self.name.encode() + b"\n" + bytes([self.type]) + self.public_key
        return hashlib.sha256(seen).digest()[:_KEY_ID_BYTES]

    def verify(self, text: str, signature: bytes) -> int | None:
        """Verify a signature over ``text``; return a witness's POSIX time, None for a log's.

        :raises BadSignature: it does not verify
        """
        time: int | None = None
        message = text.encode()
        if self.type is KeyType.COSIGNATURE:
            time = int.from_bytes(signature[:_TIME_BYTES], "big")
            message = _cosigned(text, time)
            signature = signature[_TIME_BYTES:]
        if (time or 0) >= 1 << 63 or not _verifies(self.public_key, signature, message):
            raise BadSignature("a signature does not verify", name=self.name)
        return time


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs notes; its text form is a secret."""

    verifier: Verifier
    private_key: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str, type_: KeyType = KeyType.ED25519) -> Self:
        """Make a fresh key."""
        return cls._of(name, type_, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Read ``PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>``.

        :raises Malformed: another form, another kind of key, or a key id that is not the key's
        """
        match = _SKEY.fullmatch(skey)
        if match is None:
            raise Malformed("not a signer key")
        type_, seed = _typed_key(match["key"])
        signer = cls._of(match["name"], type_, Ed25519PrivateKey.from_private_bytes(seed))
        if signer.verifier.key_id.hex() != match["id"]:
            raise Malformed("the key id is not the key's", name=signer.verifier.name)
        return signer

    def secret_text(self) -> str:
        """Write the key in the form that ``parse`` reads."""
        seed = bytes([self.verifier.type]) + self.private_key.private_bytes_raw()
        return f"PRIVATE+KEY+{self.verifier.name}+{self.verifier.key_id.hex()}+{b64(seed)}"

    def sign(self, text: str, *, time: int | None = None) -> str:
        """Return the signature line over ``text``; a witness says the POSIX time."""
        if (self.verifier.type is KeyType.COSIGNATURE) != (time is not None):
            raise Malformed("a cosignature has a time, and only a cosignature")
        if time is None:
            signature = self.private_key.sign(text.encode())
        else:
            signature = time.to_bytes(_TIME_BYTES, "big")
            signature += self.private_key.sign(_cosigned(text, time))
        return f"\u2014 {self.verifier.name} {b64(self.verifier.key_id + signature)}\n"

    @classmethod
    def _of(cls, name: str, type_: KeyType, key: Ed25519PrivateKey) -> Self:
        return cls(Verifier(_name(name), type_, key.public_key().public_bytes_raw()), key)


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note; nothing in it is trusted until a signature is."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Key name, key id, signature."""


def parse(note: str) -> Note:
    """Take a note apart.

    :raises TooLarge: more than ``NOTE_BYTES_MAX``
    :raises Malformed: no text, no signatures, or a signature line of another form
    """
    try:
        size = len(note.encode())
    except UnicodeEncodeError as error:
        raise Malformed("a note is UTF-8") from error
    if size > NOTE_BYTES_MAX:
        raise TooLarge("note is too large", size=size, limit=NOTE_BYTES_MAX)
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise Malformed("a note is a text, an empty line and signature lines")
    if _CONTROL.search(note):
        raise Malformed("a note has no control characters")
    signatures = tuple(map(_signature_line, lines[:-1].split("\n")))
    if len(signatures) > SIGNATURES_MAX:
        raise TooLarge("too many signatures", size=len(signatures), limit=SIGNATURES_MAX)
    return Note(text + "\n", signatures)


def verified(note: Note, verifiers: Iterable[Verifier]) -> Mapping[Verifier, int | None]:
    """Return each trusted key that signed, and for a witness the POSIX time it says.

    Signatures by unknown keys are passed over; one that claims a known key and fails spoils the
    note.

    :raises BadSignature: a signature by a known key does not verify
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    found: dict[Verifier, int | None] = {}
    for name, key_id, signature in note.signatures:
        verifier = known.get((name, key_id))
        if verifier is not None and verifier not in found:
            found[verifier] = verifier.verify(note.text, signature)
    return found


def _verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:  # noqa: PLR2004 - dash, name, bytes
        raise Malformed("not a signature line")
    signature = from_b64(parts[2])
    if len(signature) <= _KEY_ID_BYTES:
        raise Malformed("a signature line holds a key id and a signature")
    return parts[1], signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:]


def _typed_key(text: str) -> tuple[KeyType, bytes]:
    data = from_b64(text)
    if len(data) != 33 or data[0] not in set(KeyType):  # noqa: PLR2004 - type byte and 32 of key
        raise Malformed("not an Ed25519 key of a note")
    return KeyType(data[0]), data[1:]


def _name(name: str) -> str:
    if not name or "+" in name or any(symbol.isspace() for symbol in name):
        raise Malformed("a key name has no spaces and no plus", name=name)
    return name
