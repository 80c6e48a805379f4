"""Receivables: the row, its documents and its payments, folded again from the events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, Told, count, histories, rows
from scf.kernel.clock import business_date
from scf.kernel.ids import parse_id, public_id
from scf.kernel.money import Money
from scf.receivables import accounts, parts, rules
from scf.receivables.models import State
from scf_ledger.statement import parse_line, parse_statement

ANSWERS = ("receivable.disputed", "receivable.rejected", "receivable.confirmed")
WITHDRAWN = "receivable.withdrawn"


@dataclass
class Paid:
    """What came into the named account and into others, in fen; `ever` into the named one."""

    named: int = 0
    astray: int = 0
    ever: bool = False

    def add(self, minor: int, *, named: bool) -> None:
        """Count what came (positive) or was taken back (negative)."""
        if named:
            self.named += minor
            self.ever = True
        else:
            self.astray += minor


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every receivable and what hangs on it to its events. Raises Different."""
    documents = _grouped(session, "receivable_documents", "receivable_id", "position", report)
    payments = _grouped(session, "receivable_payments", "receivable_id", "id", report)
    taken_back = _grouped(session, "payment_reversals", "payment_id", "id", report)
    reservations = _reservations(session)
    for history in histories(session, "receivables", report):
        identity = history.row["id"]
        paid = _check_payments(history, payments.get(identity, []), taken_back, codes)
        shown = {
            **history.row,
            "creditor_id": codes.get(history.row["creditor_id"]),
            "debtor_id": codes.get(history.row["debtor_id"]),
        }
        reserved = reservations.get(identity, {})
        expect_row("receivables", history.key, shown, _expected(history, paid) | reserved)
        _check_documents(history, documents.get(identity, []))
    _check_notes(session, report)


def _grouped(
    session: Session, name: str, by: str, order: str, report: Report
) -> Mapping[UUID, list[RowMapping]]:
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, name, by, order):
        report.rows[name] += 1
        found.setdefault(row[by], []).append(row)
    return found


def _expected(history: History, paid: Paid) -> dict[str, Any]:
    submitted, *_ = history.told
    terms = history.last("receivable.submitted", "receivable.confirmed") or submitted
    record = terms.record
    confirmed = history.last("receivable.confirmed")
    claimed = terms.money("claimed")
    return {
        "programme_id": parse_id("prg", record["programme"]),
        "creditor_id": record["creditor"],
        "debtor_id": record["debtor"],
        "line_no": record["line_no"],
        "contract_no": record["contract_no"],
        "receipt_no": record["receipt_no"],
        "delivered_on": terms.day("delivered_on"),
        "due_on": terms.day("due_on"),
        "currency": claimed.currency,
        "claimed_minor": claimed.minor,
        "paid_minor": paid.named,
        "astray_minor": paid.astray,
        "submitted_at": submitted.at,
        "changed_at": history.told[-1].at,
        **_answered(history),
        **(_promised(history, confirmed) if confirmed else _NOT_PROMISED),
        "state": _state(history, paid),
    }


_NOTES = text("""
SELECT n.receivable_id, n.note_id, n.amount_minor, abs(d.payable_minor) AS note_minor,
  (SELECT coalesce(sum(b.payable_minor), 0)
   FROM receivable_documents l JOIN documents b ON b.id = l.document_id
   WHERE l.receivable_id = n.receivable_id AND b.seller_id = d.seller_id
     AND b.number = ANY(d.reverses)) AS taken_back_minor
FROM receivable_credit_notes n JOIN documents d ON d.id = n.note_id
ORDER BY n.note_id, n.receivable_id
""")


