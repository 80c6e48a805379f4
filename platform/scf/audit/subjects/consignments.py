"""Consignments: what was planned, signed, taken over, seen on the way and weighed in, folded again from the events."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.evidence.models import Event
from scf.kernel.clock import parse_instant
from scf.kernel.ids import parse_id, public_id
from scf.kernel.quantity import Quantity
from scf.transit.arriving import MOVED
from scf.transit.geometry import Point
from scf.transit.models import State
from scf_ledger.encoding import from_b64url
from scf_ledger.event import record_of
from scf_ledger.event_transit import CONSIGNMENT

STATES = {
    "consignment.planned": State.PLANNED,
    "consignment.agreed": State.AGREED,
    "consignment.dispatched": State.IN_TRANSIT,
    "consignment.alarmed": State.HALTED,
    "consignment.cleared": State.IN_TRANSIT,
    "consignment.arrived": State.ARRIVED,
    "consignment.delivered": State.DELIVERED,
    "consignment.cancelled": State.CANCELLED,
}
Rows = dict[UUID, list[RowMapping]]


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every consignment, what it took of which lot, where it was and its alarms to its events. Raises Different."""
    lots = _by_consignment(session, "consignment_lots", "lot_id")
    alarms = _by_consignment(session, "consignment_alarms", "event_id")
    seen = _by_consignment(session, "consignment_positions", "seen_at", "source")
    report.rows["consignment_lots"] = sum(map(len, lots.values()))
    report.rows["consignment_alarms"] = sum(map(len, alarms.values()))
    relocated = {
        event.body_hash: record_of(event.disclosures.split("~"))
        for event in session.scalars(select(Event).where(Event.type == MOVED))
    }
    for history in histories(session, "consignments", report):
        identity = history.row["id"]
        expect_row("consignments", history.key, _shown(history, codes), _expected(history))
        _check_lots(history, lots.pop(identity, []))
        _check_alarms(history, alarms.pop(identity, []), seen.pop(identity, []))
        _check_arrival(history, relocated)
    for name, left in (
        ("consignment_lots", lots),
        ("consignment_alarms", alarms),
        ("consignment_positions", seen),
    ):
        expect(name, "*", "consignment_id", sorted(map(str, left)), [])


def _shown(history: History, codes: Mapping[UUID, str]) -> dict[str, Any]:
    row = history.row
    roles = {
        role: codes.get(row[f"{role}_id"])
        for role in ("holder", "keeper", "carrier", "destination")
    }
    pledgees = sorted(codes.get(party, str(party)) for party in row["pledgees"])
    return {**row, **roles, "pledgees": pledgees, "kind": row["destination"].value}


def _expected(history: History) -> dict[str, Any]:
    planned, last = history.told[0], _standing(history)
    said, quantity = planned.record, _quantity(planned)
    dispatched = history.last("consignment.dispatched")
    ended = history.last("consignment.arrived", "consignment.delivered")
    state = STATES[last.type]
    travels = state in (State.IN_TRANSIT, State.HALTED)
    return {
        **{role: said[role] for role in ("holder", "keeper", "carrier", "pledgees")},
        "receipt_id": parse_id("whr", said["receipt"]),
        "destination": said["destination"]["party"],
        "kind": said["destination"]["kind"],
        "device_id": said["device"] and parse_id("dev", said["device"]),
        "unit": quantity.unit,
        "quantity_minor": quantity.minor,
        "in_transit_minor": quantity.minor if travels else 0,
        "arrived_minor": ended and _quantity(ended).minor,
        "plan": {name: said[name] for name in CONSIGNMENT},
        "state": state,
        "state_since": last.at,
        "planned_at": planned.at,
        "dispatched_at": dispatched and dispatched.at,
    }


def _standing(history: History) -> Told:
    """Return what put a consignment where it stands: of several alarms that stand, the first."""
    last = history.told[0]
    for told in history.told:
        if not told.type == last.type == "consignment.alarmed":
            last = told
    return last


def _quantity(told: Told) -> Quantity:
    return Quantity.from_json(told.record["quantity"])


def _check_lots(history: History, stored: list[RowMapping]) -> None:
    dispatched = history.last("consignment.dispatched")
    said = dispatched.record["lots"] if dispatched else []
    taken = [
        {
            "lot": public_id("lot", row["lot_id"]),
            "quantity": row["quantity_minor"],
        }
        for row in stored
    ]
    expected = [
        {"lot": part["lot"], "quantity": Quantity.from_json(part["quantity"]).minor}
        for part in said
    ]
    key = "lot"
    expect(
        "consignment_lots",
        history.key,
        "lot_id, quantity_minor",
        sorted(taken, key=lambda one: one[key]),
        sorted(expected, key=lambda one: one[key]),
    )
    for row in stored:
        expect(
            "consignment_lots",
            history.key,
            "receipt_id",
            row["receipt_id"],
            history.row["receipt_id"],
        )


def _check_alarms(history: History, stored: list[RowMapping], seen: list[RowMapping]) -> None:
    """Hold alarms to their events, and each to a position that is there."""
    places = {(row["seen_at"], row["source"]): row for row in seen}
    told = {event.id: event for event in history.of("consignment.alarmed")}
    expect("consignment_alarms", history.key, "event_id", len(stored), len(told))
    cleared = history.of("consignment.cleared")
    for row in stored:
        event = told.get(row["event_id"])
        expect("consignment_alarms", history.key, "event_id", event is not None, True)
        assert event is not None
        clearing = next((one for one in cleared if one.version > event.version), None)
        seen_at = parse_instant(event.record["seen_at"])
        expected = {
            "kind": event.record["alarm"],
            "seen_at": seen_at,
            "raised_at": event.at,
            "cleared_at": clearing and clearing.at,
            "cleared_event_id": clearing and clearing.id,
        }
        expect_row("consignment_alarms", history.key, {**row, "kind": row["kind"].value}, expected)
        place = places.get((seen_at, event.record["source"]))
        shown = place and (place["latitude"], place["longitude"])
        expect(
            "consignment_positions",
            history.key,
            "seen_at",
            shown,
            Point.from_json(dict(event.record)),
        )


def _check_arrival(history: History, relocated: Mapping[bytes, Mapping[str, Any]]) -> None:
    """Hold what arrived to what the new keeper signed over the receipt."""
    arrived = history.last("consignment.arrived")
    if arrived is None:
        return
    signed = relocated.get(from_b64url(arrived.record["relocated"]))
    expect("consignments", history.key, "relocated", signed is not None, True)
    assert signed is not None
    for name in ("quantity", "lost"):
        expect("consignments", history.key, name, arrived.record[name], signed[name])
    expect("consignments", history.key, "id", history.key, signed["consignment"])


def _by_consignment(session: Session, name: str, *order: str) -> Rows:
    found: Rows = {}
    for row in rows(session, name, "consignment_id", *order):
        found.setdefault(row["consignment_id"], []).append(row)
    return found
