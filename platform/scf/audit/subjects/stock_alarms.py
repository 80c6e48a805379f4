"""Alarms over goods, each folded again from its events; reports that were compared, held to their papers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, histories, rows
from scf.devices.alarm_models import StockAlarm, StockCheck
from scf.kernel.ids import parse_id, public_id
from scf.kernel.quantity import Quantity
from scf.stock.models import PaperKind


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold alarms to their events, and comparisons to the papers compared. Raises Different."""
    del codes
    alarms, checks = StockAlarm.__tablename__, StockCheck.__tablename__
    for history in histories(session, alarms, report):
        expect_row(alarms, history.key, history.row, _expected(history))
    papers = {
        row["event_id"]: row
        for row in rows(session, "lot_papers", "event_id")
        if row["kind"] is PaperKind.DAILY_STOCK
    }
    for row in rows(session, checks, "paper_event_id"):
        report.rows["stock_checks"] += 1
        key, paper = public_id("evt", row["paper_event_id"]), papers.get(row["paper_event_id"])
        expect("stock_checks", key, "paper_event_id", paper is not None, True)
        assert paper is not None
        expected = {"lot_id": paper["lot_id"], "counted_minor": paper["quantity_minor"]}
        expect_row("stock_checks", key, row, expected)


def _expected(history: History) -> dict[str, Any]:
    raised, lifted = history.told[0], history.last("alarm.lifted")
    book, counted, tolerance = (
        Quantity.from_json(raised.record[name]) for name in ("book", "counted", "tolerance")
    )
    return {
        "lot_id": parse_id("lot", raised.record["lot"]),
        "evidence": raised.record["source"],
        "unit": book.code,
        "book_minor": book.minor,
        "counted_minor": counted.minor,
        "tolerance_minor": tolerance.minor,
        "receipts": [parse_id("whr", one) for one in raised.record["receipts"]],
        "raised_at": raised.at,
        "lifted_at": lifted and lifted.at,
    }
