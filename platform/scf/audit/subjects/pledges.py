"""Pledges: the row, its registration, its lock and its searches, folded again from the events."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.evidence.models import Event
from scf.kernel.clock import business_date, parse_instant
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.pledges import rules
from scf.pledges.kinds import Security
from scf.pledges.models import LockState, State
from scf_ledger.encoding import b64url, from_b64url

GROUNDS = ("receivable_id", "stage_id", "receipt_id")
STATES = {
    "pledge.proposed": State.PROPOSED,
    "pledge.signed": State.SIGNED,
    "pledge.accepted": State.RESERVED,
    "pledge.registered": State.EFFECTIVE,
    "pledge.released": State.RELEASED,
}


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every pledge and what hangs on it to its events. Raises Different."""
    registrations = _by_pledge(session, "pledge_registrations", report)
    locks = _by_pledge(session, "pledge_locks", report)
    claims: dict[UUID, tuple[bytes, ...]] = {
        row["id"]: (row["confirmed_event_hash"],)
        for name in ("receivables", "trade_stages")
        for row in rows(session, name, "id")
    } | titles(session)
    searches: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "pledge_searches", "pledge_id", "id"):
        report.rows["pledge_searches"] += 1
        searches.setdefault(row["pledge_id"], []).append(row)
    filings = _of_pledge(session, "registry_filings", report)
    objections = _of_pledge(session, "registry_objections", report)
    converted = {
        row["holder_id"]: row["entered_at"]
        for row in rows(session, "pool_entries", "entered_at")
        if row["kind"] == "CONVERT" and row["holder_id"]
    }
    for paper in _of_pledge(session, "registry_papers", report).values():
        _check_papers(paper)
    for history in histories(session, "pledges", report):
        identity = history.row["id"]
        shown = {
            **history.row,
            "pledgor_id": codes.get(history.row["pledgor_id"]),
            "pledgee_id": codes.get(history.row["pledgee_id"]),
        }
        expect_row("pledges", history.key, shown, _expected(history))
        grounds = [history.row[name] for name in GROUNDS if history.row[name]]
        expect("pledges", history.key, "receivable_id, stage_id, receipt_id", len(grounds), 1)
        confirmed = claims.get(grounds[0], ())
        known = history.row["receivable_event"] in confirmed
        expect("pledges", history.key, "receivable_event", known, True)
        for name, found in (("pledge_registrations", registrations), ("pledge_locks", locks)):
            expect(name, history.key, "pledge_id", identity in found, True)
        _check_registration(history, registrations[identity])
        _check_lock(history, locks[identity], converted.get(identity))
        _check_searches(history, searches.get(identity, []))
        _check_filings(history, filings.pop(identity, []))
        _check_objections(history, objections.pop(identity, []))
    for name, left in (("registry_filings", filings), ("registry_objections", objections)):
        expect(name, "*", "pledge_id", [str(identity) for identity in left], [])


def titles(session: Session) -> dict[UUID, tuple[bytes, ...]]:
    """Return by which issue and endorsements receipts were held."""
    found: dict[UUID, tuple[bytes, ...]] = {}
    told = select(Event.subject_id, Event.body_hash).where(
        Event.type.in_(("receipt.issued", "receipt.endorsed"))
    )
    for receipt_id, body_hash in session.execute(told.order_by(Event.subject_id, Event.version)):
        found[receipt_id] = (*found.get(receipt_id, ()), body_hash)
    return found


def _by_pledge(session: Session, name: str, report: Report) -> Mapping[UUID, RowMapping]:
    found = {row["pledge_id"]: row for row in rows(session, name, "pledge_id")}
    report.rows[name] = len(found)
    return found


def _of_pledge(session: Session, name: str, report: Report) -> dict[UUID, list[RowMapping]]:
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, name, "pledge_id"):
        report.rows[name] += 1
        found.setdefault(row["pledge_id"], []).append(row)
    return found


def _expected(history: History) -> dict[str, Any]:
    proposed = history.told[0]
    terms, principal = proposed.record, proposed.record["principal"]
    amount, secured = proposed.measure("amount"), Money.from_json(principal["amount"])
    extended = history.last("pledge.extended")
    due = extended.record["principal"] if extended else principal
    signed, accepted = history.last("pledge.signed"), history.last("pledge.accepted")
    registered, released = history.last("pledge.registered"), history.last("pledge.released")
    called = history.last("pledge.recourse_called")
    taken = Security.of_json(terms.get("security"))
    expected = {
        "kind": taken.kind,
        "recourse": taken.recourse,
        "disclosed": taken.disclosed,
        "recourse_called_at": called and called.at,
        "pledgor_id": terms["pledgor"],
        "pledgee_id": terms["pledgee"],
        "receivable_event": from_b64url(terms["receivable_event"]),
        "pool_id": parse_id("cap", terms["pool"]),
        "currency": secured.currency,
        "unit": amount.unit,
        "amount_minor": amount.minor,
        "contract_sha256": from_b64url(principal["contract_sha256"]),
        "principal_minor": secured.minor,
        "rate": principal["rate"],
        "principal_due_on": date.fromisoformat(due["due_on"]),
        "expires_at": proposed.at + rules.PROPOSAL_LIVES,
        "signed_event": signed and signed.hash,
        "reserved_at": accepted and accepted.at,
        "legally_effective_at": registered and parse_instant(registered.record["registered_at"]),
        "released_at": released and released.at,
        "lock_final_at": _lock_final_at(history),
    }
    return expected | _state(history)


