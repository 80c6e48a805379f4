"""Compact JWS with ES256 (RFC 7515, RFC 7518 section 3.4), in one form only.

The protected header is exactly ``alg``, ``typ`` and ``x5t#S256``; of the two signatures (r, s) and
(r, n - s) that verify, only the one with the lower s is accepted, so that a signed statement has
one hash. Other makers give the higher one half of the time: ``normalise`` at intake.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from scf_ledger import canonical, certificates, shapes, strict_json
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.errors import BadSignature, Malformed, TooLarge

TYP: Final = "scf-statement+jws"
JWS_BYTES_MAX: Final = 98_304
HEADER_BYTES_MAX: Final = 256

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order n of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3)."""
_ES256: Final = ec.ECDSA(hashes.SHA256())
_HALF: Final = 32


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS taken apart; nothing is verified yet."""

    thumbprint: str
    """``x5t#S256``: SHA-256 of the signing certificate."""
    payload: bytes
    signing_input: bytes
    r: int
    s: int


def sign(
    payload: bytes,
    private_key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    *,
    typ: str = TYP,
) -> str:
    """Sign ``payload`` for the holder of ``certificate``; the result is normalised."""
    header = {"alg": "ES256", "typ": typ, "x5t#S256": certificates.thumbprint(certificate)}
    signing_input = f"{b64url(canonical.encode(header))}.{b64url(payload)}"
    r, s = decode_dss_signature(private_key.sign(signing_input.encode("ascii"), _ES256))
    return f"{signing_input}.{_signature(r, min(s, P256_ORDER - s))}"


def parse(jws: str, *, typ: str = TYP) -> Jws:
    """Take a compact JWS apart; ``typ`` keeps one kind of signed thing from passing for another.

    :raises TooLarge: more than ``JWS_BYTES_MAX``
    :raises Malformed: another serialization, header or signature length
    """
    if len(jws) > JWS_BYTES_MAX:
        raise TooLarge("signed statement is too large", size=len(jws), limit=JWS_BYTES_MAX)
    parts = jws.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise Malformed("a compact JWS has three parts")
    header_text, payload_text, signature_text = parts
    header = strict_json.members(
        strict_json.loads(from_b64url(header_text), max_bytes=HEADER_BYTES_MAX),
        "header",
        required=("alg", "typ", "x5t#S256"),
    )
    if header["alg"] != "ES256" or header["typ"] != typ:
        raise Malformed("the protected header names another algorithm or type")
    signature = from_b64url(signature_text)
    if len(signature) != 2 * _HALF:
        raise Malformed("an ES256 signature has 64 bytes", size=len(signature))
    return Jws(
        thumbprint=strict_json.text(header["x5t#S256"], "x5t#S256", pattern=shapes.DIGEST),
        payload=from_b64url(payload_text),
        signing_input=f"{header_text}.{payload_text}".encode("ascii"),
        r=int.from_bytes(signature[:_HALF], "big"),
        s=int.from_bytes(signature[_HALF:], "big"),
    )


def normalise(jws: str, *, typ: str = TYP) -> str:
    """Return the same JWS with the lower s, as it is stored and hashed.

    :raises Malformed: not a compact JWS of this type
    """
    parsed = parse(jws, typ=typ)
    if not 0 < parsed.s < P256_ORDER:
        raise Malformed("s is outside the order of the curve")
    low = min(parsed.s, P256_ORDER - parsed.s)
    return f"{parsed.signing_input.decode('ascii')}.{_signature(parsed.r, low)}"


def verify(jws: Jws, key: ec.EllipticCurvePublicKey) -> None:
    """Verify the signature.

    :raises BadSignature: not by ``key`` over these bytes, or with the higher s
    """
    if jws.s > P256_ORDER // 2:
        raise BadSignature("the signature has the higher s and is not normalised")
    try:
        key.verify(encode_dss_signature(jws.r, jws.s), jws.signing_input, _ES256)
    except InvalidSignature as error:
        raise BadSignature("the signature does not verify") from error


def _signature(r: int, s: int) -> str:
    return b64url(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))
