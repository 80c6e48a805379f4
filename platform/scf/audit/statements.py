"""Statements: the bytes as drafted, the signature over exactly these bytes, and the events that need them."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import rows
from scf.evidence.models import Event
from scf.kernel.ids import public_id
from scf_ledger import jws, statement
from scf_ledger.certificates import load_certificate
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.statement import Statement


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every statement to its payload and its signature. Raises Different."""
    pems = {row["id"]: row["pem"] for row in rows(session, "certificates", "id")}
    signed: set[bytes] = set()
    for row in rows(session, "statements", "id"):
        report.rows["statements"] += 1
        key = public_id("stm", row["id"])
        with readable("statements", key, "payload"):
            parsed = statement.parse_statement(row["payload"])
        _check_draft(key, row, parsed, codes)
        _check_signature(key, row, pems)
        if row["authorization_hash"] is not None:
            signed.add(row["authorization_hash"])
    query = session.query(Event.id, Event.authorizations).filter(Event.authorizations != [])
    for identity, hashes in query:
        missing = [b64url(hash_) for hash_ in hashes if hash_ not in signed]
        expect("statements", public_id("evt", identity), "authorization_hash", [], missing)


def _check_draft(key: str, row: RowMapping, parsed: Statement, codes: Mapping[UUID, str]) -> None:
    assert parsed.about is not None, "the platform drafts no baskets"
    prefix = parsed.about.subject.partition("_")[0]
    shown = {
        **row,
        "id": key,
        "party_id": codes.get(row["party_id"]),
        "person_id": public_id("psn", row["person_id"]),
        "mandate_id": public_id("mnd", row["mandate_id"]),
        "subject_id": public_id(prefix, row["subject_id"]),
    }
    expect_row(
        "statements",
        key,
        shown,
        {
            "id": parsed.id,
            "act": parsed.act,
            "step": parsed.step,
            "party_id": parsed.party,
            "person_id": parsed.person,
            "mandate_id": parsed.mandate,
            "subject_id": parsed.about.subject,
            "subject_version": parsed.about.version,
            "expires_at": parsed.expires_at,
        },
    )
    secret = row["reserved"].get("pool_secret")
    if secret is not None:
        with readable("statements", key, "reserved"):
            promised = hashlib.sha256(from_b64url(secret)).digest()
        expect(
            "statements",
            key,
            "reserved",
            b64url(promised),
            parsed.content.get("pool_secret_sha256"),
        )


def _check_signature(key: str, row: RowMapping, pems: Mapping[UUID, str]) -> None:
    signed = row["jws"]
    expect("statements", key, "authorization_hash", row["authorization_hash"], _hash(signed))
    if signed is None:
        return
    with readable("statements", key, "jws"):
        certificate = load_certificate(pems[row["certificate_id"]])
        statement.verify(signed, certificate)
        payload = jws.parse(signed).payload
    expect("statements", key, "payload", row["payload"], payload)


def _hash(signed: str | None) -> bytes | None:
    return None if signed is None else statement.authorization_hash(signed)
