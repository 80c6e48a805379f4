"""Subjects with their events, in order: every event held to its bytes, its chain and its tag."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Table, func, select, text
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.db.base import Base
from scf.evidence.models import Event
from scf.kernel.clock import instant_text, parse_instant
from scf.kernel.ids import parse_id, public_id
from scf.kernel.measure import Measure
from scf.kernel.money import Money
from scf.kernel.quantity import read_measure
from scf_ledger.encoding import from_b64url
from scf_ledger.event import parse_disclosure, parse_event, tag

CHUNK = 2_000  # rows fetched at a time
SUBJECTS = {
    "documents": "doc",
    "receivables": "rcv",
    "pools": "cap",
    "pledges": "plg",
    "financings": "fin",
    "reconciliations": "rcn",
    "debtor_notices": "dnt",
    "red_notes": "red",
    "invoice_checks": "ivc",
    "trade_stages": "stg",
    "blind_holds": "hld",
    "approval_cases": "apc",
    "price_series": "prs",
    "control_agreements": "ctl",
    "margin_calls": "mgc",
    "lots": "lot",
    "warehouse_receipts": "whr",
    "devices": "dev",
    "device_hours": "dvh",
    "stock_alarms": "alm",
    "stocktakes": "stk",
    "consignments": "csg",
    "storage_tariffs": "trf",
    "freight_bills": "frb",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An event that holds, with its record."""

    id: UUID
    type: str
    version: int
    at: datetime
    hash: bytes
    record: Mapping[str, Any]

    def money(self, name: str) -> Money:
        """Read an amount of the record."""
        return Money.from_json(self.record[name])

    def measure(self, name: str) -> Measure:
        """Read money or a quantity of the record."""
        return read_measure(self.record[name])

    def minor(self, name: str) -> int:
        """Read an amount of the record in fen, or in the smallest part of its unit."""
        return self.measure(name).minor

    def day(self, name: str) -> date | None:
        """Read a date of the record."""
        value = self.record[name]
        return None if value is None else date.fromisoformat(value)

    def bytes(self, name: str) -> bytes | None:
        """Read a hash of the record."""
        value = self.record[name]
        return None if value is None else from_b64url(value)

    @property
    def actor(self) -> UUID | None:
        """The party that acted."""
        value = self.record["actor"]
        return None if value is None else parse_id("pty", value)


@dataclass(frozen=True, slots=True)
class History:
    """A subject's row and all that was told of it; `key` is its public id."""

    key: str
    row: RowMapping
    told: list[Told]

    def last(self, *types: str) -> Told | None:
        """Return the newest event of these types."""
        return next((told for told in reversed(self.told) if told.type in types), None)

    def of(self, *types: str) -> list[Told]:
        """Return the events of these types."""
        return [told for told in self.told if told.type in types]


def table(name: str) -> Table:
    """Return a mapped table."""
    return Base.metadata.tables[name]


def rows(session: Session, name: str, *order: str) -> Iterator[RowMapping]:
    """Read a whole table in the order of these columns."""
    found = table(name)
    query = select(found).order_by(*(found.c[column] for column in order))
    yield from session.execute(query.execution_options(yield_per=CHUNK)).mappings()


def histories(session: Session, name: str, report: Report) -> Iterator[History]:
    """Read every subject of a table with its events. Raises Different."""
    subjects, prefix = table(name), SUBJECTS[name]
    events = session.execute(
        select(Event.__table__)
        .join(subjects, subjects.c.id == Event.subject_id)
        .order_by(Event.subject_id, Event.version)
        .execution_options(yield_per=CHUNK)
    ).mappings()
    waiting = next(events, None)
    for row in rows(session, name, "id"):
        found = []
        while waiting is not None and waiting["subject_id"] == row["id"]:
            found.append(waiting)
            waiting = next(events, None)
        key = public_id(prefix, row["id"])
        report.rows[name] += 1
        report.rows["events"] += len(found)
        yield History(key, row, _read(name, key, row, found))


def orphan(session: Session) -> RowMapping | None:
    """Return an event whose subject is not there."""
    known = " UNION ALL ".join(f"SELECT id FROM {name}" for name in SUBJECTS)  # noqa: S608 - our tables
    query = text(
        f"SELECT id, subject_id FROM events WHERE subject_id NOT IN ({known}) LIMIT 1"  # noqa: S608 - our tables
    )
    return session.execute(query).mappings().one_or_none()


def count(session: Session, name: str) -> int:
    """Count a table's rows."""
    return session.scalar(select(func.count()).select_from(table(name))) or 0


def _read(name: str, key: str, row: RowMapping, events: list[RowMapping]) -> list[Told]:
    told: list[Told] = []
    previous: bytes | None = None
    for number, event in enumerate(events, 1):
        expect("events", key, "version", event["version"], number)
        item = _read_event(key, event, row["secret"], previous)
        previous = item.hash
        told.append(item)
    expect(name, key, "version", row["version"], len(events))
    expect(name, key, "head_hash", row["head_hash"], previous)
    return told


def _read_event(subject: str, row: RowMapping, secret: bytes, previous: bytes | None) -> Told:
    key = public_id("evt", row["id"])
    body: bytes = row["body"]
    expect("events", key, "body_hash", row["body_hash"], hashlib.sha256(body).digest())
    with readable("events", key, "body"):
        event = parse_event(body)
    expect_row(
        "events",
        key,
        {**row, "id": key, "subject_id": subject, "previous": previous},
        {
            "id": event.id,
            "type": event.type.name,
            "subject_id": event.subject,
            "version": event.version,
            "occurred_at": parse_instant(event.occurred_at),
            "authorizations": list(event.authorizations),
            "previous": event.previous,
        },
    )
    expect("events", key, "tag", row["tag"], tag(secret, event.version))
    with readable("events", key, "disclosures"):
        fields = [parse_disclosure(item) for item in row["disclosures"].split("~")]
    digests = tuple(sorted(item.digest for item in fields))
    expect("events", key, "disclosures", digests, event.digests)
    record = {item.name: item.value for item in fields}
    expect("events", key, "record.id", record.get("id"), subject)
    expect("events", key, "record.at", record.get("at"), instant_text(row["occurred_at"]))
    return Told(
        row["id"], row["type"], row["version"], row["occurred_at"], row["body_hash"], record
    )
