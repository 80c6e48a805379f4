"""Notes that take invoices back (红字发票, credit notes): facts, also for what is encumbered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.documents.models import Document
from scf.kernel.money import Money, zero
from scf.receivables import rules
from scf.receivables.models import Receivable, ReceivableCreditNote, ReceivableDocument
from scf.receivables.service import lock


def record(session: Session, note_id: UUID, *, now: datetime) -> list[Receivable]:
    """Record a registered note against the live receivables whose documents it takes back.

    What it takes of a confirmed amount dilutes the pool, and holders are told. The same note again changes
    nothing. Returns the receivables it newly touched, in id order.
    """
    note = session.get_one(Document, note_id)
    left = -note.payable if note.payable.minor < 0 else note.payable
    touched = []
    for receivable_id, taken_back in _behind(session, note):
        receivable = lock(session, receivable_id)
        amount = min(left, taken_back)
        if amount.minor == 0 or _recorded(session, receivable_id, note_id):
            continue
        left -= amount
        _dilute(session, receivable, note, amount, now=now)
        session.add(
            ReceivableCreditNote(
                receivable_id=receivable_id,
                note_id=note_id,
                amount_minor=amount.minor,
                recorded_at=now,
            )
        )
        touched.append(receivable)
    session.flush()
    return touched


def _behind(session: Session, note: Document) -> list[tuple[UUID, Money]]:
    """Return receivables that stand on what a note takes back, and how much of each that is."""
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id, Document.currency, func.sum(Document.payable_minor)
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(
            ReceivableDocument.live,
            Document.seller_id == note.seller_id,
            Document.number.in_(note.reverses),
            Document.currency == note.currency,
        )
        .group_by(ReceivableDocument.receivable_id, Document.currency)
        .order_by(ReceivableDocument.receivable_id)
    )
    return [(identity, Money(int(minor), currency)) for identity, currency, minor in rows]


def _dilute(
    session: Session, receivable: Receivable, note: Document, amount: Money, *, now: datetime
) -> None:
    if receivable.pool_id is None:
        return
    assert note.head_hash is not None
    documents, before = _documents(session, receivable), _noted(session, receivable)
    lost = rules.lost_to_notes(documents, receivable.confirmed, before + amount)
    lost -= rules.lost_to_notes(documents, receivable.confirmed, before)
    if lost > zero(lost.currency):
        (pool,) = capacity.lock_pools(session, [receivable.pool_id])
        capacity.dilute(
            session, pool, amount=lost, cause=note.head_hash, now=now, actor=note.seller_id
        )


def _documents(session: Session, receivable: Receivable) -> Money:
    minor = session.scalar(
        select(func.sum(Document.payable_minor))
        .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
        .where(ReceivableDocument.receivable_id == receivable.id)
    )
    return receivable.money(int(minor or 0))


def _noted(session: Session, receivable: Receivable) -> Money:
    minor = session.scalar(
        select(func.sum(ReceivableCreditNote.amount_minor)).where(
            ReceivableCreditNote.receivable_id == receivable.id
        )
    )
    return receivable.money(int(minor or 0))


def _recorded(session: Session, receivable_id: UUID, note_id: UUID) -> bool:
    return session.get(ReceivableCreditNote, (receivable_id, note_id)) is not None
