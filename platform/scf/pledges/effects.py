"""What the workers do for pledges: handlers by the kind of effect, and what a clock calls."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.capacity import converting
from scf.db.outbox import Effect, EffectContext, Handler, enqueue
from scf.evidence import chain
from scf.pledges import ending, locking, queries, rules, service
from scf.pledges.models import OPEN, Pledge, PledgeLock, PledgeRegistration, State

BATCH: Final = 500
PATIENCE: Final = timedelta(minutes=5)
LAPSED: Final = "逾期未完成"

HANDLERS: Final[Mapping[str, Handler]] = {
    rules.LOCK: locking.take,
    converting.CONVERTED: locking.follow,
    rules.UNLOCK: locking.unlock,
    f"{chain.LOCK}.final": locking.on_lock_final,
    f"{chain.LOCK}.failed": locking.on_lock_failed,
    f"{chain.LOCK}.lost": locking.on_lock_lost,
    f"{chain.UNLOCK}.final": locking.on_unlock_final,
    f"{chain.UNLOCK}.failed": locking.on_unlock_failed,
    f"{chain.UNLOCK}.lost": locking.on_unlock_lost,
}
"""The register's effects are `scf.registrations.effects`; `pledge.ended` is heard by whoever lends."""


def expire_proposals(context: EffectContext) -> int:
    """End what was not made effective in time; return how many. For a clock, every few minutes."""
    now = context.clock.now()
    with context.database.reading() as session:
        ids = session.scalars(
            select(Pledge.id)
            .where(Pledge.state.in_(OPEN), Pledge.ending.is_(None), Pledge.expires_at <= now)
            .order_by(Pledge.id)
            .limit(BATCH)
        ).all()
    ended = 0
    for identity in ids:
        with context.database.transaction() as session:
            pledge = service.lock(session, identity)
            if pledge.state in OPEN and pledge.ending is None:
                ending.begin_ending(
                    session, pledge, reason=LAPSED, lapsed=True, now=now, actor=None
                )
                ended += 1
    return ended


def resume(context: EffectContext) -> int:
    """Ask again for what pledges have waited for too long and nobody is about to do; return how much.

    Handlers are idempotent, so asking once too often does no harm. For a clock, every minute or so.
    """
    before = context.clock.now() - PATIENCE
    with context.database.transaction() as session:
        pledges = session.scalars(
            select(Pledge)
            .join(PledgeLock, PledgeLock.pledge_id == Pledge.id)
            .join(PledgeRegistration, PledgeRegistration.pledge_id == Pledge.id)
            .where(
                Pledge.state_since <= before,
                PledgeLock.since <= before,
                or_(
                    Pledge.state == State.RESERVED,
                    (Pledge.state == State.EFFECTIVE) & Pledge.ready_to_disburse_at.is_(None),
                    (Pledge.state == State.RELEASED)
                    & (
                        PledgeLock.tokens.is_not(None)
                        | PledgeRegistration.cancellation_raised_at.is_(None)
                        | (
                            PledgeRegistration.cancellation_asked_at.is_not(None)
                            & PledgeRegistration.cancelled_at.is_(None)
                        )
                    ),
                ),
            )
            .order_by(Pledge.id)
            .limit(BATCH)
        ).all()
        ids = [pledge.id for pledge in pledges]
        searches, asked = queries.searches_of(session, ids), _asked(session, ids)
        owed = [
            (kind, pledge.id)
            for pledge in pledges
            for kind in rules.next_effects(pledge, searches[pledge.id])
            if (kind, str(pledge.id)) not in asked
        ]
        for kind, identity in owed:
            enqueue(session, kind, pledge_id=identity)
    return len(owed)


def _asked(session: Session, ids: Sequence[UUID]) -> set[tuple[str, str]]:
    """Return kind and pledge of the effects that still wait for these pledges."""
    pledge_id = Effect.payload["pledge_id"].astext
    waiting = select(Effect.kind, pledge_id).where(
        Effect.done_at.is_(None), pledge_id.in_([str(identity) for identity in ids])
    )
    return {(row[0], row[1]) for row in session.execute(waiting)}
