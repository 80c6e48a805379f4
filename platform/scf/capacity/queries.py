"""Reading pools."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, exists, func, select
from sqlalchemy.orm import Session

from scf.capacity.edges import ConversionEdge
from scf.capacity.models import EntryKind, Notice, Pool, PoolEntry
from scf.capacity.rules import Holding
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf_ledger.encoding import from_b64url
from scf_ledger.event import parse_disclosure

HELD = cast(func.sum(PoolEntry.used_delta_minor), BigInteger)


def direct(session: Session, pool_id: UUID) -> list[Holding]:
    """Return what is still held of a pool itself, in order of reservation."""
    statement = _holdings(pool_id).having(HELD > 0).order_by(func.min(PoolEntry.version))
    return [Holding(*row) for row in session.execute(statement)]


def holdings(session: Session, pool_id: UUID) -> list[Holding]:
    """Return what is still held of a pool, in order of reservation; then what is of it in earlier forms.

    What is held blind is left out: whoever holds it is neither named, nor asked, nor told.
    """
    return [one for one in _all_holdings(session, pool_id) if one.told is not None]


def _all_holdings(session: Session, pool_id: UUID) -> list[Holding]:
    found = direct(session, pool_id)
    carried = select(ConversionEdge.from_pool_id, ConversionEdge.carried_minor).where(
        ConversionEdge.to_pool_id == pool_id, ConversionEdge.carried_minor > 0
    )
    for source_id, minor in session.execute(carried.order_by(ConversionEdge.id)).all():
        left: int = minor
        for one in _all_holdings(session, source_id):
            if part := min(one.minor, left):
                found.append(replace(one, minor=part))
                left -= part
    return found


def pools_of(session: Session, holder_id: UUID) -> list[UUID]:
    """Return the pools of which a holder ever held a part."""
    return list(
        session.scalars(
            select(PoolEntry.pool_id).where(PoolEntry.holder_id == holder_id).distinct()
        )
    )


def opened_with(session: Session, pool: Pool) -> int:
    """Return what a pool was worth when it was opened, in its smallest part."""
    first = select(PoolEntry.confirmed_delta_minor)
    return session.scalars(first.where(PoolEntry.pool_id == pool.id, PoolEntry.version == 1)).one()


def forms_before(session: Session, pool_id: UUID) -> list[UUID]:
    """Return a pool and every earlier form that some of its value came from."""
    forms = select(Pool.id).where(Pool.id == pool_id).cte(recursive=True)
    forms = forms.union(
        select(ConversionEdge.from_pool_id).where(ConversionEdge.to_pool_id == forms.c.id)
    )
    return list(session.scalars(select(forms.c.id)))


def holders_beside(session: Session, holder_id: UUID) -> list[UUID]:
    """Return every holder of the pools of which one ever held a part, this one among them."""
    own = select(PoolEntry.pool_id).where(PoolEntry.holder_id == holder_id)
    beside = select(PoolEntry.holder_id).where(
        PoolEntry.pool_id.in_(own), PoolEntry.holder_id.is_not(None)
    )
    return [one for one in session.scalars(beside.distinct()) if one is not None]


def reason(session: Session, holder_id: UUID) -> bytes:
    """Return the hash of the event by which a holder first took its part."""
    taken = session.scalars(
        select(Event)
        .join(
            PoolEntry,
            and_(Event.subject_id == PoolEntry.pool_id, Event.version == PoolEntry.version),
        )
        .where(PoolEntry.holder_id == holder_id, PoolEntry.kind == EntryKind.RESERVE)
    )
    return _cause(taken.one())


def confirmation(session: Session, pool_id: UUID) -> bytes:
    """Return the hash of the event that confirms a pool's value."""
    opened = select(Event).where(Event.subject_id == pool_id, Event.version == 1)
    return _cause(session.scalars(opened).one())


def _cause(event: Event) -> bytes:
    shown = map(parse_disclosure, event.disclosures.split("~"))
    return from_b64url(next(one.value for one in shown if one.name == "cause"))


def holding(session: Session, pool_id: UUID, holder_id: UUID) -> Holding | None:
    """Return what one holder holds, zero once it was paid or released; None if it never held."""
    statement = _holdings(pool_id).where(PoolEntry.holder_id == holder_id)
    row = session.execute(statement).one_or_none()
    return None if row is None else Holding(*row)


def still_held(session: Session, pool_id: UUID, holder_id: UUID) -> bool:
    """Say whether a holder still has something of a pool."""
    found = holding(session, pool_id, holder_id)
    return found is not None and found.minor > 0


def _holdings(pool_id: UUID) -> Select[*tuple[Any, ...]]:
    who = (PoolEntry.holder_id, PoolEntry.holder, PoolEntry.party_id)
    return (
        select(*who, HELD)
        .where(PoolEntry.pool_id == pool_id, PoolEntry.party_id.is_not(None))
        .group_by(*who)
    )


def paid(session: Session, pool_id: UUID) -> list[Holding]:
    """Return what was paid of each encumbrance and not put back, in order of reservation."""
    moved = PoolEntry.kind.in_([EntryKind.PAY, EntryKind.REVERSE])
    taken = cast(-func.sum(PoolEntry.used_delta_minor).filter(moved), BigInteger)
    who = (PoolEntry.holder_id, PoolEntry.holder, PoolEntry.party_id)
    statement: Select[*tuple[Any, ...]] = (
        select(*who, taken)
        .where(PoolEntry.pool_id == pool_id, PoolEntry.holder_id.is_not(None))
        .group_by(*who)
        .having(taken > 0)
        .order_by(func.min(PoolEntry.version))
    )
    return [Holding(*row) for row in session.execute(statement)]


def held(session: Session, pool: Pool, holder_id: UUID) -> Money | Quantity:
    """Return what one holder still holds of a pool."""
    found = holding(session, pool.id, holder_id)
    return pool.measure(found.minor if found else 0)


def held_by(session: Session, pool: Pool, party_id: UUID) -> Money | Quantity:
    """Return what a party holds of a pool through all its encumbrances."""
    minor = session.scalar(
        select(func.coalesce(HELD, 0)).where(
            PoolEntry.pool_id == pool.id, PoolEntry.party_id == party_id
        )
    )
    return pool.measure(minor or 0)


def has_encumbered(session: Session, pool_id: UUID, party_id: UUID) -> bool:
    """Say whether a party took part of this pool, now or before."""
    return bool(
        session.scalar(
            select(exists().where(PoolEntry.pool_id == pool_id, PoolEntry.party_id == party_id))
        )
    )


def visible(session: Session, party_id: UUID, pool_id: UUID) -> Pool:
    """Return a pool that this party has a part in. Raises SubjectNotFound."""
    took_part = exists().where(PoolEntry.pool_id == Pool.id, PoolEntry.party_id == party_id)
    pool = session.scalar(
        select(Pool).where(Pool.id == pool_id, Pool.parties.contains([party_id]) | took_part)
    )  # one question: what is another's costs what is none's does
    if pool is None:
        raise SubjectNotFound
    return pool


def notices(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> Sequence[Notice]:
    """Return a party's notices, oldest first."""
    statement = select(Notice).where(Notice.party_id == party_id).order_by(Notice.id).limit(size)
    if after is not None:
        statement = statement.where(Notice.id > after)
    return session.scalars(statement).all()
