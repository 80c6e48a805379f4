"""A local certificate authority for tests and demonstrations: one folder, one encrypted key.

`ca.pem` and `ca.key`, `index.json` with what was issued and revoked. A production installation lists a
licensed authority instead (电子签名法 art. 16) and never runs this.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from scf.kernel.clock import instant_text, parse_instant
from scf.kernel.errors import Conflict, Invalid, NotFound
from scf.parties import keystore
from scf.parties.models import serial_text
from scf_ledger import uscc
from scf_ledger.certificates import ORGANIZATION_PREFIX
from scf_ledger.event_types import Scope

AUTHORITY_LIFETIME: Final = timedelta(days=10 * 365)
CERTIFICATE_LIFETIME: Final = timedelta(days=3 * 365)
CRL_LIFETIME: Final = timedelta(days=7)
REASONS: Final = {
    "key-compromise": x509.ReasonFlags.key_compromise,
    "left": x509.ReasonFlags.cessation_of_operation,
    "superseded": x509.ReasonFlags.superseded,
}


class AuthorityExists(Conflict):
    """A folder holds one authority."""

    code = "authority.exists"
    title = "该目录已有证书颁发机构"
    title_en = "The folder holds an authority already"


class AuthorityMissing(NotFound):
    """An authority is made by `scf ca init` before it issues."""

    code = "authority.missing"
    title = "该目录没有证书颁发机构，请先执行 scf ca init"
    title_en = "The folder holds no authority"


class RequestUnsigned(Invalid):
    """A certificate is issued to whoever holds the key: the request is signed with it, on P-256."""

    code = "authority.request_invalid"
    title = "证书申请文件无效"
    title_en = "The certificate request is not valid"


class SerialUnknown(NotFound):
    """Only a certificate that was issued here is revoked here."""

    code = "authority.serial_unknown"
    title = "未找到该序列号的证书"
    title_en = "No certificate with that serial number was issued here"


class ValidityOutside(Invalid):
    """A certificate lives within its authority's time."""

    code = "authority.validity_outside"
    title = "证书有效期超出颁发机构有效期"
    title_en = "The certificate would outlive its authority"


@dataclass(frozen=True, slots=True)
class LocalAuthority:
    """An opened authority: its folder, certificate and key."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def init(cls, folder: Path, *, scope: Scope, valid_from: datetime, passphrase: bytes) -> Self:
        """Make an authority in `folder`. Raises AuthorityExists."""
        if (folder / "ca.pem").exists():
            raise AuthorityExists(folder=str(folder))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key, scope, valid_from)
        keystore.write_key(folder / "ca.key", key, passphrase)
        (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        _write_index(folder, {"crl_number": 0, "issued": {}})
        return cls(folder, certificate, key)

    @classmethod
    def open(cls, folder: Path, *, passphrase: bytes) -> Self:
        """Open the authority in `folder`. Raises AuthorityMissing and what keystore raises."""
        try:
            pem = (folder / "ca.pem").read_bytes()
        except FileNotFoundError:
            raise AuthorityMissing(folder=str(folder)) from None
        key = keystore.read_key(folder / "ca.key", passphrase)
        return cls(folder, x509.load_pem_x509_certificate(pem), key)

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        request_pem: bytes,
        *,
        valid_from: datetime,
        lifetime: timedelta = CERTIFICATE_LIFETIME,
    ) -> x509.Certificate:
        """Certify the key of a request (PKCS#10) for the party and person that it names.

        Raises RequestUnsigned, ValidityOutside.
        """
        request = _read_request(request_pem)
        valid_to = min(valid_from + lifetime, self.certificate.not_valid_after_utc)
        if not self.certificate.not_valid_before_utc <= valid_from < valid_to:
            raise ValidityOutside(
                valid_from=instant_text(valid_from),
                authority_valid_from=instant_text(self.certificate.not_valid_before_utc),
                authority_valid_to=instant_text(self.certificate.not_valid_after_utc),
            )
        certificate = self._sign_leaf(request, valid_from, valid_to)
        index = _read_index(self.folder)
        index["issued"][serial_text(certificate.serial_number)] = {
            "subject": certificate.subject.rfc4514_string(),
            "revoked_at": None,
            "reason": None,
        }
        _write_index(self.folder, index)
        return certificate

    def revoke(self, serial: str, *, at: datetime, reason: str = "key-compromise") -> None:
        """Mark a certificate (serial in hexadecimal) as revoked; the next CRL says so.

        `reason` is one of `REASONS`. A second time changes nothing. Raises SerialUnknown.
        """
        index = _read_index(self.folder)
        entry = index["issued"].get(serial.lower())
        if entry is None:
            raise SerialUnknown(field="serial", value=serial[:64])
        if entry["revoked_at"] is None:
            entry |= {"revoked_at": instant_text(at), "reason": reason}
            _write_index(self.folder, index)

    def crl(self, *, at: datetime, lifetime: timedelta = CRL_LIFETIME) -> bytes:
        """Sign the list of what is revoked (RFC 5280 section 5), with the next number; return DER."""
        index = _read_index(self.folder)
        index["crl_number"] += 1
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + lifetime)
            .add_extension(x509.CRLNumber(index["crl_number"]), critical=False)
            .add_extension(_issued_by(self.key), critical=False)
        )
        for serial, entry in sorted(index["issued"].items()):
            if entry["revoked_at"] is not None:
                builder = builder.add_revoked_certificate(_revoked(serial, entry))
        _write_index(self.folder, index)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _sign_leaf(
        self, request: x509.CertificateSigningRequest, valid_from: datetime, valid_to: datetime
    ) -> x509.Certificate:
        public_key = request.public_key()
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        return (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid_from)
            .not_valid_after(valid_to)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(_issued_by(self.key), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def subject_name(*, code: str, person: str) -> x509.Name:
    """Return the subject of a party's person: USCC, and a random person id instead of a name."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, ORGANIZATION_PREFIX + code),
            x509.NameAttribute(NameOID.COMMON_NAME, person),
        ]
    )


def _read_request(pem: bytes) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        signed = request.is_signature_valid
        organization = [str(a.value) for a in _attributes(request, NameOID.ORGANIZATION_IDENTIFIER)]
        person = _attributes(request, NameOID.COMMON_NAME)
    except ValueError as error:
        raise RequestUnsigned(field="csr") from error
    on_curve = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    codes = [code.removeprefix(ORGANIZATION_PREFIX) for code in organization]
    if not signed or not on_curve or len(person) != 1 or len(codes) != 1:
        raise RequestUnsigned(field="csr")
    if codes == organization or not uscc.is_valid(codes[0]):
        raise RequestUnsigned(field="csr", organization=organization[0][:60])
    return request


def _attributes(
    request: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier
) -> list[x509.NameAttribute[str | bytes]]:
    return list(request.subject.get_attributes_for_oid(oid))


def _self_signed(
    key: ec.EllipticCurvePrivateKey, scope: Scope, valid_from: datetime
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"SCF test CA ({scope.value})"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_from + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issued_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _revoked(serial: str, entry: Mapping[str, Any]) -> x509.RevokedCertificate:
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(int(serial, 16))
        .revocation_date(parse_instant(entry["revoked_at"]))
        .add_extension(x509.CRLReason(REASONS[entry["reason"]]), critical=False)
        .build()
    )


def _read_index(folder: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return index


def _write_index(folder: Path, index: Mapping[str, Any]) -> None:
    partial = folder / "index.json.part"
    partial.write_text(json.dumps(index, indent=1, sort_keys=True))
    partial.replace(folder / "index.json")
