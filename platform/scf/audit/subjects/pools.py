"""Pools: entries say what events say, and sum to the row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, Told, histories, rows
from scf.capacity.models import EntryKind, PoolState
from scf.evidence import service as evidence
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
    owners = _owners(session)
    holders = {row["id"]: row["pledgee_id"] for row in rows(session, "pledges", "id")}
    holders |= {row["id"]: row["party_id"] for row in rows(session, "blind_holds", "id")}
    edges = {row["id"]: row for row in rows(session, "conversion_edges", "id")}
    flows = {identity: Flow() for identity in edges}
    paid: Counter[str] = Counter()
    entries: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "pool_entries", "pool_id", "version"):
        report.rows["pool_entries"] += 1
        entries.setdefault(row["pool_id"], []).append(row)
    for history in histories(session, "pools", report):
        own = entries.pop(history.row["id"], [])
        expect("pool_entries", history.key, "version", len(own), len(history.told))
        owner = owners.get(history.row["id"])
        causes = _causes(session, history)
        confirmed = used = taken = 0
        for row, told in zip(own, history.told, strict=True):
            confirmed += told.minor("confirmed_delta")
            used += told.minor("used_delta")
            key = f"{history.key} {told.version}"
            _check_entry(key, row, told, holders, owner)
            _check_edge_entry(key, row, edges, flows)
            if row["edge_id"] and row["confirmed_delta_minor"] < 0 and row["holder_id"] is None:
                # Value passes on because of the pool that it becomes.
                ends = (edges[row["edge_id"]]["to_pool_id"], causes[told.bytes("cause")].subject)
                expect("conversion_edges", str(row["edge_id"]), "to_pool_id", *ends)
            _check_sums(told, confirmed, used)
            if _check_cause(session, history, told, causes).type.startswith(PAYMENTS):
                taken -= told.minor("confirmed_delta")
            if told.record["kind"] == EntryKind.PAY:
                paid[told.record["cause"]] -= told.minor("confirmed_delta")
        claim = claims.get(history.row["id"])
        _check_row(history, confirmed, used, owner)
        stored = claim["paid_taken_minor"] + claim["astray_taken_minor"] if claim else 0
        expect("receivables", history.key, "paid_taken_minor, astray_taken_minor", stored, taken)
    expect("pool_entries", "*", "pool_id", [public_id("cap", key) for key in entries], [])
    _check_taken(session, paid)
    for identity, edge in edges.items():
        report.rows["conversion_edges"] += 1
        _check_edge(str(identity), edge, flows[identity])


def _check_taken(session: Session, paid: Counter[str]) -> None:
    """Hold what each payment of a split paid of the value to the entries that name it as their cause."""
    hashes = {
        row.id: evidence.hash_text(row.body_hash)
        for row in session.execute(
            select(Event.id, Event.body_hash).where(Event.type == "receivable.paid")
        )
    }
    for row in rows(session, "receivable_payments", "id"):
        if row["taken_minor"] is not None:
            told = paid[hashes[row["event_id"]]]
            key = str(row["id"])
            expect("receivable_payments", key, "taken_minor", row["taken_minor"], told)


OWNERS = {
    "receivables": "creditor_id",
    "trade_stages": "seller_id",
    "lots": "keeper_id",
    "warehouse_receipts": "holder_id",
}
"""Table of what has a pool -> the column of whose value it is. A stranger's paper has no owner."""


def _owners(session: Session) -> dict[UUID, UUID]:
    """Return whose value each pool is."""
    return {
        row["pool_id"]: row[owner]
        for name, owner in OWNERS.items()
        for row in rows(session, name, "id")
        if row["pool_id"] is not None
    }


@dataclass(slots=True)
class Flow:
    """What the entries of an edge come to, in fen, and when the first was made."""

    carried: int = 0
    passed: int = 0
    moving: int = 0
    first: datetime | None = None


