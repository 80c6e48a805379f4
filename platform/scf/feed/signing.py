"""Signatures of webhooks by the Standard Webhooks specification 1.0.0: Ed25519, `v1a`.

Every endpoint has keys of its own, derived (HKDF-SHA-256, RFC 5869) from one secret of the installation, so
the database holds none.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scf_ledger.encoding import b64

PUBLIC_PREFIX: Final = "whpk_"


def derive(secret: bytes, webhook_id: UUID, number: int) -> Ed25519PrivateKey:
    """Return an endpoint's key with this number."""
    info = b"scf-webhook/1" + webhook_id.bytes + number.to_bytes(8, "big")
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public key as receivers are given it: `whpk_` and base64."""
    return PUBLIC_PREFIX + b64(key.public_key().public_bytes_raw())


def signature(
    keys: Sequence[Ed25519PrivateKey], message_id: str, timestamp: int, body: bytes
) -> str:
    """Return the `webhook-signature` header: one signature a key, with a space between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1a,{b64(key.sign(signed))}" for key in keys)
