"""How a pledge ends: given up or lapsed before it took effect, released after."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.db.outbox import enqueue
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import LimitExceeded
from scf.kernel.measure import UnitMismatch
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.pledges import guards, notices, rules, service
from scf.pledges.models import MoveRefused, Pledge, State
from scf.pledges.permissions import Action


class PartTooLarge(LimitExceeded):
    """A part is less than what is pledged; the whole is released as such, and the register told."""

    code = "pledge.part_too_large"
    title = "部分解除的数量须小于仍质押的数量；全部解除请使用解除质押"
    title_en = "A part is less than what is still pledged; release the whole as such"


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
    guards.require(session, pledge.id, None, now)
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
    guards.require(session, pledge.id, None, now)
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


def draft_part_release(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    released: Quantity,
    reason: str,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the 部分解除质押通知书 for the pledgee's maker and checker.

    Raises MoveRefused, PartTooLarge, and as signing.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.RELEASE, expected_version)
    rest = _rest(session, pledge, released)
    guards.require(session, pledge.id, released.minor, now)
    return service.draft(
        session,
        actor,
        pledge,
        "release",
        {
            "pledgee": parties.party(session, pledge.pledgee_id).uscc,
            "released": released.to_json(),
            "rest": rest.to_json(),
            "reason": reason,
        },
        amount=pledge.principal,
        signers=signers,
        origin=origin,
        now=now,
    )


def release_part(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Take the release of a part of the goods: they are free to leave at once; the rest stays pledged.

    Raises MoveRefused, PartTooLarge where less is held by now, and as signing.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.RELEASE, expected_version)
    party = parties.active_party(session, actor.party)
    act = signing.collect(session, party=party, act="release", subject=pledge, jws=jws, now=now)
    released = Quantity.from_json(act.content["released"])
    rest = _rest(session, pledge, released)
    record = {name: act.content[name] for name in ("pledgee", "released", "rest", "reason")}
    if record["rest"] != rest.to_json():
        raise PartTooLarge(field="released", rest=rest)
    guards.require(session, pledge.id, released.minor, now)
    event = service.tell(
        session, pledge, "pledge.part_released", record, now=now, actor=actor.party, act=act
    )
    left = released.minor
    for pool in capacity.lock_pools_of(session, pledge.id):
        given = min(left, pools.held(session, pool, pledge.id).minor)
        if given > 0:
            capacity.release(
                session,
                pool,
                holder_id=pledge.id,
                cause=event.body_hash,
                now=now,
                actor=actor.party,
                amount=pool.measure(given),
            )
            left -= given
    return pledge


def _rest(session: Session, pledge: Pledge, released: Quantity) -> Quantity:
    """Return what stays pledged after a release in part. Raises MoveRefused, PartTooLarge."""
    if pledge.state is not State.EFFECTIVE or pledge.receipt_id is None:
        raise MoveRefused(state=pledge.state.value, asked="part_release")
    if released.code != pledge.unit:
        raise UnitMismatch(field="released", left=pledge.unit, right=released.code)
    locked = capacity.lock_pools_of(session, pledge.id)
    held = released.like(sum(pools.held(session, pool, pledge.id).minor for pool in locked))
    if released >= held:
        raise PartTooLarge(field="released", held=held, asked=released)
    return held - released


def _release_pool(
    session: Session, pledge: Pledge, cause: Event, *, now: datetime, actor: UUID | None
) -> None:
    capacity.release_all(session, holder_id=pledge.id, cause=cause.body_hash, now=now, actor=actor)
