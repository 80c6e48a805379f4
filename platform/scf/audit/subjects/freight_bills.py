"""Tariffs, bills and their settlements, folded again from the bills' events."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.kernel.ids import parse_id, public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.transit.bill_models import BillState, SettlementState

BILL: Final = "freight_bills"
ITEM: Final = "freight_bill_items"
SETTLEMENT: Final = "freight_settlements"
PART: Final = "freight_settlement_parts"
INSTRUCTED: Final = "freight_bill.instructed"
PAID: Final = "freight_bill.paid"
BACK: Final = "freight_bill.payment_reversed"
STATES: Final = {
    "freight_bill.entered": BillState.ENTERED,
    "freight_bill.issued": BillState.ISSUED,
    "freight_bill.withdrawn": BillState.WITHDRAWN,
}
Settled = dict[str, list[tuple[History, Told]]]
"""What bills told of settlements: by the settlement's id, the bill and the event."""


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold tariffs, bills with their items, and settlements with their parts to the events. Raises Different."""
    for history in histories(session, "storage_tariffs", report):
        _check_tariff(history, codes)
    items: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, ITEM, "bill_id", "position"):
        items.setdefault(row["bill_id"], []).append(row)
    report.rows[ITEM] = sum(map(len, items.values()))
    settled: Settled = {}
    for history in histories(session, BILL, report):
        own = items.pop(history.row["id"], [])
        _check_bill(history, own, codes)
        for told in history.told:
            if "settlement" in told.record:
                settled.setdefault(told.record["settlement"], []).append((history, told))
    expect(ITEM, "*", "bill_id", sorted(map(str, items)), [])
    _check_settlements(session, settled, report)


def _check_tariff(history: History, codes: Mapping[UUID, str]) -> None:
    row, proposed = history.row, history.told[0]
    agreed = history.last("storage_tariff.agreed")
    shown = {**row, "keeper": codes.get(row["keeper_id"]), "client": codes.get(row["client_id"])}
    expected = {
        **{name: proposed.record[name] for name in ("keeper", "client", "unit", "payment_days")},
        "rate_minor": proposed.minor("rate"),
        "first_on": proposed.day("first_on"),
        "last_on": proposed.day("last_on"),
        "proposed_at": proposed.at,
        "agreed_at": agreed and agreed.at,
    }
    expect_row("storage_tariffs", history.key, shown, expected)


def _check_bill(history: History, items: list[RowMapping], codes: Mapping[UUID, str]) -> None:
    row, entered = history.row, history.told[0]
    said, issued = entered.record, history.last("freight_bill.issued")
    state, since = _state(history)
    shown = {
        **row,
        "kind": row["kind"].value,
        "payee": codes.get(row["payee_id"]),
        "payer": codes.get(row["payer_id"]),
    }
    expected = {
        **{name: said[name] for name in ("kind", "payee", "payer", "number", "pay_to")},
        "due_on": entered.day("due_on"),
        "tolerance_bps": said["tolerance_bps"],
        "tolerance_minor": entered.minor("tolerance"),
        "entered_at": entered.at,
        "issued_at": issued and issued.at,
        "state": state,
        "state_since": since,
    }
    expect_row(BILL, history.key, shown, expected)
    expect(ITEM, history.key, "position", len(items), len(said["items"]))
    for item, told in zip(items, _items(history), strict=True):
        expect_row(ITEM, history.key, {**item, "payee": codes.get(item["payee_id"])}, told)


def _items(history: History) -> list[dict[str, Any]]:
    """Fold a bill's items: as entered, then as answered, conceded and paid."""
    entered = history.told[0]
    said, live = entered.record, history.last("freight_bill.withdrawn") is None
    items = [
        _entered(number, item, match, said, live=live)
        for number, (item, match) in enumerate(zip(said["items"], said["matches"], strict=True), 1)
    ]
    for told in history.told:
        if told.type == "freight_bill.answered":
            for one in told.record["answers"]:
                items[one["item"] - 1]["accepted_minor"] = Money.from_json(one["accepted"]).minor
                items[one["item"] - 1]["reason"] = one["reason"]
        elif told.type == "freight_bill.conceded":
            for item in items:
                item["conceded_minor"] = item["amount_minor"] - item["accepted_minor"]
        elif told.type in (PAID, BACK):
            sign = 1 if told.type == PAID else -1
            for part in told.record["parts"]:
                minor = Money.from_json(part["amount"]).minor
                items[part["item"] - 1]["paid_minor"] += sign * minor
    return items


