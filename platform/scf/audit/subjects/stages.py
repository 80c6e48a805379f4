"""Orders and goods: what each says and how it was reduced, folded again from its events."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, histories, rows
from scf.kernel.ids import parse_id
from scf.lineage.models import State


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every stage, its paper and its reductions to its events. Raises Different."""
    papers = {row["id"]: row for row in rows(session, "trade_documents", "id")}
    reductions: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "stage_reductions", "stage_id", "event_id"):
        report.rows["stage_reductions"] += 1
        reductions.setdefault(row["stage_id"], []).append(row)
    for history in histories(session, "trade_stages", report):
        row, first = history.row, history.told[0]
        paper = papers.get(row["document_id"])
        shown = {
            **row,
            "kind": row["kind"].value,
            "seller": codes.get(row["seller_id"]),
            "buyer": codes.get(row["buyer_id"]),
            "document_id": paper and (paper["number"], paper["original_sha256"]),
        }
        said = first.record
        expected = {
            "kind": said["kind"],
            "seller": said["seller"],
            "buyer": said["buyer"],
            "document_id": (said["number"], first.bytes("original_sha256")),
            "registered_at": first.at,
            **_confirmed(history),
        }
        expect_row("trade_stages", history.key, shown, expected)
        _check_reductions(history, reductions.pop(row["id"], []))
    expect("stage_reductions", "*", "stage_id", sorted(map(str, reductions)), [])


def _confirmed(history: History) -> dict[str, Any]:
    told = history.last("stage.confirmed")
    if told is None:
        nothing = ("confirmed_minor", "due_on", "pool_id", "confirmed_event_hash")
        return {"state": State.REGISTERED, **dict.fromkeys(nothing)}
    return {
        "state": State.CONFIRMED,
        "currency": told.money("confirmed").currency,
        "confirmed_minor": told.minor("confirmed"),
        "due_on": told.day("due_on"),
        "pool_id": parse_id("cap", told.record["pool"]),
        "confirmed_event_hash": told.hash,
    }


def _check_reductions(history: History, stored: list[RowMapping]) -> None:
    told = history.of("stage.reduced")
    expect("stage_reductions", history.key, "event_id", len(stored), len(told))
    for row, event in zip(stored, told, strict=True):
        expected = {
            "event_id": event.id,
            "party_id": event.actor,
            "amount_minor": event.minor("amount"),
            "reason": event.record["reason"],
            "told_at": event.at,
        }
        expect_row("stage_reductions", history.key, row, expected)
