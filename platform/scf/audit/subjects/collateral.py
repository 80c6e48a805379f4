"""Control agreements and margin calls by their events; every mark derived again from its lines, debt and terms."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.collateral.models import State
from scf.collateral.valuation import Exposure, Goods, Terms, interest_accrued, stand, value_of
from scf.kernel.ids import parse_id
from scf.kernel.money import Money, parse_rate
from scf.kernel.quantity import UNITS
from scf_ledger.encoding import b64url

Grouped = dict[UUID, list[RowMapping]]
FACTS: Final = {
    "control_debts": "control.debt_stated",
    "control_insurances": "control.insured",
    "controlled_pledges": "control.covered",
}
"""Table -> the event of the agreement that each of its rows tells."""


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold agreements, what was said of them, marks and calls to events and arithmetic. Raises Different."""
    facts = {name: _grouped(session, name, "agreement_id", report) for name in FACTS}
    lines = _grouped(session, "mark_lines", "mark_id", report)
    marks = _grouped(session, "marks", "agreement_id", report)
    known = {mark["id"] for of_one in marks.values() for mark in of_one}
    for history in histories(session, "control_agreements", report):
        _check_agreement(history, codes)
        own = {name: kept.pop(history.row["id"], []) for name, kept in facts.items()}
        for name, stored in own.items():
            _check_facts(name, history, stored)
        debts = {row["id"]: row for row in own["control_debts"]}
        watched = {row["pledge_id"]: row for row in own["controlled_pledges"]}
        of_day = marks.pop(history.row["id"], [])
        newest = max((row["id"] for row in of_day), default=None)
        expect("control_agreements", history.key, "mark_id", history.row["mark_id"], newest)
        last = max(debts, default=None)
        expect("control_agreements", history.key, "debt_id", history.row["debt_id"], last)
        for mark in of_day:
            _check_mark(history, mark, lines.pop(mark["id"], []), debts, watched)
    for name, left in (*facts.items(), ("marks", marks), ("mark_lines", lines)):
        expect(name, "*", "agreement_id", sorted(map(str, left)), [])
    _check_calls(session, report, known)


def _check_agreement(history: History, codes: Mapping[UUID, str]) -> None:
    row, said = history.row, history.told[0].record
    shown = {
        **row,
        "pledgor_id": codes.get(row["pledgor_id"]),
        "pledgee_id": codes.get(row["pledgee_id"]),
        "supervisor_id": codes.get(row["supervisor_id"]),
        "contract_sha256": b64url(row["contract_sha256"]),
        "kind": row["kind"].value,
    }
    agreed, ended = history.last("control.agreed"), history.last("control.ended")
    state = State.ENDED if ended else State.AGREED if agreed else State.PROPOSED
    names = ("advance_bps", "warning_bps", "disposal_bps", "price_fall_bps", "stale_bps")
    expected = {
        "pledgor_id": said["pledgor"],
        "pledgee_id": said["pledgee"],
        "supervisor_id": said["supervisor"],
        "contract_sha256": said["contract_sha256"],
        "kind": said["kind"],
        "currency": said["currency"],
        "insured": said["insured"],
        "goods": said["goods"],
        "floor_minor": said["floor"] and Money.from_json(said["floor"]).minor,
        **{name: said["shares_bps"].get(name) for name in names},
        **said["days"],
        "state": state,
        "state_since": (ended or agreed or history.told[0]).at,
        "proposed_at": history.told[0].at,
    }
    expect_row("control_agreements", history.key, shown, expected)
    told = {name: value for name, value in said.items() if name not in ("id", "actor", "at")}
    expect("control_agreements", history.key, "content", row["content"], told)


def _check_facts(name: str, history: History, stored: list[RowMapping]) -> None:
    told = {event.id: event for event in history.of(FACTS[name])}
    expect(name, history.key, "event_id", sorted(row["event_id"] for row in stored), sorted(told))
    for row in stored:
        event = told[row["event_id"]]
        expect_row(name, history.key, row, _SAID[name](event))


def _debt(event: Told) -> dict[str, Any]:
    return {
        "as_of_on": event.day("as_of_on"),
        "principal_minor": event.minor("principal"),
        "interest_minor": event.minor("interest"),
        "reserve_minor": event.minor("reserve"),
        "rate": event.record["rate"],
        "receipt_no": event.record["receipt_no"],
        "stated_at": event.at,
    }


def _insurance(event: Told) -> dict[str, Any]:
    return {
        "insurer": event.record["insurer"],
        "policy": event.record["policy"],
        "amount_minor": event.minor("amount"),
        "first_on": event.day("first_on"),
        "last_on": event.day("last_on"),
        "told_at": event.at,
    }


def _covered(event: Told) -> dict[str, Any]:
    said = event.record
    return {
        "pledge_id": parse_id("plg", said["pledge"]),
        "goods": said["goods"],
        "warehouse": said["warehouse"],
        "unit": said["quantity"]["unit"],
        "series_id": parse_id("prs", said["series"]),
        "pledged_minor": event.minor("price"),
        "quantity_minor": event.minor("quantity"),
        "invoice_minor": said["invoice_price"] and event.minor("invoice_price"),
        "replaces_id": said["replaces"] and parse_id("plg", said["replaces"]),
        "covered_at": event.at,
    }


_SAID: Final = {
    "control_debts": _debt,
    "control_insurances": _insurance,
    "controlled_pledges": _covered,
}


