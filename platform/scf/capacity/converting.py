"""Passing a value from one form into the next: linking pools, taking a holding along, letting free value follow.

All pools that are touched are locked by the caller (`service.lock_pools`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, cast, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from scf.capacity import entries, queries
from scf.capacity.edges import ConversionEdge, PoolMark, Side
from scf.capacity.entries import Carrier, Entry
from scf.capacity.models import EntryKind, Pool
from scf.capacity.rules import Holding
from scf.db.bulk import copy_in
from scf.db.outbox import enqueue
from scf.evidence.models import Event
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money

BUCKETS: Final = 512
"""Papers share this many locks, so that a thousand of them do not take a thousand."""
CONVERTED: Final = "capacity.converted"
"""The effect that tells whoever looks after a holder that its part stands in another form now."""
_LOCK_MARKS = text("""
SELECT pg_advisory_xact_lock(20251103, bucket)
FROM (SELECT DISTINCT abs(hashtext(mark) % :buckets) AS bucket
      FROM unnest(CAST(:marks AS text[])) AS mark ORDER BY bucket) AS sorted
""")
_OPPOSITES = text("""
SELECT own.pool_id, own.mark, own.side, other.pool_id, least(own.amount_minor, other.amount_minor)
FROM pool_marks own
JOIN pool_marks other ON other.mark = own.mark
  AND other.side = CASE own.side WHEN 'is' THEN 'of' ELSE 'is' END -- an equation: the index finds it
  AND other.pool_id <> own.pool_id
WHERE own.pool_id = ANY(CAST(:pools AS uuid[])) AND other.mark = ANY(CAST(:marks AS text[]))
  AND NOT EXISTS (SELECT FROM conversion_edges e
    WHERE e.from_pool_id IN (own.pool_id, other.pool_id)
      AND e.to_pool_id IN (own.pool_id, other.pool_id))
ORDER BY own.pool_id, other.pool_id
""")


@dataclass(frozen=True, slots=True)
class Mark:
    """A paper that a pool is, or is of (`family:kind:name`), and how much of the pool that is at most.

    Within a family a later pool comes of no more than it is worth; families are different ways to see the
    same value. Of the marks of one pool those that stand first are followed first.
    """

    side: Side
    text: str
    amount: Money

    @property
    def family(self) -> str:
        """The part before the first colon."""
        return self.text.partition(":")[0]

    @property
    def kind(self) -> str:
        """Family and kind."""
        return ":".join(self.text.split(":", 2)[:2])


@dataclass(frozen=True, slots=True)
class Link:
    """Two pools that share a mark: so much of one, at most, is the other. In fen."""

    from_id: UUID
    to_id: UUID
    family: str
    minor: int


def lock_marks(session: Session, marks: Iterable[Mark]) -> None:
    """Let nobody else open a pool of these papers until the transaction ends."""
    names = [mark.text for mark in marks]
    if names:
        session.execute(_LOCK_MARKS, {"marks": names, "buckets": BUCKETS})


def keep_marks(session: Session, marks: Mapping[UUID, Sequence[Mark]]) -> list[Link]:
    """Store marks by pool, and return the links to pools that are there, in the marks' order."""
    rows = [
        {
            "pool_id": pool_id,
            "side": one.side.value,
            "mark": one.text,
            "amount_minor": one.amount.minor,
        }
        for pool_id, own in marks.items()
        for one in own
    ]
    copy_in(session, PoolMark, rows)
    found = session.execute(_OPPOSITES, {"pools": list(marks), "marks": [r["mark"] for r in rows]})
    others: dict[tuple[UUID, str, Side], list[tuple[UUID, int]]] = defaultdict(list)
    for pool_id, text_, side, other, minor in found:
        others[pool_id, text_, side].append((other, minor))
    links: dict[tuple[UUID, UUID], dict[str, Link]] = {}
    for pool_id, own in marks.items():
        for mark in own:
            for other, minor in others[pool_id, mark.text, mark.side]:
                ends = (pool_id, other) if mark.side is Side.IS else (other, pool_id)
                kinds = links.setdefault(ends, {})
                before = kinds[mark.kind].minor if mark.kind in kinds else 0
                kinds[mark.kind] = Link(*ends, mark.family, before + minor)
    # Two kinds of marks say the same once more: the one that says most counts.
    return [max(kinds.values(), key=lambda link: link.minor) for kinds in links.values()]


