"""Pools: entries say what events say, and sum to the row."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.capacity.models import PoolState
from scf.evidence.models import Event
from scf.kernel.ids import parse_id, public_id

PAYMENTS = ("receivable.paid", "receivable.payment_reversed")
"""What goes through a pool because money came or was taken back."""
_NOTED = text("""
SELECT d.head_hash FROM receivable_credit_notes n
JOIN documents d ON d.id = n.note_id JOIN receivables r ON r.id = n.receivable_id
WHERE r.pool_id = :pool
""")


def check(session: Session, _codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every pool, its sums and each of its entries to the events. Raises Different."""
    claims = {
        row["pool_id"]: row
        for row in rows(session, "receivables", "id")
        if row["pool_id"] is not None
    }
    pledgees = {row["id"]: row["pledgee_id"] for row in rows(session, "pledges", "id")}
    entries: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "pool_entries", "pool_id", "version"):
        report.rows["pool_entries"] += 1
        entries.setdefault(row["pool_id"], []).append(row)
    for history in histories(session, "pools", report):
        own = entries.pop(history.row["id"], [])
        expect("pool_entries", history.key, "version", len(own), len(history.told))
        confirmed = used = taken = 0
        for row, told in zip(own, history.told, strict=True):
            confirmed += told.minor("confirmed_delta")
            used += told.minor("used_delta")
            _check_entry(f"{history.key} {told.version}", row, told, pledgees)
            _check_sums(told, confirmed, used)
            if (_check_cause(session, history, told) or "").startswith(PAYMENTS):
                taken -= told.minor("confirmed_delta")
        claim = claims.get(history.row["id"])
        _check_row(history, confirmed, used, claim)
        stored = claim and claim["paid_taken_minor"] + claim["astray_taken_minor"]
        expect("receivables", history.key, "paid_taken_minor, astray_taken_minor", stored, taken)
    expect("pool_entries", "*", "pool_id", [public_id("cap", key) for key in entries], [])


def _check_entry(key: str, row: RowMapping, told: Told, pledgees: Mapping[UUID, UUID]) -> None:
    holder = told.record["holder"]
    holder_id = None if holder is None else parse_id("plg", holder)
    expect_row(
        "pool_entries",
        key,
        {**row, "kind": row["kind"].value},
        {
            "version": told.version,
            "kind": told.record["kind"],
            "confirmed_delta_minor": told.minor("confirmed_delta"),
            "used_delta_minor": told.minor("used_delta"),
            "holder": holder,
            "holder_id": holder_id,
            "party_id": None if holder_id is None else pledgees.get(holder_id),
            "entered_at": told.at,
        },
    )


def _check_sums(told: Told, confirmed: int, used: int) -> None:
    """Hold what an event says of the pool to the sums of what was told before it."""
    said = tuple(told.minor(name) for name in ("confirmed", "used", "shortfall"))
    sums = (confirmed, used, max(used - confirmed, 0))
    expect("events", public_id("evt", told.id), "record.confirmed, used, shortfall", said, sums)


def _check_cause(session: Session, history: History, told: Told) -> str | None:
    """Hold an event to the one that it says causes it, and return its type; a note's is recorded too."""
    cause = told.bytes("cause")
    found = session.scalar(select(Event.type).where(Event.body_hash == cause))
    key = public_id("evt", told.id)
    expect("events", key, "record.cause", found is not None, True)
    if found == "document.registered":
        noted = session.scalars(_NOTED, {"pool": history.row["id"]}).all()
        expect("receivable_credit_notes", history.key, "note_id", cause in noted, True)
    return found


def _check_row(history: History, confirmed: int, used: int, claim: RowMapping | None) -> None:
    opened = history.told[0]
    expected: dict[str, Any] = {
        "asset": opened.record["asset"],
        "asset_id": parse_id("rcv", opened.record["asset"]),
        "owner_id": claim and claim["creditor_id"],
        "currency": opened.money("confirmed").currency,
        "confirmed_minor": confirmed,
        "used_minor": used,
        "free_minor": max(confirmed - used, 0),
        "shortfall_minor": max(used - confirmed, 0),
        "state": PoolState.DILUTED if used > confirmed else PoolState.OPEN,
        "opened_at": opened.at,
    }
    expect_row("pools", history.key, history.row, expected)
