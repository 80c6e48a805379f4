"""Receipts: one holder by the chain of endorsements, never more than the lots have, what left and what was lost."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.kernel.ids import parse_id, public_id
from scf.receipts.models import State
from scf.stock.rules import names_sha256
from scf_ledger.encoding import from_b64url

SAID = ("number", "depositor", "goods", "grade")
AMENDABLE = ("storage_fee", "insurance")
STATES = {
    "receipt.issued": State.ACTIVE,
    "receipt.divided": State.DIVIDED,
    "receipt.cancelled": State.CANCELLED,
}

Rows = dict[UUID, list[RowMapping]]


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every receipt, its title and its goods to its events and to its lots. Raises Different."""
    lots = _by(session, "receipt_lots", report, "receipt_id", "lot_id")
    endorsements = _by(session, "receipt_endorsements", report, "receipt_id", "id")
    withdrawals = _by(session, "receipt_withdrawals", report, "receipt_id", "id")
    pools = {row["id"]: row for row in rows(session, "pools", "id")}
    held = _held(session)
    travelling: Counter[UUID] = Counter()
    for row in rows(session, "consignments", "id"):
        travelling[row["receipt_id"]] += row["in_transit_minor"]
    for history in histories(session, "warehouse_receipts", report):
        identity = history.row["id"]
        shown = {
            **history.row,
            **{
                role: codes.get(history.row[f"{role}_id"])
                for role in ("keeper", "depositor", "holder")
            },
            "kind": history.row["kind"].value,
            "medium": history.row["medium"].value,
        }
        expect_row("warehouse_receipts", history.key, shown, _expected(history))
        _check_goods(history, lots.pop(identity, []), pools, held, travelling)
        _check_endorsements(history, endorsements.pop(identity, []), codes)
        _check_withdrawals(history, withdrawals.pop(identity, []))
    for name, left in (
        ("receipt_lots", lots),
        ("receipt_endorsements", endorsements),
        ("receipt_withdrawals", withdrawals),
    ):
        expect(name, "*", "receipt_id", sorted(map(str, left)), [])
    _check_lots(session, pools)


def _expected(history: History) -> dict[str, Any]:
    issued = history.told[0]
    said = issued.record
    amended = history.last("receipt.amended")
    now = {**said, **(amended.record if amended else {})}
    quantity = issued.measure("quantity")
    title, holder = _title(history)
    told = history.last("receipt.fee_told")
    moved = history.last("receipt.relocated")
    place = {**said, **(moved.record if moved else {})}
    items = {name: said[name] for name in history.row["items"] if name in said}
    return {
        **{name: said[name] for name in SAID},
        "kind": said["kind"],
        "medium": now["medium"],
        "unit": quantity.unit,
        "quantity_minor": quantity.minor,
        "stored_until": (amended or issued).day("stored_until"),
        "items": items
        | {name: now[name] for name in AMENDABLE}
        | {name: place[name] for name in ("warehouse", "location")},
        "keeper": place["keeper"],
        "pool_id": parse_id("cap", said["pool"]),
        "holder": holder,
        "title_event_hash": title,
        "fee_owed_minor": told.minor("owed") if told else 0,
        "issued_at": issued.at,
        **_state(history),
    }


def _title(history: History) -> tuple[bytes, str]:
    """Follow the chain of endorsements: each names the title before it, and is its holder's."""
    issued = history.told[0]
    title, holder = issued.hash, issued.record["holder"]
    for told in history.of("receipt.endorsed"):
        key = public_id("evt", told.id)
        expect("events", key, "record.title", told.bytes("title"), title)
        expect("events", key, "record.from", told.record["from"], holder)
        title, holder = told.hash, told.record["to"]
    return title, holder


def _state(history: History) -> dict[str, Any]:
    state, since, reason = State.ACTIVE, history.told[0].at, None
    for told in history.told:
        if told.type == "receipt.moved" and told.record["state"] == state:
            continue  # told of, not moved
        if told.type == "receipt.moved":
            state, since, reason = State(told.record["state"]), told.at, told.record["reason"]
        elif told.type in STATES:
            state, since, reason = STATES[told.type], told.at, None
        elif told.type == "receipt.delivered" and told.minor("rest") == 0:
            state, since, reason = State.DELIVERED, told.at, None
    return {"state": state, "state_since": since, "state_reason": reason}


