"""Taking from a pool, and recording what happens to it. Lock the pool first: `lock_pools`.

Taking is guarded; a payment or a loss is a fact and is recorded whatever it does to the numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, aliased

from scf.capacity import queries, rules
from scf.capacity.models import EntryKind, Notice, Pool, PoolEntry
from scf.capacity.rules import Holding
from scf.db.bulk import copy_in
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import CurrencyMismatch, Money

AMOUNTS = ("confirmed_minor", "used_minor", "free_minor", "shortfall_minor", "state")
OPENED = (
    *("id", "secret", "version", "head_hash", "asset", "asset_id", "owner_id", "parties"),
    *("currency", "confirmed_minor", "used_minor", "opened_at"),
)
"""What a pool is inserted with; its first entry gives it its amounts, its first event its version."""
_OPENED_AT_ONE = text("""
UPDATE pools SET version = 1, head_hash = told.head
FROM unnest(CAST(:ids AS uuid[]), CAST(:heads AS bytea[])) AS told (id, head)
WHERE pools.id = told.id
""")
TYPES = {
    EntryKind.OPEN: "pool.opened",
    EntryKind.RESERVE: "pool.reserved",
    EntryKind.PAY: "pool.paid",
    EntryKind.DILUTE: "pool.diluted",
    EntryKind.RELEASE: "pool.released",
    EntryKind.REVERSE: "pool.reversed",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A change about to be written; deltas in fen."""

    kind: EntryKind
    confirmed_delta: int
    used_delta: int
    holding: Holding | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What a pool amounts to after a change, in fen."""

    confirmed: int
    used: int
    shortfall: int


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


class AmountNotPositive(Invalid):
    """What is taken from a pool, paid into it or lost is more than nothing."""

    code = "capacity.amount_not_positive"
    title = "金额必须大于零"
    title_en = "The amount must be above zero"


def lock_pools(session: Session, ids: Iterable[UUID]) -> list[Pool]:
    """Return pools in id order, locked in that order and read afresh. Raises SubjectNotFound.

    The rows come out of the locking CTE itself: an outer read would show them as before the wait.
    """
    wanted = set(ids)
    locked = (
        select(Pool)
        .where(Pool.id.in_(wanted))
        .order_by(Pool.id)
        .with_for_update()
        .cte("locked")
        .prefix_with("MATERIALIZED")
    )
    pool = aliased(Pool, locked)
    statement = select(pool).order_by(pool.id).execution_options(populate_existing=True)
    found = list(session.scalars(statement))
    if len(found) != len(wanted):
        raise evidence.SubjectNotFound
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """A value whose pool is to be opened. `parties` see it; its owner, one of them, also sees the numbers.

    `cause` is the hash of the event that confirms the value, here as in the functions below.
    """

    pool_id: UUID
    secret: bytes
    asset: str
    asset_id: UUID
    owner_id: UUID
    confirmed: Money
    cause: bytes
    parties: Iterable[UUID]


def open_pools(
    session: Session, openings: Sequence[Opening], *, now: datetime, actor: UUID | None
) -> None:
    """Open the pools of values, all at once."""
    pools, entries, facts = [], [], []
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
            parties=sorted({opening.owner_id, *opening.parties}),
            currency=opening.confirmed.currency,
            confirmed_minor=0,
            used_minor=0,
            opened_at=now,
        )
        entry = Entry(EntryKind.OPEN, opening.confirmed.minor, 0)
        record = _record(pool, entry, Sums(entry.confirmed_delta, 0, 0), cause=opening.cause)
        pools.append(pool)
        entries.append(_row(pool, entry, now=now))
        facts.append(evidence.Fact(pool, TYPES[entry.kind], record, pool.parties))
    copy_in(session, Pool, [{name: getattr(pool, name) for name in OPENED} for pool in pools])
    copy_in(session, PoolEntry, entries)
    hashes = evidence.append_all(session, facts, now=now, actor=actor)
    values = {"ids": [pool.id for pool in pools], "heads": hashes}
    session.execute(_OPENED_AT_ONE, values)


def require_free(pool: Pool, amount: Money, *, viewer: UUID | None) -> None:
    """Check without taking. Raises CapacityExceeded to the owner, CapacityInsufficient to others."""
    _require_currency(pool, amount)
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
    amount: Money,
    cause: bytes,
    now: datetime,
    actor: UUID,
) -> Event:
    """Take a part of a locked pool for `holder` (a public id) of the party `actor`.

    Raises CapacityInsufficient, or CapacityExceeded where the owner itself asks; nothing is taken then.
    """
    _require_positive(amount)
    require_free(pool, amount, viewer=actor)
    entry = Entry(EntryKind.RESERVE, 0, amount.minor, Holding(holder_id, holder, actor, 0))
    parties = {pool.owner_id, actor}
    return _enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)


def pay(
    session: Session,
    pool: Pool,
    *,
    amount: Money,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> list[Event]:
    """Record money that reached the named account: nothing is diluted by it.

    See `rules.run_through` for the order. Beyond what is confirmed nothing enters the pool.
    """
    _require_positive(amount)
    _require_currency(pool, amount)
    parts = rules.run_through(
        amount.minor,
        confirmed=pool.confirmed_minor,
        free=pool.free_minor,
        holdings=queries.holdings(session, pool.id),
    )
    events = []
    for part in parts:
        used = -part.minor if part.holding else 0
        entry = Entry(EntryKind.PAY, -part.minor, used, part.holding)
        parties = {*pool.parties, *([part.holding.party_id] if part.holding else [])}
        events.append(
            _enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)
        )
    return events


def dilute(
    session: Session,
    pool: Pool,
    *,
    amount: Money,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> Event:
    """Record that the value shrank: a credit note, lost goods, money to a wrong account.

    Never refused. What it takes below the encumbrances is the shortfall; every holder is told.
    """
    _require_positive(amount)
    _require_currency(pool, amount)
    holdings = queries.holdings(session, pool.id)
    holders = {holding.party_id for holding in holdings}
    entry = Entry(EntryKind.DILUTE, -amount.minor, 0)
    event = _enter(
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


def notify(
    session: Session,
    event: Event,
    party_id: UUID,
    *,
    kind: str,
    subject: str,
    fields: dict[str, Any],
    now: datetime,
) -> None:
    """Tell a party what an event did to a value that it encumbers."""
    session.add(
        Notice(
            id=new_id(),
            party_id=party_id,
            kind=kind,
            subject=subject,
            event_id=event.id,
            fields=fields,
            told_at=now,
        )
    )


def release(
    session: Session,
    pool: Pool,
    *,
    holder_id: UUID,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> Event | None:
    """Give back all that a holder still holds. None where its part was paid: nothing is left to give back.

    Raises NotHeld for one that never held a part.
    """
    holding = queries.holding(session, pool.id, holder_id)
    if holding is None:
        raise NotHeld
    if holding.minor == 0:
        return None
    entry = Entry(EntryKind.RELEASE, 0, -holding.minor, holding)
    parties = {pool.owner_id, holding.party_id}
    return _enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)


def reverse(
    session: Session,
    pool: Pool,
    *,
    amount: Money,
    paid: Sequence[Holding],
    cause: bytes,
    now: datetime,
    actor: UUID | None,
) -> list[Event]:
    """Record that a payment was taken back: the value is there again, and held as it was.

    `paid` is what was paid of the encumbrances that still stand (`queries.paid`, without those that
    ended); none where nothing was paid of them. Every holder is told.
    """
    _require_positive(amount)
    _require_currency(pool, amount)
    events = []
    for part in rules.run_back(amount.minor, paid):
        holding = part.holding
        entry = Entry(EntryKind.REVERSE, part.minor, part.minor if holding else 0, holding)
        parties = {*pool.parties, *([holding.party_id] if holding else [])}
        event = _enter(session, pool, entry, cause=cause, now=now, actor=actor, parties=parties)
        if holding is not None:
            fields = {
                "pool": public_id("cap", pool.id),
                "reversed": pool.money(part.minor).to_json(),
                "state": pool.state,
            }
            notify(
                session,
                event,
                holding.party_id,
                kind="pool.reversed",
                subject=holding.holder,
                fields=fields,
                now=now,
            )
        events.append(event)
    return events


def _enter(
    session: Session,
    pool: Pool,
    entry: Entry,
    *,
    cause: bytes,
    now: datetime,
    actor: UUID | None,
    parties: Iterable[UUID],
) -> Event:
    """Write the entry, let the database apply it, and tell what it made of the pool."""
    session.execute(insert(PoolEntry), _row(pool, entry, now=now))
    session.refresh(pool, AMOUNTS)
    after = Sums(pool.confirmed_minor, pool.used_minor, pool.shortfall_minor)
    record = _record(pool, entry, after, cause=cause)
    return evidence.append(
        session, pool, TYPES[entry.kind], record, now=now, actor=actor, parties=parties
    )


def _row(pool: Pool, entry: Entry, *, now: datetime) -> dict[str, Any]:
    holding = entry.holding
    return {
        "pool_id": pool.id,
        "version": pool.version + 1,
        "kind": entry.kind,
        "confirmed_delta_minor": entry.confirmed_delta,
        "used_delta_minor": entry.used_delta,
        "holder_id": holding.holder_id if holding else None,
        "holder": holding.holder if holding else None,
        "party_id": holding.party_id if holding else None,
        "entered_at": now,
    }


def _record(pool: Pool, entry: Entry, after: Sums, *, cause: bytes) -> dict[str, Any]:
    return {
        "asset": pool.asset,
        "kind": entry.kind.value,
        "confirmed_delta": pool.money(entry.confirmed_delta).to_json(),
        "used_delta": pool.money(entry.used_delta).to_json(),
        "confirmed": pool.money(after.confirmed).to_json(),
        "used": pool.money(after.used).to_json(),
        "shortfall": pool.money(after.shortfall).to_json(),
        "cause": evidence.hash_text(cause),
        "holder": entry.holding.holder if entry.holding else None,
    }


def _require_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise AmountNotPositive(amount=amount)


def _require_currency(pool: Pool, amount: Money) -> None:
    if amount.currency != pool.currency:
        raise CurrencyMismatch(left=pool.currency, right=amount.currency)
