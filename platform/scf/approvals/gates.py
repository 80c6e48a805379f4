"""What a financing asks its bank's case before it binds the bank or money moves, and what it tells it.

Locks are taken in the order financing, case, mandates. A financing without a case is not held up.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.approvals import facts, journal, rules, service
from scf.approvals.journal import Open
from scf.approvals.models import Kind, Record, State
from scf.approvals.rules import BeyondDecision, Loan, Terms
from scf.evidence.service import hash_text
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.kernel.money import Money, parse_rate
from scf.pledges.models import Pledge
from scf.pledges.models import State as PledgeState
from scf_ledger.encoding import from_b64url


class Gate(StrEnum):
    """Before what a case is asked."""

    OFFER = "offer"
    DISBURSE = "disburse"
    EXTEND = "extend"


class GateClosed(Conflict):
    """A bank's own steps come first, where it configured any."""

    code = "approval.gate_closed"
    title = "本行审批或放款审核尚未完成"
    title_en = "The bank's own steps towards this are not done"


class DecisionLapsed(Conflict):
    """An approval is used by its last day."""

    code = "approval.lapsed"
    title = "审批决定已过有效期，请重新审批"
    title_en = "The approval has lapsed; have it decided again"


class HandRevoked(Conflict):
    """A decision that was not used yet falls with the mandate that it was made under."""

    code = "approval.hand_revoked"
    title = "作出该决定的授权已被撤销，请重新办理"
    title_en = "The mandate behind this decision was revoked; have it made again"


class ConditionsOpen(Conflict):
    """Every condition before paying holds, or does not apply, when the money moves."""

    code = "approval.conditions_open"
    title = "放款条件尚未全部满足"
    title_en = "Conditions before paying do not hold"


GIVEN_UP: Final = (PledgeState.CANCELLED, PledgeState.EXPIRED)
_PASSED: Final = {
    Gate.OFFER: frozenset({State.APPROVED}),
    Gate.DISBURSE: frozenset({State.OFFERED, State.CLEARED}),
}


def gate(session: Session, loan: Loan, step: Gate, *, now: datetime) -> list[dict[str, Any]]:
    """Let a financing go on, or say what is missing; return the conditions as answered.

    Raises GateClosed, DecisionLapsed, HandRevoked, BeyondDecision, ConditionsOpen.
    """
    found = journal.lock_of(session, loan.financing_id)
    if found is None:
        return []
    cleared = step is Gate.DISBURSE and found.content.clearing is not None
    passed = frozenset({State.CLEARED}) if cleared else _PASSED[step]
    if found.case.state not in passed:
        raise GateClosed(step=step.value, state=found.case.state.value)
    if step is Gate.OFFER:
        _check_offer(session, found, loan, now=now)
        return []
    return _check_payment(session, found, loan, now=now) if cleared else []


def offered(session: Session, loan: Loan, *, now: datetime) -> None:
    """Hear that the bank's offer is signed; its terms stand."""
    found = journal.lock_of(session, loan.financing_id)
    if found is not None:
        journal.record(session, found, Kind.OFFERED, _said(loan), now=now, to=State.OFFERED)


def lent(
    session: Session, loan: Loan, *, on: date, conditions: list[dict[str, Any]], now: datetime
) -> None:
    """Hear that the money was paid; what comes after begins."""
    found = journal.lock_of(session, loan.financing_id)
    if found is not None:
        inputs = {**_said(loan), "on": on.isoformat(), "conditions": conditions}
        journal.record(session, found, Kind.LENT, inputs, now=now, to=State.LENT)


def gate_extension(session: Session, financing_id: UUID, *, due_on: date) -> None:
    """Let the bank sign an extension to a day, where its policy says who decides about one.

    Raises GateClosed until it is approved, BeyondDecision for a later day, HandRevoked.
    """
    found = journal.lock_of(session, financing_id)
    if found is None or found.content.extension is None:
        return
    decided = found.last(Kind.EXTENSION_DECIDED, Kind.EXTENDED)
    if decided is None or decided.kind is Kind.EXTENDED or not decided.inputs["approved"]:
        raise GateClosed(step=Gate.EXTEND.value, state=found.case.state.value)
    _require_hands(session, found, decided)
    until = parse_date(decided.inputs["due_on"])
    if due_on > until:
        raise BeyondDecision(field="due_on", approved=until, asked=due_on)