def draw(
    session: Session, links: Sequence[Link], pools: Mapping[UUID, Pool], *, now: datetime
) -> None:
    """Draw the edges that links call for, as far as values are there and not linked yet."""
    for link in links:
        source, target = pools[link.from_id], pools[link.to_id]
        if source.unit != target.unit:
            continue
        left = queries.opened_with(session, target) - _come_of(session, target, link.family)
        minor = min(link.minor, left, source.confirmed_minor - carried_out(session, source.id))
        _draw(session, source, target, minor, family=link.family, now=now)


def _draw(
    session: Session, source: Pool, target: Pool, minor: int, *, family: str, now: datetime
) -> None:
    held = min(minor, source.used_minor - carried_out(session, source.id), target.free_minor)
    held = max(held, 0)
    free = min(minor - held, source.free_minor)
    if held + free <= 0:
        return
    edge = ConversionEdge(
        id=new_id(),
        from_pool_id=source.id,
        to_pool_id=target.id,
        family=family,
        amount_minor=held + free,
        carried_minor=0,
        passed_minor=0,
        moving_minor=0,
        drawn_at=now,
    )
    session.add(edge)
    session.flush()
    if held:
        _carry(session, edge, source, target, held, cause=_head(source), now=now)
    if free:
        _pass_on(session, edge, source, free, cause=_head(target), now=now)


def pass_into(
    session: Session, source: Pool, target: Pool, minor: int, *, family: str, now: datetime
) -> None:
    """Let so much of a pool be another, what is held of it first; its holders go along at once."""
    _draw(session, source, target, minor, family=family, now=now)
    ripen(session, target, now=now)


def take_along(
    session: Session, target: Pool, *, holder_id: UUID, most: int | None, now: datetime
) -> int:
    """Convert what a holder has in the forms before `target` into it; return how much that was, in fen.

    `most` None: as much as there is. From the form right before it, which takes along what stands in forms
    before that. What is carried becomes the holder's own: nothing is added, whatever stands there.
    """
    moved = 0
    for edge in edges_into(session, target.id):
        source = session.get_one(Pool, edge.from_pool_id)
        wanted = edge.carried_minor if most is None else min(edge.carried_minor, most - moved)
        held = _held(session, source, holder_id)
        if held < wanted:
            take_along(session, source, holder_id=holder_id, most=wanted - held, now=now)
        moved += _take_over(session, edge, (source, target), holder_id, wanted, now=now)
    return moved


def ripen(session: Session, target: Pool, *, now: datetime) -> None:
    """Convert into a pool all that it carries: what is carried falls to its holders before money does."""
    for edge in edges_into(session, target.id):
        source = session.get_one(Pool, edge.from_pool_id)
        ripen(session, source, now=now)
        follow(session, source, now=now)
        for holding in queries.direct(session, source.id):
            session.refresh(edge)
            left = edge.carried_minor
            _take_over(session, edge, (source, target), holding.holder_id, left, now=now)


def follow(session: Session, source: Pool, *, now: datetime) -> None:
    """Let value that nobody holds any more pass on to the forms that it became."""
    for edge in edges_out(session, source.id):
        idle = carried_out(session, source.id) - source.used_minor
        minor = min(edge.carried_minor, idle, source.free_minor)
        if minor > 0:
            target = session.get_one(Pool, edge.to_pool_id)
            _carry(session, edge, source, target, -minor, cause=_head(source), now=now)
            _pass_on(session, edge, source, minor, cause=_head(target), now=now)


