"""What an enterprise that comes on board declares of itself, signed by the key that its authority certified.

Canonical bytes (RFC 8785) in a compact JWS of a type of its own: possession of the key proves the USCC that
the certificate names, the challenge ties it to one invitation, and the system that may call for the party
is named inside, so that whoever finds a link can put none of his own in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from scf.kernel.clock import parse_date
from scf.kernel.errors import Invalid, ValueInvalid
from scf.parties.models import SizeClass
from scf_ledger import canonical, certificates, jws, shapes
from scf_ledger.errors import LedgerError

FORMAT: Final = "scf-onboarding/1"
TYP: Final = "scf-onboarding+jws"
BYTES_MAX: Final = 8_192
TEXT_LENGTH_MAX: Final = 200
_MEMBERS: Final = frozenset(
    {
        *("format", "origin", "invitation", "challenge", "uscc", "name", "size_class"),
        *("size_declared_on", "client_name", "client_secret_sha256"),
    }
)


class DeclarationRefused(Invalid):
    """A declaration is whole, about this invitation, and signed by the certificate beside it."""

    code = "onboarding.declaration_refused"
    title = "入驻声明无效"
    title_en = "The declaration cannot be accepted"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared. `challenge` and `client_secret_sha256` are base64url."""

    origin: str
    invitation: str
    challenge: str
    uscc: str
    name: str
    size_class: SizeClass
    size_declared_on: date
    client_name: str
    client_secret_sha256: str

    def payload(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical.encode(
            {
                "format": FORMAT,
                "origin": self.origin,
                "invitation": self.invitation,
                "challenge": self.challenge,
                "uscc": self.uscc,
                "name": self.name,
                "size_class": self.size_class.value,
                "size_declared_on": self.size_declared_on.isoformat(),
                "client_name": self.client_name,
                "client_secret_sha256": self.client_secret_sha256,
            }
        )

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read what was signed. Raises DeclarationRefused, ValueInvalid."""
        try:
            content: Mapping[str, Any] = canonical.decode(payload, max_bytes=BYTES_MAX)
        except LedgerError as error:
            raise DeclarationRefused(field="jws", rule=error.message) from error
        if not isinstance(content, dict) or content.keys() != _MEMBERS:
            raise DeclarationRefused(field="jws", members=sorted(_MEMBERS))
        texts = [value for value in content.values() if isinstance(value, str)]
        if len(texts) < len(_MEMBERS) or not all(map(_is_plain, texts)):
            raise DeclarationRefused(field="jws", rule="members are short lines of text")
        if content["format"] != FORMAT or not shapes.is_digest(content["client_secret_sha256"]):
            raise DeclarationRefused(field="jws", format=FORMAT)
        if content["size_class"] not in set(SizeClass):
            raise ValueInvalid(field="size_class", value=content["size_class"][:40])
        said = {name: value for name, value in content.items() if name != "format"}
        said["size_class"] = SizeClass(content["size_class"])
        said["size_declared_on"] = parse_date(content["size_declared_on"], field="size_declared_on")
        return cls(**said)


def sign(
    declaration: Declaration, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> str:
    """Sign a declaration; this is done where the key is."""
    return jws.sign(declaration.payload(), key, certificate, typ=TYP)


def verified(signed: str, pem: str) -> tuple[str, Declaration]:
    """Return a signed declaration in its one form, and what it says, once the certificate's key signed it.

    Whose the certificate is, and who issued it, is for the caller to check. Raises DeclarationRefused.
    """
    try:
        certificate = certificates.load_certificate(pem)
        normal = jws.normalise(signed, typ=TYP)
        parsed = jws.parse(normal, typ=TYP)
        if parsed.thumbprint != certificates.thumbprint(certificate):
            raise DeclarationRefused(field="jws", rule="signed under another certificate")
        jws.verify(parsed, certificates.public_key(certificate))
    except LedgerError as error:
        raise DeclarationRefused(field="jws", rule=error.message) from error
    return normal, Declaration.parse(parsed.payload)


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= TEXT_LENGTH_MAX and text.isprintable() and text == text.strip()
