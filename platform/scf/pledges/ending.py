"""How a pledge ends: given up or lapsed before it took effect, released after."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.db.outbox import enqueue
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.parties import queries as parties
from scf.parties.signing import Signer
from scf.pledges import notices, rules, service
from scf.pledges.models import MoveRefused, Pledge, State
from scf.pledges.permissions import Action


def give_up(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Give a pledge up before it took effect. Raises MoveRefused afterwards.

    Once the pool is taken, the register is asked first whether something stands there after all.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.GIVE_UP, expected_version)
    service.require_move(pledge, State.CANCELLED)
    begin_ending(session, pledge, reason=reason, lapsed=False, now=now, actor=actor.party)
    return pledge


def begin_ending(
    session: Session,
    pledge: Pledge,
    *,
    reason: str,
    lapsed: bool,
    now: datetime,
    actor: UUID | None,
) -> None:
    """End a locked pledge that never took effect, at once where nothing was taken for it."""
    if pledge.ending is not None:
        raise MoveRefused(state=pledge.state.value, asked=State.CANCELLED.value)
    pledge.ending, pledge.lapsed = reason, lapsed
    if pledge.state is State.RESERVED:
        pledge.state_since = now
        enqueue(session, rules.END, pledge_id=pledge.id)
    else:
        end(session, pledge, reg_no=None, now=now, actor=actor)


def end(
    session: Session, pledge: Pledge, *, reg_no: str | None, now: datetime, actor: UUID | None
) -> None:
    """Close a locked pledge that never took effect; give back what it took of the pool."""
    held = pledge.state is State.RESERVED
    pledge.move(State.EXPIRED if pledge.lapsed else State.CANCELLED, now=now)
    record = {
        "due_on": business_date(now).isoformat(),
        "reg_no": reg_no or rules.UNREGISTERED,
    }
    event = service.tell(session, pledge, "pledge.cancelled", record, now=now, actor=actor)
    if held:
        _release_pool(session, pledge, event, now=now, actor=actor)
    enqueue(session, rules.ENDED, pledge_id=pledge.id)


def draft_release(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    reason: str,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the release for the pledgee's maker and checker. Raises MoveRefused, and as signing."""
    pledge = service.lock_for(session, actor, pledge_id, Action.RELEASE, expected_version)
    service.require_move(pledge, State.RELEASED)
    return service.draft(
        session,
        actor,
        pledge,
        "release",
        {**service.terms(session, pledge), "reason": reason},
        amount=pledge.principal,
        signers=signers,
        origin=origin,
        now=now,
    )


def release(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Take the release: the pool is free at once; chain and register are told afterwards.

    Raises MoveRefused, and what signing raises.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.RELEASE, expected_version)
    act = service.collect(session, actor, pledge, "release", jws, to=State.RELEASED, now=now)
    pledge.released_at = now
    pledge.ready_to_disburse_at = None
    pledge.registration.cancellation_due_on = rules.cancellation_due_on(business_date(now))
    pledgee = parties.party(session, pledge.pledgee_id)
    record = {"pledgee": pledgee.uscc, "reason": act.content["reason"]}
    event = service.tell(
        session, pledge, "pledge.released", record, now=now, actor=actor.party, act=act
    )
    notices.tell_released(session, pledge, event, reason=record["reason"], now=now)
    _release_pool(session, pledge, event, now=now, actor=actor.party)
    enqueue(session, rules.UNLOCK, pledge_id=pledge.id)
    enqueue(session, rules.RAISE_CANCELLATION, pledge_id=pledge.id)
    enqueue(session, rules.ENDED, pledge_id=pledge.id)
    return pledge


def _release_pool(
    session: Session, pledge: Pledge, cause: Event, *, now: datetime, actor: UUID | None
) -> None:
    capacity.release_all(session, holder_id=pledge.id, cause=cause.body_hash, now=now, actor=actor)
