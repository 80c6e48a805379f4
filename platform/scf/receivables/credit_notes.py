"""Notes that take invoices back (红字发票, credit notes): facts, also for what is encumbered.

A note takes from claims in the order in which they were submitted, until it is used up; of a claim first
what was never confirmed. What is left of a note takes from claims that are submitted later.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Row, cast, exists, func, select
from sqlalchemy.orm import Session, aliased

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.db.outbox import enqueue
from scf.documents import red_notes
from scf.documents.models import Document
from scf.evidence import service as evidence
from scf.kernel.money import Money, zero
from scf.receivables import fact_checks, rules
from scf.receivables.models import Receivable, ReceivableCreditNote, ReceivableDocument

RECORD: Final = "document.takes_back"
"""The effect that records a note."""
LOOKED_BACK: Final = timedelta(days=7)
BATCH: Final = 500

_NOTE = aliased(Document)
_SPENT = (
    select(cast(func.coalesce(func.sum(ReceivableCreditNote.amount_minor), 0), BigInteger))
    .where(ReceivableCreditNote.note_id == _NOTE.id)
    .scalar_subquery()
)


def record(session: Session, note_id: UUID, *, now: datetime) -> list[Receivable]:
    """Record a registered note against the live receivables whose documents it takes back.

    What it takes of a confirmed amount dilutes the pool, and holders are told. The same note again changes
    nothing. Returns the receivables it newly touched, in id order. All rows are locked before any is
    changed: receivables, then pools, each in id order.
    """
    note = session.get_one(Document, note_id)
    receivables = evidence.lock_all(session, Receivable, _behind(session, note))
    recorded = _recorded(session, note_id)
    left = abs(note.payable_minor) - sum(recorded.values())
    taken: dict[UUID, Money] = {}
    for identity, minor in _taken_back(session, note, receivables):
        if identity not in recorded and (amount := min(left, minor)) > 0:
            taken[identity] = Money(amount, note.currency)
            left -= amount
    touched = [receivables[identity] for identity in taken]
    _dilute(session, touched, taken, note, now=now)
    for identity, money in taken.items():
        session.add(
            ReceivableCreditNote(
                receivable_id=identity,
                note_id=note_id,
                amount_minor=money.minor,
                recorded_at=now,
            )
        )
    session.flush()
    return touched


def unspent(
    session: Session, seller_id: UUID, numbers: Collection[str]
) -> Sequence[Row[UUID, list[str], int]]:
    """Return the notes that take some of a seller's documents back and are not used up.

    Each with its id, the numbers that it takes back, and what is left of it in fen.
    """
    left = func.abs(_NOTE.payable_minor) - _SPENT
    return session.execute(
        select(_NOTE.id, _NOTE.reverses, left)
        .where(
            _NOTE.seller_id == seller_id,
            _NOTE.takes_back,
            _NOTE.reverses.overlap(list(numbers)),
            left > 0,
        )
        .order_by(_NOTE.id)
    ).all()


def resume(session: Session, *, now: datetime) -> int:
    """Ask again for notes that met a claim after they had been recorded; return how many. For a clock."""
    blue = aliased(Document)
    waiting = session.scalars(
        select(_NOTE.id)
        .where(
            _NOTE.takes_back,
            _NOTE.registered_at > now - LOOKED_BACK,
            func.abs(_NOTE.payable_minor) > _SPENT,
            exists()
            .where(
                blue.seller_id == _NOTE.seller_id,
                blue.number == func.any(_NOTE.reverses),
                ReceivableDocument.document_id == blue.id,
                ReceivableDocument.live,
                ~exists().where(
                    ReceivableCreditNote.note_id == _NOTE.id,
                    ReceivableCreditNote.receivable_id == ReceivableDocument.receivable_id,
                ),
            )
            .correlate(_NOTE),
        )
        .order_by(_NOTE.id)
        .limit(BATCH)
    ).all()
    for identity in waiting:
        enqueue(session, RECORD, document_id=identity)
    return len(waiting)


def _behind(session: Session, note: Document) -> list[UUID]:
    """Return the live receivables that stand on what a note takes back."""
    return [identity for identity, _ in _taken_back(session, note)]


def _taken_back(
    session: Session, note: Document, among: Iterable[UUID] | None = None
) -> list[tuple[UUID, int]]:
    """Return receivables that stand on what a note takes back, in id order, and how much of each that is."""
    statement = (
        select(ReceivableDocument.receivable_id, func.sum(Document.payable_minor))
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(
            ReceivableDocument.live,
            Document.seller_id == note.seller_id,
            Document.number.in_(note.reverses),
            Document.currency == note.currency,
        )
        .group_by(ReceivableDocument.receivable_id)
        .order_by(ReceivableDocument.receivable_id)
    )
    if among is not None:
        statement = statement.where(ReceivableDocument.receivable_id.in_(list(among)))
    return [(identity, int(minor)) for identity, minor in session.execute(statement)]


def _dilute(
    session: Session,
    receivables: Sequence[Receivable],
    taken: dict[UUID, Money],
    note: Document,
    *,
    now: datetime,
) -> None:
    """Take from the pools of locked receivables what their notes newly take of what is confirmed."""
    assert note.head_hash is not None
    agreed = red_notes.consented(session, note.id)
    confirmed = {one.pool_id: one for one in receivables if one.pool_id is not None}
    documents = _sums(session, confirmed.values())
    for pool in capacity.lock_pools(session, confirmed):
        receivable = confirmed[pool.id]
        holders = {holding.party_id for holding in pools.holdings(session, pool.id)}
        fact_checks.check_change(
            session, receivable, what="credit_note", holders=holders, agreed=agreed, now=now
        )
        stood, before = documents[receivable.id]
        lost = rules.lost_to_notes(stood, receivable.confirmed, before + taken[receivable.id])
        lost -= rules.lost_to_notes(stood, receivable.confirmed, before)
        if lost > zero(lost.currency):
            capacity.dilute(
                session, pool, amount=lost, cause=note.head_hash, now=now, actor=note.seller_id
            )


def _sums(session: Session, receivables: Iterable[Receivable]) -> dict[UUID, tuple[Money, Money]]:
    """Return by receivable the sum of its documents, and what notes have taken back of it so far."""
    noted = (
        select(cast(func.coalesce(func.sum(ReceivableCreditNote.amount_minor), 0), BigInteger))
        .where(ReceivableCreditNote.receivable_id == ReceivableDocument.receivable_id)
        .correlate(ReceivableDocument)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id,
            func.min(Document.currency),
            cast(func.sum(Document.payable_minor), BigInteger),
            noted,
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_([one.id for one in receivables]))
        .group_by(ReceivableDocument.receivable_id)
    )
    return {
        identity: (Money(total, currency), Money(taken, currency))
        for identity, currency, total, taken in rows
    }


def _recorded(session: Session, note_id: UUID) -> dict[UUID, int]:
    """Return by receivable what a note has taken back already, in fen."""
    rows = session.execute(
        select(ReceivableCreditNote.receivable_id, ReceivableCreditNote.amount_minor).where(
            ReceivableCreditNote.note_id == note_id
        )
    )
    return dict(rows.all())
