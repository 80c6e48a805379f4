"""Certificates and the authorities that vouch for them: who may speak with which key."""

import hashlib
from datetime import datetime
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.parties import queries
from scf.parties.models import (
    Certificate,
    CertificateAuthority,
    Party,
    Person,
    RevocationList,
    serial_text,
)
from scf.parties.service import insert, lock
from scf_ledger import certificates
from scf_ledger.errors import BadCertificate, LedgerError
from scf_ledger.event_types import Scope


class CertificateRefused(Invalid):
    """A certificate is issued by a listed authority of the party's kind, to this party and person.

    Its organizationIdentifier is the party's USCC, its common name the person's id, its key on P-256.
    """

    code = "certificate.refused"
    title = "数字证书不符合备案要求"
    title_en = "The certificate cannot be registered"


class CertificateExists(Conflict):
    """A certificate is on file once."""

    code = "certificate.exists"
    title = "该数字证书已备案"
    title_en = "The certificate is on file"


class KeyShared(Conflict):
    """A key belongs to one person (电子签名法 art. 13)."""

    code = "certificate.key_shared"
    title = "该密钥已由其他人员使用"
    title_en = "Another person's certificate has this key"


class AuthorityRefused(Invalid):
    """A listed authority's certificate is one of an authority, on P-256."""

    code = "authority.refused"
    title = "证书颁发机构证书不符合要求"
    title_en = "Not the certificate of an authority"


class AuthorityListed(Conflict):
    """An authority is listed once, for one scope."""

    code = "authority.listed"
    title = "该证书颁发机构已登记"
    title_en = "The authority is listed"


class RevocationListRefused(Invalid):
    """A revocation list is whole, and signed by its authority."""

    code = "revocation_list.refused"
    title = "证书吊销列表无效"
    title_en = "The revocation list is not valid"


class RevocationListOld(Conflict):
    """A revocation list is newer than the one before, and takes nothing back."""

    code = "revocation_list.old"
    title = "证书吊销列表早于已收到的版本"
    title_en = "A newer revocation list was received before"


def register_authority(
    session: Session, *, pem: str, scope: Scope, now: datetime
) -> CertificateAuthority:
    """List an authority. Raises AuthorityRefused, AuthorityListed."""
    try:
        authority = certificates.load_authority(pem, scope)
    except LedgerError as error:
        raise AuthorityRefused(field="pem", rule=error.message) from error
    row = CertificateAuthority(
        id=new_id(),
        scope=scope,
        pem=authority.certificate.public_bytes(Encoding.PEM).decode(),
        thumbprint=certificates.thumbprint(authority.certificate),
        registered_at=now,
    )
    insert(session, row, else_=AuthorityListed())
    return row


def revoke_authority(
    session: Session, authority_id: UUID, *, reason: str, now: datetime
) -> CertificateAuthority:
    """Stop believing an authority: every certificate that it issued ends. Raises AlreadyRevoked."""
    authority = lock(session, CertificateAuthority, authority_id)
    authority.revoke(reason, now=now)
    issued = session.scalars(_live(authority_id).with_for_update())
    for certificate in issued:
        certificate.revoke(reason, now=now)
    session.flush()
    return authority


def receive_revocations(
    session: Session, authority_id: UUID, *, der: bytes, now: datetime
) -> tuple[RevocationList, int]:
    """Take an authority's CRL in; return it and how many certificates it ended here.

    Raises RevocationListRefused, RevocationListOld.
    """
    authority = lock(session, CertificateAuthority, authority_id)
    believed = certificates.load_authority(authority.pem, authority.scope)
    try:
        parsed = certificates.load_revocations(der, [believed])
    except LedgerError as error:
        raise RevocationListRefused(field="crl", rule=error.message) from error
    newest = newest_list(session, authority_id)
    if newest is not None and newest.issued_at >= parsed.issued_at:
        raise RevocationListOld(
            received=instant_text(newest.issued_at), given=instant_text(parsed.issued_at)
        )
    row = RevocationList(
        id=new_id(),
        authority_id=authority_id,
        issued_at=parsed.issued_at,
        der=der,
        received_at=now,
    )
    session.add(row)
    serials = [serial_text(number) for number in parsed.revoked_at]
    ended = session.scalars(
        _live(authority_id).where(Certificate.serial.in_(serials)).with_for_update()
    ).all()
    for certificate in ended:
        certificate.revoke("吊销列表 CRL", now=now)
    session.flush()
    return row, len(ended)


