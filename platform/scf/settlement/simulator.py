"""A stand-in for a bank's gateway (银企直联): a process of its own, with its own store.

It takes pain.001 files, executes them on their working day, and issues a camt.054 for every transfer and a
camt.053 for every account and day. `python -m scf.settlement.simulator --port 8703`; its books are kept under
`$SCF_DATA/bank/`. Its clock is business time, as a bank's would be.
"""

import base64
import hashlib
import sqlite3
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query

from scf.documents.parsing import xml
from scf.documents.parsing.values import money_value
from scf.documents.parsing.xml import Node
from scf.http.bodies import RawBody
from scf.http.simulating import Books, Refusal, face, insert, serve
from scf.kernel.calendar import is_working_day
from scf.kernel.clock import Clock, instant_text, parse_date
from scf.kernel.errors import Refused
from scf.kernel.money import SCALES
from scf.settlement import issuing, pain

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (
  message_id TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  execute_on TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS transfers (
  message_id TEXT NOT NULL REFERENCES files,
  position INTEGER NOT NULL,
  end_to_end TEXT NOT NULL,
  minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  from_account TEXT NOT NULL, from_name TEXT NOT NULL, from_bank TEXT NOT NULL,
  to_account TEXT NOT NULL, to_name TEXT NOT NULL, to_bank TEXT NOT NULL,
  remittance TEXT NOT NULL,
  PRIMARY KEY (message_id, position)
) STRICT;
CREATE TABLE IF NOT EXISTS entries (
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL, bank TEXT NOT NULL,
  direction TEXT NOT NULL, reversal INTEGER NOT NULL,
  minor INTEGER NOT NULL, currency TEXT NOT NULL,
  booked_on TEXT NOT NULL, end_to_end TEXT NOT NULL, remittance TEXT NOT NULL,
  other_account TEXT NOT NULL, other_name TEXT NOT NULL, other_bank TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS reports (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS closed_accounts (account TEXT PRIMARY KEY) STRICT;
"""
REPORTS_MAX: Final = 200  # handed out at a time
CLOSED: Final = "AC04"  # ISO 20022 status reasons
WRONG_SUM: Final = "AM10"
WRONG_COUNT: Final = "AM18"


class Bank:
    """The bank's accounts, as far as they move through files."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def submit(self, file: bytes) -> dict[str, Any]:
        """Take a file in, once per MsgId: the same file again gets the same answer."""
        read = _read(file)
        fingerprint = hashlib.sha256(file).hexdigest()
        with self._books.writing() as db:
            row = _file(db, read["message_id"])
            if row is None:
                self._enter(db, read, fingerprint)
            elif row["fingerprint"] != fingerprint:
                raise Refusal(409, "message_id_reused", "该报文标识号已用于另一文件")
            self._execute(db)
            return _answer(_file(db, read["message_id"]))

    def status(self, message_id: str) -> dict[str, Any]:
        """Say what became of a file."""
        with self._books.writing() as db:
            self._execute(db)
            row = _file(db, message_id)
            if row is None:
                raise Refusal(404, "no_such_file", "无此报文")
            return _answer(row)

    def reports(self, after: int, limit: int) -> dict[str, Any]:
        """Hand out reports, oldest first."""
        with self._books.writing() as db:
            self._execute(db)
            rows = db.execute(
                "SELECT * FROM reports WHERE number > ? ORDER BY number LIMIT ?",
                (after, limit),
            )
            shown = [
                {"number": row["number"], "body": base64.b64encode(row["body"]).decode()}
                for row in rows
            ]
        return {"reports": shown}

    def close(self, account: str) -> dict[str, Any]:
        """Close an account: what is to go there is rejected."""
        with self._books.writing() as db:
            db.execute("INSERT OR IGNORE INTO closed_accounts VALUES (?)", (account,))
        return {"account": account}

    def take_back(self, end_to_end: str) -> dict[str, Any]:
        """Take the newest credit of a transfer back, and tell both sides."""
        with self._books.writing() as db:
            rows = db.execute(
                "SELECT * FROM entries WHERE end_to_end = ? AND reversal = 0"
                " ORDER BY number DESC LIMIT 2",
                (end_to_end,),
            ).fetchall()
            if not rows:
                raise Refusal(404, "no_such_transfer", "无此转账")
            for row in rows:
                turned = "DBIT" if row["direction"] == "CRDT" else "CRDT"
                self._book(
                    db, {**dict(row), "direction": turned, "reversal": 1}, self._books.clock.today()
                )
        return {"end_to_end": end_to_end}

    def _enter(self, db: sqlite3.Connection, read: dict[str, Any], fingerprint: str) -> None:
        reason = read["reason"] or _closed(db, read["transfers"])
        state = "REJECTED" if reason else "ACCEPTED"
        values = (read["message_id"], fingerprint, read["execute_on"].isoformat(), state, reason)
        db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", values)
        for position, transfer in enumerate(read["transfers"], 1):
            named = {"message_id": read["message_id"], "position": position, **transfer}
            insert(db, "transfers", named)

    def _execute(self, db: sqlite3.Connection) -> None:
        """Execute what is due, on working days only."""
        today = self._books.clock.today()
        if not is_working_day(today):
            return
        due = db.execute(
            "SELECT message_id FROM files WHERE state = 'ACCEPTED' AND execute_on <= ?"
            " ORDER BY message_id",
            (today.isoformat(),),
        ).fetchall()
        for row in due:
            accounts = self._transfer(db, row["message_id"], today)
            db.execute(
                "UPDATE files SET state = 'EXECUTED' WHERE message_id = ?", (row["message_id"],)
            )
            for account in sorted(accounts):
                self._issue_statement(db, account, today)

    def _transfer(self, db: sqlite3.Connection, message_id: str, today: date) -> set[str]:
        rows = db.execute(
            "SELECT * FROM transfers WHERE message_id = ? ORDER BY position", (message_id,)
        ).fetchall()
        for row in rows:
            common = {name: row[name] for name in ("minor", "currency", "end_to_end", "remittance")}
            for side, other, direction in (("from", "to", "DBIT"), ("to", "from", "CRDT")):
                entry = {
                    **common,
                    "account": row[f"{side}_account"],
                    "bank": row[f"{side}_bank"],
                    "direction": direction,
                    "reversal": 0,
                    "other_account": row[f"{other}_account"],
                    "other_name": row[f"{other}_name"],
                    "other_bank": row[f"{other}_bank"],
                }
                self._book(db, entry, today)
        return {row[f"{side}_account"] for row in rows for side in ("from", "to")}

    def _book(self, db: sqlite3.Connection, entry: dict[str, Any], today: date) -> None:
        """Book an entry and issue its camt.054."""
        number = db.execute("SELECT coalesce(max(number), 0) + 1 FROM entries").fetchone()[0]
        entry = {**entry, "number": number, "booked_on": today.isoformat()}
        insert(db, "entries", entry)
        self._issue(db, "054", f"N{number:012d}", [entry])

    def _issue_statement(self, db: sqlite3.Connection, account: str, today: date) -> None:
        rows = db.execute(
            "SELECT * FROM entries WHERE account = ? AND booked_on = ? ORDER BY number",
            (account, today.isoformat()),
        ).fetchall()
        self._issue(db, "053", f"S{today:%Y%m%d}-{account}"[:35], [dict(row) for row in rows])

    def _issue(
        self, db: sqlite3.Connection, kind: str, name: str, entries: list[dict[str, Any]]
    ) -> None:
        body = issuing.write(kind, name, instant_text(self._books.clock.now()), entries)
        db.execute("INSERT INTO reports (body) VALUES (?)", (body,))


def _file(db: sqlite3.Connection, message_id: str) -> Any:
    return db.execute("SELECT * FROM files WHERE message_id = ?", (message_id,)).fetchone()


def _answer(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("message_id", "state", "reason")}


def _closed(db: sqlite3.Connection, transfers: list[dict[str, Any]]) -> str | None:
    accounts = [transfer["to_account"] for transfer in transfers]
    closed = {row["account"] for row in db.execute("SELECT account FROM closed_accounts")}
    return CLOSED if closed.intersection(accounts) else None


def _read(file: bytes) -> dict[str, Any]:
    """Read a pain.001.001.09. Raises Refusal."""
    try:
        root = xml.load(file)
        if root.namespace != pain.NAMESPACE:
            raise Refusal(400, "not_pain_001", "仅受理 pain.001.001.09")
        body = root.require("CstmrCdtTrfInitn")
        header, payment = body.require("GrpHdr"), body.require("PmtInf")
        side = _side(payment, "Dbtr", "from")
        transfers = [_transfer(node, side) for node in payment.all("CdtTrfTxInf")]
        return {
            "message_id": header.require_text("MsgId"),
            "execute_on": parse_date(payment.require_text("ReqdExctnDt", "Dt")),
            "transfers": transfers,
            "reason": _check_sums(header, transfers) or _check_sums(payment, transfers),
        }
    except Refused as error:
        raise Refusal(400, error.code, error.title) from error


def _check_sums(node: Node, transfers: list[dict[str, Any]]) -> str | None:
    if node.require_text("NbOfTxs") != str(len(transfers)):
        return WRONG_COUNT
    currency = transfers[0]["currency"] if transfers else "CNY"
    total = money_value(node.require_text("CtrlSum"), currency, field="CtrlSum")
    return None if total.minor == sum(one["minor"] for one in transfers) else WRONG_SUM


def _transfer(node: Node, side: dict[str, str]) -> dict[str, Any]:
    amount = node.require("Amt", "InstdAmt")
    currency = amount.element.get("Ccy") or ""
    if currency not in SCALES:
        raise Refusal(400, "currency", "不支持的币种")
    return {
        "end_to_end": node.require_text("PmtId", "EndToEndId"),
        "minor": money_value(amount.text, currency, field="InstdAmt").minor,
        "currency": currency,
        **side,
        **_side(node, "Cdtr", "to"),
        "remittance": node.text_of("RmtInf", "Ustrd"),
    }


def _side(node: Node, party: str, word: str) -> dict[str, str]:
    return {
        f"{word}_account": node.require_text(f"{party}Acct", "Id", "Othr", "Id"),
        f"{word}_name": node.require_text(party, "Nm"),
        f"{word}_bank": node.require_text(f"{party}Agt", "FinInstnId", "Othr", "Id"),
    }


def create_app(bank: Bank) -> FastAPI:
    """Build the bank's HTTP interface."""
    app = face("银行网关（模拟） A bank's gateway, simulated")

    @app.post("/payments", status_code=201)
    def submit(file: RawBody) -> dict[str, Any]:
        return bank.submit(file)

    @app.get("/payments/{message_id}")
    def status(message_id: str) -> dict[str, Any]:
        return bank.status(message_id)

    @app.get("/reports")
    def reports(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=REPORTS_MAX)] = REPORTS_MAX,
    ) -> dict[str, Any]:
        return bank.reports(after, limit)

    @app.post("/accounts/{account}/closure")
    def close(account: str) -> dict[str, Any]:
        return bank.close(account)

    @app.post("/transfers/{end_to_end}/reversal")
    def take_back(end_to_end: str) -> dict[str, Any]:
        return bank.take_back(end_to_end)

    return app


def _open(data: Path, clock: Clock) -> FastAPI:
    return create_app(Bank(Books(data / "bank" / "bank.sqlite3", SCHEMA, clock)))


if __name__ == "__main__":
    serve(_open, about=__doc__, port=8703)