def _check_edge_entry(
    key: str, row: RowMapping, edges: Mapping[UUID, RowMapping], flows: Mapping[UUID, Flow]
) -> None:
    """Hold an entry to the edge that it names, and add it up there."""
    identity, kind = row["edge_id"], row["kind"]
    named = kind in (EntryKind.CARRY, EntryKind.CONVERT)
    expect("pool_entries", key, "edge_id", identity in edges, named)
    if identity is None:
        return
    edge, flow = edges[identity], flows[identity]
    flow.first = min(flow.first or row["entered_at"], row["entered_at"])
    leaving = row["confirmed_delta_minor"] < 0
    end = "from_pool_id" if leaving else "to_pool_id"
    expect("conversion_edges", str(identity), end, edge[end], row["pool_id"])
    if kind is EntryKind.CARRY:
        source = edge["from_pool_id"]
        expect("conversion_edges", str(identity), "from_pool_id", source, row["holder_id"])
        flow.carried += row["used_delta_minor"]
    else:
        flow.passed -= row["confirmed_delta_minor"]
        flow.moving -= row["used_delta_minor"]


def _check_edge(key: str, edge: RowMapping, flow: Flow) -> None:
    """Hold an edge to its entries: what is carried and what passed is all that there is of it."""
    expected = {
        "carried_minor": flow.carried,
        "passed_minor": flow.passed,
        "moving_minor": flow.moving,
        "amount_minor": flow.carried + flow.passed,
        "drawn_at": flow.first,
    }
    expect_row("conversion_edges", key, edge, expected)
    expect("conversion_edges", key, "moving_minor", edge["moving_minor"], 0)


def _check_entry(
    key: str, row: RowMapping, told: Told, holders: Mapping[UUID, UUID], owner: UUID | None
) -> None:
    """Hold an entry to its event; goods of a receipt are taken by the keeper of their lot, whoever keeps it now."""
    holder = told.record["holder"]
    holder_id = None if holder is None else parse_id(holder.partition("_")[0], holder)
    is_receipt = holder is not None and holder.startswith("whr_")
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
            "party_id": owner if is_receipt else holder_id and holders.get(holder_id),
            "entered_at": told.at,
        },
    )


def _check_sums(told: Told, confirmed: int, used: int) -> None:
    """Hold what an event says of the pool to the sums of what was told before it."""
    said = tuple(told.minor(name) for name in ("confirmed", "used", "shortfall"))
    sums = (confirmed, used, max(used - confirmed, 0))
    expect("events", public_id("evt", told.id), "record.confirmed, used, shortfall", said, sums)


class Cause(NamedTuple):
    """What made a pool move: an event's type, and whom it is about."""

    type: str
    subject: UUID


def _causes(session: Session, history: History) -> dict[bytes | None, Cause]:
    """Return the events that a pool's events name as their causes, by hash. Raises Different where one is missing."""
    wanted = {told.bytes("cause") for told in history.told}
    found: dict[bytes | None, Cause] = {
        row.body_hash: Cause(row.type, row.subject_id)
        for row in session.execute(
            select(Event.body_hash, Event.type, Event.subject_id).where(
                Event.body_hash.in_(wanted - {None})
            )
        )
    }
    for told in history.told:
        key = public_id("evt", told.id)
        expect("events", key, "record.cause", told.bytes("cause") in found, True)
    return found


def _check_cause(
    session: Session, history: History, told: Told, causes: Mapping[bytes | None, Cause]
) -> Cause:
    """Return what an event says causes it; a note that does is recorded too. Raises Different."""
    cause = told.bytes("cause")
    if causes[cause].type == "document.registered":
        noted = session.scalars(_NOTED, {"pool": history.row["id"]}).all()
        expect("receivable_credit_notes", history.key, "note_id", cause in noted, True)
    return causes[cause]


def _check_row(history: History, confirmed: int, used: int, owner: UUID | None) -> None:
    opened = history.told[0]
    asset: str = opened.record["asset"]
    expected: dict[str, Any] = {
        "asset": asset,
        "asset_id": parse_id(asset.partition("_")[0], asset),
        "owner_id": owner,
        "unit": opened.measure("confirmed").unit,
        "confirmed_minor": confirmed,
        "used_minor": used,
        "free_minor": max(confirmed - used, 0),
        "shortfall_minor": max(used - confirmed, 0),
        "state": PoolState.DILUTED if used > confirmed else PoolState.OPEN,
        "opened_at": opened.at,
    }
    expect_row("pools", history.key, history.row, expected)
