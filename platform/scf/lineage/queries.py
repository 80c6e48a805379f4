"""Reading stages, and the forms that a value has taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from scf.capacity.edges import ConversionEdge, PoolMark, Side
from scf.capacity.models import EntryKind, Pool, PoolEntry
from scf.capacity.queries import held_by
from scf.capacity.queries import visible as visible_pool
from scf.evidence.service import SubjectNotFound
from scf.kernel.measure import Measure
from scf.lineage import permissions
from scf.lineage.models import StageKind, TradeStage
from scf.lineage.permissions import Action


@dataclass(frozen=True, slots=True)
class Form:
    """A pool that is one form of a value, and what the reader itself holds of it."""

    pool: Pool
    held: Measure


@dataclass(frozen=True, slots=True)
class Family:
    """The forms of a value, and how they became each other; `reader` sees the numbers of what it owns."""

    reader: UUID
    forms: list[Form]
    edges: list[ConversionEdge]


def visible(session: Session, party_id: UUID, stage_id: UUID) -> TradeStage:
    """Return a stage that this party is a side of. Raises SubjectNotFound."""
    stage = session.get(TradeStage, stage_id)
    if stage is None:
        raise SubjectNotFound
    permissions.require(stage, party_id, Action.VIEW)
    return stage


def page(
    session: Session,
    party_id: UUID,
    *,
    after: UUID | None,
    size: int,
    kind: StageKind | None = None,
) -> Sequence[TradeStage]:
    """Return the stages that a party is a side of, oldest first."""
    statement = (
        select(TradeStage)
        .where(or_(TradeStage.seller_id == party_id, TradeStage.buyer_id == party_id))
        .order_by(TradeStage.id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(TradeStage.id > after)
    if kind is not None:
        statement = statement.where(TradeStage.kind == kind)
    return session.scalars(statement).all()


def own_holder(session: Session, party_id: UUID, holder: str) -> UUID:
    """Return the id behind an encumbrance of this party's. Raises SubjectNotFound."""
    found = session.scalar(
        select(PoolEntry.holder_id).where(
            PoolEntry.party_id == party_id,
            PoolEntry.holder == holder,
            PoolEntry.kind == EntryKind.RESERVE,
        )
    )
    if found is None:
        raise SubjectNotFound
    return found


def opened_of(session: Session, marks: Sequence[str]) -> list[UUID]:
    """Return the pools that are one of these papers."""
    named = (PoolMark.mark.in_(marks), PoolMark.side == Side.IS)
    return list(session.scalars(select(PoolMark.pool_id).where(*named).distinct()))


def come_of(session: Session, pool_id: UUID) -> int:
    """Return how much of a pool came of earlier forms, in fen."""
    total = cast(func.coalesce(func.sum(ConversionEdge.amount_minor), 0), BigInteger)
    return session.scalars(select(total).where(ConversionEdge.to_pool_id == pool_id)).one()


def family(session: Session, party_id: UUID, pool_id: UUID) -> Family:
    """Return the forms of a pool's value that this party may see. Raises SubjectNotFound.

    The owner sees them all; whoever holds a part sees where it stands, and what that has become.
    """
    start = visible_pool(session, party_id, pool_id)
    edges = _connected(session, pool_id)
    ids = {start.id, *(end for edge in edges for end in (edge.from_pool_id, edge.to_pool_id))}
    pools = {pool.id: pool for pool in session.scalars(select(Pool).where(Pool.id.in_(ids)))}
    held = {pool.id: held_by(session, pool, party_id) for pool in pools.values()}
    shown = {pool.id for pool in pools.values() if party_id in pool.parties or held[pool.id].minor}
    shown |= {edge.to_pool_id for edge in edges if held[edge.from_pool_id].minor}
    shown.add(start.id)
    return Family(
        party_id,
        [Form(pools[one], held[one]) for one in sorted(shown)],
        [edge for edge in edges if {edge.from_pool_id, edge.to_pool_id} <= shown],
    )


def _connected(session: Session, pool_id: UUID) -> list[ConversionEdge]:
    ends = select(Pool.id).where(Pool.id == pool_id).cte(recursive=True)
    ends = ends.union(
        select(func.unnest(array([ConversionEdge.from_pool_id, ConversionEdge.to_pool_id]))).where(
            or_(ConversionEdge.from_pool_id == ends.c.id, ConversionEdge.to_pool_id == ends.c.id)
        )
    )
    found = select(ConversionEdge).where(ConversionEdge.from_pool_id.in_(select(ends.c.id)))
    return list(session.scalars(found.order_by(ConversionEdge.id)))
