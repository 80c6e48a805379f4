"""The books of the simulated register: what it files, finds, changes and certifies. It examines nothing."""

import hashlib
import json
import sqlite3
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from scf.http.simulating import Books, Refusal, insert
from scf.kernel.calendar import add_months
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import SCFError
from scf.kernel.money import Money
from scf.papers import typesetting
from scf.registry import certificates
from scf.registry.port import Business, Certificate, Enrolled, EntryKind, Finding
from scf.registry.receipts import ReceiptKey
from scf.registry.rules import TERM_MONTHS_MAX
from scf_ledger import canonical
from scf_ledger.encoding import b64url

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  reference TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  initial_no TEXT NOT NULL,
  certificate BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entries_initial ON entries (initial_no);
CREATE TABLE IF NOT EXISTS receipts (number TEXT PRIMARY KEY, receipt TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS live (
  number TEXT PRIMARY KEY,
  initial_no TEXT NOT NULL,
  grantor_uscc TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  cancelled_at TEXT,
  finding BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS live_grantor ON live (grantor_uscc);
CREATE TABLE IF NOT EXISTS searches (
  seq INTEGER PRIMARY KEY, number TEXT UNIQUE, certificate BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS objections (
  seq INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, reg_no TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
"""
"""`entries` are what was filed, in order; `live` is what a search finds, a row for each time of priority."""
TEXT_MAX: Final = 4_000
BODY_MAX: Final = 10_000_000


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", str_min_length=1, str_max_length=TEXT_MAX)


class PartyIn(_In):
    """A party by its registered name and code."""

    name: str
    uscc: str


class ContentIn(_In):
    """What stands on the register."""

    secured_party: PartyIn
    grantor: PartyIn
    description: str
    items: list[str] = Field(max_length=10_000)
    amount: str
    currency: str
    contract_no: str
    business: Business


class FilingIn(ContentIn):
    """An initial registration (初始登记)."""

    reference: str = Field(max_length=100)
    term_months: int = Field(ge=1, le=TERM_MONTHS_MAX)


class AdditionIn(_In):
    """Collateral that is added: it stands from the day of the change, not before."""

    description: str
    items: list[str] = Field(max_length=10_000)


class AmendmentIn(_In):
    """A change (变更登记): what stands from now on, and what is added to it."""

    reference: str = Field(max_length=100)
    reason: str
    content: ContentIn
    addition: AdditionIn | None = None


class ExtensionIn(_In):
    """An extension (展期登记) by some months, counted from the day on which the entry would expire."""

    reference: str = Field(max_length=100)
    term_months: int = Field(ge=1, le=TERM_MONTHS_MAX)


class CancellationIn(_In):
    """A cancellation (注销登记)."""

    reason: str


class SearchIn(_In):
    """A search by the grantor."""

    grantor: PartyIn


class ObjectionIn(_In):
    """An objection (异议登记) by the grantor or somebody concerned."""

    objector: PartyIn
    text: str


class Register:
    """What is registered, searched, changed and cancelled."""

    def __init__(self, books: Books, key: ReceiptKey) -> None:
        self._books = books
        self._key = key

    def search(self, grantor: PartyIn) -> dict[str, Any]:
        """Search, and issue a numbered 查询证明."""
        with self._books.writing() as db:
            now = self._books.clock.now()
            sequence = db.execute("INSERT INTO searches DEFAULT VALUES").lastrowid
            number = self._number("C", sequence)
            rows = db.execute(
                "SELECT finding FROM live WHERE grantor_uscc = ? AND cancelled_at IS NULL"
                " AND expires_on >= ? ORDER BY number",
                (grantor.uscc, business_date(now).isoformat()),
            )
            findings = [canonical.decode(row["finding"], max_bytes=BODY_MAX) for row in rows]
            facts = {
                "kind": "查询证明",
                "cert_no": number,
                "grantor": grantor.model_dump(),
                "searched_at": instant_text(now),
                "results": findings,
                "results_hash": b64url(hashlib.sha256(canonical.encode(findings)).digest()),
            }
            body = canonical.encode(facts)
            db.execute(
                "UPDATE searches SET number = ?, certificate = ? WHERE seq = ?",
                (number, body, sequence),
            )
        return {**facts, "certificate": body.decode()}

    def register(self, filing: FilingIn) -> dict[str, Any]:
        """Register, once per reference: the same filing again gets the same answer."""
        now = self._books.clock.now()
        with self._books.writing() as db:
            known = _known(db, filing.reference, filing)
            if known is None:
                number = self._next_number(db)
                expires_on = add_months(business_date(now), filing.term_months)
                content = Certificate(
                    kind=EntryKind.INITIAL,
                    number=number,
                    initial_no=number,
                    registered_at=now,
                    expires_on=expires_on,
                    **_content(filing),
                )
                self._enter(db, filing.reference, filing, content)
                _make_live(db, content, content.description, content.items)
            return _answer(db, filing.reference)

    def amend(self, reg_no: str, change: AmendmentIn) -> dict[str, Any]:
        """Change what stands; what is added has the priority of today."""
        now = self._books.clock.now()
        with self._books.writing() as db:
            if _known(db, change.reference, change, reg_no) is None:
                before = _standing(db, reg_no)
                content = replace(
                    before,
                    **_content(change.content),
                    kind=EntryKind.AMENDED,
                    number=self._next_number(db),
                    registered_at=now,
                    reason=change.reason,
                )
                first = _first(db, reg_no)
                _keep_live(db, replace(content, number=reg_no, registered_at=first.registered_at))
                if change.addition is not None:
                    added = change.addition
                    _make_live(db, content, added.description, tuple(added.items))
                    content = replace(
                        content,
                        description=f"{content.description}新增：{added.description}",
                        items=(*content.items, *added.items),
                    )
                self._enter(db, change.reference, change, content)
            return _answer(db, change.reference)

    def extend(self, reg_no: str, change: ExtensionIn) -> dict[str, Any]:
        """Let an entry stand for longer; refused once it has expired."""
        now = self._books.clock.now()
        with self._books.writing() as db:
            if _known(db, change.reference, change, reg_no) is None:
                before = _standing(db, reg_no)
                if before.expires_on < business_date(now):
                    raise Refusal(409, "expired", "登记已届满")
                content = replace(
                    before,
                    kind=EntryKind.EXTENDED,
                    number=self._next_number(db),
                    registered_at=now,
                    expires_on=add_months(before.expires_on, change.term_months),
                    reason=f"展期{change.term_months}个月",
                )
                self._enter(db, change.reference, change, content)
                db.execute(
                    "UPDATE live SET expires_on = ? WHERE initial_no = ?",
                    (content.expires_on.isoformat(), reg_no),
                )
            return _answer(db, change.reference)

    def cancel(self, reg_no: str, change: CancellationIn) -> dict[str, Any]:
        """Cancel; what is cancelled stays cancelled as it was."""
        now, reference = self._books.clock.now(), f"cancel-{reg_no}"
        with self._books.writing() as db:
            if _entry(db, reference) is None:
                content = replace(
                    _standing(db, reg_no),
                    kind=EntryKind.CANCELLED,
                    number=self._next_number(db),
                    registered_at=now,
                    reason=change.reason,
                )
                self._enter(db, reference, change, content)
                db.execute(
                    "UPDATE live SET cancelled_at = ? WHERE initial_no = ?",
                    (instant_text(now), reg_no),
                )
            initial = db.execute(
                "SELECT reference FROM entries WHERE number = ?", (reg_no,)
            ).fetchone()
            return _answer(db, initial["reference"])

    def find(self, reference: str) -> dict[str, Any]:
        """Return the entry under a filer's own reference."""
        with self._books.reading() as db:
            return _answer(db, reference)

    def object(self, reg_no: str, objection: ObjectionIn) -> dict[str, Any]:
        """Enter an objection; whoever is secured finds it beside the entry."""
        with self._books.writing() as db:
            _first(db, reg_no)
            now = self._books.clock.now()
            number = self._number(
                "Y", 1 + db.execute("SELECT count(*) FROM objections").fetchone()[0]
            )
            body = {
                "number": number,
                "objected_at": instant_text(now),
                "objector": objection.objector.model_dump(),
                "text": objection.text,
            }
            values = {"number": number, "reg_no": reg_no, "body": canonical.encode(body)}
            insert(db, "objections", values)
        return body

    def objections(self, reg_no: str) -> dict[str, Any]:
        """Return the objections against an entry, in their order."""
        with self._books.reading() as db:
            rows = db.execute(
                "SELECT body FROM objections WHERE reg_no = ? ORDER BY seq", (reg_no,)
            ).fetchall()
        return {"objections": [canonical.decode(row["body"], max_bytes=BODY_MAX) for row in rows]}

    def certificate(self, number: str) -> bytes:
        """Return a certificate's bytes, as anyone who has its number may."""
        with self._books.reading() as db:
            row = db.execute(
                "SELECT certificate FROM entries WHERE number = ?"
                " UNION ALL SELECT certificate FROM searches WHERE number = ?",
                (number, number),
            ).fetchone()
        if row is None:
            raise Refusal(404, "no_certificate", "无此证明")
        body: bytes = row["certificate"]
        return body

    def certificate_pdf(self, number: str) -> bytes:
        """Return a certificate as the PDF that people are given."""
        facts = canonical.decode(self.certificate(number), max_bytes=BODY_MAX)
        if "cert_no" in facts:
            paper = certificates.search_paper(certificates.read_search(facts))
        else:
            paper = certificates.registration_paper(certificates.read_registration(facts))
        return typesetting.paper(paper)

    def _next_number(self, db: sqlite3.Connection) -> str:
        return self._number("", 1 + db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def _number(self, kind: str, sequence: int | None) -> str:
        """Return a paper's number: the business date, then a running number."""
        return f"{kind}{self._books.clock.today():%Y%m%d}{sequence or 0:012d}"

    def _enter(
        self, db: sqlite3.Connection, reference: str, asked: BaseModel, content: Certificate
    ) -> None:
        reg_no = "" if content.kind is EntryKind.INITIAL else content.initial_no
        certificate = canonical.encode(certificates.registration_facts(content))
        insert(
            db,
            "entries",
            {
                "number": content.number,
                "reference": reference,
                "fingerprint": _fingerprint(asked, reg_no),
                "initial_no": content.initial_no,
                "certificate": certificate,
            },
        )
        signed = json.dumps(self._key.sign(reference, content, certificate).to_json())
        insert(db, "receipts", {"number": content.number, "receipt": signed})


def _content(given: ContentIn) -> dict[str, Any]:
    """Return what a filing says, as a certificate's members. Raises Refusal."""
    try:
        amount = Money.parse(given.amount, given.currency)
    except SCFError as error:
        raise Refusal(422, "amount", "金额或币种不正确") from error
    return {
        "business": given.business,
        "secured_party": Enrolled(**given.secured_party.model_dump()),
        "grantor": Enrolled(**given.grantor.model_dump()),
        "contract_no": given.contract_no,
        "amount": amount,
        "description": given.description,
        "items": tuple(given.items),
    }


def _fingerprint(asked: BaseModel, reg_no: str) -> str:
    said = {"reg_no": reg_no, **asked.model_dump(mode="json")}
    return hashlib.sha256(canonical.encode(said)).hexdigest()


def _known(
    db: sqlite3.Connection, reference: str, asked: BaseModel, reg_no: str = ""
) -> sqlite3.Row | None:
    """Return what was filed under a reference. Raises Refusal where that was something else."""
    row = _entry(db, reference)
    if row is not None and row["fingerprint"] != _fingerprint(asked, reg_no):
        raise Refusal(409, "reference_reused", "该业务参考号已用于另一登记")
    return row


def _entry(db: sqlite3.Connection, reference: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM entries WHERE reference = ?", (reference,)
    ).fetchone()
    return row


def _read(row: sqlite3.Row) -> Certificate:
    return certificates.read_registration(canonical.decode(row["certificate"], max_bytes=BODY_MAX))


def _first(db: sqlite3.Connection, reg_no: str) -> Certificate:
    """Return the initial registration of a number. Raises Refusal."""
    row = db.execute(
        "SELECT * FROM entries WHERE number = ? AND initial_no = ?", (reg_no, reg_no)
    ).fetchone()
    if row is None:
        raise Refusal(404, "not_registered", "无此登记")
    return _read(row)


def _standing(db: sqlite3.Connection, reg_no: str) -> Certificate:
    """Return what stands under an initial registration's number. Raises Refusal."""
    _first(db, reg_no)
    newest = db.execute(
        "SELECT * FROM entries WHERE initial_no = ? ORDER BY seq DESC LIMIT 1", (reg_no,)
    ).fetchone()
    found = _read(newest)
    if found.kind is EntryKind.CANCELLED:
        raise Refusal(409, "cancelled", "登记已注销")
    return found


def _answer(db: sqlite3.Connection, reference: str) -> dict[str, Any]:
    """Return an entry as filers are answered. Raises Refusal."""
    row = _entry(db, reference)
    if row is None:
        raise Refusal(404, "not_registered", "无此登记")
    found = _read(row)
    signed = db.execute("SELECT receipt FROM receipts WHERE number = ?", (found.number,)).fetchone()
    state = db.execute(
        "SELECT cancelled_at FROM live WHERE number = ?", (found.initial_no,)
    ).fetchone()
    return {
        "reg_no": found.number,
        "reference": reference,
        "registered_at": instant_text(found.registered_at),
        "expires_on": found.expires_on.isoformat(),
        "cancelled_at": state["cancelled_at"],
        "certificate": bytes(row["certificate"]).decode(),
        "receipt": json.loads(signed["receipt"]) if signed else None,
    }


def _make_live(
    db: sqlite3.Connection, entry: Certificate, description: str, items: tuple[str, ...]
) -> None:
    """Let searches find collateral from an entry's time on."""
    insert(
        db,
        "live",
        {
            "number": entry.number,
            "initial_no": entry.initial_no,
            "grantor_uscc": entry.grantor.uscc,
            "expires_on": entry.expires_on.isoformat(),
            "finding": _found(entry, description, items),
        },
    )


def _keep_live(db: sqlite3.Connection, entry: Certificate) -> None:
    """Let searches find the changed content under the number and time that it had."""
    finding = _found(entry, entry.description, entry.items)
    values = (finding, entry.grantor.uscc, entry.number)
    db.execute("UPDATE live SET finding = ?, grantor_uscc = ? WHERE number = ?", values)


def _found(entry: Certificate, description: str, items: tuple[str, ...]) -> bytes:
    finding = Finding(entry.number, entry.registered_at, entry.secured_party, description, items)
    return canonical.encode(certificates.finding_facts(finding))