def edges_into(session: Session, pool_id: UUID) -> list[ConversionEdge]:
    """Return the edges by which something is carried into a pool, oldest first."""
    return _edges(session, ConversionEdge.to_pool_id == pool_id)


def edges_out(session: Session, pool_id: UUID) -> list[ConversionEdge]:
    """Return the edges by which something of a pool is carried elsewhere, oldest first."""
    return _edges(session, ConversionEdge.from_pool_id == pool_id)


def _edges(session: Session, end: ColumnElement[bool]) -> list[ConversionEdge]:
    found = select(ConversionEdge).where(end, ConversionEdge.carried_minor > 0)
    fresh = found.order_by(ConversionEdge.id).execution_options(populate_existing=True)
    return list(session.scalars(fresh))


def carried_out(session: Session, pool_id: UUID) -> int:
    """Return how much of a pool stands in later forms without having passed, in fen."""
    return _sum(session, ConversionEdge.carried_minor, ConversionEdge.from_pool_id == pool_id)


def _come_of(session: Session, target: Pool, family: str) -> int:
    into = (ConversionEdge.to_pool_id == target.id, ConversionEdge.family == family)
    return _sum(session, ConversionEdge.amount_minor, *into)


def _sum(
    session: Session, column: InstrumentedAttribute[int], *conditions: ColumnElement[bool]
) -> int:
    total = cast(func.coalesce(func.sum(column), 0), BigInteger)
    return session.scalars(select(total).where(*conditions)).one()


def _held(session: Session, pool: Pool, holder_id: UUID) -> int:
    found = queries.holding(session, pool.id, holder_id)
    return found.minor if found else 0


def _take_over(
    session: Session,
    edge: ConversionEdge,
    ends: tuple[Pool, Pool],
    holder_id: UUID,
    most: int,
    *,
    now: datetime,
) -> int:
    """Move what a holder has in the earlier of an edge's pools: given up, passed on, taken over."""
    source, target = ends
    holding = queries.holding(session, source.id, holder_id)
    minor = min(most, holding.minor) if holding else 0
    if holding is None or minor <= 0:
        return 0
    cause = queries.reason(session, holder_id)
    _carry(session, edge, source, target, -minor, cause=cause, now=now)
    left = _pass_on(session, edge, source, minor, cause=cause, now=now, holding=holding)
    taken = Entry(EntryKind.CONVERT, 0, minor, holding, edge.id)
    event = entries.enter(
        session,
        target,
        taken,
        cause=left.body_hash,
        now=now,
        actor=None,
        parties=[target.owner_id, holding.told],
    )
    if holding.told is None:
        return minor
    enqueue(session, CONVERTED, holder_id=holding.holder_id)
    fields = {
        "from": public_id("cap", source.id),
        "to": public_id("cap", target.id),
        "converted": target.measure(minor).to_json(),
    }
    entries.notify(
        session,
        event,
        holding.told,
        kind=event.type,
        subject=holding.holder,
        fields=fields,
        now=now,
    )
    return minor


def _carry(
    session: Session,
    edge: ConversionEdge,
    source: Pool,
    target: Pool,
    minor: int,
    *,
    cause: bytes,
    now: datetime,
) -> Event:
    carrier = Carrier(source.id, public_id("cap", source.id))
    entry = Entry(EntryKind.CARRY, 0, minor, carrier, edge.id)
    owner = [target.owner_id]
    return entries.enter(session, target, entry, cause=cause, now=now, actor=None, parties=owner)


def _pass_on(
    session: Session,
    edge: ConversionEdge,
    source: Pool,
    minor: int,
    *,
    cause: bytes,
    now: datetime,
    holding: Holding | None = None,
) -> Event:
    entry = Entry(EntryKind.CONVERT, -minor, -minor if holding else 0, holding, edge.id)
    parties = [source.owner_id, holding.told if holding else None]
    return entries.enter(session, source, entry, cause=cause, now=now, actor=None, parties=parties)


def _head(pool: Pool) -> bytes:
    assert pool.head_hash is not None, "an open pool has told of its opening"
    return pool.head_hash
