"""What the workers do for pledges: handlers by the kind of effect, and what a clock calls."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import or_, select

from scf.db.outbox import EffectContext, enqueue
from scf.evidence import chain
from scf.pledges import locking, queries, registering, rules, service
from scf.pledges.models import Pledge, PledgeLock, PledgeRegistration, State

BATCH: Final = 500
PATIENCE: Final = timedelta(minutes=5)
LAPSED: Final = "逾期未完成"

Handler = Callable[[EffectContext, Mapping[str, Any]], None]

HANDLERS: Final[Mapping[str, Handler]] = {
    rules.PERFECT: registering.search_first,
    rules.REGISTER: registering.register,
    rules.LOCK: locking.take,
    rules.SEARCH_SECOND: registering.search_second,
    rules.UNLOCK: locking.unlock,
    rules.RAISE_CANCELLATION: registering.raise_cancellation,
    rules.CANCEL_REGISTRATION: registering.cancel_registration,
    rules.END: registering.end,
    f"{chain.LOCK}.final": locking.on_lock_final,
    f"{chain.LOCK}.failed": locking.on_lock_failed,
    f"{chain.LOCK}.lost": locking.on_lock_lost,
    f"{chain.UNLOCK}.final": locking.on_unlock_final,
    f"{chain.UNLOCK}.failed": locking.on_unlock_failed,
    f"{chain.UNLOCK}.lost": locking.on_unlock_lost,
}
"""`pledge.ended` is heard by whoever lends: `scf.financing.effects`."""


def expire_proposals(context: EffectContext) -> int:
    """End what was not made effective in time; return how many. For a clock, every few minutes."""
    now = context.clock.now()
    open_ = (State.PROPOSED, State.SIGNED, State.RESERVED)
    with context.database.reading() as session:
        ids = session.scalars(
            select(Pledge.id)
            .where(Pledge.state.in_(open_), Pledge.ending.is_(None), Pledge.expires_at <= now)
            .order_by(Pledge.id)
            .limit(BATCH)
        ).all()
    ended = 0
    for identity in ids:
        with context.database.transaction() as session:
            pledge = service.lock(session, identity)
            if pledge.state in open_ and pledge.ending is None:
                service.begin_ending(
                    session, pledge, reason=LAPSED, lapsed=True, now=now, actor=None
                )
                ended += 1
    return ended


def resume(context: EffectContext) -> int:
    """Ask again for what pledges have waited for too long; return how many effects.

    Handlers are idempotent, so asking once too often does no harm. For a clock, every few minutes.
    """
    before = context.clock.now() - PATIENCE
    asked = 0
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
        for pledge in pledges:
            for kind in rules.next_effects(pledge, queries.searches(session, pledge.id)):
                enqueue(session, kind, pledge_id=pledge.id)
                asked += 1
    return asked
