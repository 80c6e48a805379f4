"""Who is who: parties by id, and the papers of those who sign."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import rows
from scf.kernel.ids import public_id
from scf.parties.models import serial_text
from scf_ledger import certificates
from scf_ledger.certificates import Authority


def usccs(session: Session, report: Report) -> Mapping[UUID, str]:
    """Return every party's USCC; what refers to a party is compared with it elsewhere."""
    found = {row["id"]: row["uscc"] for row in rows(session, "parties", "id")}
    report.rows["parties"] = len(found)
    return found


def check_papers(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold authorities, certificates and revocation lists to what they say themselves."""
    authorities = _check_authorities(session, report)
    for row in rows(session, "certificates", "id"):
        report.rows["certificates"] += 1
        _check_certificate(row, codes, authorities)
    for row in rows(session, "revocation_lists", "id"):
        report.rows["revocation_lists"] += 1
        key = str(row["id"])
        issuers = [authorities[row["authority_id"]]] if row["authority_id"] in authorities else []
        with readable("revocation_lists", key, "der"):
            found = certificates.load_revocations(row["der"], issuers)
        expect("revocation_lists", key, "issued_at", row["issued_at"], found.issued_at)


def _check_authorities(session: Session, report: Report) -> Mapping[UUID, Authority]:
    found = {}
    for row in rows(session, "certificate_authorities", "id"):
        report.rows["certificate_authorities"] += 1
        key = public_id("aut", row["id"])
        with readable("certificate_authorities", key, "pem"):
            authority = certificates.load_authority(row["pem"], row["scope"])
        expected = {
            "pem": authority.certificate.public_bytes(Encoding.PEM).decode(),
            "thumbprint": certificates.thumbprint(authority.certificate),
        }
        expect_row("certificate_authorities", key, row, expected)
        found[row["id"]] = authority
    return found


def _check_certificate(
    row: RowMapping, codes: Mapping[UUID, str], authorities: Mapping[UUID, Authority]
) -> None:
    key = public_id("crt", row["id"])
    issuers = [authorities[row["authority_id"]]] if row["authority_id"] in authorities else []
    with readable("certificates", key, "pem"):
        certificate = certificates.load_certificate(row["pem"])
        certificates.issuer(certificate, issuers)
        holder = certificates.holder(certificate)
        public = certificates.public_key(certificate)
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    shown = {
        **row,
        "party_id": codes.get(row["party_id"]),
        "person_id": public_id("psn", row["person_id"]),
    }
    expect_row(
        "certificates",
        key,
        shown,
        {
            "party_id": holder.uscc,
            "person_id": holder.person,
            "pem": certificate.public_bytes(Encoding.PEM).decode(),
            "serial": serial_text(certificate.serial_number),
            "thumbprint": certificates.thumbprint(certificate),
            "key_sha256": hashlib.sha256(spki).digest(),
            "valid_from": certificate.not_valid_before_utc,
            "valid_to": certificate.not_valid_after_utc,
        },
    )
