"""What time and answers bring about: each reminder once, the end of the time, the end of the wait.

Everything follows from facts: the request, its schedule, the debtor's answers as events tell them. A turn
that comes late records what it missed, each thing under its own day.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from scf.confirmations import queries, rules
from scf.confirmations.models import (
    RUNNING,
    ConfirmationRequest,
    Moment,
    MomentKind,
    RequestState,
)
from scf.confirmations.rules import Answer, Due
from scf.db.outbox import EffectContext
from scf.http.metrics import gauge
from scf.kernel.clock import business_date
from scf.kernel.errors import SCFError, Unavailable
from scf.kernel.ids import new_id, public_id
from scf.receivables.models import Receivable
from scf.rules.service import evaluate

BATCH: Final = 500
FAULT_LENGTH_MAX: Final = 500

log = structlog.get_logger()
gauge(
    "scf_confirmation_requests_at_fault",
    "Requests for confirmation that the clock could not bring up to date",
    "SELECT count(*) FROM confirmation_requests WHERE fault IS NOT NULL",
)


def turn(context: EffectContext) -> int:
    """Bring every running request up to date; return how many had something due. For a clock.

    Each is a transaction of its own: one that fails keeps its fault, which its next turn takes away.
    """
    now, done, after = context.clock.now(), 0, None
    while True:
        with context.database.reading() as session:
            ids = _waiting(session, now=now, after=after)
        for identity in ids:
            try:
                with context.database.transaction() as session:
                    request = lock(session, identity)
                    if request is not None:
                        settle(session, request, now=now)
            except (
                Unavailable
            ) as error:  # somebody is at it, or the database is away: the next turn
                log.warning(
                    "request.put_off", request=public_id("cfr", identity), error=error.line()
                )
            except Exception as error:
                log.exception("request.fault", request=public_id("cfr", identity))
                _keep_fault(context, identity, error)
        done += len(ids)
        if len(ids) < BATCH:
            return done
        after = ids[-1]


def _keep_fault(context: EffectContext, request_id: UUID, error: Exception) -> None:
    said = error.line() if isinstance(error, SCFError) else f"{type(error).__name__}: {error}"
    with context.database.transaction() as session:
        session.execute(
            update(ConfirmationRequest)
            .where(ConfirmationRequest.id == request_id)
            .values(fault=said[:FAULT_LENGTH_MAX])
        )


def lock(session: Session, request_id: UUID) -> ConfirmationRequest | None:
    """Return a request, its row locked and read afresh; None where there is none."""
    statement = select(ConfirmationRequest).where(ConfirmationRequest.id == request_id)
    locked = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalar(locked)


def settle(session: Session, request: ConfirmationRequest, *, now: datetime) -> None:
    """Record what has fallen due of a locked request, and move it where its facts lead."""
    if request.state not in RUNNING:
        return
    seen = session.scalar(select(Receivable.version).where(Receivable.id == request.receivable_id))
    assert seen is not None, "a request is over a receivable"
    answers = queries.answers_to(session, [request])[request.id]
    progress = rules.assess(request.state, queries.dues(request), answers, now=now)
    _record(session, request, progress.dues, now=now)
    request.next_on = progress.next.on if progress.next else None
    if progress.answer is not None:
        _close(session, request, progress.answer, progress.state, now=now)
    elif progress.end is not None:
        _let_go(session, request, progress.end, now=now)
    request.seen_version, request.fault = seen, None
    session.flush()


def _record(
    session: Session, request: ConfirmationRequest, dues: tuple[Due, ...], *, now: datetime
) -> None:
    known = {
        (moment.kind, moment.day)
        for moment in queries.moments_of(session, [request.id])[request.id]
    }
    for due in dues:
        if (due.kind, due.day) in known:
            continue
        session.add(
            Moment(
                id=new_id(),
                request_id=request.id,
                kind=due.kind,
                day=due.day,
                due_on=due.on,
                recorded_at=now,
            )
        )
        if due.kind is MomentKind.CONFIRM_OVERDUE:
            request.move(RequestState.OVERDUE, now=now)
            request.overdue_on = due.on
    session.flush()


def _close(
    session: Session,
    request: ConfirmationRequest,
    answer: Answer,
    state: RequestState,
    *,
    now: datetime,
) -> None:
    request.move(state, now=answer.at)
    request.answered_on, request.answer_event_id = answer.on, answer.event_id
    if not request.statutory:
        return
    evaluate(
        session,
        "confirmation.answer",
        public_id("cfr", request.id),
        {
            **queries.between(session, request),
            "requested_on": request.requested_on,
            "answered_on": answer.on,
        },
        on=business_date(now),
        now=now,
        parties=request.parties,
    )


def _let_go(session: Session, request: ConfirmationRequest, end: Answer, *, now: datetime) -> None:
    """End a request whose line the creditor took back."""
    request.move(RequestState.WITHDRAWN, now=end.at)
    session.add(
        Moment(
            id=new_id(),
            request_id=request.id,
            kind=MomentKind.WITHDRAWN,
            day=(end.on - request.requested_on).days,
            due_on=end.on,
            actor_id=request.creditor_id,
            reason=end.reason,
            recorded_at=now,
        )
    )


def _waiting(session: Session, *, now: datetime, after: UUID | None) -> list[UUID]:
    today = business_date(now - rules.SETTLING)
    statement = (
        select(ConfirmationRequest.id)
        .join(Receivable, Receivable.id == ConfirmationRequest.receivable_id)
        .where(
            ConfirmationRequest.state.in_(RUNNING),
            or_(
                ConfirmationRequest.next_on <= today,
                Receivable.version > ConfirmationRequest.seen_version,
            ),
        )
        .order_by(ConfirmationRequest.id)
        .limit(BATCH)
    )
    if after is not None:
        statement = statement.where(ConfirmationRequest.id > after)
    return list(session.scalars(statement))
