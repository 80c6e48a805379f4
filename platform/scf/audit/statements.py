"""Statements: the bytes as drafted, their lines, the signature over them, and the events that need them."""

import hashlib
from collections.abc import Mapping
from typing import Any
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
    """Hold every statement to its payload, its lines and its signature. Raises Different."""
    pems = {row["id"]: row["pem"] for row in rows(session, "certificates", "id")}
    lines = _lines(session, report)
    signed: set[bytes] = set()
    drafts: set[UUID] = set()
    for row in rows(session, "statements", "id"):
        report.rows["statements"] += 1
        key = public_id("stm", row["id"])
        with readable("statements", key, "payload"):
            parsed = statement.parse_statement(row["payload"])
        _check_draft(key, row, parsed, codes)
        digests = sorted(lines.get(row["draft_id"], []))
        expect("statement_lines", key, "disclosure", digests, parsed.content.get("lines", []))
        drafts.add(row["draft_id"])
        _check_signature(key, row, pems)
        if row["authorization_hash"] is not None:
            signed.add(row["authorization_hash"])
    expect("statement_lines", "*", "draft_id", sorted(lines.keys() - drafts), [])
    query = session.query(Event.id, Event.authorizations).filter(Event.authorizations != [])
    for identity, hashes in query:
        missing = [b64url(hash_) for hash_ in hashes if hash_ not in signed]
        expect("statements", public_id("evt", identity), "authorization_hash", [], missing)


def _lines(session: Session, report: Report) -> dict[UUID, list[str]]:
    """Hold every line of a basket to its disclosure; return the digests by draft."""
    found: dict[UUID, list[str]] = {}
    for row in rows(session, "statement_lines", "draft_id", "subject_id"):
        report.rows["statement_lines"] += 1
        key = f"{row['draft_id']} {row['subject_id']}"
        with readable("statement_lines", key, "disclosure"):
            line = statement.parse_line(row["disclosure"])
        shown = {**row, "subject_id": _public(line.about.subject, row["subject_id"])}
        expected = {"subject_id": line.about.subject, "subject_version": line.about.version}
        expect_row("statement_lines", key, shown, expected)
        _check_reserved("statement_lines", key, row, line.content)
        found.setdefault(row["draft_id"], []).append(line.digest)
    return found


def _check_draft(key: str, row: RowMapping, parsed: Statement, codes: Mapping[UUID, str]) -> None:
    about = parsed.about
    shown = {
        **row,
        "id": key,
        "party_id": codes.get(row["party_id"]),
        "person_id": public_id("psn", row["person_id"]),
        "mandate_id": public_id("mnd", row["mandate_id"]),
    }
    if about is not None and row["subject_id"] is not None:
        shown["subject_id"] = _public(about.subject, row["subject_id"])
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
            "subject_id": about and about.subject,
            "subject_version": about and about.version,
            "expires_at": parsed.expires_at,
        },
    )
    _check_reserved("statements", key, row, parsed.content)


def _check_reserved(table: str, key: str, row: RowMapping, content: Mapping[str, Any]) -> None:
    """Hold a pool's secret to the hash of it that was signed."""
    promised = content.get("pool_secret_sha256")
    secret = row["reserved"].get("pool_secret")
    if secret is None:
        expect(table, key, "reserved", secret, promised)
        return
    with readable(table, key, "reserved"):
        hash_ = b64url(hashlib.sha256(from_b64url(secret)).digest())
    expect(table, key, "reserved", hash_, promised)


def _public(subject: str, identity: UUID) -> str:
    return public_id(subject.partition("_")[0], identity)


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
