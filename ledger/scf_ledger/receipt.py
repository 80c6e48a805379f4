"""Receipts (``scf-receipt/1``): what a register signs, with its own key, over an entry that it made.

A compact JWS with a type of its own. Beside it stand the certificate of the key and the list of what its
authority had revoked by then, so that nothing else is needed to check it, and nobody else's trust is.
"""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from scf_ledger import canonical, jws, shapes, strict_json
from scf_ledger.encoding import b64, from_b64
from scf_ledger.errors import Malformed
from scf_ledger.jws import Jws
from scf_ledger.shapes import Shape

FORMAT: Final = "scf-receipt/1"
TYP: Final = "scf-receipt+jws"
PAYLOAD_BYTES_MAX: Final = 16_384

FIELDS: Final[dict[str, Shape]] = {
    "format": shapes.one_of(FORMAT),
    "reference": shapes.is_text,
    "number": shapes.is_text,
    "initial_no": shapes.is_text,
    "registered_at": shapes.is_instant,
    "expires_on": shapes.is_date,
    "secured_party": shapes.is_text,
    "grantor": shapes.is_text,
    "contract_no": shapes.is_text,
    "amount": shapes.is_foreign_money,
    "certificate_sha256": shapes.is_digest,
}
"""What a receipt says: of an initial entry ``number`` and ``initial_no`` are the same."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it travels; nothing is verified yet."""

    jws: str
    certificate: str
    """PEM."""
    revocations: bytes
    """DER, issued with the receipt."""

    def to_json(self) -> dict[str, str]:
        """Return it as files and answers carry it."""
        return {
            "jws": self.jws,
            "certificate": self.certificate,
            "revocations": b64(self.revocations),
        }


def from_json(value: Any, where: str) -> Receipt:
    """Read a receipt as it is carried.

    :raises Malformed: a part that is missing, unknown, or of another form
    """
    parts = strict_json.members(value, where, required=("jws", "certificate", "revocations"))
    texts = {name: strict_json.text(part, f"{where}.{name}") for name, part in parts.items()}
    return Receipt(texts["jws"], texts["certificate"], from_b64(texts["revocations"]))


def sign(
    said: dict[str, Any], private_key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> str:
    """Sign what an entry is; ``said`` has the fields of `FIELDS` but the format."""
    payload = canonical.encode({"format": FORMAT, **said})
    return jws.sign(payload, private_key, certificate, typ=TYP)


def read(text: str) -> tuple[Jws, dict[str, Any]]:
    """Take a receipt's JWS apart and read what it says.

    :raises Malformed: another type, an unknown field, or a value of another form
    """
    parsed = jws.parse(text, typ=TYP)
    value = strict_json.members(
        canonical.decode(parsed.payload, max_bytes=PAYLOAD_BYTES_MAX),
        "receipt",
        required=tuple(FIELDS),
    )
    for name, shape in FIELDS.items():
        if not shape(value[name]):
            raise Malformed("a value of another form", where=f"receipt.{name}")
    return parsed, value
