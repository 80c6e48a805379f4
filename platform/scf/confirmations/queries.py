"""Reading requests for confirmation, the answers that followed them, and what was recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from scf.confirmations import permissions, rules
from scf.confirmations.models import ConfirmationRequest, Letter, Moment, MomentKind, RequestState
from scf.confirmations.permissions import Action
from scf.confirmations.rules import Answer, Due, Progress
from scf.evidence import proofs
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.parties.queries import parties_of
from scf.receivables.rules import is_compliant
from scf_ledger.event import parse_disclosure

ANSWERS: Final = ("receivable.confirmed", "receivable.disputed", "receivable.rejected")


@dataclass(frozen=True, slots=True)
class Found:
    """A request with all that says where it stands."""

    request: ConfirmationRequest
    moments: Sequence[Moment]
    followed: Sequence[Answer]
    progress: Progress

    @property
    def answers(self) -> list[Answer]:
        """What the debtor said."""
        return [one for one in self.followed if one.by_debtor]

    @property
    def contest(self) -> Moment | None:
        """The debtor's objection, if it made one."""
        return self.moment(MomentKind.CONTESTED)

    @property
    def decision(self) -> Moment | None:
        """What became of the objection."""
        return self.moment(MomentKind.DECIDED)

    def moment(self, kind: MomentKind) -> Moment | None:
        """Return what was recorded of a kind, the last of it."""
        return next((one for one in reversed(self.moments) if one.kind is kind), None)


def between(session: Session, request: ConfirmationRequest) -> dict[str, str]:
    """Return whom a request stands between, as facts for the rules."""
    sides = parties_of(session, [request])
    return {"creditor": sides[request.creditor_id].uscc, "debtor": sides[request.debtor_id].uscc}


def visible(session: Session, actor: Actor, request_id: UUID) -> ConfirmationRequest:
    """Return a request that the caller has a part in. Raises SubjectNotFound."""
    found = session.get(ConfirmationRequest, request_id)
    if found is None:
        raise SubjectNotFound
    permissions.require(found, actor, Action.VIEW)
    return found


def page(
    session: Session,
    actor: Actor,
    *,
    state: RequestState | None = None,
    due_before: date | None = None,
    receivable_id: UUID | None = None,
    after: UUID | None = None,
    size: int,
) -> Sequence[ConfirmationRequest]:
    """Return the caller's requests, all for the operator, oldest first; `due_before` is exclusive."""
    conditions: list[ColumnElement[bool]] = []
    if not actor.operator:
        party = actor.party
        conditions.append(
            or_(ConfirmationRequest.creditor_id == party, ConfirmationRequest.debtor_id == party)
        )
    if state is not None:
        conditions.append(ConfirmationRequest.state == state)
    if due_before is not None:
        conditions.append(ConfirmationRequest.deadline_on < due_before)
    if receivable_id is not None:
        conditions.append(ConfirmationRequest.receivable_id == receivable_id)
    if after is not None:
        conditions.append(ConfirmationRequest.id > after)
    statement = select(ConfirmationRequest).where(*conditions).order_by(ConfirmationRequest.id)
    return session.scalars(statement.limit(size)).all()


def found(
    session: Session, requests: Sequence[ConfirmationRequest], *, now: datetime
) -> list[Found]:
    """Return requests with where they stand now, whether or not a worker has run since."""
    moments = moments_of(session, [one.id for one in requests])
    answers = answers_to(session, requests)
    return [
        Found(
            request,
            moments[request.id],
            answers[request.id],
            rules.assess(request.state, dues(request), answers[request.id], now=now),
        )
        for request in requests
    ]


def dues(request: ConfirmationRequest) -> list[Due]:
    """Return the days of a request that bring something about, none without a statutory time."""
    if request.days is None:
        return []
    return rules.schedule(request.requested_on, request.days, request.reminder_days)


def moments_of(session: Session, ids: Iterable[UUID]) -> Mapping[UUID, list[Moment]]:
    """Return by request what was recorded of it, in the order of the days."""
    wanted = list(ids)
    rows = session.scalars(
        select(Moment)
        .where(Moment.request_id.in_(wanted))
        .order_by(Moment.due_on, Moment.recorded_at, Moment.id)
    )
    kept: dict[UUID, list[Moment]] = {identity: [] for identity in wanted}
    for moment in rows:
        kept[moment.request_id].append(moment)
    return kept


def answers_to(
    session: Session, requests: Iterable[ConfirmationRequest]
) -> Mapping[UUID, list[Answer]]:
    """Return by request what followed it, in order, up to what ended it."""
    requests = list(requests)
    rows = session.scalars(
        select(Event)
        .where(
            Event.subject_id.in_([request.receivable_id for request in requests]),
            Event.type.in_([*ANSWERS, rules.LINE_WITHDRAWN]),
        )
        .order_by(Event.subject_id, Event.version)
    )
    told: dict[UUID, list[Event]] = {}
    for event in rows:
        told.setdefault(event.subject_id, []).append(event)
    return {
        request.id: _until_answered(request, told.get(request.receivable_id, ()))
        for request in requests
    }


def letter(session: Session, request_id: UUID) -> Letter | None:
    """Return what the letter over a request says, once it was written."""
    return session.get(Letter, request_id)


def _until_answered(request: ConfirmationRequest, events: Iterable[Event]) -> list[Answer]:
    kept: list[Answer] = []
    for event in events:
        if event.version > request.event_version:
            kept.append(_answer(event))
            if kept[-1].compliant or not kept[-1].by_debtor:
                break
    return kept


def _answer(event: Event) -> Answer:
    (text,) = proofs.disclosed(event, ["reason"])
    reason: str | None = parse_disclosure(text).value
    compliant = reason is None or is_compliant(reason)
    return Answer(event.id, event.type, event.occurred_at, reason, compliant)
