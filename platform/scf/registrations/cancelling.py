"""Cancelling what stands at the register once the debt behind it is gone: asked in time, done, judged."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, enqueue
from scf.http.auth import Actor
from scf.kernel.calendar import CalendarUnpublished
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.pledges import rules, service
from scf.pledges.models import Pledge, State
from scf.pledges.permissions import Action
from scf.registrations import tasks
from scf.registrations.link import register_of
from scf.registrations.tasks import or_by_hand
from scf.rules.service import evaluate
from scf.tasks import kinds

RELEASED: Final = "质权人解除质押"


class NothingToCancel(Conflict):
    """A registration is cancelled once, after the release."""

    code = "pledge.nothing_to_cancel"
    title = "质押未解除或登记已注销"
    title_en = "Not released, or the registration is cancelled already"


def debt_extinguished(session: Session, pledge: Pledge, *, on: date, now: datetime) -> None:
    """Have the registration of a locked pledge cancelled in time: the debt behind it is no more.

    A repayment counts as a release does, whichever is first (G23: repaid on 2025-12-19, due on 2026-01-05).
    """
    if pledge.registration.reg_no is None or pledge.registration.cancelled_at is not None:
        return
    days = [on] if pledge.released_at is None else [on, business_date(pledge.released_at)]
    tasks.ask_cancellation(session, pledge, extinguished_on=min(days), now=now)


def ask(
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


def on_released(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Give the pledgee of a released pledge its task to cancel, then tell the day by which.

    Raises CalendarUnpublished until the holidays of the days in question are known; the task waits for them
    without a day.
    """
    pledge_id, now = UUID(payload["pledge_id"]), context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _to_raise(pledge):
            return
        assert pledge.released_at is not None
        tasks.let_go(session, pledge, now=now)
        debt_extinguished(session, pledge, on=business_date(pledge.released_at), now=now)
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if _to_raise(pledge):
            _raise(session, pledge, now=now)


@or_by_hand
def cancel(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Cancel a released pledge's registration at the register."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        reg_no = pledge.registration.reg_no
        if not _cancellable(pledge) or reg_no is None:
            return
    with register_of(context, pledge_id) as registry:
        entry = registry.cancel(reg_no, reason=RELEASED)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if _cancellable(pledge):
            cancelled_at = entry.cancelled_at or now
            pledge.registration.cancelled_at = cancelled_at
            due_on = pledge.registration.cancellation_due_on or business_date(now)
            record = _record(pledge, due_on=due_on)
            service.tell(session, pledge, "pledge.cancelled", record, now=now, actor=None)
            tasks.done(session, pledge, kinds.REGISTRATION_CANCEL, now=now)
            _judge(session, pledge, cancelled_at)


def _to_raise(pledge: Pledge) -> bool:
    return pledge.state is State.RELEASED and pledge.registration.cancellation_raised_at is None


def _raise(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Set the day by which a registration is to be cancelled, and tell it. Raises CalendarUnpublished."""
    assert pledge.released_at is not None
    entry = pledge.registration
    entry.cancellation_due_on = rules.cancellation_due_on(business_date(pledge.released_at))
    if entry.cancellation_due_on is None:
        raise CalendarUnpublished
    entry.cancellation_raised_at = now
    tasks.settle_cancellation(session, pledge)
    record = _record(pledge, due_on=entry.cancellation_due_on)
    event = service.tell(session, pledge, "pledge.cancellation_due", record, now=now, actor=None)
    service.notify(session, pledge, event, record, now=now)


def _cancellable(pledge: Pledge) -> bool:
    entry = pledge.registration
    asked = entry.cancellation_asked_at is not None and entry.cancelled_at is None
    return pledge.state is State.RELEASED and asked


def _judge(session: Session, pledge: Pledge, cancelled_at: datetime) -> None:
    """Tell what the rules find in the day of a cancellation."""
    assert pledge.released_at is not None
    began_on = tasks.extinguished_on(session, pledge)
    evaluate(
        session,
        "registration.cancel",
        public_id("plg", pledge.id),
        {
            "began_on": began_on or business_date(pledge.released_at),
            "done_on": business_date(cancelled_at),
        },
        on=business_date(cancelled_at),
        now=cancelled_at,
        parties=[pledge.pledgee_id],
    )


def _record(pledge: Pledge, *, due_on: date) -> dict[str, Any]:
    entry = pledge.registration
    assert entry.reg_no is not None
    return {"due_on": due_on.isoformat(), "reg_no": entry.reg_no}
