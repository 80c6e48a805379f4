"""Whose turn it is in a case: tasks raised and closed by its own records."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.approvals.models import Case, Kind, Record, State
from scf.approvals.policy import Content
from scf.db.outbox import EffectContext
from scf.kernel.calendar import deadline
from scf.kernel.clock import business_date, parse_date
from scf.kernel.ids import public_id
from scf.tasks import kinds, service
from scf.tasks.models import State as TaskState
from scf.tasks.models import Task

_STEPS: Final[Mapping[State, tuple[str, str, Kind]]] = {
    State.INVESTIGATING: (kinds.APPROVAL_INVESTIGATE, "investigator", Kind.INVESTIGATED),
    State.REVIEWING: (kinds.APPROVAL_REVIEW, "reviewer", Kind.REVIEWED),
    State.DECIDING: (kinds.APPROVAL_DECIDE, "decider", Kind.DECIDED),
    State.OFFERED: (kinds.APPROVAL_CLEAR, "clearer", Kind.CLEARED),
}
"""State -> the task that it is, whose, and the record that does it."""
_AFTER: Final = (kinds.APPROVAL_USE, kinds.APPROVAL_CHECK, kinds.APPROVAL_CLASSIFY)
KINDS: Final = (*(kind for kind, _, _ in _STEPS.values()), *_AFTER)
OFFICER: Final = "loan_officer"


def hand_on(
    session: Session, case: Case, content: Content, row: Record, *, entered: bool, by: UUID | None
) -> None:
    """Close what a record does or makes void, and raise what it leaves to be done."""
    subject, today = public_id("apc", case.id), business_date(row.recorded_at)
    if entered:
        for state, (kind, _, does) in _STEPS.items():
            if state is not case.state:
                how = TaskState.DONE if row.kind is does else TaskState.VOID
                service.close(session, kind, subject, now=row.recorded_at, by=by, state=how)
        within = _within(content, case.state)
        if within is not None:
            kind, role, _ = _STEPS[case.state]
            _raise(session, case, row, kind, role, start=today, working_days=within)
    _after(session, case, content, row, by=by)


def settle_days(context: EffectContext) -> None:
    """Set the last days of what was raised before its working days were published. For a clock."""
    with context.database.transaction() as session:
        waiting = session.scalars(
            select(Task).where(
                Task.kind.in_(KINDS), Task.state == TaskState.OPEN, Task.due_on.is_(None)
            )
        ).all()
        for task in waiting:
            start = parse_date(task.fields["counted_from"])
            due_on = deadline(start, task.fields["working_days"])
            if due_on is not None:
                service.set_due(session, task.kind, task.subject, due_on)


def _within(content: Content, state: State) -> int | None:
    step = {
        State.INVESTIGATING: content.investigation,
        State.REVIEWING: content.review,
        State.DECIDING: content.decision,
        State.OFFERED: content.clearing,
    }.get(state)
    return step.within if step else None


def _after(session: Session, case: Case, content: Content, row: Record, *, by: UUID | None) -> None:
    """Keep the work after a disbursement going until the loan is over."""
    subject, care = public_id("apc", case.id), content.aftercare
    if row.kind is Kind.LENT:
        start = parse_date(row.inputs["on"])
        if content.payment:
            days = content.payment.evidence_within
            _raise(session, case, row, kinds.APPROVAL_USE, OFFICER, start=start, working_days=days)
        if care:
            first, grade = care.within, care.classify_every
            check, classify = kinds.APPROVAL_CHECK, kinds.APPROVAL_CLASSIFY
            _raise(session, case, row, check, OFFICER, start=start, working_days=first)
            _raise(session, case, row, classify, OFFICER, start=start, working_days=grade)
    if row.kind is Kind.USE_SHOWN and row.inputs["complete"]:
        service.close(session, kinds.APPROVAL_USE, subject, now=row.recorded_at, by=by)
    if care and row.kind in (Kind.CHECKED, Kind.GRADED):
        checked = row.kind is Kind.CHECKED
        kind = kinds.APPROVAL_CHECK if checked else kinds.APPROVAL_CLASSIFY
        days = care.check_every if checked else care.classify_every
        service.close(session, kind, subject, now=row.recorded_at, by=by)
        start = business_date(row.recorded_at)
        _raise(session, case, row, kind, OFFICER, start=start, working_days=days)
    if case.state is State.CLOSED:
        for kind in _AFTER:
            service.close(session, kind, subject, now=row.recorded_at, by=by, state=TaskState.VOID)


def _raise(
    session: Session,
    case: Case,
    row: Record,
    kind: str,
    role: str,
    *,
    start: date,
    working_days: int,
) -> None:
    service.raise_task(
        session,
        kind,
        public_id("apc", case.id),
        party_id=case.bank_id,
        role=role,
        due_on=deadline(start, working_days),
        now=row.recorded_at,
        occasion=str(row.seq),
        fields={
            "financing": public_id("fin", case.financing_id),
            "counted_from": start.isoformat(),
            "working_days": working_days,
        },
    )
