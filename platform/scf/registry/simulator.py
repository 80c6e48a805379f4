"""A stand-in for 动产融资统一登记公示系统: a process of its own, with its own store.

It does what the register does and no more: files entries as they come (no examination), answers searches
by the grantor, numbers every certificate, cancels. `python -m scf.registry.simulator --port 8702`; entries
are kept under `$SCF_DATA/registry/`. Its clock is business time, as the register's would be.
"""

import hashlib
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from scf.http.simulating import Books, Refusal, face, serve
from scf.kernel.clock import Clock, business_date, instant_text
from scf_ledger import canonical
from scf_ledger.encoding import b64url

SCHEMA = """
CREATE TABLE IF NOT EXISTS registrations (
  seq INTEGER PRIMARY KEY,
  reg_no TEXT NOT NULL UNIQUE,
  reference TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  filing TEXT NOT NULL,
  grantor_uscc TEXT NOT NULL,
  registered_at TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  cancelled_at TEXT,
  cancelled_because TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS registrations_grantor ON registrations (grantor_uscc);
CREATE TABLE IF NOT EXISTS certificates (
  number TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS searches (seq INTEGER PRIMARY KEY, grantor_uscc TEXT NOT NULL) STRICT;
"""
FINDINGS_MAX = 1_000
TEXT_MAX = 4_000


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", str_min_length=1, str_max_length=TEXT_MAX)


class PartyIn(_In):
    """A party by its registered name and code."""

    name: str
    uscc: str


class FilingIn(_In):
    """An initial registration (初始登记) of a pledged claim."""

    reference: str = Field(max_length=100)
    secured_party: PartyIn
    grantor: PartyIn
    description: str
    items: list[str] = Field(max_length=1_000)
    amount: str
    currency: str
    contract_no: str
    term_months: int = Field(ge=1, le=360)


class SearchIn(_In):
    """A search by the grantor."""

    grantor: PartyIn


class CancellationIn(_In):
    """A cancellation (注销登记)."""

    reason: str


