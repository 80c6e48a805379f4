"""Reading the blind registry: whose pool a token is held of, who asked, what has run out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Row, exists, func, select
from sqlalchemy.orm import Session

from scf.access.models import Looked, LookUp
from scf.blind import rules
from scf.blind.models import BlindHold, BlindToken, State
from scf.capacity.converting import Mark
from scf.capacity.edges import ConversionEdge, PoolMark, Side
from scf.capacity.queries import direct
from scf.documents.models import Document
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.kernel.money import Money
from scf.receivables.models import ReceivableDocument
from scf.receivables.origins import invoice_mark

BATCH: Final = 200
"""Tokens looked at in one turn."""
ASKED_AT_ONCE: Final = 20
"""Tokens asked for in one turn: the token service counts them with the tickets of locks."""


def mark(document_id: UUID, value: Money, *, pool: bool) -> Mark:
    """Name an invoice that a pool is (`pool`), or is of."""
    return invoice_mark(Side.IS if pool else Side.OF, document_id, value)


def declared(token: bytes, side: Side, value: Money) -> Mark:
    """Name a paper by what was declared of it before it was known here."""
    return Mark(side, f"blind:token:{token.hex()}", value)


def value_of(session: Session, document_id: UUID) -> Money:
    """Return what a document is about, with tax."""
    document = session.get_one(Document, document_id)
    return Money(max(document.payable_minor, 1), document.currency)


def claim_pool(session: Session, token: BlindToken) -> UUID | None:
    """Return the pool of the live claim that stands on a token's document, once it is confirmed."""
    if token.document_id is None:
        return None
    value = Money(1, token.currency)
    named = mark(token.document_id, value, pool=False)
    return session.scalar(
        select(PoolMark.pool_id)
        .where(PoolMark.mark == named.text, PoolMark.side == Side.OF)
        .order_by(PoolMark.pool_id.desc())
        .limit(1)
    )


def carried_holders(session: Session, own: UUID, claim: UUID) -> list[UUID]:
    """Return who holds a part of a token's own pool that its claim's pool carries."""
    carried = exists().where(
        ConversionEdge.from_pool_id == own,
        ConversionEdge.to_pool_id == claim,
        ConversionEdge.carried_minor > 0,
    )
    if not session.scalar(select(carried)):
        return []
    return [holding.holder_id for holding in direct(session, own)]


def running_out(session: Session, now: datetime) -> list[bytes]:
    """Return the tokens of which holds have run out."""
    statement = (
        select(BlindHold.token)
        .where(BlindHold.state == State.HELD, BlindHold.expires_at <= now)
        .distinct()
        .order_by(BlindHold.token)
        .limit(BATCH)
    )
    return list(session.scalars(statement))


def over(session: Session, token: bytes, now: datetime) -> list[UUID]:
    """Return the holds of a token that have run out, in id order."""
    statement = select(BlindHold.id).where(
        BlindHold.token == token, BlindHold.state == State.HELD, BlindHold.expires_at <= now
    )
    return list(session.scalars(statement.order_by(BlindHold.id)))


def looks_at(session: Session, token: bytes) -> Sequence[LookUp]:
    """Return the questions about a paper while it was nobody's here, oldest first."""
    found = select(LookUp).where(LookUp.token == token, LookUp.party_id.is_(None))
    return session.scalars(found.order_by(LookUp.id)).all()


def asked_about(
    session: Session, party_id: UUID, token: bytes, *, since: datetime
) -> Sequence[datetime]:
    """Return when a bank asked about one paper since then, oldest first."""
    found = select(func.min(LookUp.asked_at)).where(
        LookUp.token == token, LookUp.by_id == party_id, LookUp.asked_at > since
    )
    # One look may have two rows: before and after the paper was known.
    each = found.group_by(LookUp.look_id)
    return sorted(at for at in session.scalars(each) if at is not None)


def unnamed(session: Session) -> Sequence[Row[UUID, str, str, bytes]]:
    """Return documents behind live claims whose token is not known yet, the newest first."""
    return session.execute(
        select(Document.id, Document.seller_uscc, Document.number, Document.original_sha256)
        .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
        .where(
            ReceivableDocument.live,
            ~exists().where(BlindToken.document_id == Document.id),
        )
        .order_by(Document.id.desc())
        .limit(ASKED_AT_ONCE)
    ).all()


def unmerged(session: Session) -> list[bytes]:
    """Return tokens whose own pool still has something that a claim's pool carries."""
    return list(
        session.scalars(
            select(BlindToken.token)
            .join(ConversionEdge, ConversionEdge.from_pool_id == BlindToken.pool_id)
            .where(ConversionEdge.carried_minor > 0)
            .distinct()
            .order_by(BlindToken.token)
            .limit(BATCH)
        )
    )


def visible(session: Session, party_id: UUID, hold_id: UUID) -> BlindHold:
    """Return a hold of this bank's. Raises SubjectNotFound."""
    found = session.get(BlindHold, hold_id)
    if found is None or found.party_id != party_id:
        raise SubjectNotFound
    return found


def newest_event(session: Session, hold_id: UUID) -> Event:
    """Return the newest event of a hold."""
    statement = select(Event).where(Event.subject_id == hold_id).order_by(Event.version.desc())
    return session.scalars(statement.limit(1)).one()


def holds(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[BlindHold]:
    """Return a bank's holds, oldest first."""
    statement = (
        select(BlindHold).where(BlindHold.party_id == party_id).order_by(BlindHold.id).limit(size)
    )
    if after is not None:
        statement = statement.where(BlindHold.id > after)
    return session.scalars(statement).all()


def probes(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> list[tuple[UUID, UUID, str, datetime]]:
    """Return who asked about the papers that this party issued, oldest first: id, document, caller, when."""
    statement = (
        select(LookUp.look_id, Document.id, LookUp.asked_at)
        .join(BlindToken, BlindToken.token == LookUp.token)
        .join(Document, Document.id == BlindToken.document_id)
        .where(LookUp.party_id == party_id, LookUp.kind == Looked.BLIND_REGISTRY)
        .order_by(LookUp.look_id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(LookUp.look_id > after)
    rows = session.execute(statement)
    return [(look, document, rules.CALLER, at) for look, document, at in rows if at is not None]
