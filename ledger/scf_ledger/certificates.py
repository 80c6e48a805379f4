"""Certificates of the parties' keys: X.509, P-256, issued directly by a listed authority.

The subject's organizationIdentifier (2.5.4.97) is ``NTRCN-`` and the USCC (the form of ETSI EN 319
412-1 section 5.1.4); the common name is a random person id, never a name.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from scf_ledger import uscc
from scf_ledger.encoding import b64url
from scf_ledger.errors import BadCertificate, Malformed
from scf_ledger.event_types import Scope

PEM_BYTES_MAX: Final = 8_192
CRL_BYTES_MAX: Final = 1_048_576
ORGANIZATION_PREFIX: Final = "NTRCN-"

_UNREADABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading hostile DER ends in; parts of it are parsed only when asked for."""
_KNOWN_CRITICAL: Final = frozenset({ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a certificate speaks for."""

    uscc: str
    person: str
    """The common name: a random person id."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that a verifier trusts, and for what."""

    certificate: x509.Certificate
    scope: Scope


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL whose signature by its authority has been checked."""

    authority: Authority
    issued_at: datetime
    revoked_at: dict[int, datetime] = field(repr=False)
    """Serial number -> when it was revoked."""


def load_certificate(pem: str) -> x509.Certificate:
    """Read one PEM certificate.

    :raises Malformed: not exactly one certificate, or an overlong text
    """
    if len(pem) > PEM_BYTES_MAX or pem.count("-----BEGIN") != 1:
        raise Malformed("not one PEM certificate", size=len(pem), limit=PEM_BYTES_MAX)
    try:
        return x509.load_pem_x509_certificate(pem.encode("ascii"))
    except _UNREADABLE as error:
        raise Malformed("not a PEM certificate") from error


def thumbprint(certificate: x509.Certificate) -> str:
    """Return the base64url SHA-256 of the DER bytes (RFC 7515 ``x5t#S256``)."""
    return b64url(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Return the certified P-256 key.

    :raises BadCertificate: another kind of key
    """
    try:
        key = certificate.public_key()
    except _UNREADABLE as error:
        raise BadCertificate("the certified key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise BadCertificate("the certified key is not on P-256")
    return key


def holder(certificate: x509.Certificate) -> Holder:
    """Return the organisation and the person that a certificate names.

    :raises BadCertificate: no single organizationIdentifier with a valid USCC, or no single name
    """
    try:
        organization = _only(certificate.subject, NameOID.ORGANIZATION_IDENTIFIER)
        person = _only(certificate.subject, NameOID.COMMON_NAME)
    except _UNREADABLE as error:
        raise BadCertificate("the certificate's subject cannot be read") from error
    code = organization.removeprefix(ORGANIZATION_PREFIX)
    if code == organization or not uscc.is_valid(code):
        raise BadCertificate("organizationIdentifier is not NTRCN- and a USCC", value=organization)
    return Holder(code, person)


def load_authority(pem: str, scope: Scope) -> Authority:
    """Read a trusted authority.

    :raises Malformed: not a PEM certificate
    :raises BadCertificate: not a certificate authority, or not on P-256
    """
    certificate = load_certificate(pem)
    public_key(certificate)
    if not _is_authority(certificate):
        raise BadCertificate("a listed authority's certificate is not one of an authority")
    return Authority(certificate, scope)


def issuer(certificate: x509.Certificate, authorities: Iterable[Authority]) -> Authority:
    """Return the listed authority that issued ``certificate`` directly.

    :raises BadCertificate: none did, or the certificate is not one for signing
    """
    _check_leaf(certificate)
    for authority in authorities:
        if _is_issued_by(certificate, authority.certificate):
            return authority
    raise BadCertificate("no listed authority issued the certificate")


def check_valid_at(certificate: x509.Certificate, at: datetime) -> None:
    """Refuse a certificate outside its time.

    :raises BadCertificate: ``at`` is before or after the validity
    """
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise BadCertificate("the certificate was not valid then", at=at.isoformat())


def load_revocations(der: bytes, authorities: Iterable[Authority]) -> RevocationList:
    """Read a CRL and check that a listed authority signed it.

    :raises Malformed: not a DER CRL
    :raises BadCertificate: unsigned by any listed authority, or partial (RFC 5280 section 5.2)
    """
    if len(der) > CRL_BYTES_MAX:
        raise Malformed("revocation list is too large", size=len(der), limit=CRL_BYTES_MAX)
    try:
        crl = x509.load_der_x509_crl(der)
        partial = any(extension.critical for extension in crl.extensions)
        revoked = {entry.serial_number: entry.revocation_date_utc for entry in crl}
        issued_at, issued_by = crl.last_update_utc, crl.issuer
    except _UNREADABLE as error:
        raise Malformed("not a DER revocation list") from error
    if partial:
        raise BadCertificate("the revocation list does not cover every certificate")
    for authority in authorities:
        if authority.certificate.subject == issued_by and _is_signed_by(crl, authority.certificate):
            return RevocationList(authority, issued_at, revoked)
    raise BadCertificate("no listed authority signed the revocation list")


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        if authority.subject != certificate.issuer:
            return False
        certificate.verify_directly_issued_by(authority)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def _is_signed_by(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(public_key(authority))
    except (*_UNREADABLE, InvalidSignature):
        return False


def _check_leaf(certificate: x509.Certificate) -> None:
    try:
        extensions = certificate.extensions
    except _UNREADABLE as error:
        raise BadCertificate("the certificate's extensions cannot be read") from error
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            raise BadCertificate("unknown critical extension", oid=extension.oid.dotted_string)
        usage = extension.value
        if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
            raise BadCertificate("the certificate is not for signatures")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (*_UNREADABLE, x509.ExtensionNotFound):
        return False
    return constraints.value.ca


def _only(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = [attribute.value for attribute in name.get_attributes_for_oid(oid)]
    if len(values) != 1 or not isinstance(values[0], str):
        raise BadCertificate("the subject names this once", oid=oid.dotted_string)
    return values[0]
