"""Asking for confirmation, and what creditor, debtor and operator do on the way."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.confirmations import clock, letters, permissions, queries, rules
from scf.confirmations.models import (
    RUNNING,
    ConfirmationRequest,
    Moment,
    MomentKind,
    RequestMoveRefused,
    RequestState,
)
from scf.confirmations.permissions import Action
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.models import SizeClass
from scf.receivables import permissions as receivables
from scf.receivables.models import Receivable, State
from scf.rules.service import evaluate

REQUESTED = "receivable.requested"
WAITING = frozenset({State.SUBMITTED, State.DISPUTED})


class NothingToConfirm(Conflict):
    """Confirmation is asked for while it is still open."""

    code = "confirmation.nothing_to_confirm"
    title = "该应收账款已答复或已撤回，不能请求确权"
    title_en = "The line was answered or taken back: there is nothing left to ask for"


class AlreadyRequested(Conflict):
    """A receivable has one running request."""

    code = "confirmation.already_requested"
    title = "该应收账款已有进行中的确权请求"
    title_en = "A request over this receivable is running"


class AgreedTermInvalid(Invalid):
    """A contract's own date of answer is on day 0 or later."""

    code = "confirmation.agreed_term_invalid"
    title = "合同约定的答复日早于请求日"
    title_en = "The contract's date of answer is before the request"


class NotContestable(Conflict):
    """A debtor contests what is held against it: a request whose time has run out."""

    code = "confirmation.not_contestable"
    title = "该确权请求未逾期，无可提出异议的事项"
    title_en = "The request is not overdue: there is nothing to contest"


class AlreadyRecorded(Conflict):
    """A step of a request is recorded once."""

    code = "confirmation.already_recorded"
    title = "该事项已记录，不能重复"
    title_en = "This was recorded before"


