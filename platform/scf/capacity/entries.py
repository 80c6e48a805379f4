"""Writing one change of a locked pool: the entry, which the database applies, and the event that tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from scf.capacity.models import EntryKind, Notice, Pool, PoolEntry
from scf.capacity.rules import Holding
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.ids import new_id

AMOUNTS: Final = ("confirmed_minor", "used_minor", "free_minor", "shortfall_minor", "state")
TYPES: Final = {
    EntryKind.OPEN: "pool.opened",
    EntryKind.RESERVE: "pool.reserved",
    EntryKind.PAY: "pool.paid",
    EntryKind.DILUTE: "pool.diluted",
    EntryKind.RELEASE: "pool.released",
    EntryKind.REVERSE: "pool.reversed",
    EntryKind.CARRY: "pool.carried",
    EntryKind.CONVERT: "pool.converted",
    EntryKind.DELIVER: "pool.delivered",
}


@dataclass(frozen=True, slots=True)
class Carrier:
    """An earlier form of the value, whose encumbrances hold this pool down."""

    holder_id: UUID
    holder: str
    party_id: None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A change about to be written; deltas in fen, or the smallest part of a unit of goods."""

    kind: EntryKind
    confirmed_delta: int
    used_delta: int
    holding: Holding | Carrier | None = None
    edge_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What a pool amounts to after a change."""

    confirmed: int
    used: int
    shortfall: int


def enter(
    session: Session,
    pool: Pool,
    entry: Entry,
    *,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
    parties: Iterable[UUID | None],
) -> Event:
    """Write the entry, let the database apply it, and tell what it made of the pool."""
    session.execute(insert(PoolEntry), row(pool, entry, now=now))
    session.refresh(pool, AMOUNTS)
    after = Sums(pool.confirmed_minor, pool.used_minor, pool.shortfall_minor)
    return evidence.append(
        session,
        pool,
        TYPES[entry.kind],
        record(pool, entry, after, cause=cause),
        now=now,
        actor=actor,
        parties=[party for party in parties if party is not None],
    )


def row(pool: Pool, entry: Entry, *, now: datetime) -> dict[str, Any]:
    """Return an entry's row, as the pool's next version."""
    holding = entry.holding
    return {
        "pool_id": pool.id,
        "version": pool.version + 1,
        "kind": entry.kind,
        "confirmed_delta_minor": entry.confirmed_delta,
        "used_delta_minor": entry.used_delta,
        "holder_id": holding.holder_id if holding else None,
        "holder": holding.holder if holding else None,
        "party_id": holding.party_id if holding else None,
        "edge_id": entry.edge_id,
        "entered_at": now,
    }


def record(pool: Pool, entry: Entry, after: Sums, *, cause: bytes) -> dict[str, Any]:
    """Return what the event of an entry says."""
    return {
        "asset": pool.asset,
        "kind": entry.kind.value,
        "confirmed_delta": pool.measure(entry.confirmed_delta).to_json(),
        "used_delta": pool.measure(entry.used_delta).to_json(),
        "confirmed": pool.measure(after.confirmed).to_json(),
        "used": pool.measure(after.used).to_json(),
        "shortfall": pool.measure(after.shortfall).to_json(),
        "cause": evidence.hash_text(cause),
        "holder": entry.holding.holder if entry.holding else None,
    }


def notify(
    session: Session,
    event: Event,
    party_id: UUID,
    *,
    kind: str,
    subject: str,
    fields: dict[str, Any],
    now: datetime,
) -> None:
    """Tell a party what an event did to a value that it encumbers."""
    session.add(
        Notice(
            id=new_id(),
            party_id=party_id,
            kind=kind,
            subject=subject,
            event_id=event.id,
            fields=fields,
            told_at=now,
        )
    )
