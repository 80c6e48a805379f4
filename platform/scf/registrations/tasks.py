"""What a pledgee has to do about its registrations, raised and closed with the acts that ask for it and do it."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import wraps
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, Handler
from scf.kernel.calendar import deadline
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.pledges import queries, rules, service
from scf.pledges.models import Pledge
from scf.registrations import filing
from scf.registry.by_hand import Paper, PaperAwaited
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf.tasks.models import State as TaskState

ROLE: Final = "registrar"
"""登记岗: whoever keeps a bank's registrations."""
PAPER_WORKING_DAYS: Final = 1
"""By hand, each step is to be done by the next working day: no right arises before it is."""

_PAPERS: Final = {
    Paper.SEARCH: kinds.REGISTRATION_SEARCH,
    Paper.REGISTRATION: kinds.REGISTRATION_FILE,
    Paper.CHANGE: kinds.REGISTRATION_FILE,
    Paper.CANCELLATION: kinds.REGISTRATION_CANCEL,
}
_ALL: Final = (
    kinds.REGISTRATION_SEARCH,
    kinds.REGISTRATION_FILE,
    kinds.REGISTRATION_EXTEND,
    kinds.REGISTRATION_RENAME,
    kinds.REGISTRATION_OBJECTION,
)


def ask(
    session: Session,
    pledge: Pledge,
    kind: str,
    *,
    due_on: date | None,
    now: datetime,
    occasion: str = "",
    fields: Mapping[str, Any] | None = None,
) -> bool:
    """Give a pledgee something to do about a pledge's registration; say whether it is new."""
    known = {"reg_no": pledge.registration.reg_no} if pledge.registration.reg_no else {}
    return tasks.raise_task(
        session,
        kind,
        public_id("plg", pledge.id),
        party_id=pledge.pledgee_id,
        role=ROLE,
        due_on=due_on,
        now=now,
        occasion=occasion,
        fields={**known, **(fields or {})},
    )


def ask_to_outlast(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Have an entry extended that ends before the debt that it secures."""
    expires_on, due_on = pledge.registration.expires_on, pledge.principal_due_on
    if expires_on is None or expires_on >= due_on:
        return
    ask(
        session,
        pledge,
        kinds.REGISTRATION_EXTEND,
        due_on=max(expires_on, business_date(now)),
        now=now,
        occasion=due_on.isoformat(),
        fields={"expires_on": expires_on.isoformat(), "principal_due_on": due_on.isoformat()},
    )


def ask_unlinked(
    session: Session, financing_id: UUID, *, party_id: UUID, asked_at: str, now: datetime
) -> None:
    """Have a bank search the register itself before it decides, once for each time that it asked."""
    tasks.raise_task(
        session,
        kinds.REGISTRATION_UNLINKED,
        public_id("fin", financing_id),
        party_id=party_id,
        role=ROLE,
        due_on=deadline(business_date(now), PAPER_WORKING_DAYS),
        now=now,
        occasion=asked_at,
    )


def done_unlinked(
    session: Session, financing_id: UUID, *, now: datetime, state: TaskState = TaskState.DONE
) -> None:
    """Close what a bank was to search itself: it was searched, or (void) the bank has decided."""
    subject = public_id("fin", financing_id)
    tasks.close(session, kinds.REGISTRATION_UNLINKED, subject, now=now, state=state)


def ask_cancellation(
    session: Session, pledge: Pledge, *, extinguished_on: date, now: datetime
) -> None:
    """Have the registration cancelled, within the working days from the first thing that asks for it."""
    ask(
        session,
        pledge,
        kinds.REGISTRATION_CANCEL,
        due_on=rules.cancellation_due_on(extinguished_on),
        now=now,
        fields={"extinguished_on": extinguished_on.isoformat()},
    )


def extinguished_on(session: Session, pledge: Pledge) -> date | None:
    """Return the day from which the cancellation was asked for, None where it was not."""
    asked = tasks.find(session, kinds.REGISTRATION_CANCEL, public_id("plg", pledge.id))
    return date.fromisoformat(asked.fields["extinguished_on"]) if asked else None


def settle_cancellation(session: Session, pledge: Pledge) -> None:
    """Set the day of a cancellation that was asked for before its working days were published."""
    since = extinguished_on(session, pledge)
    due_on = rules.cancellation_due_on(since) if since else None
    if due_on is not None:
        tasks.set_due(session, kinds.REGISTRATION_CANCEL, public_id("plg", pledge.id), due_on)


def done(
    session: Session,
    pledge: Pledge,
    *which: str,
    now: datetime,
    by: UUID | None = None,
    occasion: str | None = None,
) -> None:
    """Close what was asked of a pledgee: the act itself was done."""
    for kind in which:
        subject = public_id("plg", pledge.id)
        tasks.close(session, kind, subject, now=now, by=by, occasion=occasion)


def let_go(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Void what is open about a registration that nobody needs any more; cancelling it stays."""
    for kind in _ALL:
        tasks.close(session, kind, public_id("plg", pledge.id), now=now, state=TaskState.VOID)


def or_by_hand(handler: Handler) -> Handler:
    """Let a handler end where a person has to hand a certificate in first: the task is theirs."""

    @wraps(handler)
    def run(context: EffectContext, payload: Mapping[str, Any]) -> None:
        try:
            handler(context, payload)
        except PaperAwaited as awaited:
            _ask_for_paper(context, UUID(payload["pledge_id"]), awaited.paper)

    return run


def _ask_for_paper(context: EffectContext, pledge_id: UUID, paper: Paper) -> None:
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if paper is Paper.CANCELLATION:
            ask_cancellation(session, pledge, extinguished_on=business_date(now), now=now)
            return
        ask(
            session,
            pledge,
            _PAPERS[paper],
            due_on=deadline(business_date(now), PAPER_WORKING_DAYS),
            now=now,
            occasion=_occasion(session, pledge_id, paper),
            fields={"paper": paper.value},
        )


def _occasion(session: Session, pledge_id: UUID, paper: Paper) -> str:
    """Tell one asking from the next: a search by the one before it, a filing by its reference."""
    if paper is Paper.SEARCH:
        newest = queries.newest_search(session, pledge_id)
        return newest.cert_no if newest else ""
    waiting = filing.waiting(session, pledge_id)
    return waiting.reference if waiting else ""
