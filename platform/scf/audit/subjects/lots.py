"""Lots: what was put forward, seen, stored, counted, lost and found, folded again from the events."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.kernel.clock import business_date
from scf.kernel.ids import parse_id
from scf.stock import rules
from scf.stock.models import State

SAID = ("goods", "grade", "packing", "marks", "warehouse", "location", "loss_standard")


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every lot, its papers, single things, counts and changes to its events. Raises Different."""
    units = _of_lots(session, "lot_units", report, "lot_id", "name")
    papers = _of_lots(session, "lot_papers", report, "lot_id", "event_id")
    counts = _of_lots(session, "lot_counts", report, "lot_id", "event_id")
    changes = _of_lots(session, "lot_changes", report, "lot_id", "event_id")
    for history in histories(session, "lots", report):
        identity, first = history.row["id"], history.told[0]
        shown = {
            **history.row,
            **{
                role: codes.get(history.row[f"{role}_id"])
                for role in ("keeper", "depositor", "supervisor")
            },
        }
        expect_row("lots", history.key, shown, _expected(history))
        names = rules.names_sha256([row["name"] for row in units.pop(identity, [])])
        expect("lot_units", history.key, "name", names, first.record["units_sha256"])
        _check_told(history, "lot_papers", papers.pop(identity, []), "lot.paper_added", _paper)
        _check_told(history, "lot_counts", counts.pop(identity, []), "lot.counted", _count)
        _check_told(
            history, "lot_changes", changes.pop(identity, []), "lot.lost lot.found", _change
        )
    for name, left in (
        ("lot_units", units),
        ("lot_papers", papers),
        ("lot_counts", counts),
        ("lot_changes", changes),
    ):
        expect(name, "*", "lot_id", sorted(map(str, left)), [])


def _expected(history: History) -> dict[str, Any]:
    entered = history.told[0]
    said = entered.record
    stored = history.last("lot.stored")
    declared = entered.measure("declared")
    expected = {
        **{name: said[name] for name in ("keeper", "depositor", "supervisor", *SAID)},
        "unit": declared.unit,
        "declared_minor": declared.minor,
        "entered_at": entered.at,
        "stored_minor": stored and stored.minor("quantity"),
        "stored_on": stored and business_date(stored.at),
        "pool_id": stored and parse_id("cap", stored.record["pool"]),
        "stored_event_hash": stored and stored.hash,
    }
    return expected | _state(history)


def _state(history: History) -> dict[str, Any]:
    """Return where a lot stands once it is stored or turned away; until then nothing rests on it."""
    ended = history.last("lot.turned_away", "lot.stored")
    if ended is None:
        return {}
    state = State.STORED if ended.type == "lot.stored" else State.TURNED_AWAY
    return {"state": state, "state_since": ended.at}


def _check_told(
    history: History, name: str, stored: list[RowMapping], types: str, fold: Any
) -> None:
    """Hold the rows of one table to the events of their types, one each."""
    told = {event.id: event for event in history.of(*types.split())}
    expect(name, history.key, "event_id", len(stored), len(told))
    for row in stored:
        event = told.get(row["event_id"])
        expect(name, history.key, "event_id", event is not None, True)
        assert event is not None
        shown, expected = fold(row, event)
        expect_row(name, history.key, {**row, **shown}, expected)


def _paper(row: RowMapping, told: Told) -> tuple[dict[str, Any], dict[str, Any]]:
    shown = {"kind": row["kind"].value, "original": hashlib.sha256(row["original"]).digest()}
    digest = told.bytes("original_sha256")
    return shown, {
        **{name: told.record[name] for name in ("kind", "source", "number", "passed")},
        "made_on": told.day("made_on"),
        "quantity_minor": told.record["quantity"] and told.minor("quantity"),
        "original": digest,
        "original_sha256": digest,
        "order_id": told.record["order"] and parse_id("wdr", told.record["order"]),
        "added_at": told.at,
    }


def _count(_: RowMapping, told: Told) -> tuple[dict[str, Any], dict[str, Any]]:
    return {}, {
        "source": told.record["source"],
        "book_minor": told.minor("book"),
        "counted_minor": told.minor("counted"),
        "tolerance_minor": told.minor("tolerance"),
        "counted_at": told.at,
    }


def _change(_: RowMapping, told: Told) -> tuple[dict[str, Any], dict[str, Any]]:
    moved = told.minor("quantity")
    return {}, {
        "quantity_minor": moved if told.type == "lot.found" else -moved,
        "party_id": told.actor,
        "reason": told.record["reason"],
        "told_at": told.at,
    }


def _of_lots(
    session: Session, name: str, report: Report, *order: str
) -> dict[UUID, list[RowMapping]]:
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, name, *order):
        report.rows[name] += 1
        found.setdefault(row["lot_id"], []).append(row)
    return found
