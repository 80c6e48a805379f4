"""Taking from a pool, and recording what happens to it. Lock the pool first: `lock_pools`.

Taking is guarded; a payment or a loss is a fact and is recorded whatever it does to the numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, select, text
from sqlalchemy.orm import Session, aliased

from scf.capacity import converting, entries, queries, rules
from scf.capacity.converting import Link, Mark
from scf.capacity.edges import ConversionEdge
from scf.capacity.entries import TYPES, Entry, Sums, enter, record, row
from scf.capacity.models import EntryKind, Pool, PoolEntry
from scf.capacity.rules import Holding
from scf.db.bulk import copy_in
from scf.db.outbox import enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import public_id
from scf.kernel.measure import Measure, UnitMismatch
from scf.kernel.money import SCALES, CurrencyMismatch, Money
from scf.kernel.quantity import Quantity

OPENED = (
    *("id", "secret", "version", "head_hash", "asset", "asset_id", "owner_id", "parties"),
    *("unit", "confirmed_minor", "used_minor", "opened_at"),
)
"""What a pool is inserted with; its first entry gives it its amounts, its first event its version."""
FOLLOW: Final = "capacity.follow"
"""The effect that lets value nobody holds any more pass on to what it became."""
notify = entries.notify
_OPENED_AT_ONE = text("""
UPDATE pools SET version = 1, head_hash = told.head
FROM unnest(CAST(:ids AS uuid[]), CAST(:heads AS bytea[])) AS told (id, head)
WHERE pools.id = told.id
""")


class CapacityExceeded(LimitExceeded):
    """No more can be taken of a value than is free; its owner sees the numbers."""

    code = "capacity.exceeded"
    title = "超出可用额度"
    title_en = "More is asked than is free"


class CapacityInsufficient(LimitExceeded):
    """No more can be taken of a value than is free; a bank learns no number and no name."""

    code = "capacity.insufficient"
    title = "可用额度不足"
    title_en = "The free capacity does not suffice"


class NotHeld(Conflict):
    """Only who holds a part of a value can give it back."""

    code = "capacity.not_held"
    title = "未占用该额度，无需释放"
    title_en = "Nothing of this is held by that holder"


class NothingToConvert(Conflict):
    """Only what a holder has in an earlier form of a value, and this pool carries, is converted into it."""

    code = "capacity.nothing_to_convert"
    title = "没有可转换的占用额度"
    title_en = "Nothing, or less than that, can be converted"


class AmountNotPositive(Invalid):
    """What is taken from a pool, paid into it or lost is more than nothing."""

    code = "capacity.amount_not_positive"
    title = "金额必须大于零"
    title_en = "The amount must be above zero"


def lock_pools(session: Session, ids: Iterable[UUID]) -> list[Pool]:
    """Return pools in id order, locked in that order and read afresh. Raises SubjectNotFound.

    The pools whose encumbrances they carry are locked with them. The rows come out of the locking CTE
    itself: an outer read would show them as before the wait.
    """
    wanted = set(ids)
    locked = session.scalars(_LOCKED, {"ids": list(wanted)})
    found = [pool for pool in locked if pool.id in wanted]
    if len(found) != len(wanted):
        raise evidence.SubjectNotFound
    return found


def lock_pools_of(session: Session, holder_id: UUID) -> list[Pool]:
    """Return the pools of which a holder ever held a part, locked; see `lock_pools`.

    Whoever waited for them may find that the holder was taken along into others: those are locked then too.
    """
    ids = set(queries.pools_of(session, holder_id))
    while True:
        pools = lock_pools(session, ids)
        more = set(queries.pools_of(session, holder_id)) - ids
        if not more:
            return pools
        ids |= more


def _locking() -> Select[Pool]:
    ids = bindparam("ids", type_=ARRAY(Uuid))
    family = select(func.unnest(ids).label("id")).cte(recursive=True)
    carried = select(ConversionEdge.from_pool_id).where(
        ConversionEdge.to_pool_id == family.c.id, ConversionEdge.carried_minor > 0
    )
    locked = (
        select(Pool)
        .where(Pool.id.in_(select(family.union(carried).c.id)))
        .order_by(Pool.id)
        .with_for_update(of=Pool)
        .cte("locked")
        .prefix_with("MATERIALIZED")
    )
    pool = aliased(Pool, locked)
    return select(pool).order_by(pool.id).execution_options(populate_existing=True)


_LOCKED = _locking()
# Built once: putting it together takes longer than its answer.


@dataclass(frozen=True, slots=True)
class Opening:
    """A value whose pool is to be opened. `parties` see it; its owner, one of them, also sees the numbers.

    `cause` is the hash of the event that confirms the value, here as in the functions below; `marks` are the
    papers that it is, or is of. Without an owner nobody sees it.
    """

    pool_id: UUID
    secret: bytes
    asset: str
    asset_id: UUID
    owner_id: UUID | None
    confirmed: Money | Quantity
    cause: bytes
    parties: Iterable[UUID]
    marks: Sequence[Mark] = ()


def open_pools(
    session: Session, openings: Sequence[Opening], *, now: datetime, actor: UUID | None
) -> None:
    """Open the pools of values, all at once, and link them to the other forms of the same values.

    What is encumbered of an earlier form holds them down from the first moment on.
    """
    converting.lock_marks(session, [mark for one in openings for mark in one.marks])
    pools, rows, facts = [], [], []
    for opening in openings:
        _require_positive(opening.confirmed)
        pool = Pool(
            id=opening.pool_id,
            secret=opening.secret,
            version=0,
            head_hash=None,
            asset=opening.asset,
            asset_id=opening.asset_id,
            owner_id=opening.owner_id,
            parties=sorted({*([opening.owner_id] if opening.owner_id else []), *opening.parties}),
            unit=opening.confirmed.unit,
            confirmed_minor=0,
            used_minor=0,
            opened_at=now,
        )
        entry = Entry(EntryKind.OPEN, opening.confirmed.minor, 0)
        told = record(pool, entry, Sums(entry.confirmed_delta, 0, 0), cause=opening.cause)
        pools.append(pool)
        rows.append(row(pool, entry, now=now))
        facts.append(evidence.Fact(pool, TYPES[entry.kind], told, pool.parties))
    copy_in(session, Pool, [{name: getattr(pool, name) for name in OPENED} for pool in pools])
    copy_in(session, PoolEntry, rows)
    hashes = evidence.append_all(session, facts, now=now, actor=actor)
    values = {"ids": [pool.id for pool in pools], "heads": hashes}
    session.execute(_OPENED_AT_ONE, values)
    marks = {opening.pool_id: opening.marks for opening in openings if opening.marks}
    if marks:
        _draw(session, converting.keep_marks(session, marks), now=now)


def mark(session: Session, pool_id: UUID, marks: Sequence[Mark], *, now: datetime) -> None:
    """Name more papers that an open pool is, or is of, and link it to those that are there."""
    converting.lock_marks(session, marks)
    _draw(session, converting.keep_marks(session, {pool_id: marks}), now=now)


def _draw(session: Session, links: Sequence[Link], *, now: datetime) -> None:
    if links:
        ends = {end for link in links for end in (link.from_id, link.to_id)}
        pools = {pool.id: pool for pool in lock_pools(session, ends)}
        converting.draw(session, links, pools, now=now)


def convert(
    session: Session, pool_id: UUID, *, holder_id: UUID, amount: Measure | None, now: datetime
) -> Pool:
    """Take a holder's part in earlier forms of a value along into a pool: all of it unless said.

    It moves and adds nothing. Raises NothingToConvert, with the amount that could be converted; nothing is
    moved then.
    """
    (pool,) = lock_pools(session, [pool_id])
    if amount is not None:
        _require_positive(amount)
        _require_unit(pool, amount)
    wanted = amount.minor if amount else None
    moved = converting.take_along(session, pool, holder_id=holder_id, most=wanted, now=now)
    if moved == 0 or (wanted is not None and moved != wanted):
        raise NothingToConvert(convertible=pool.measure(moved))
    return pool


def become(
    session: Session, from_id: UUID, to_id: UUID, *, amount: Measure, family: str, now: datetime
) -> None:
    """Let so much of a pool become another that was opened for it: what is held first, with its holders.

    `family` names what became of it, as for marks. Raises CapacityExceeded where it is not there.
    """
    pools = {pool.id: pool for pool in lock_pools(session, [from_id, to_id])}
    source, target = pools[from_id], pools[to_id]
    _require_positive(amount)
    _require_unit(source, amount)
    if amount.minor > min(source.confirmed_minor, target.free_minor):
        raise CapacityExceeded(free=source.confirmed, asked=amount)
    converting.pass_into(session, source, target, amount.minor, family=family, now=now)


def follow(session: Session, pool_id: UUID, *, now: datetime) -> None:
    """Let what nobody holds any more of a value pass on to the forms that it became."""
    after = select(ConversionEdge.to_pool_id).where(
        ConversionEdge.from_pool_id == pool_id, ConversionEdge.carried_minor > 0
    )
    pools = lock_pools(session, [pool_id, *session.scalars(after)])
    source = next(pool for pool in pools if pool.id == pool_id)
    converting.follow(session, source, now=now)


def require_free(pool: Pool, amount: Measure, *, viewer: UUID | None) -> None:
    """Check without taking. Raises CapacityExceeded to the owner, CapacityInsufficient to others."""
    _require_unit(pool, amount)
    if amount > pool.free:
        if viewer == pool.owner_id:
            raise CapacityExceeded(free=pool.free, asked=amount)
        raise CapacityInsufficient


def reserve(
    session: Session,
    pool: Pool,
    *,
    holder_id: UUID,
    holder: str,
    amount: Measure,
    cause: bytes,
    now: datetime,
    actor: UUID,
) -> Event:
    """Take a part of a locked pool for `holder` (a public id) of the party `actor`.

    Of what is held blind the pool's event does not say by whom, and is not shown to it. Raises
    CapacityInsufficient, or CapacityExceeded where the owner itself asks; nothing is taken then.
    """
    _require_positive(amount)
    require_free(pool, amount, viewer=actor)
    holding = Holding(holder_id, holder, actor, 0)
    entry = Entry(EntryKind.RESERVE, 0, amount.minor, holding)
    parties = {pool.owner_id, holding.told}
    return enter(session, pool, entry, cause=cause, now=now, actor=holding.told, parties=parties)


def pay(
    session: Session,
    pool: Pool,
    *,
    amount: Measure,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
    payee: UUID | None = None,
) -> list[Event]:
    """Record money that reached the named account: nothing is diluted by it.

    `payee` is whose account it was where the payment is split. See `rules.run_through` for the order. Beyond what is confirmed nothing enters the pool. What the pool
    carries of earlier forms is converted first: the money is its holders' too.
    """
    _require_positive(amount)
    _require_unit(pool, amount)
    converting.ripen(session, pool, now=now)
    parts = rules.run_through(
        amount.minor,
        confirmed=pool.confirmed_minor,
        free=pool.free_minor,
        holdings=queries.direct(session, pool.id),
        payee=payee,
    )
    events = []
    for part in parts:
        used = -part.minor if part.holding else 0
        entry = Entry(EntryKind.PAY, -part.minor, used, part.holding)
        parties = {*pool.parties, part.holding.told if part.holding else None}
        events.append(
            enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)
        )
    return events


def deliver(
    session: Session,
    pool: Pool,
    *,
    amount: Measure,
    cause: bytes,
    now: datetime,
    actor: UUID,
    holder_id: UUID | None = None,
) -> Event:
    """Record that goods left: of what is free, or with the holder that had them.

    Raises CapacityExceeded to the owner, CapacityInsufficient to others; NotHeld. Nothing leaves then.
    """
    _require_positive(amount)
    holding = None
    if holder_id is None:
        require_free(pool, amount, viewer=actor)
    else:
        holding = queries.holding(session, pool.id, holder_id)
        if holding is None or amount > pool.measure(holding.minor):
            raise NotHeld
    entry = Entry(EntryKind.DELIVER, -amount.minor, -amount.minor if holding else 0, holding)
    parties = {*pool.parties, holding.told if holding else None}
    return enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)


def dilute(
    session: Session,
    pool: Pool,
    *,
    amount: Measure,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> Event:
    """Record that the value shrank: a credit note, lost goods, money to a wrong account.

    Never refused. What it takes below the encumbrances is the shortfall; every named holder is told.
    """
    _require_positive(amount)
    _require_unit(pool, amount)
    holdings = queries.holdings(session, pool.id)
    holders = {holding.party_id for holding in holdings}
    entry = Entry(EntryKind.DILUTE, -amount.minor, 0)
    event = enter(
        session, pool, entry, cause=cause, now=now, actor=actor, parties={*pool.parties, *holders}
    )
    fields = {"pool": public_id("cap", pool.id), "diluted": amount.to_json(), "state": pool.state}
    for holding in holdings:
        notify(
            session,
            event,
            holding.party_id,
            kind="pool.diluted",
            subject=holding.holder,
            fields=fields,
            now=now,
        )
    return event


def release(
    session: Session,
    pool: Pool,
    *,
    holder_id: UUID,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
    amount: Measure | None = None,
) -> Event | None:
    """Give back all that a holder still holds, or so much of it.

    None where its part was paid: nothing is left to give back. Raises NotHeld for one that never held a
    part, or holds less.
    """
    holding = queries.holding(session, pool.id, holder_id)
    if holding is None or (amount is not None and amount > pool.measure(holding.minor)):
        raise NotHeld
    if holding.minor == 0:
        return None
    given = holding.minor if amount is None else amount.minor
    entry = Entry(EntryKind.RELEASE, 0, -given, holding)
    if converting.edges_out(session, pool.id):
        enqueue(session, FOLLOW, pool_id=pool.id)
    parties = {pool.owner_id, holding.told}
    return enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)


def release_all(
    session: Session, *, holder_id: UUID, cause: bytes, now: datetime, actor: UUID | None
) -> list[Event]:
    """Give back all that a holder still holds, in whichever forms of a value it stands by now."""
    given = (
        release(session, pool, holder_id=holder_id, cause=cause, now=now, actor=actor)
        for pool in lock_pools_of(session, holder_id)
    )
    return [event for event in given if event is not None]


def reverse(
    session: Session,
    pool: Pool,
    *,
    amount: Measure,
    paid: Sequence[Holding],
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> list[Event]:
    """Record that a payment was taken back: the value is there again, and held as it was.

    `paid` is what was paid of the encumbrances that still stand (`queries.paid`, without those that
    ended); none where nothing was paid of them. Every named holder is told.
    """
    _require_positive(amount)
    _require_unit(pool, amount)
    events = []
    for part in rules.run_back(amount.minor, paid):
        holding = part.holding
        entry = Entry(EntryKind.REVERSE, part.minor, part.minor if holding else 0, holding)
        told = holding.told if holding else None
        parties = {*pool.parties, told}
        event = enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)
        if holding is not None and told is not None:
            fields = {
                "pool": public_id("cap", pool.id),
                "reversed": pool.measure(part.minor).to_json(),
                "state": pool.state,
            }
            notify(
                session,
                event,
                told,
                kind="pool.reversed",
                subject=holding.holder,
                fields=fields,
                now=now,
            )
        events.append(event)
    return events


def _require_positive(amount: Measure) -> None:
    if amount.minor <= 0:
        raise AmountNotPositive(amount=amount)


def _require_unit(pool: Pool, amount: Measure) -> None:
    if amount.unit != pool.unit:
        mismatch = CurrencyMismatch if {amount.unit, pool.unit} <= SCALES.keys() else UnitMismatch
        raise mismatch(left=pool.unit, right=amount.unit)
