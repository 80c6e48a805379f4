"""What follows from a document that takes others back."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from scf.db.outbox import EffectContext, Handler
from scf.documents.models import Document
from scf.receivables import credit_notes, invoice_checks, red_notes


def record_credit_note(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Record a note against its form and the receivables that it takes from; safe to run twice."""
    note_id, now = UUID(payload["document_id"]), context.clock.now()
    with context.database.transaction() as session:
        red_notes.issue(session, session.get_one(Document, note_id), now=now)
    with context.database.transaction() as session:
        credit_notes.record(session, note_id, now=now)


def lapse(context: EffectContext) -> None:
    """End forms that nobody confirmed, wake notes that met a claim late, check invoices. For a clock."""
    now = context.clock.now()
    with context.database.transaction() as session:
        red_notes.lapse(session, now=now)
    with context.database.transaction() as session:
        credit_notes.resume(session, now=now)
    with context.database.transaction() as session:
        invoice_checks.ask_monthly(session, now=now)


HANDLERS: Final[Mapping[str, Handler]] = {
    credit_notes.RECORD: record_credit_note,
    invoice_checks.CHECK: invoice_checks.check,
}
