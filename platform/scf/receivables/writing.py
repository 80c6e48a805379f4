"""Writing first versions by the batch: rows, document links and events in one statement by `unnest`.

The ORM would take a round trip and a mapped object for each of them.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from scf.evidence.service import new_secret
from scf.kernel.clock import instant_text
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf_ledger.event import build_event, tag

EVENT: Final = "receivable.submitted"
BATCH: Final = 1_000
"""Lines written by one statement."""


class _Column(list[Any]):
    """A column's values, sent as a binary array: as text they take a hundred times as long to write."""


psycopg.adapters.register_dumper(_Column, ListBinaryDumper)


@dataclass(frozen=True, slots=True)
class Line:
    """A checked line about to be written; amounts in fen."""

    id: UUID
    programme_id: UUID
    creditor_id: UUID
    debtor_id: UUID
    line_no: str
    contract_no: str | None
    receipt_no: str | None
    delivered_on: date | None
    due_on: date
    currency: str
    claimed_minor: int
    document_ids: Sequence[UUID]
    record: Mapping[str, Any]
    """Fields of its event, without `id`, `actor` and `at`."""

    @property
    def claimed(self) -> Money:
        """What the creditor claims."""
        return Money(self.claimed_minor, self.currency)


INSERT_LINES: Final = text("""
WITH lines AS (
  INSERT INTO receivables (id, version, secret, head_hash, programme_id, creditor_id, debtor_id,
      line_no, contract_no, receipt_no, delivered_on, due_on, currency, claimed_minor,
      submitted_at, changed_at)
    SELECT id, 1, secret, head_hash, programme_id, creditor_id, debtor_id,
      line_no, contract_no, receipt_no, delivered_on, due_on, currency, claimed_minor, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:secrets AS bytea[]), CAST(:heads AS bytea[]),
      CAST(:programmes AS uuid[]), CAST(:creditors AS uuid[]), CAST(:debtors AS uuid[]),
      CAST(:line_nos AS text[]), CAST(:contract_nos AS text[]), CAST(:receipt_nos AS text[]),
      CAST(:delivered AS date[]), CAST(:due AS date[]), CAST(:currencies AS text[]),
      CAST(:claimed AS bigint[]))
      AS line (id, secret, head_hash, programme_id, creditor_id, debtor_id, line_no, contract_no,
        receipt_no, delivered_on, due_on, currency, claimed_minor)
    ON CONFLICT DO NOTHING
    RETURNING id
), links AS (
  INSERT INTO receivable_documents (receivable_id, position, document_id)
    SELECT lines.id, position, document_id
    FROM unnest(CAST(:link_lines AS uuid[]), CAST(:link_positions AS bigint[]),
      CAST(:link_documents AS uuid[])) AS link (id, position, document_id) JOIN lines USING (id)
    ON CONFLICT DO NOTHING
    RETURNING document_id
), facts AS (
  INSERT INTO events (id, type, subject_id, version, occurred_at, body, body_hash, tag,
      disclosures, authorizations, parties)
    SELECT id, :type, subject_id, 1, :now, body, body_hash, tag,
      disclosures, '{}', ARRAY[creditor_id, debtor_id]
    FROM unnest(CAST(:event_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:bodies AS bytea[]),
      CAST(:heads AS bytea[]), CAST(:tags AS bytea[]), CAST(:disclosures AS text[]),
      CAST(:creditors AS uuid[]), CAST(:debtors AS uuid[]))
      AS fact (id, subject_id, body, body_hash, tag, disclosures, creditor_id, debtor_id)
)
SELECT (SELECT count(*) FROM lines), (SELECT count(*) FROM links)
""")


def insert_lines(session: Session, lines: Sequence[Line], *, actor: UUID, now: datetime) -> bool:
    """Write lines with their documents and first events; say whether all were free to be written.

    While the database writes one batch the next one's events are made. Where a line number or a document
    is taken the caller must undo what was written of the rest.
    """
    connection = session.connection()
    if len(lines) <= BATCH:
        return not lines or _write(connection, _values(lines, actor=actor, now=now))
    complete, writing = True, None
    with ThreadPoolExecutor(1) as writer:
        for start in range(0, len(lines), BATCH):
            values = _values(lines[start : start + BATCH], actor=actor, now=now)
            complete = complete and (writing is None or writing.result())
            if not complete:
                return False
            writing = writer.submit(_write, connection, values)
    return complete and writing is not None and writing.result()


def _write(connection: Connection, values: dict[str, Any]) -> bool:
    written = connection.execute(INSERT_LINES, values).one()
    return tuple(written) == (len(values["ids"]), len(values["link_documents"]))


def _values(lines: Sequence[Line], *, actor: UUID, now: datetime) -> dict[str, Any]:
    """Return the statement's parameters; making the events is most of the work."""
    who, at = public_id("pty", actor), instant_text(now)
    events = [_event(line, actor=who, at=at) for line in lines]
    links = [
        (line.id, position, document_id)
        for line in lines
        for position, document_id in enumerate(line.document_ids, 1)
    ]
    return {
        "now": now,
        "type": EVENT,
        "ids": _Column(line.id for line in lines),
        "programmes": _Column(line.programme_id for line in lines),
        "creditors": _Column(line.creditor_id for line in lines),
        "debtors": _Column(line.debtor_id for line in lines),
        "line_nos": _Column(line.line_no for line in lines),
        "contract_nos": _Column(line.contract_no for line in lines),
        "receipt_nos": _Column(line.receipt_no for line in lines),
        "delivered": _Column(line.delivered_on for line in lines),
        "due": _Column(line.due_on for line in lines),
        "currencies": _Column(line.currency for line in lines),
        "claimed": _Column(line.claimed_minor for line in lines),
        "link_lines": _Column(link[0] for link in links),
        "link_positions": _Column(link[1] for link in links),
        "link_documents": _Column(link[2] for link in links),
        "event_ids": _Column(event.id for event in events),
        "secrets": _Column(event.secret for event in events),
        "heads": _Column(event.body_hash for event in events),
        "bodies": _Column(event.body for event in events),
        "tags": _Column(event.tag for event in events),
        "disclosures": _Column(event.disclosures for event in events),
    }


@dataclass(frozen=True, slots=True)
class _FirstEvent:
    id: UUID
    secret: bytes
    body: bytes
    body_hash: bytes
    tag: bytes
    disclosures: str


def _event(line: Line, *, actor: str, at: str) -> _FirstEvent:
    identity, secret = new_id(), new_secret()
    subject = public_id("rcv", line.id)
    built = build_event(
        id=public_id("evt", identity),
        type=EVENT,
        subject=subject,
        version=1,
        occurred_at=at,
        previous=None,
        authorizations=(),
        record={**line.record, "id": subject, "actor": actor, "at": at},
        seed=os.urandom(32),
    )
    return _FirstEvent(
        identity, secret, built.body, built.body_hash, tag(secret, 1), "~".join(built.disclosures)
    )
