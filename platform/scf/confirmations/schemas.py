"""HTTP shapes of requests for confirmation."""

from collections.abc import Mapping
from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field

from scf.confirmations.models import MomentKind, RequestState
from scf.confirmations.permissions import Side
from scf.confirmations.queries import Found
from scf.confirmations.rules import Answer, Due
from scf.confirmations.service import Asked
from scf.confirmations.standing import Standing, standing
from scf.http.schemas import (
    ConfirmationRequestId,
    DateText,
    EventId,
    In,
    InstantText,
    MoneyOut,
    Out,
    Prose,
    ReceivableId,
)
from scf.parties.models import Party, SizeClass
from scf.receivables.schemas import SideOut


class RequestIn(In):
    """A creditor asks its debtor to confirm a receivable."""

    note: Prose | None = Field(None, examples=["请按对账单DZ-2025-10-01确认"])
    creditor_size: SizeClass | None = Field(
        None,
        description="合同订立时债权人规模 the creditor's size when the contract was made; as registered",
    )
    agreed_on: DateText | None = Field(
        None,
        description="合同约定的答复日 the contract's own date, shown where no statutory time runs",
    )

    def asked(self) -> Asked:
        """Return what the service takes."""
        return Asked(self.note, self.creditor_size, self.agreed_on)


class WithdrawalIn(In):
    """A creditor takes its request back."""

    reason: Prose | None = None


class ContestIn(In):
    """A debtor objects to being held overdue."""

    reason: Prose = Field(examples=["请求所附对账单与收货记录不符，已另函说明"])


class DecisionIn(In):
    """The operator decides an objection."""

    upheld: bool
    reason: Prose


class ConditionOut(Out):
    """One of the conditions of the statutory time, and what was found."""

    name: str = Field(examples=["debtor_obliged"])
    value: str | None = Field(examples=["large"])
    holds: bool


class DueOut(Out):
    """What falls due next."""

    kind: MomentKind
    day: int
    on: DateText

    @classmethod
    def of(cls, due: Due | None) -> Self | None:
        """Show a day of the schedule."""
        return None if due is None else cls(kind=due.kind, day=due.day, on=due.on)


class MomentOut(Out):
    """One thing on a request's way."""

    kind: MomentKind
    day: int
    due_on: DateText
    by: Side | None
    reason: str | None
    upheld: bool | None
    recorded_at: InstantText


class AnswerOut(Out):
    """What the debtor said after the request; one that the law does not accept leaves the clock running."""

    event: EventId
    type: str
    on: DateText
    reason: str | None
    compliant: bool

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Show an answer."""
        return cls(
            event=answer.event_id,
            type=answer.type,
            on=answer.on,
            reason=answer.reason,
            compliant=answer.compliant,
        )


class StandingOut(Out):
    """How far it has come, since when, and who is to act."""

    step: str
    step_en: str
    since: InstantText
    waiting_for: Side | None

    @classmethod
    def of(cls, found: Standing) -> Self:
        """Show where a request stands."""
        return cls(
            step=found.zh, step_en=found.en, since=found.since, waiting_for=found.waiting_for
        )


class RequestOut(Out):
    """A request as it stands now, with its days, what was recorded and what the debtor said."""

    id: ConfirmationRequestId
    receivable: ReceivableId
    creditor: SideOut
    debtor: SideOut
    claimed: MoneyOut
    note: str | None
    state: RequestState
    standing: StandingOut
    statutory: bool
    conditions: list[ConditionOut]
    requested_on: DateText
    requested_event: EventId
    requested_version: int
    days: int | None
    reminder_days: list[int]
    deadline_on: DateText | None
    days_elapsed: int
    next: DueOut | None
    answered_on: DateText | None
    contested: bool
    moments: list[MomentOut]
    answers: list[AnswerOut]
    fault: str | None = Field(
        None,
        description="后台处理失败的原因，仅运营方可见 Why the clock failed on it, to the operator",
    )

    @classmethod
    def of(
        cls, found: Found, parties: Mapping[UUID, Party], *, today: date, operator: bool = False
    ) -> Self:
        """Show a request to one of its sides; the days count to its answer, or to today."""
        request, progress = found.request, found.progress
        sides = {request.creditor_id: Side.CREDITOR, request.debtor_id: Side.DEBTOR, None: None}
        answer_on = progress.answer.on if progress.answer else request.answered_on
        return cls(
            id=request.id,
            receivable=request.receivable_id,
            creditor=SideOut.of(parties[request.creditor_id]),
            debtor=SideOut.of(parties[request.debtor_id]),
            claimed=request.claimed,
            note=request.note,
            state=progress.state,
            standing=StandingOut.of(standing(found)),
            statutory=request.statutory,
            conditions=[ConditionOut(**condition) for condition in request.conditions],
            requested_on=request.requested_on,
            requested_event=request.event_id,
            requested_version=request.event_version,
            days=request.days,
            reminder_days=request.reminder_days,
            deadline_on=request.deadline_on,
            days_elapsed=((answer_on or today) - request.requested_on).days,
            next=DueOut.of(progress.next),
            answered_on=answer_on,
            contested=found.contest is not None,
            moments=[
                MomentOut(
                    kind=moment.kind,
                    day=moment.day,
                    due_on=moment.due_on,
                    by=Side.OPERATOR
                    if moment.kind is MomentKind.DECIDED
                    else sides[moment.actor_id],
                    reason=moment.reason,
                    upheld=moment.upheld,
                    recorded_at=moment.recorded_at,
                )
                for moment in found.moments
            ],
            answers=[AnswerOut.of(answer) for answer in found.answers],
            fault=request.fault if operator else None,
        )
