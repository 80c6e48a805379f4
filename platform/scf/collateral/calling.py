"""What marks make of margin calls: raised, cured, breached, each told to whoever it concerns, with a task and a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scf.collateral import calls
from scf.collateral.calls import ENDED, Stage
from scf.collateral.models import ControlAgreement, MarginCall, Mark, State
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.calendar import add_working_days
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf.tasks.models import State as TaskState


class CallUnderWay(Conflict):
    """An agreement does not end between the notice of a sale and the return of its surplus."""

    code = "collateral.call_under_way"
    title = "质物处置正在进行，监管协议不能终止"
    title_en = "A sale is under way: the agreement cannot end now"


_DUE: Final = text("""
SELECT a.id FROM control_agreements a
JOIN marks m ON m.id = a.mark_id
LEFT JOIN margin_calls c
  ON c.agreement_id = a.id AND c.state NOT IN ('LIFTED', 'LAPSED', 'CURED', 'SETTLED')
WHERE a.state = 'AGREED' AND CASE
  WHEN c.id IS NULL THEN m.line <> 'clear'
  WHEN c.state = 'WARNED' THEN m.line <> 'warning'
  WHEN c.state = 'SOLD' THEN false
  WHEN m.line IN ('clear', 'warning') THEN true
  ELSE c.state = 'CALLED' AND (m.line = 'disposal' OR c.due_on < :today)
END
ORDER BY a.id LIMIT :size
""")


def due(session: Session, *, now: datetime, size: int) -> Sequence[UUID]:
    """Return agreements whose newest mark, or whose deadline, moves a margin call."""
    return session.scalars(_DUE, {"today": business_date(now), "size": size}).all()


def judge(session: Session, agreement: ControlAgreement, *, now: datetime) -> list[Stage]:
    """Move a locked agreement's margin call as its newest mark says; return the moves. Of one that ended nothing moves.

    Raises CalendarUnpublished where a deadline cannot be counted.
    """
    if agreement.mark_id is None or agreement.state is not State.AGREED:
        return []
    mark = session.get_one(Mark, agreement.mark_id)
    call = open_call(session, agreement.id)
    late = call is not None and call.due_on is not None and call.due_on < business_date(now)
    made = calls.moves(call.state if call else None, mark.line, late=late)
    for stage in made:
        call = _moved(session, agreement, call, stage, mark, now=now)
        if stage in ENDED:
            call = None
    return made


def lapse(session: Session, agreement: ControlAgreement, *, now: datetime, actor: UUID) -> None:
    """End the open call of a locked agreement that the bank ends, and take back what it gave anybody to do.

    Raises CallUnderWay from the notice of a sale to the return of its surplus.
    """
    call = open_call(session, agreement.id)
    if call is None:
        return
    if Stage.LAPSED not in calls.TRANSITIONS[call.state]:
        raise CallUnderWay(stage=call.state.value)
    call.move(Stage.LAPSED, now=now)
    session.flush()
    mark = session.get_one(Mark, agreement.mark_id)
    tell(session, agreement, call, mark, now=now, actor=actor)
    for kind in (kinds.MARGIN_CURE, kinds.MARGIN_DISPOSE):
        tasks.close(session, kind, public_id("mgc", call.id), now=now, state=TaskState.VOID)


def open_call(session: Session, agreement_id: UUID) -> MarginCall | None:
    """Return an agreement's open call: whoever means to move it holds the agreement's row."""
    return session.scalar(
        select(MarginCall)
        .where(MarginCall.agreement_id == agreement_id, MarginCall.state.not_in(ENDED))
        .execution_options(populate_existing=True)
    )


def tell(
    session: Session,
    agreement: ControlAgreement,
    call: MarginCall,
    mark: Mark,
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
    **more: Any,
) -> Event:
    """Write a call's event, named by its stage: in the feeds of pledgor, pledgee and supervisor."""
    record = {
        "agreement": public_id("ctl", agreement.id),
        "pledgor": parties.party(session, agreement.pledgor_id).uscc,
        "pledgee": parties.party(session, agreement.pledgee_id).uscc,
        "line": mark.line.value,
        "value": agreement.money(mark.value_minor).to_json(),
        "exposure": agreement.money(mark.exposure_minor).to_json(),
        "floor": agreement.money(mark.floor_minor).to_json(),
        "goods_due": agreement.money(mark.goods_due_minor).to_json(),
        "cash_due": agreement.money(mark.cash_due_minor).to_json(),
        "stale": mark.stale,
        "due_on": call.due_on.isoformat() if call.due_on else None,
        **more,
    }
    return evidence.append(
        session,
        call,
        f"margin_call.{call.state.value.lower()}",
        record,
        now=now,
        actor=actor,
        parties=agreement.parties,
        authorizations=authorizations,
    )


def _moved(
    session: Session,
    agreement: ControlAgreement,
    call: MarginCall | None,
    stage: Stage,
    mark: Mark,
    *,
    now: datetime,
) -> MarginCall:
    if call is None:
        call = MarginCall(
            id=new_id(),
            version=0,
            secret=evidence.new_secret(),
            head_hash=None,
            agreement_id=agreement.id,
            state=stage,
            state_since=now,
            raised_at=now,
            mark_id=mark.id,
            goods_due_minor=0,
            cash_due_minor=0,
        )
        session.add(call)
    else:
        call.move(stage, now=now)
    call.mark_id = mark.id
    call.goods_due_minor, call.cash_due_minor = mark.goods_due_minor, mark.cash_due_minor
    if stage is Stage.CALLED:
        call.due_on = add_working_days(business_date(now), agreement.cure_days)
    session.flush()
    tell(session, agreement, call, mark, now=now, actor=None)
    _set_tasks(session, agreement, call, now=now)
    return call


def _set_tasks(
    session: Session, agreement: ControlAgreement, call: MarginCall, *, now: datetime
) -> None:
    """Give the pledgor the cure to do, the bank the goods to sell; take both back with the end."""
    subject = public_id("mgc", call.id)
    fields = {
        "agreement": public_id("ctl", agreement.id),
        "goods_due": agreement.money(call.goods_due_minor).to_json(),
        "cash_due": agreement.money(call.cash_due_minor).to_json(),
    }
    if call.state is Stage.CALLED:
        tasks.raise_task(
            session,
            kinds.MARGIN_CURE,
            subject,
            party_id=agreement.pledgor_id,
            role="treasurer",
            due_on=call.due_on,
            now=now,
            fields=fields,
        )
    elif call.state is Stage.BREACHED:
        tasks.close(session, kinds.MARGIN_CURE, subject, now=now, state=TaskState.VOID)
        tasks.raise_task(
            session,
            kinds.MARGIN_DISPOSE,
            subject,
            party_id=agreement.pledgee_id,
            role="risk",
            due_on=None,
            now=now,
            fields=fields,
        )
    elif call.state is Stage.CURED:
        tasks.close(session, kinds.MARGIN_CURE, subject, now=now)
        tasks.close(session, kinds.MARGIN_DISPOSE, subject, now=now, state=TaskState.VOID)