def _state(history: History) -> dict[str, Any]:
    newest = history.last(*STATES)
    assert newest is not None, "a pledge begins with its proposal"
    ended = history.last("pledge.cancelled")
    if ended is not None and newest.type not in ("pledge.registered", "pledge.released"):
        state = State.EXPIRED if history.row["lapsed"] else State.CANCELLED
        return {"state": state, "state_since": ended.at}
    found: dict[str, Any] = {"state": STATES[newest.type]}
    if history.row["ending"] is None:
        found["state_since"] = newest.at
    return found


def _lock_final_at(history: History) -> Any:
    newest = history.last("pledge.locked", "pledge.lock_lost")
    return newest.at if newest is not None and newest.type == "pledge.locked" else None


def _check_registration(history: History, row: RowMapping) -> None:
    registered = history.last("pledge.registered")
    released = history.last("pledge.released")
    raised = history.last("pledge.cancellation_due")
    due_on = rules.cancellation_due_on(business_date(released.at)) if released else None
    certificate = row["certificate"]
    expect_row(
        "pledge_registrations",
        history.key,
        {**row, "certificate": certificate and hashlib.sha256(certificate).digest()},
        {
            "reference": history.key,
            "reg_no": registered and registered.record["reg_no"],
            "registered_at": registered and parse_instant(registered.record["registered_at"]),
            "certificate": registered and registered.bytes("certificate_sha256"),
            "cancellation_due_on": due_on,
            "cancellation_raised_at": raised and raised.at,
        },
    )
    cancelled = history.last("pledge.cancelled")
    if released is not None:
        expect(
            "pledge_registrations",
            history.key,
            "cancelled_at",
            row["cancelled_at"] is not None,
            cancelled is not None,
        )


def _check_lock(history: History, row: RowMapping, converted_at: datetime | None) -> None:
    newest = history.last("pledge.locked", "pledge.lock_lost")
    if newest is None:
        return
    extended = history.last("pledge.extended")  # since then it is taken again, for longer
    again = extended is not None and extended.version > newest.version
    again |= converted_at is not None and converted_at >= newest.at  # and where its value stands
    if history.row["state"] is State.EFFECTIVE and newest.type == "pledge.locked" and not again:
        expected = {"state": LockState.FINAL, "since": newest.at}
        expect_row("pledge_locks", history.key, row, expected)
    if row["state"] is LockState.FINAL:
        tokens = [f"0x{token.hex()}" for token in row["tokens"] or ()]
        shown = {
            "tokens": tokens,
            "ticket_sha256": row["ticket_sha256"] and b64url(row["ticket_sha256"]),
            "tx_hash": row["tx_hash"] and f"0x{row['tx_hash'].hex()}",
        }
        said = newest.record
        told = {
            "tokens": said["tokens"],
            "ticket_sha256": said["ticket_sha256"],
            "tx_hash": said["tx"],
        }
        expect_row("pledge_locks", history.key, shown, told)


def _check_searches(history: History, searches: list[RowMapping]) -> None:
    """Hold searches to the events that name them; one that changed nothing is named by none."""
    named: dict[str, Told] = {}
    for told in history.of("pledge.searched"):
        named[told.record["cert_no"]] = told
    registered = history.last("pledge.registered")
    numbers = {row["cert_no"] for row in searches}
    wanted = [*named, *([registered.record["search_no"]] if registered else [])]
    missing = [number for number in wanted if number not in numbers]
    expect("pledge_searches", history.key, "cert_no", [], missing)
    for row in searches:
        found = named.get(row["cert_no"])
        if found is not None:
            shown = {"results_hash": b64url(row["results_hash"]), "clean": row["clean"]}
            expected = {name: found.record[name] for name in shown}
            expect_row("pledge_searches", row["cert_no"], shown, expected)
        elif registered is not None and registered.record["search_no"] == row["cert_no"]:
            expect("pledge_searches", row["cert_no"], "clean", row["clean"], True)


def _check_filings(history: History, filings: list[RowMapping]) -> None:
    """Hold what the register made of filings to the events that tell of it."""
    told = {
        one.record.get("change_no", one.record["reg_no"]): one
        for one in history.of("pledge.registered", "pledge.registration_changed")
    }
    taken = {row["number"]: row for row in filings if row["number"] is not None}
    first = history.last("pledge.registered")
    for row in taken.values():
        event = first if row["change"] == "registered" else told.pop(row["number"], None)
        expect("registry_filings", history.key, "number", event is not None, True)
        assert event is not None
        if event is first:
            told.pop(event.record["reg_no"], None)
        shown = {
            "registered_at": row["registered_at"],
            "certificate": hashlib.sha256(row["certificate"]).digest(),
            "expires_on": row["expires_on"].isoformat(),
        }
        said = event.record
        expected = {
            "registered_at": parse_instant(said["registered_at"]),
            "certificate": event.bytes("certificate_sha256"),
            "expires_on": said.get("expires_on", shown["expires_on"]),
        }
        expect_row("registry_filings", str(row["number"]), shown, expected)
    expect("registry_filings", history.key, "number", [], sorted(told))


def _check_objections(history: History, objections: list[RowMapping]) -> None:
    shown = {row["number"]: row["objected_at"] for row in objections}
    told = {
        one.record["objection_no"]: parse_instant(one.record["objected_at"])
        for one in history.of("pledge.objected")
    }
    expect("registry_objections", history.key, "objected_at", shown, told)


def _check_papers(papers: list[RowMapping]) -> None:
    for row in papers:
        digest = hashlib.sha256(row["content"]).digest()
        expect("registry_papers", str(row["id"]), "sha256", row["sha256"], digest)
