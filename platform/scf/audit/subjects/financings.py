"""Financings: the row, its contract and its receipts, folded again from the events."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.audit.subjects import ranks
from scf.financing.models import ReceiptKind, State
from scf.kernel.ids import public_id
from scf.pledges.kinds import Security
from scf_ledger.encoding import from_b64url

STATES = {
    "financing.requested": State.REQUESTED,
    "financing.approved": State.APPROVED,
    "financing.refused": State.REFUSED,
    "financing.contracted": State.CONTRACTED,
    "financing.disbursed": State.DISBURSED,
    "financing.closed": State.CLOSED,
}
DATES = ("starts_on", "due_on", "disbursed_on", "repaid_on")
RECEIPTS = {
    "financing.disbursed": (ReceiptKind.DISBURSEMENT, "disbursed_on"),
    "financing.repaid": (ReceiptKind.REPAYMENT, "repaid_on"),
}


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every financing and what hangs on it to its events. Raises Different."""
    contracts = _check_contracts(session, report)
    claims = {row["id"]: row["confirmed_event_hash"] for row in rows(session, "receivables", "id")}
    secured = {row["id"]: row for row in rows(session, "pledges", "id")}
    receipts: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "financing_receipts", "financing_id", "id"):
        report.rows["financing_receipts"] += 1
        receipts.setdefault(row["financing_id"], []).append(row)
    searches, kept = ranks.searches(session, codes, report), dict(ranks.kept(session, report))
    for history in histories(session, "financings", report):
        row = history.row
        own = receipts.pop(row["id"], [])
        shown = {
            **row,
            "borrower_id": codes.get(row["borrower_id"]),
            "lender_id": codes.get(row["lender_id"]),
            "receivable_id": claims.get(row["receivable_id"]),
        }
        expect_row("financings", history.key, shown, _expected(history, own))
        _check_receipts(history, own)
        ranks.check(history, kept.pop(row["id"], ()), searches)
        if row["contract_sha256"] is not None:
            found = contracts.get(row["contract_sha256"])
            expect("contracts", history.key, "financing_id", found, row["id"])
        if row["pledge_id"] is not None:
            _check_pledge(history, secured[row["pledge_id"]])
    expect("financing_receipts", "*", "financing_id", [public_id("fin", i) for i in receipts], [])
    expect("financing_ranks", "*", "financing_id", [public_id("fin", i) for i in kept], [])


def _check_pledge(history: History, pledge: RowMapping) -> None:
    """Hold the pledge to the contract, and what it is to what the bank offered to take."""
    row = history.row
    expect(
        "financings", history.key, "pledge_id", pledge["contract_sha256"], row["contract_sha256"]
    )
    taken = Security(pledge["kind"], pledge["recourse"], pledge["disclosed"])
    expect("financings", history.key, "security", row["security"], taken.to_json())


def _check_contracts(session: Session, report: Report) -> Mapping[bytes, UUID]:
    found = {}
    for row in rows(session, "contracts", "sha256"):
        report.rows["contracts"] += 1
        key = row["sha256"].hex()
        expect("contracts", key, "sha256", row["sha256"], hashlib.sha256(row["body"]).digest())
        found[row["sha256"]] = row["financing_id"]
    return found


def _expected(history: History, receipts: list[RowMapping]) -> dict[str, Any]:
    requested, newest = history.told[0], history.told[-1]
    approved = history.last("financing.approved")
    refused = history.last("financing.refused")
    asked, record = requested.money("amount"), newest.record
    expected: dict[str, Any] = {
        "borrower_id": record["borrower"],
        "lender_id": record["lender"],
        "receivable_id": from_b64url(record["receivable_event"]),
        "receivable_event": from_b64url(record["receivable_event"]),
        "currency": asked.currency,
        "requested_minor": asked.minor,
        "requested_days": requested.record["days"],
        "amount_minor": approved and approved.minor("amount"),
        "rate": record["rate"],
        "day_count": record["day_count"],
        "days": approved and approved.record["days"],
        "contract_sha256": newest.bytes("contract_sha256"),
        "reason": refused and refused.record["reason"],
        "repaid_minor": sum(told.minor("amount") for told in history.of("financing.repaid")),
        **{name: _day(newest, name) for name in DATES},
    }
    return expected | _state(history, receipts)


def _day(told: Told, name: str) -> Any:
    value = told.record["dates"].get(name)
    return value and date.fromisoformat(value)


def _state(history: History, receipts: list[RowMapping]) -> dict[str, Any]:
    """Return the state; interest is paid first, so it is repaid when the principal is."""
    moved, last = history.last(*STATES), history.told[-1]
    assert moved is not None, "a financing begins with its request"
    principal = sum(
        row["principal_minor"] for row in receipts if row["kind"] is ReceiptKind.REPAYMENT
    )
    if last.type == "financing.repaid" and principal == history.row["amount_minor"]:
        return {"state": State.REPAID, "state_since": last.at}
    return {"state": STATES[moved.type], "state_since": moved.at}


def _check_receipts(history: History, receipts: list[RowMapping]) -> None:
    told = {item.id: item for item in history.of(*RECEIPTS)}
    for row in receipts:
        item = told.pop(row["event_id"], None)
        key = str(row["id"])
        expect("financing_receipts", key, "event_id", item is not None, True)
        assert item is not None
        kind, day = RECEIPTS[item.type]
        amount = item.minor("amount")
        expect_row(
            "financing_receipts",
            key,
            {**row, "parts": row["principal_minor"] + row["interest_minor"]},
            {
                "lender_id": item.actor,
                "kind": kind,
                "receipt_no": item.record["receipt_no"],
                "receipt_on": _day(item, day),
                "amount_minor": amount,
                "parts": amount,
                "reported_at": item.at,
            },
        )
    left = [public_id("evt", identity) for identity in told]
    expect("financing_receipts", history.key, "event_id", left, [])