class NotContested(Conflict):
    """An objection is decided once it was made."""

    code = "confirmation.not_contested"
    title = "债务人未提出异议"
    title_en = "The debtor has not contested this"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a creditor says with its request.

    `creditor_size` is its size when the contract was made, None: as registered. `agreed_on` is the day of
    answer that the contract names, which counts where the law's time does not run.
    """

    note: str | None
    creditor_size: SizeClass | None
    agreed_on: date | None


def ask(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    asked: Asked,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> ConfirmationRequest:
    """Ask a debtor to confirm, on the record; day 0 is today. By the creditor.

    Raises SubjectNotFound, `receivable.not_allowed`, VersionMoved, NothingToConfirm, AlreadyRequested,
    AgreedTermInvalid.
    """

    def require(receivable: Receivable) -> None:
        relation = receivables.relation(receivable, actor.party)
        if relation is not receivables.Relation.CREDITOR:
            raise receivables.ActionNotAllowed(action="request", relation=relation.value)

    receivable = evidence.lock(session, Receivable, receivable_id, require=require)
    evidence.require_version(receivable, expected_version)
    if receivable.state not in WAITING:
        raise NothingToConfirm(state=receivable.state.value)
    running = _running(session, receivable_id)
    if running is not None:
        clock.settle(session, running, now=now)
    if running is not None and running.state in RUNNING:
        raise AlreadyRequested(request=public_id("cfr", running.id), state=running.state.value)
    on = business_date(now)
    if asked.agreed_on is not None and asked.agreed_on < on:
        raise AgreedTermInvalid(field="agreed_on", agreed_on=asked.agreed_on, requested_on=on)
    return _record(session, receivable, asked, on=on, now=now)


def _record(
    session: Session, receivable: Receivable, asked: Asked, *, on: date, now: datetime
) -> ConfirmationRequest:
    sides = parties.parties_of(session, [receivable])
    creditor, debtor = sides[receivable.creditor_id], sides[receivable.debtor_id]
    creditor_size = asked.creditor_size or creditor.size_class
    conditions = rules.conditions(
        debtor_size=debtor.size_class, creditor_size=creditor_size, requested_on=on
    )
    term = rules.term(conditions, on)
    deadline = asked.agreed_on if term is None else on + timedelta(days=term.days)
    receivable.changed_at = now
    event = evidence.append(
        session,
        receivable,
        REQUESTED,
        {
            "creditor": creditor.uscc,
            "debtor": debtor.uscc,
            "claimed": receivable.claimed.to_json(),
            "requested_on": on.isoformat(),
            "creditor_size": creditor_size and creditor_size.value,
            "debtor_size": debtor.size_class and debtor.size_class.value,
            "statutory": term is not None,
            "deadline_on": deadline and deadline.isoformat(),
        },
        now=now,
        actor=creditor.id,
        parties=receivable.parties,
    )
    reminder_days = [] if term is None else list(term.reminder_days)
    request = ConfirmationRequest(
        id=new_id(),
        receivable_id=receivable.id,
        creditor_id=creditor.id,
        debtor_id=debtor.id,
        event_id=event.id,
        event_version=event.version,
        requested_on=on,
        requested_at=now,
        note=asked.note,
        currency=receivable.currency,
        claimed_minor=receivable.claimed_minor,
        statutory=term is not None,
        conditions=[condition.to_json() for condition in conditions],
        rule_version=term and term.version,
        days=term and term.days,
        reminder_days=reminder_days,
        deadline_on=deadline,
        state=RequestState.OPEN,
        state_since=now,
        next_on=term and rules.schedule(on, term.days, reminder_days)[0].on,
        seen_version=event.version,
    )
    session.add(request)
    session.flush()
    return request


def withdraw(
    session: Session, actor: Actor, request_id: UUID, *, reason: str | None, now: datetime
) -> ConfirmationRequest:
    """Take a running request back. By the creditor. Raises RequestMoveRefused."""
    request = _lock(session, actor, request_id, Action.WITHDRAW, now=now)
    request.move(RequestState.WITHDRAWN, now=now)
    request.next_on = None
    _note(session, request, MomentKind.WITHDRAWN, actor, reason=reason, now=now)
    return request


def escalate(
    session: Session, actor: Actor, request_id: UUID, *, now: datetime
) -> ConfirmationRequest:
    """Write the letter (催告函) over an overdue request. By the creditor. Raises RequestMoveRefused."""
    request = _lock(session, actor, request_id, Action.ESCALATE, now=now)
    request.move(RequestState.ESCALATED, now=now)
    moments = queries.moments_of(session, [request.id])[request.id]
    reminded = [one.day for one in moments if one.kind is MomentKind.REMINDER]
    evaluate(
        session,
        "confirmation.escalate",
        public_id("cfr", request.id),
        {**queries.between(session, request), "reminded_days": reminded},
        on=business_date(now),
        now=now,
        parties=request.parties,
    )
    _note(session, request, MomentKind.ESCALATED, actor, now=now)
    letters.write(session, request, now=now)
    return request


def take_in(
    session: Session, actor: Actor, request_id: UUID, kind: MomentKind, *, now: datetime
) -> ConfirmationRequest:
    """Record that the request entered the debtor's system (DELIVERED) or was opened (READ). By the debtor.

    Raises AlreadyRecorded, RequestMoveRefused once the request has ended.
    """
    action = {MomentKind.DELIVERED: Action.DELIVER, MomentKind.READ: Action.READ}[kind]
    request = _lock(session, actor, request_id, action, now=now)
    if request.state not in RUNNING:
        raise RequestMoveRefused(state=request.state.value, asked=kind.value)
    _note(session, request, kind, actor, now=now)
    return request


def contest(
    session: Session, actor: Actor, request_id: UUID, *, reason: str, now: datetime
) -> ConfirmationRequest:
    """Object to being held overdue; the figures show it from then on. By the debtor.

    Raises NotContestable, AlreadyRecorded.
    """
    request = _lock(session, actor, request_id, Action.CONTEST, now=now)
    if request.overdue_on is None:
        raise NotContestable(state=request.state.value)
    _note(session, request, MomentKind.CONTESTED, actor, reason=reason, now=now)
    return request


def decide(
    session: Session, actor: Actor, request_id: UUID, *, upheld: bool, reason: str, now: datetime
) -> ConfirmationRequest:
    """Decide an objection; one that is upheld leaves the figures. By the operator.

    Raises NotContested, AlreadyRecorded.
    """
    request = _lock(session, actor, request_id, Action.DECIDE, now=now)
    moments = queries.moments_of(session, [request.id])[request.id]
    if not any(one.kind is MomentKind.CONTESTED for one in moments):
        raise NotContested(state=request.state.value)
    _note(session, request, MomentKind.DECIDED, actor, reason=reason, upheld=upheld, now=now)
    return request


def _running(session: Session, receivable_id: UUID) -> ConfirmationRequest | None:
    statement = select(ConfirmationRequest).where(
        ConfirmationRequest.receivable_id == receivable_id, ConfirmationRequest.state.in_(RUNNING)
    )
    return session.scalar(statement.with_for_update())


def _lock(
    session: Session, actor: Actor, request_id: UUID, action: Action, *, now: datetime
) -> ConfirmationRequest:
    """Return a request, locked and up to date with the clock. Raises SubjectNotFound and permissions'."""
    seen = session.get(ConfirmationRequest, request_id)
    if seen is None:
        raise evidence.SubjectNotFound
    permissions.require(seen, actor, action)  # a stranger waits for nobody: see `evidence.lock`
    request = clock.lock(session, request_id)
    assert request is not None, "requests are never taken away"
    permissions.require(request, actor, action)
    clock.settle(session, request, now=now)
    return request


def _note(
    session: Session,
    request: ConfirmationRequest,
    kind: MomentKind,
    actor: Actor,
    *,
    now: datetime,
    reason: str | None = None,
    upheld: bool | None = None,
) -> None:
    """Record a step. Raises AlreadyRecorded."""
    earlier = session.scalar(
        select(Moment.recorded_at).where(Moment.request_id == request.id, Moment.kind == kind)
    )
    if earlier is not None:
        raise AlreadyRecorded(kind=kind.value, recorded_on=business_date(earlier))
    on = business_date(now)
    session.add(
        Moment(
            id=new_id(),
            request_id=request.id,
            kind=kind,
            day=(on - request.requested_on).days,
            due_on=on,
            actor_id=actor.party_id,
            reason=reason,
            upheld=upheld,
            recorded_at=now,
        )
    )
    session.flush()