def register_certificate(
    session: Session, person_id: UUID, *, pem: str, now: datetime
) -> Certificate:
    """Put a person's certificate on file.

    Raises CertificateRefused, CertificateExists, KeyShared, PersonRevoked, PartyRevoked.
    """
    person = queries.active_person(session, person_id, lock=True)
    party = queries.active_party(session, person.party_id)
    try:
        certificate = certificates.load_certificate(pem)
        authority = _authority_of(session, certificate, party)
        _check_holder(certificate, party, person)
        key = certificates.public_key(certificate)
    except LedgerError as error:
        raise CertificateRefused(field="pem", rule=error.message) from error
    if certificate.not_valid_after_utc <= now:
        raise CertificateRefused(
            field="pem", rule="expired", valid_to=instant_text(certificate.not_valid_after_utc)
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    row = Certificate(
        id=new_id(),
        authority_id=authority.id,
        party_id=party.id,
        person_id=person.id,
        serial=serial_text(certificate.serial_number),
        thumbprint=certificates.thumbprint(certificate),
        key_sha256=hashlib.sha256(spki).digest(),
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
        registered_at=now,
    )
    _check_key(session, row)
    insert(session, row, else_=CertificateExists(field="pem"))
    return row


def revoke_certificate(
    session: Session, certificate_id: UUID, *, reason: str, now: datetime
) -> Certificate:
    """End a certificate at once, ahead of its authority's list. Raises AlreadyRevoked."""
    certificate = lock(session, Certificate, certificate_id)
    certificate.revoke(reason, now=now)
    session.flush()
    return certificate


def newest_list(session: Session, authority_id: UUID) -> RevocationList | None:
    """Return an authority's newest CRL, if one was received."""
    return session.scalar(
        select(RevocationList)
        .where(RevocationList.authority_id == authority_id)
        .order_by(RevocationList.issued_at.desc())
        .limit(1)
    )


def _live(authority_id: UUID) -> Select[Certificate]:
    return (
        select(Certificate)
        .where(Certificate.authority_id == authority_id, Certificate.revoked_at.is_(None))
        .order_by(Certificate.id)
    )


def _authority_of(
    session: Session, certificate: x509.Certificate, party: Party
) -> CertificateAuthority:
    """Return who issued a certificate.

    The authorities of the scope are locked: certificates come in one after the other, so that a key is
    seen to be shared, and never beside a list that revokes them.
    """
    rows = session.scalars(
        select(CertificateAuthority)
        .where(CertificateAuthority.scope == party.scope)
        .order_by(CertificateAuthority.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    rows = [row for row in rows if row.revoked_at is None]
    by_thumbprint = {row.thumbprint: row for row in rows}
    listed = [certificates.load_authority(row.pem, row.scope) for row in rows]
    found = by_thumbprint[
        certificates.thumbprint(certificates.issuer(certificate, listed).certificate)
    ]
    newest = newest_list(session, found.id)
    if newest is not None:
        believed = certificates.load_authority(found.pem, found.scope)
        revoked = certificates.load_revocations(newest.der, [believed]).revoked_at
        if certificate.serial_number in revoked:
            raise BadCertificate("the authority has revoked the certificate")
    return found


def _check_holder(certificate: x509.Certificate, party: Party, person: Person) -> None:
    holder = certificates.holder(certificate)
    if holder.uscc != party.uscc:
        raise BadCertificate("organizationIdentifier is not the party's USCC")
    if holder.person != public_id("psn", person.id):
        raise BadCertificate("common name is not the person's id")


def _check_key(session: Session, row: Certificate) -> None:
    shared = select(Certificate.id).where(
        Certificate.key_sha256 == row.key_sha256, Certificate.person_id != row.person_id
    )
    if session.scalar(shared.limit(1)) is not None:
        raise KeyShared(field="pem")
