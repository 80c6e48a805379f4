"""What follows from a document that takes others back."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from scf.db.outbox import EffectContext, Handler
from scf.receivables import credit_notes


def record_credit_note(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Record a note against the receivables that stand on what it takes back; safe to run twice."""
    with context.database.transaction() as session:
        credit_notes.record(session, UUID(payload["document_id"]), now=context.clock.now())


HANDLERS: Final[Mapping[str, Handler]] = {
    "document.takes_back": record_credit_note,
}
