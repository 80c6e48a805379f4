"""Reading pools."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.orm import Session

from scf.capacity.models import EntryKind, Notice, Pool, PoolEntry
from scf.capacity.rules import Holding
from scf.evidence.service import SubjectNotFound
from scf.kernel.money import Money

HELD = cast(func.sum(PoolEntry.used_delta_minor), BigInteger)


def holdings(session: Session, pool_id: UUID) -> list[Holding]:
    """Return what is still held of a pool, in order of reservation."""
    statement = _holdings(pool_id).having(HELD > 0).order_by(func.min(PoolEntry.version))
    return [Holding(*row) for row in session.execute(statement)]


def holding(session: Session, pool_id: UUID, holder_id: UUID) -> Holding | None:
    """Return what one holder holds, zero once it was paid or released; None if it never held."""
    statement = _holdings(pool_id).where(PoolEntry.holder_id == holder_id)
    row = session.execute(statement).one_or_none()
    return None if row is None else Holding(*row)


def _holdings(pool_id: UUID) -> Select[*tuple[Any, ...]]:
    who = (PoolEntry.holder_id, PoolEntry.holder, PoolEntry.party_id)
    return (
        select(*who, HELD)
        .where(PoolEntry.pool_id == pool_id, PoolEntry.holder_id.is_not(None))
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


def held(session: Session, pool: Pool, holder_id: UUID) -> Money:
    """Return what one holder still holds of a pool."""
    found = holding(session, pool.id, holder_id)
    return pool.money(found.minor if found else 0)


def held_by(session: Session, pool: Pool, party_id: UUID) -> Money:
    """Return what a party holds of a pool through all its encumbrances."""
    minor = session.scalar(
        select(func.coalesce(HELD, 0)).where(
            PoolEntry.pool_id == pool.id, PoolEntry.party_id == party_id
        )
    )
    return pool.money(minor or 0)


def has_encumbered(session: Session, pool_id: UUID, party_id: UUID) -> bool:
    """Say whether a party took part of this pool, now or before."""
    return bool(
        session.scalar(
            select(exists().where(PoolEntry.pool_id == pool_id, PoolEntry.party_id == party_id))
        )
    )


def visible(session: Session, party_id: UUID, pool_id: UUID) -> Pool:
    """Return a pool that this party has a part in. Raises SubjectNotFound."""
    pool = session.get(Pool, pool_id)
    if pool is None or not (party_id in pool.parties or has_encumbered(session, pool_id, party_id)):
        raise SubjectNotFound
    return pool


def notices(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> Sequence[Notice]:
    """Return a party's notices, oldest first."""
    statement = select(Notice).where(Notice.party_id == party_id).order_by(Notice.id).limit(size)
    if after is not None:
        statement = statement.where(Notice.id > after)
    return session.scalars(statement).all()