class Register:
    """What is registered, searched and cancelled."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def search(self, grantor: PartyIn) -> dict[str, Any]:
        """Search, and issue a numbered 查询证明."""
        with self._books.writing() as db:
            now = self._books.clock.now()
            taken = db.execute("INSERT INTO searches (grantor_uscc) VALUES (?)", (grantor.uscc,))
            number = _number("C", now, taken.lastrowid)
            rows = db.execute(
                "SELECT * FROM registrations WHERE grantor_uscc = ? AND cancelled_at IS NULL"
                " AND expires_on >= ? ORDER BY seq LIMIT ?",
                (grantor.uscc, business_date(now).isoformat(), FINDINGS_MAX),
            )
            findings = [_finding(row) for row in rows]
            facts = {
                "kind": "查询证明",
                "cert_no": number,
                "grantor": grantor.model_dump(),
                "searched_at": instant_text(now),
                "results": findings,
                "results_hash": b64url(hashlib.sha256(canonical.encode(findings)).digest()),
            }
            return self._issue(db, number, facts)

    def register(self, filing: FilingIn) -> dict[str, Any]:
        """Register, once per reference: the same filing again gets the same answer."""
        text = canonical.encode(filing.model_dump())
        fingerprint = hashlib.sha256(text).hexdigest()
        with self._books.writing() as db:
            row = _by_reference(db, filing.reference)
            if row is None:
                row = self._enter(db, filing, text.decode(), fingerprint)
            elif row["fingerprint"] != fingerprint:
                raise Refusal(409, "reference_reused", "该业务参考号已用于另一登记")
            return self._answer(db, row)

    def _enter(
        self, db: sqlite3.Connection, filing: FilingIn, text: str, fingerprint: str
    ) -> sqlite3.Row:
        now = self._books.clock.now()
        today = business_date(now)
        sequence = db.execute("SELECT coalesce(max(seq), 0) + 1 FROM registrations").fetchone()[0]
        number = _number("", now, sequence)
        db.execute(
            "INSERT INTO registrations (seq, reg_no, reference, fingerprint, filing, grantor_uscc,"
            " registered_at, expires_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(sequence, number, filing.reference, fingerprint, text, filing.grantor.uscc),
                *(instant_text(now), _months_after(today, filing.term_months).isoformat()),
            ),
        )
        facts = {
            "kind": "登记证明-初始登记",
            "reg_no": number,
            "registered_at": instant_text(now),
            "filing": filing.model_dump(),
        }
        self._issue(db, number, facts)
        row = _by_reference(db, filing.reference)
        assert row is not None
        return row

    def find(self, reference: str) -> dict[str, Any]:
        """Return the entry under a filer's own reference."""
        with self._books.reading() as db:
            row = _by_reference(db, reference)
            if row is None:
                raise Refusal(404, "not_registered", "无此登记")
            return self._answer(db, row)

    def cancel(self, reg_no: str, reason: str) -> dict[str, Any]:
        """Cancel; what is cancelled stays cancelled as it was."""
        with self._books.writing() as db:
            row = db.execute("SELECT * FROM registrations WHERE reg_no = ?", (reg_no,)).fetchone()
            if row is None:
                raise Refusal(404, "not_registered", "无此登记")
            if row["cancelled_at"] is None:
                db.execute(
                    "UPDATE registrations SET cancelled_at = ?, cancelled_because = ?"
                    " WHERE reg_no = ?",
                    (instant_text(self._books.clock.now()), reason, reg_no),
                )
            row = _by_reference(db, row["reference"])
            assert row is not None
            return self._answer(db, row)

    def certificate(self, number: str) -> bytes:
        """Return a certificate's bytes, as anyone who has its number may."""
        with self._books.reading() as db:
            row = db.execute("SELECT body FROM certificates WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise Refusal(404, "no_certificate", "无此证明")
        body: bytes = row["body"]
        return body

    def _issue(self, db: sqlite3.Connection, number: str, facts: dict[str, Any]) -> dict[str, Any]:
        body = canonical.encode(facts)
        db.execute("INSERT INTO certificates (number, body) VALUES (?, ?)", (number, body))
        return {**facts, "certificate": body.decode()}

    def _answer(self, db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
        body: bytes = db.execute(
            "SELECT body FROM certificates WHERE number = ?", (row["reg_no"],)
        ).fetchone()["body"]
        shown = ("reg_no", "reference", "registered_at", "expires_on", "cancelled_at")
        return {**{name: row[name] for name in shown}, "certificate": body.decode()}


def _number(kind: str, now: datetime, sequence: int | None) -> str:
    """Return a paper's number: the business date, then a running number."""
    return f"{kind}{business_date(now):%Y%m%d}{sequence or 0:012d}"


def _by_reference(db: sqlite3.Connection, reference: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM registrations WHERE reference = ?", (reference,)
    ).fetchone()
    return row


def _finding(row: sqlite3.Row) -> dict[str, Any]:
    filing = canonical.decode(row["filing"].encode(), max_bytes=1_000_000)
    return {
        "reg_no": row["reg_no"],
        "registered_at": row["registered_at"],
        "secured_party": filing["secured_party"],
        "description": filing["description"],
    }


def _months_after(day: date, months: int) -> date:
    """Return the same day some months later, the month's last where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(first + timedelta(days=day.day - 1), last)


def create_app(register: Register) -> FastAPI:
    """Build the register's HTTP interface."""
    app = face("动产融资统一登记公示系统（模拟） Register of security interests, simulated")

    @app.post("/searches", status_code=201)
    def search(body: SearchIn) -> dict[str, Any]:
        return register.search(body.grantor)

    @app.post("/registrations", status_code=201)
    def enter(body: FilingIn) -> dict[str, Any]:
        return register.register(body)

    @app.get("/registrations")
    def find(reference: Annotated[str, Query(max_length=100)]) -> dict[str, Any]:
        return register.find(reference)

    @app.post("/registrations/{reg_no}/cancellation")
    def cancel(reg_no: str, body: CancellationIn) -> dict[str, Any]:
        return register.cancel(reg_no, body.reason)

    @app.get("/certificates/{number}")
    def certificate(number: str) -> Response:
        return Response(register.certificate(number), media_type="application/json")

    return app


def _open(data: Path, clock: Clock) -> FastAPI:
    return create_app(Register(Books(data / "registry" / "registry.sqlite3", SCHEMA, clock)))


if __name__ == "__main__":
    serve(_open, about=__doc__, port=8702)