def _check_goods(
    history: History,
    parts: list[RowMapping],
    pools: Mapping[UUID, RowMapping],
    held: Mapping[tuple[UUID, UUID], int],
    travelling: Mapping[UUID, int],
) -> None:
    """Hold a receipt's parts in lots to what the lots' pools hold for it; with what travels it is what its own has left."""
    identity = history.row["id"]
    named = {parse_id("lot", part["lot"]) for part in history.told[0].record["lots"]}
    named |= {
        parse_id("lot", told.record["lot"])
        for told in history.of("receipt.relocated")
        if told.minor("quantity")
    }
    expect("receipt_lots", history.key, "lot_id", {row["lot_id"] for row in parts}, named)
    for row in parts:
        taken = held[row["lot_id"], identity]
        expect("receipt_lots", history.key, "quantity_minor", row["quantity_minor"], taken)
    pool = pools.get(history.row["pool_id"])
    expect("warehouse_receipts", history.key, "pool_id", pool is not None, True)
    assert pool is not None
    left = sum(row["quantity_minor"] for row in parts) + travelling[identity]
    expect("pools", history.key, "confirmed_minor", pool["confirmed_minor"], left)


def _check_endorsements(
    history: History, stored: list[RowMapping], codes: Mapping[UUID, str]
) -> None:
    """Hold what was passed on, or handed in, to its event; what was taken back told of nothing."""
    told = {one.version: one for one in history.of("receipt.endorsed", "receipt.cancelled")}
    for row in stored:
        if row["attested_at"] is None:
            continue
        event = told.pop(row["version"] + 1, None)
        expect("receipt_endorsements", history.key, "version", event is not None, True)
        assert event is not None
        said = event.record
        shown = {
            **row,
            "from_id": codes.get(row["from_id"]),
            "to_id": codes.get(row["to_id"]),
        }
        expected = {
            "from_id": said.get("from", said.get("holder")),
            "to_id": said.get("to"),
            "title_event_hash": from_b64url(said["title"]),
            "attested_at": event.at,
        }
        expect_row("receipt_endorsements", history.key, shown, expected)
    expect("receipt_endorsements", history.key, "version", sorted(told), [])


def _check_withdrawals(history: History, stored: list[RowMapping]) -> None:
    ordered = _numbered(history, "receipt.withdrawal_ordered")
    delivered = _numbered(history, "receipt.delivered")
    numbers = sorted(row["order_no"] for row in stored)
    expect("receipt_withdrawals", history.key, "order_no", numbers, sorted(ordered))
    for row in stored:
        order, delivery = ordered[row["order_no"]], delivered.pop(row["order_no"], None)
        expected = {
            "quantity_minor": order.minor("quantity"),
            "taker": order.record["taker"],
            "units": order.record["units_sha256"],
            "ordered_at": order.at,
            "delivered_at": delivery and delivery.at,
            "delivered_event_id": delivery and delivery.id,
        }
        shown = {**row, "units": names_sha256(row["units"] or [])}
        expect_row("receipt_withdrawals", history.key, shown, expected)
    expect("receipt_withdrawals", history.key, "order_no", sorted(delivered), [])


def _numbered(history: History, type_: str) -> dict[str, Told]:
    return {told.record["order_no"]: told for told in history.of(type_)}


def _check_lots(session: Session, pools: Mapping[UUID, RowMapping]) -> None:
    """Hold what the receipts have in a lot to what is used of its pool: never more receipts than goods."""
    sums: Counter[UUID] = Counter()
    for row in rows(session, "receipt_lots", "receipt_id", "lot_id"):
        sums[row["lot_id"]] += row["quantity_minor"]
    for row in rows(session, "lots", "id"):
        if row["pool_id"] in pools:
            used = pools[row["pool_id"]]["used_minor"]
            key = public_id("lot", row["id"])
            expect("receipt_lots", key, "quantity_minor", sums[row["id"]], used)


def _held(session: Session) -> Counter[tuple[UUID, UUID]]:
    """Return what each receipt holds of each lot, by what the lots' pools have entered."""
    lots = {row["pool_id"]: row["id"] for row in rows(session, "lots", "id") if row["pool_id"]}
    held: Counter[tuple[UUID, UUID]] = Counter()
    for row in rows(session, "pool_entries", "pool_id", "version"):
        if row["pool_id"] in lots and row["holder_id"] is not None:
            held[lots[row["pool_id"]], row["holder_id"]] += row["used_delta_minor"]
    return held


def _by(session: Session, name: str, report: Report, by: str, *order: str) -> Rows:
    found: Rows = {}
    for row in rows(session, name, by, *order):
        report.rows[name] += 1
        found.setdefault(row[by], []).append(row)
    return found