def extended(
    session: Session, financing_id: UUID, *, due_on: date, due_on_before: date, now: datetime
) -> None:
    """Hear that both sides agreed on a later due date."""
    found = journal.lock_of(session, financing_id)
    if found is not None:
        inputs = {"due_on": due_on.isoformat(), "due_on_before": due_on_before.isoformat()}
        journal.record(session, found, Kind.EXTENDED, inputs, now=now)


def finished(session: Session, financing_id: UUID, *, reason: str, now: datetime) -> None:
    """Hear that a financing is repaid, or is not going to happen."""
    found = journal.lock_of(session, financing_id)
    if found is not None:
        to = State.CLOSED if found.case.state is State.LENT else State.ENDED
        journal.record(session, found, Kind.FINISHED, {"reason": reason}, now=now, to=to)


def loan_of(session: Session, found: Open) -> Loan:
    """Return the loan that a case was told of, with its pledge. Raises GateClosed before the offer."""
    told = found.last(Kind.OFFERED, Kind.LENT)
    if told is None:
        raise GateClosed(step=Gate.DISBURSE.value, state=found.case.state.value)
    said = told.inputs
    contract = from_b64url(said["contract_sha256"])
    return Loan(
        found.case.financing_id,
        Money.from_json(said["amount"]),
        said["days"],
        said["rate"],
        due_on(found),
        contract,
        session.scalar(
            select(Pledge.id)
            .where(Pledge.contract_sha256 == contract, Pledge.state.not_in(GIVEN_UP))
            .order_by(Pledge.id.desc())
            .limit(1)
        ),
    )


def due_on(found: Open) -> date:
    """Return the day on which the loan is due, as last agreed."""
    told = found.last(Kind.OFFERED, Kind.LENT, Kind.EXTENDED)
    assert told is not None, "the offer said so"
    return parse_date(told.inputs["due_on"])


def _check_offer(session: Session, found: Open, loan: Loan, *, now: datetime) -> None:
    decided = found.last(Kind.DECIDED)
    if found.content.decision is None or decided is None:
        return
    _require_hands(session, found, decided)
    until = parse_date(decided.inputs["valid_until"])
    if business_date(now) > until:
        raise DecisionLapsed(valid_until=until)
    approved = service.read_terms(decided.inputs["terms"])
    rules.check_terms(approved, Terms(loan.amount, loan.days))
    least = approved.rate_min
    if least is not None and parse_rate(loan.rate) < parse_rate(least):
        raise BeyondDecision(field="rate", approved=least, asked=loan.rate)


def _check_payment(
    session: Session, found: Open, loan: Loan, *, now: datetime
) -> list[dict[str, Any]]:
    cleared = found.last(Kind.CLEARED)
    assert cleared is not None, "it is cleared"
    assert found.content.clearing is not None
    _require_hands(session, found, cleared)
    answers = facts.evaluate(
        session, found.case, found.content.clearing, loan, today=business_date(now)
    )
    require_all(answers)
    return answers


def require_all(answers: list[dict[str, Any]]) -> None:
    """Raise ConditionsOpen with what does not hold."""
    missing = [answer["code"] for answer in answers if answer["holds"] is False]
    if missing:
        raise ConditionsOpen(missing=missing)


def _require_hands(session: Session, found: Open, decided: Record) -> None:
    """Hold a decision to the mandates behind it: the one that made it, and a committee's that carried it."""
    needed = [decided]
    if "votes" in decided.inputs:
        counted = decided.inputs["votes"]
        since = next(
            (
                one.seq
                for one in reversed(found.records)
                if one.kind is Kind.RETURNED and one.seq < decided.seq
            ),
            0,
        )
        needed += [
            one
            for one in found.of(Kind.VOTED, since=since)
            if one.person_id and public_id("psn", one.person_id) in counted
        ]
    revoked = len(needed) - len(journal.standing(session, needed))
    if revoked:
        raise HandRevoked(decided_on=business_date(decided.recorded_at), revoked=revoked)


def _said(loan: Loan) -> dict[str, Any]:
    return {
        "amount": loan.amount.to_json(),
        "days": loan.days,
        "rate": loan.rate,
        "due_on": loan.due_on.isoformat(),
        "contract_sha256": hash_text(loan.contract_sha256),
    }