def _entered(
    number: int,
    item: Mapping[str, Any],
    match: Mapping[str, Any],
    said: Mapping[str, Any],
    *,
    live: bool,
) -> dict[str, Any]:
    quantity = Quantity.from_json(item["quantity"])
    amounts = {name: Money.from_json(item[name]).minor for name in ("rate", "amount")}
    return {
        "position": number,
        "payee": said["payee"],
        "receipt_id": parse_id("whr", item["receipt"]),
        "consignment_id": item["consignment"] and parse_id("csg", item["consignment"]),
        "claimed": said["kind"] == "claim",
        "first_on": item["first_on"] and date.fromisoformat(item["first_on"]),
        "last_on": item["last_on"] and date.fromisoformat(item["last_on"]),
        "unit": quantity.unit,
        "quantity_minor": quantity.minor,
        "rate_minor": amounts["rate"],
        "amount_minor": amounts["amount"],
        "book_minor": Quantity.from_json(match["quantity"]).minor,
        "agreed_minor": Money.from_json(match["rate"]).minor,
        "expected_minor": Money.from_json(match["expected"]).minor,
        "within": match["within"],
        "accepted_minor": 0,
        "reason": None,
        "conceded_minor": 0,
        "paid_minor": 0,
        "live": live,
    }


def _state(history: History) -> tuple[BillState, Any]:
    """Return where a bill stands, and since when: once answered, settled as soon as nothing is open."""
    state, since = BillState.ENTERED, history.told[0].at
    for number, told in enumerate(history.told, 1):
        to = STATES.get(told.type)
        if to is None and state in (BillState.ISSUED, BillState.ANSWERED, BillState.SETTLED):
            so_far = History(history.key, history.row, history.told[:number])
            items = _items(so_far)
            answered = any(one.type == "freight_bill.answered" for one in so_far.told)
            closed = all(
                item["amount_minor"] == item["accepted_minor"] + item["conceded_minor"]
                and item["paid_minor"] == item["accepted_minor"]
                for item in items
            )
            to = (BillState.SETTLED if closed else BillState.ANSWERED) if answered else state
        if to is not None and to is not state:
            state, since = to, told.at
    return state, since


def _check_settlements(session: Session, settled: Settled, report: Report) -> None:
    """Hold settlements to what the bills told of them, and their parts to what each was paid by."""
    parts: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, PART, "settlement_id", "bill_id", "position"):
        parts.setdefault(row["settlement_id"], []).append(row)
    report.rows[PART] = sum(map(len, parts.values()))
    for row in rows(session, SETTLEMENT, "id"):
        report.rows[SETTLEMENT] += 1
        key = public_id("fst", row["id"])
        told = settled.pop(key, [])
        expect(SETTLEMENT, key, "id", bool(told), True)
        _check_settlement(key, row, told)
        _check_parts(key, told, parts.pop(row["id"], []))
    expect(SETTLEMENT, "*", "id", sorted(settled), [])
    expect(PART, "*", "settlement_id", sorted(map(str, parts)), [])


def _check_settlement(key: str, row: RowMapping, told: list[tuple[History, Told]]) -> None:
    history, first = next(one for one in told if one[1].type == INSTRUCTED)
    last, kinds = (
        max((one for _, one in told), key=lambda one: one.at),
        {one.type for _, one in told},
    )
    state = SettlementState.PAID if PAID in kinds else SettlementState.INSTRUCTED
    state = SettlementState.RETURNED if BACK in kinds else state
    sides = {history.row["payer_id"], history.row["payee_id"]} - {first.actor}
    order = first.record["order"]
    expected = {
        "payer_id": first.actor,
        "payee_id": sides.pop(),
        "owed_minor": first.minor("owed"),
        "set_off_minor": first.minor("set_off"),
        "order_id": order and parse_id("pmo", order),
        "state": state,
        "state_since": last.at,
        "made_at": first.at,
    }
    expect_row(SETTLEMENT, key, row, expected)


def _check_parts(key: str, told: list[tuple[History, Told]], parts: list[RowMapping]) -> None:
    """Hold what is settled of each bill to its sum, and of each item to what was paid, or came back."""
    by_bill: dict[str, dict[int, int]] = {}
    for part in parts:
        own = by_bill.setdefault(public_id("frb", part["bill_id"]), {})
        own[part["position"]] = part["amount_minor"]
    sums = {bill: sum(own.values()) for bill, own in by_bill.items()}
    asked = {bill.key: one.minor("amount") for bill, one in told if one.type == INSTRUCTED}
    expect(PART, key, "amount_minor", sums, asked)
    for bill, one in told:
        if one.type in (PAID, BACK):
            said = {p["item"]: Money.from_json(p["amount"]).minor for p in one.record["parts"]}
            expect(PART, key, "amount_minor", by_bill.get(bill.key), said)
