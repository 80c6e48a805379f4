"""What a pledge in force has at the register, looked at again every month: new entries, and objections.

Every search is kept as a row; only what no search had shown before is told, once, to the pledgee, with its
number, its time and whether it ranks before or behind. Nothing is told of a month without news, and a proof
does not age by it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.pledges import service
from scf.pledges.models import Pledge, SearchStep, State
from scf.pledges.permissions import Action
from scf.registrations import searching, tasks
from scf.registrations.changing import NotRegistered
from scf.registrations.link import register_of
from scf.registrations.models import RegistryObjection
from scf.registrations.tasks import or_by_hand
from scf.registry.port import Finding, Objection
from scf.registry.terms import terms_on
from scf.rules.service import evaluate
from scf.tasks import kinds

REVIEW: Final = "pledge.review"
"""The effect that looks at the register again."""
EVERY: Final = timedelta(days=30)


class AlreadyAnswered(Conflict):
    """An objection is answered once."""

    code = "registry.objection_answered"
    title = "该异议已答复"
    title_en = "The objection was answered"


@or_by_hand
def review(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search for a pledge in force again, and ask who objects to its registration."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        reg_no = pledge.registration.reg_no
        if pledge.state is not State.EFFECTIVE or reg_no is None:
            return
        asked = searching.inquire(session, pledge)
    with register_of(context, pledge_id) as registry:
        objections = registry.objections(reg_no)
        result = registry.search(asked.grantor)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if pledge.state is not State.EFFECTIVE or searching.is_kept(session, pledge_id, result):
            return
        found = searching.keep(session, pledge, SearchStep.REVIEW, asked, result, now=now)
        if found.new:
            event = searching.tell_searched(session, pledge, result, clean=found.clean, now=now)
            news = _news(found.new, before=asked.registered_at)
            fields = {"cert_no": result.cert_no, "new": news}
            service.notify(session, pledge, event, fields, now=now)
        if not found.clean:
            pledge.ready_to_disburse_at = None
        for objection in objections:
            keep_objection(session, pledge, objection, now=now)


def object_by_hand(
    session: Session, actor: Actor, pledge_id: UUID, objection: Objection, *, now: datetime
) -> RegistryObjection:
    """Keep an objection of which the register told the pledgee on paper. Raises NotRegistered."""
    pledge = service.lock_for(session, actor, pledge_id, Action.KEEP_REGISTRATION)
    if pledge.state is not State.EFFECTIVE:
        raise NotRegistered(state=pledge.state.value)
    keep_objection(session, pledge, objection, now=now)
    return session.get_one(RegistryObjection, (pledge_id, objection.number))


def answer_objection(
    session: Session, actor: Actor, pledge_id: UUID, number: str, *, answer: str, now: datetime
) -> RegistryObjection:
    """Keep what the pledgee answered to an objection. Raises SubjectNotFound, AlreadyAnswered."""
    pledge = service.lock_for(session, actor, pledge_id, Action.KEEP_REGISTRATION)
    found = session.get(RegistryObjection, (pledge_id, number))
    if found is None:
        raise SubjectNotFound
    if found.answered_at is not None:
        raise AlreadyAnswered(number=number, answered_at=instant_text(found.answered_at))
    found.answer, found.answered_at, found.answered_by = answer, now, actor.client_id
    evaluate(
        session,
        "registration.object",
        public_id("plg", pledge_id),
        {"began_on": business_date(found.objected_at), "done_on": business_date(now)},
        on=business_date(now),
        now=now,
        parties=[pledge.pledgee_id],
    )
    which, by = kinds.REGISTRATION_OBJECTION, actor.client_id
    tasks.done(session, pledge, which, now=now, by=by, occasion=number)
    return found


def keep_objection(
    session: Session, pledge: Pledge, objection: Objection, *, now: datetime
) -> None:
    """Keep an objection once, alarm the pledgee and have it answer in time."""
    row = {
        "pledge_id": pledge.id,
        "number": objection.number,
        "objected_at": objection.objected_at,
        "objector": objection.objector.name,
        "body": objection.text,
        "found_at": now,
    }
    kept = insert(RegistryObjection).values(row).on_conflict_do_nothing()
    if session.scalar(kept.returning(RegistryObjection.number)) is None:
        return
    assert pledge.registration.reg_no is not None
    record = {
        "reg_no": pledge.registration.reg_no,
        "objection_no": objection.number,
        "objected_at": instant_text(objection.objected_at),
    }
    event = service.tell(session, pledge, "pledge.objected", record, now=now, actor=None)
    service.notify(session, pledge, event, record, now=now)
    objected_on = business_date(objection.objected_at)
    tasks.ask(
        session,
        pledge,
        kinds.REGISTRATION_OBJECTION,
        due_on=objected_on + timedelta(days=terms_on(objected_on).objection_days),
        now=now,
        occasion=objection.number,
        fields={"objection_no": objection.number},
    )


def _news(new: Iterable[Finding], *, before: datetime | None) -> list[dict[str, str]]:
    """Return what a pledgee is told of entries: number, time, and the rank beside its own."""
    return [
        {
            "reg_no": one.reg_no,
            "registered_at": instant_text(one.registered_at),
            "ranks": "before" if before is None or one.registered_at <= before else "behind",
        }
        for one in new
    ]
