"""What a device signs: a batch of readings (``scf-readings/1``), and what one reading is hashed as.

A batch is a compact JWS (RFC 7515) whose protected header is exactly ``alg`` and ``typ``; its payload is
canonical JSON (RFC 8785) ``{"device", "format", "readings"}``. A key is P-256 (``ES256``) or Ed25519
(``EdDSA``, RFC 8037), fixed when the device is registered: the header chooses nothing. The canonical
bytes of each reading are the leaf of the tree whose root its hour's event carries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from scf_ledger import canonical, shapes, strict_json
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import BadSignature, Malformed, TooLarge

FORMAT: Final = "scf-readings/1"
TYP: Final = "scf-readings+jws"
READINGS_MAX: Final = 10_000
"""Of one batch; a device that was cut off for long sends several."""
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of the whole JWS; ten thousand readings take about a quarter of it."""
PEM_BYTES_MAX: Final = 1_000
_HEADER_BYTES_MAX: Final = 64
_DEPTH_MAX: Final = 4
_HALF: Final = 32
_ES256: Final = ec.ECDSA(hashes.SHA256())

DeviceKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
DevicePrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose signature holds; what its readings say is not judged yet."""

    device: str
    readings: Sequence[Any]


def load_key(pem: str) -> DeviceKey:
    """Read a device's public key (SubjectPublicKeyInfo, PEM).

    :raises Malformed: not a key, or of another kind than P-256 and Ed25519
    """
    try:
        key = load_pem_public_key(pem.encode("ascii")) if len(pem) <= PEM_BYTES_MAX else None
    except (ValueError, UnicodeEncodeError, UnsupportedAlgorithm) as error:
        raise Malformed("not a public key in PEM") from error
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise Malformed("a device's key is P-256 or Ed25519")


def key_hash(key: DeviceKey) -> bytes:
    """Return SHA-256 of a key's SubjectPublicKeyInfo (DER), the same however its PEM was written."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def body(reading: Any) -> bytes:
    """Return the canonical bytes of a reading out of a batch, as they are stored and hashed."""
    return canonical.encode_decoded(reading)


def sign(device: str, readings: Sequence[Mapping[str, Any]], key: DevicePrivateKey) -> str:
    """Write and sign a batch, as a device or its gateway does."""
    payload = canonical.encode({"device": device, "format": FORMAT, "readings": list(readings)})
    header = canonical.encode({"alg": _algorithm(key.public_key()), "typ": TYP})
    signed = f"{b64url(header)}.{b64url(payload)}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return f"{signed}.{b64url(key.sign(signed.encode('ascii')))}"
    r, s = decode_dss_signature(key.sign(signed.encode("ascii"), _ES256))
    return f"{signed}.{b64url(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"


def read(jws: str, key: DeviceKey) -> Batch:
    """Verify a batch under the device's key and take it apart.

    :raises TooLarge: a bound of the format
    :raises Malformed: another serialization, header, format or shape
    :raises NotCanonical: the payload is not the canonical form of what it says
    :raises BadSignature: not by ``key`` over these bytes
    """
    if len(jws) > BATCH_BYTES_MAX:
        raise TooLarge("a batch is too large", size=len(jws), limit=BATCH_BYTES_MAX)
    parts = jws.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise Malformed("a compact JWS has three parts")
    _check_header(parts[0], key)
    payload, signature = from_b64url(parts[1]), from_b64url(parts[2])
    _verify(key, signature, f"{parts[0]}.{parts[1]}".encode("ascii"))
    value = strict_json.members(
        canonical.decode(payload, max_bytes=BATCH_BYTES_MAX, max_depth=_DEPTH_MAX),
        "batch",
        required=("device", "format", "readings"),
    )
    if value["format"] != FORMAT:
        raise Malformed("another format", where="format")
    found = strict_json.items(value["readings"], "readings", most=READINGS_MAX)
    if not found:
        raise Malformed("a batch has a reading", where="readings")
    return Batch(strict_json.text(value["device"], "device", pattern=shapes.PUBLIC_ID), found)


def _check_header(text: str, key: DeviceKey) -> None:
    header = strict_json.members(
        strict_json.loads(from_b64url(text), max_bytes=_HEADER_BYTES_MAX),
        "header",
        required=("alg", "typ"),
    )
    if header["alg"] != _algorithm(key) or header["typ"] != TYP:
        raise Malformed("the protected header names another algorithm or type")


def _algorithm(key: DeviceKey) -> str:
    return "EdDSA" if isinstance(key, ed25519.Ed25519PublicKey) else "ES256"


def _verify(key: DeviceKey, signature: bytes, signed: bytes) -> None:
    if len(signature) != 2 * _HALF:
        raise Malformed("a signature has 64 bytes", size=len(signature))
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            r, s = signature[:_HALF], signature[_HALF:]
            numbers = int.from_bytes(r, "big"), int.from_bytes(s, "big")
            key.verify(encode_dss_signature(*numbers), signed, _ES256)
    except InvalidSignature as error:
        raise BadSignature("the signature does not verify") from error