def _check_mark(
    history: History,
    mark: RowMapping,
    lines: list[RowMapping],
    debts: Mapping[UUID, RowMapping],
    watched: Mapping[UUID, RowMapping],
) -> None:
    key, row = str(mark["id"]), history.row
    currency, debt = row["currency"], debts.get(mark["debt_id"])
    expect("marks", key, "debt_id", debt is not None, True)
    assert debt is not None
    total = Money(0, currency)
    for line in lines:
        pledge = watched.get(line["pledge_id"])
        expect("mark_lines", key, "pledge_id", pledge is not None, True)
        assert pledge is not None
        value = _line_value(row, line, pledge)
        expect("mark_lines", key, "value_minor", line["value_minor"], value.minor)
        total += value
    terms = Terms(
        row["advance_bps"], row["warning_bps"], row["disposal_bps"], row["price_fall_bps"]
    )
    deepest = row["price_fall_bps"] if mark["fell"] and row["price_fall_bps"] is not None else 0
    standing = stand(
        total, _exposure(debt, mark["marked_on"], currency), terms, price_fell_bps=deepest
    )
    expected = {
        "value_minor": standing.value.minor,
        "exposure_minor": standing.exposure.minor,
        "floor_minor": standing.floor.minor,
        "warning_minor": standing.warning_below.minor,
        "disposal_minor": standing.disposal_at.minor,
        "goods_due_minor": standing.goods_due.minor,
        "cash_due_minor": standing.cash_due.minor,
        "stale": any(line["stale"] for line in lines),
        "fell": _fell(row, lines, watched),
        "line": standing.line,
    }
    expect_row("marks", key, mark, expected)


def _line_value(agreement: RowMapping, line: RowMapping, pledge: RowMapping) -> Money:
    currency, invoice = agreement["currency"], pledge["invoice_minor"]
    goods = Goods(
        quantity=line["quantity_minor"],
        per_unit=10 ** UNITS[pledge["unit"]][1],
        spot=Money(line["spot_minor"], currency),
        average=Money(line["average_minor"], currency),
        invoice=None if invoice is None else Money(invoice, currency),
        quality_bps=pledge["quality_bps"],
        liquidity_bps=pledge["liquidity_bps"],
    )
    return value_of(goods, stale_bps=agreement["stale_bps"] if line["stale"] else 0)


def _fell(
    agreement: RowMapping, lines: list[RowMapping], watched: Mapping[UUID, RowMapping]
) -> bool:
    limit = agreement["price_fall_bps"]
    if limit is None:
        return False
    pairs = [(watched[line["pledge_id"]]["pledged_minor"], line["spot_minor"]) for line in lines]
    return any((before - now) * 10_000 >= limit * before for before, now in pairs)


def _exposure(debt: RowMapping, on: date, currency: str) -> Money:
    principal = Money(debt["principal_minor"], currency)
    days = max((on - debt["as_of_on"]).days, 0)
    interest = interest_accrued(principal, parse_rate(debt["rate"]), days)
    so_far = Money(debt["interest_minor"], currency)
    return Exposure(principal, so_far + interest, Money(debt["reserve_minor"], currency)).total


def _check_calls(session: Session, report: Report, marks: set[UUID]) -> None:
    sold = _grouped(session, "disposals", "call_id", report)
    returned = _grouped(session, "surplus_returns", "call_id", report)
    for history in histories(session, "margin_calls", report):
        row, last = history.row, history.told[-1]
        raised = history.last(*(f"margin_call.{s}" for s in _MARKED))
        assert raised is not None, "a call begins with a mark"
        expected = {
            "agreement_id": parse_id("ctl", last.record["agreement"]),
            "state_since": last.at,
            "raised_at": history.told[0].at,
            "goods_due_minor": raised.minor("goods_due"),
            "cash_due_minor": raised.minor("cash_due"),
            "due_on": last.day("due_on"),
        }
        expect_row("margin_calls", history.key, row, expected)
        expect(
            "margin_calls", history.key, "state", f"margin_call.{row['state'].lower()}", last.type
        )
        expect("marks", history.key, "id", row["mark_id"] in marks, True)
        noticed = history.last("margin_call.noticed")
        from_on = noticed.day("sale_from_on") if noticed else None
        expect("margin_calls", history.key, "sale_from_on", row["sale_from_on"], from_on)
        _check_sale(history, sold.pop(row["id"], []), returned.pop(row["id"], []))
    for name, left in (("disposals", sold), ("surplus_returns", returned)):
        expect(name, "*", "call_id", sorted(map(str, left)), [])


_MARKED: Final = ("warned", "called", "breached", "lifted", "cured")


def _check_sale(history: History, sold: list[RowMapping], returned: list[RowMapping]) -> None:
    sale, settled = history.of("margin_call.sold"), history.of("margin_call.settled")
    expect("disposals", history.key, "event_id", len(sold), len(sale))
    expect("surplus_returns", history.key, "event_id", len(returned), len(settled))
    for row, event in zip(sold, sale, strict=True):
        said = ("buyer", "manner", "evidence")
        amounts = ("proceeds", "market", "owed", "surplus")
        expected = {
            "event_id": event.id,
            "sold_on": event.day("sold_on"),
            **{name: event.record[name] for name in said},
            **{f"{name}_minor": event.minor(name) for name in amounts},
            "told_at": event.at,
        }
        expect_row("disposals", history.key, row, expected)
    for row, event in zip(returned, settled, strict=True):
        expected = {
            "event_id": event.id,
            "returned_on": event.day("returned_on"),
            "receipt_no": event.record["receipt_no"],
            "told_at": event.at,
        }
        expect_row("surplus_returns", history.key, row, expected)


def _grouped(session: Session, name: str, by: str, report: Report) -> Grouped:
    found: Grouped = {}
    for row in rows(session, name, by):
        report.rows[name] += 1
        found.setdefault(row[by], []).append(row)
    return found