_SIGNED = text("""
SELECT e.subject_id, s.payload, l.disclosure
FROM events e JOIN statements s ON s.authorization_hash = e.authorizations[1]
LEFT JOIN statement_lines l ON l.draft_id = s.draft_id AND l.subject_id = e.subject_id
WHERE e.type = 'receivable.confirmed'
""")
_NOT_PROMISED: Mapping[str, Any] = {
    "pay_to": None,
    "parts": None,
    "no_setoff": None,
    "consents": None,
    "pool_id": None,
    "confirmed_event_hash": None,
    "retention_minor": None,
    "retention_due_on": None,
    "assignment_banned": None,
    "counterclaims": None,
}


def _promised(history: History, confirmed: Told) -> dict[str, Any]:
    account = history.last("receivable.confirmed", "receivable.account_changed") or confirmed
    split = history.last(parts.AGREED)
    return {
        "pay_to": account.record["pay_to"],
        "parts": split.record["parts"] if split else None,
        "no_setoff": confirmed.record["no_setoff"],
        "consents": confirmed.record["consents"],
        "pool_id": parse_id("cap", confirmed.record["pool"]),
        "confirmed_event_hash": confirmed.hash,
    }


def _reservations(session: Session) -> dict[UUID, dict[str, Any]]:
    """Return by receivable what its debtor reserved: it stands in what was signed, not in the record."""
    found = {}
    for identity, payload, line in session.execute(_SIGNED):
        with readable("statements", public_id("rcv", identity), "payload"):
            content: Mapping[str, Any] = parse_statement(payload).content
            if line is not None:
                content = parse_line(line).content
        retention = content.get("retention")
        kept = retention and Money.from_json(retention["amount"]).minor
        found[identity] = {
            "retention_minor": kept,
            "retention_due_on": retention and date.fromisoformat(retention["due_on"]),
            "assignment_banned": content.get("assignment_banned", False),
            "counterclaims": content.get("counterclaims", []),
        }
    return found


def _answered(history: History) -> dict[str, Any]:
    """Return the amounts and the reason of the debtor's newest answer."""
    answer = history.last(*ANSWERS)
    amounts = {"confirmed_minor": 0, "disputed_minor": 0, "rejected_minor": 0}
    if answer is None:
        return {**amounts, "reason": None, "reason_compliant": None}
    if answer.type == "receivable.confirmed":
        amounts = {f"{n}_minor": answer.minor(n) for n in ("confirmed", "disputed", "rejected")}
    elif answer.type == "receivable.disputed":
        amounts["disputed_minor"] = answer.minor("amount")
    else:
        amounts["rejected_minor"] = answer.minor("amount")
    reason = answer.record["reason"]
    return {
        **amounts,
        "reason": reason,
        "reason_compliant": None if reason is None else rules.is_compliant(reason),
    }


def _state(history: History, paid: Paid) -> State:
    if history.last(WITHDRAWN) is not None:
        return State.WITHDRAWN
    answer = history.last(*ANSWERS)
    if answer is None:
        return State.SUBMITTED
    if answer.type != "receivable.confirmed":
        return State.DISPUTED if answer.type == "receivable.disputed" else State.REJECTED
    if paid.ever:
        return State.PAID if paid.named >= answer.minor("confirmed") else State.PARTLY_PAID
    whole = answer.record["reason"] is None
    return State.CONFIRMED if whole else State.PARTIALLY_CONFIRMED


def _check_payments(
    history: History,
    payments: list[RowMapping],
    taken_back: Mapping[UUID, list[RowMapping]],
    codes: Mapping[UUID, str],
) -> Paid:
    """Hold payments and what was taken back of them to their events; return what came of them."""
    told = {item.id: item for item in history.of("receivable.paid", "receivable.payment_reversed")}
    paid = Paid()
    for row in payments:
        key = str(row["id"])
        item = _own(told, "receivable_payments", row, "receivable.paid")
        named, split = _went(history, item)
        amount = item.money("amount")
        expect_row(
            "receivable_payments",
            key,
            row,
            {
                "bank_id": item.actor,
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "paid_on": item.day("paid_on"),
                "account": item.record["account"],
                "bank": item.record.get("bank"),
                "to_named_account": named,
                "reported_at": item.at,
            },
        )
        expect("receivable_payments", key, "bank_id", row["bank_id"] in codes, True)
        # How much it took is held to the pool's entries; that it says so at all, to the split.
        expect("receivable_payments", key, "taken_minor", row["taken_minor"] is not None, split)
        paid.add(amount.minor, named=named)
        for reversal in taken_back.get(row["id"], ()):
            amount = _check_reversal(told, reversal, item)
            paid.add(-amount.minor, named=named)
    expect("receivable_payments", history.key, "event_id", [public_id("evt", e) for e in told], [])
    return paid


