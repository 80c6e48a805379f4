"""What else is known of the papers behind claims: receipts, the tax bureau's answers, red-letter forms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.documents import status_checks
from scf.documents.models import Document
from scf.documents.red_note_models import LABELS, OPEN, RedNote
from scf.receivables import received
from scf.receivables.models import Receivable, ReceivableDocument

Found = tuple[str, dict[str, Any]]
"""The code of a finding, and its figures."""


def findings(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, list[Found]]:
    """Return by claim what is to be looked at."""
    found = received.findings(session, receivables)
    ids = [receivable.id for receivable in receivables]
    documents = session.execute(
        select(ReceivableDocument.receivable_id, Document.id, Document.number)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_(ids))
        .order_by(ReceivableDocument.receivable_id, ReceivableDocument.position)
    ).all()
    checks = status_checks.newest(session, [row[1] for row in documents])
    forms = _open_forms(session, [row[1] for row in documents])
    for receivable_id, document_id, number in documents:
        check = checks.get(document_id)
        if check is not None and not check.sound:
            found[receivable_id].append(
                ("invoice.status", {"number": number, "status": check.status.value})
            )
        found[receivable_id] += [
            (
                "red_note.open",
                {
                    "number": number,
                    "form_no": note.form_no,
                    "state": LABELS[note.state],
                    "total": note.total.to_json(),
                },
            )
            for note in forms
            if note.document_id == document_id
        ]
    return found


def _open_forms(session: Session, ids: Sequence[UUID]) -> Sequence[RedNote]:
    wanted = select(RedNote).where(RedNote.document_id.in_(ids), RedNote.state.in_(OPEN))
    return session.scalars(wanted.order_by(RedNote.id)).all()
