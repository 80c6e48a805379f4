"""How a pledge ends: given up or lapsed before it took effect, released and cancelled after."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.db.outbox import enqueue
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.parties import queries as parties
from scf.parties.signing import Signer
from scf.pledges import notices, registry_tasks, rules, service
from scf.pledges.models import MoveRefused, Pledge, State
from scf.pledges.permissions import Action
from scf.tasks import kinds


class NothingToCancel(Conflict):
    """A registration is cancelled once, after the release."""

    code = "pledge.nothing_to_cancel"
    title = "质押未解除或登记已注销"
    title_en = "Not released, or the registration is cancelled already"


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
    registry_tasks.let_go(session, pledge, now=now)
    registry_tasks.done(session, pledge, kinds.REGISTRATION_CANCEL, now=now)
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
    registry_tasks.let_go(session, pledge, now=now)
    debt_extinguished(session, pledge, on=business_date(now), now=now)
    enqueue(session, rules.UNLOCK, pledge_id=pledge.id)
    enqueue(session, rules.RAISE_CANCELLATION, pledge_id=pledge.id)
    enqueue(session, rules.ENDED, pledge_id=pledge.id)
    return pledge


def debt_extinguished(session: Session, pledge: Pledge, *, on: date, now: datetime) -> None:
    """Have the registration of a locked pledge cancelled in time: the debt behind it is no more.

    A repayment counts as a release does, whichever is first (G23: repaid on 2025-12-19, due on 2026-01-05).
    """
    if pledge.registration.reg_no is not None and pledge.registration.cancelled_at is None:
        registry_tasks.ask_cancellation(session, pledge, extinguished_on=on, now=now)


def ask_cancellation(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Have a released pledge's registration cancelled. Raises NothingToCancel."""
    pledge = service.lock_for(
        session, actor, pledge_id, Action.CANCEL_REGISTRATION, expected_version
    )
    entry = pledge.registration
    if pledge.state is not State.RELEASED or entry.cancelled_at is not None:
        raise NothingToCancel(state=pledge.state.value)
    if entry.cancellation_asked_at is None:
        entry.cancellation_asked_at = now
        enqueue(session, rules.CANCEL_REGISTRATION, pledge_id=pledge.id)
    return pledge


def _release_pool(
    session: Session, pledge: Pledge, cause: Event, *, now: datetime, actor: UUID | None
) -> None:
    capacity.release_all(session, holder_id=pledge.id, cause=cause.body_hash, now=now, actor=actor)