def _check_reversal(told: dict[UUID, Told], row: RowMapping, payment: Told) -> Money:
    item = _own(told, "payment_reversals", row, "receivable.payment_reversed")
    amount = item.money("amount")
    expect_row(
        "payment_reversals",
        str(row["id"]),
        row,
        {
            "bank_id": item.actor,
            "amount_minor": amount.minor,
            "reversed_on": item.day("reversed_on"),
            "reported_at": item.at,
        },
    )
    found = item.bytes("payment")
    expect("payment_reversals", str(row["id"]), "payment_id", payment.hash, found)
    return amount


def _own(told: dict[UUID, Told], name: str, row: RowMapping, type_: str) -> Told:
    """Return the event that a receipt's row names, which no other row names."""
    item = told.pop(row["event_id"], None)
    expect(name, str(row["id"]), "event_id", item and item.type, type_)
    assert item is not None
    return item


def _went(history: History, payment: Told) -> tuple[bool, bool]:
    """Say whether a payment went to an account that was named on its day, and was split, as known by then."""
    named = [
        accounts.Named(business_date(item.at), item.record["pay_to"])
        for item in history.of("receivable.confirmed", accounts.CHANGED)
        if item.version < payment.version
    ]
    assert named, "a payment is reported of a confirmed claim"
    day = date.fromisoformat(payment.record["paid_on"])
    expected = accounts.in_force(named, day)
    number, bank = payment.record["account"], payment.record.get("bank")
    agreed = [item for item in history.of(parts.AGREED) if item.version < payment.version]
    splits: list[tuple[date, parts.Split]] = [(date.min, ())]
    splits += [(business_date(item.at), item.record["parts"]) for item in agreed]
    to_part = parts.payee_of(accounts.on_day(splits, day), number, bank) is not None
    is_named = to_part or accounts.fits(expected, number, bank)
    return is_named, is_named and (to_part or bool(splits[-1][1]))


def _check_documents(history: History, documents: list[RowMapping]) -> None:
    rejected = history.last(*ANSWERS)
    live = rejected is None or rejected.type != "receivable.rejected"
    live = live and history.last(WITHDRAWN) is None
    named = history.told[0].record["documents"]
    stored = [(row["position"], public_id("doc", row["document_id"])) for row in documents]
    expected = [(n, item["id"]) for n, item in enumerate(named, 1)]
    expect("receivable_documents", history.key, "document_id", stored, expected)
    for row in documents:
        expect("receivable_documents", history.key, "live", row["live"], live)


def _check_notes(session: Session, report: Report) -> None:
    """Hold what credit notes took back to the notes: claim after claim, until a note is used up."""
    left: dict[UUID, int] = {}
    found = session.execute(_NOTES).mappings().all()
    name = "receivable_credit_notes"
    report.rows[name] = len(found)
    expect(name, "*", "note_id", len(found), count(session, name))
    for row in found:
        rest = left.get(row["note_id"], row["note_minor"])
        amount = min(rest, int(row["taken_back_minor"]))
        key = f"{public_id('rcv', row['receivable_id'])} {public_id('doc', row['note_id'])}"
        expect(name, key, "amount_minor", row["amount_minor"], amount)
        left[row["note_id"]] = rest - amount
