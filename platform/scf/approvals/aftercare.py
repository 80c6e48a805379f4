"""After paying: what the money was used for, checks of the loan, its grade, and whether it is extended."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.approvals import gates, journal, permissions, rules, service
from scf.approvals.clearing import Mode
from scf.approvals.journal import Hand, Open
from scf.approvals.models import Case, Kind, Record, State
from scf.approvals.policy import Step
from scf.approvals.rules import Grade, Paper
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import public_id
from scf.kernel.money import Money, zero
from scf.parties import rules as party_rules
from scf.rules.service import evaluate

GRADE: Final = "loan.grade"
"""The transition that rules know a grade by."""
NOTHING: Final = Step(within=1)
"""What a check has to answer where the policy says nothing of it."""


class UseBeyond(LimitExceeded):
    """Evidence of use stays within the loan, and within what each payee was to have."""

    code = "approval.use_beyond"
    title = "用途证明金额超过借款或计划支付金额"
    title_en = "More use is shown than was lent, or planned for this payee"


class PayeeNotPlanned(Invalid):
    """What is paid under 受托支付 went to whom it was planned for."""

    code = "approval.payee_not_planned"
    title = "收款人不在受托支付计划中"
    title_en = "The plan has no such payee"


class FileTwice(Invalid):
    """A file proves the use of money once."""

    code = "approval.file_twice"
    title = "同一文件重复用于证明用途"
    title_en = "The file was handed in before"


class NoExtensions(Conflict):
    """Extensions are decided here where the policy says who decides them."""

    code = "approval.no_extensions"
    title = "审批制度未规定展期审批"
    title_en = "The policy says nothing of extensions"


class ExtensionBeyond(LimitExceeded):
    """A loan is extended as often, and by as many days in all, as the policy allows."""

    code = "approval.extension_beyond"
    title = "展期次数或期限超过审批制度规定"
    title_en = "Extended too often, or too long"


class NothingProposed(Conflict):
    """A grade is confirmed that somebody else proposed."""

    code = "approval.no_grade_proposed"
    title = "没有待认定的分类"
    title_en = "No grade has been proposed"


def show_use(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    papers: Sequence[Paper],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Show what the loan was used for. Complete once the amounts add up to the loan.

    Raises UseBeyond, PayeeNotPlanned, FileTwice, CurrencyMismatch, MoveRefused, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.LENT)
    loan = gates.loan_of(session, found)
    journal.believe(session, found.case.bank_id, hand, "inspect", step="make", now=now)
    earlier = used(found)
    _check_once([*earlier, *papers])
    _check_planned(found, [*earlier, *papers])
    total = _sum([*earlier, *papers], loan.amount.currency)
    if total > loan.amount:
        raise UseBeyond(field="papers", shown=total, lent=loan.amount)
    inputs = {
        "papers": [paper.to_json() for paper in papers],
        "shown": total.to_json(),
        "complete": total == loan.amount,
    }
    journal.record(session, found, Kind.USE_SHOWN, inputs, now=now, hand=hand, by=actor.client_id)
    return found.case


def check(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    text: str,
    answers: list[service.Answer],
    papers: Sequence[Paper],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Hand in a check of the loan: the first (首次检查), then those that follow (贷后检查).

    Raises ItemsWrong, MoveRefused, NotNamed, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.LENT)
    care = found.content.aftercare or NOTHING
    journal.believe(
        session, found.case.bank_id, hand, "inspect", step="make", now=now, named=care.people
    )
    inputs = {
        "number": len(found.of(Kind.CHECKED)) + 1,
        "report": text,
        "items": service.check_items(care, answers),
        "papers": [paper.to_json() for paper in papers],
    }
    journal.record(session, found, Kind.CHECKED, inputs, now=now, hand=hand, by=actor.client_id)
    return found.case


def propose_grade(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    grade: Grade,
    reasons: list[str],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Propose a grade (五级分类初分), no better than the days overdue allow. Raises GradeTooGood."""
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.LENT)
    overdue = _hold_grade(session, found, grade, now=now)
    journal.believe(session, found.case.bank_id, hand, "classify", step="make", now=now)
    inputs = {"grade": grade.value, "reasons": reasons, "days_overdue": overdue}
    journal.record(
        session, found, Kind.GRADE_PROPOSED, inputs, now=now, hand=hand, by=actor.client_id
    )
    return found.case


def confirm_grade(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    grade: Grade,
    reasons: list[str],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Give the grade (认定) after another's proposal, the same or another one.

    Raises NothingProposed, SamePerson, GradeTooGood, MoveRefused, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.LENT)
    proposed = found.last(Kind.GRADE_PROPOSED, Kind.GRADED)
    if proposed is None or proposed.kind is Kind.GRADED:
        raise NothingProposed
    if proposed.person_id == hand.person:
        raise party_rules.SamePerson(field="by", act="classify")
    overdue = _hold_grade(session, found, grade, now=now)
    journal.believe(session, found.case.bank_id, hand, "classify", step="check", now=now)
    before = graded(found)
    inputs = {
        "grade": grade.value,
        "before": before and before.inputs["grade"],
        "reasons": reasons,
        "days_overdue": overdue,
        "proposal": proposed.seq,
    }
    journal.record(session, found, Kind.GRADED, inputs, now=now, hand=hand, by=actor.client_id)
    return found.case


def _hold_grade(session: Session, found: Open, grade: Grade, *, now: datetime) -> int:
    """Hold a grade to the days overdue, and return these. Raises GradeTooGood."""
    today, case = business_date(now), found.case
    overdue = days_overdue(found, today)
    rules.check_grade(grade, overdue, on=today)
    facts = {"grade": grade.value, "days_overdue": overdue}
    subject = public_id("apc", case.id)
    evaluate(session, GRADE, subject, facts, on=today, now=now, parties=[case.bank_id])
    return overdue


def decide_extension(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    approved: bool,
    due_on: date,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Decide whether the loan may be extended, up to a day, within the mandate's limit.

    Raises NoExtensions, ExtensionBeyond, HandsNotSeparate, NotNamed, MandateLimitExceeded, MoveRefused.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.LENT)
    policy = found.content.extension
    if policy is None:
        raise NoExtensions
    earlier = found.of(Kind.EXTENDED)
    first = parse_date(earlier[0].inputs["due_on_before"]) if earlier else gates.due_on(found)
    latest = first + timedelta(days=policy.days_max)
    if approved and (len(earlier) >= policy.times_max or due_on > latest):
        raise ExtensionBeyond(
            field="due_on",
            times=len(earlier),
            times_max=policy.times_max,
            due_on=due_on,
            latest=latest,
        )
    journal.keep_apart(found, hand, Kind.INVESTIGATED)
    journal.believe(
        session,
        found.case.bank_id,
        hand,
        "authorise",
        step="check",
        now=now,
        amount=gates.loan_of(session, found).amount,
        named=policy.people,
    )
    inputs = {"approved": approved, "due_on": due_on.isoformat(), "reason": reason}
    journal.record(
        session, found, Kind.EXTENSION_DECIDED, inputs, now=now, hand=hand, by=actor.client_id
    )
    return found.case


def graded(found: Open) -> Record | None:
    """Return the grade that stands."""
    return found.last(Kind.GRADED)


def days_overdue(found: Open, today: date) -> int:
    """Return how many days the loan is overdue."""
    return max((today - gates.due_on(found)).days, 0)


def used(found: Open) -> list[Paper]:
    """Return the evidence of use handed in so far."""
    return [
        Paper(
            one["name"],
            one["sha256"],
            one["amount"] and Money.from_json(one["amount"]),
            one["payee"],
        )
        for row in found.of(Kind.USE_SHOWN)
        for one in row.inputs["papers"]
    ]


def _check_once(papers: Sequence[Paper]) -> None:
    hashes = [paper.sha256 for paper in papers]
    if len(set(hashes)) != len(hashes):
        raise FileTwice(field="papers")


def _check_planned(found: Open, papers: Sequence[Paper]) -> None:
    """Hold what was paid under 受托支付 to its plan, payee by payee."""
    plan = found.last(Kind.PAYMENT_PLANNED)
    if plan is None or plan.inputs["mode"] != Mode.ENTRUSTED.value:
        return
    planned: dict[str, Money] = {}
    for payee in plan.inputs["payees"]:
        amount = Money.from_json(payee["amount"])
        planned[payee["name"]] = planned.get(payee["name"], zero(amount.currency)) + amount
    for name in sorted({paper.payee or "" for paper in papers}):
        if name not in planned:
            raise PayeeNotPlanned(field="payee", payee=name, planned=sorted(planned))
        own = [paper for paper in papers if paper.payee == name]
        shown = _sum(own, planned[name].currency)
        if shown > planned[name]:
            raise UseBeyond(field="papers", payee=name, shown=shown, planned=planned[name])


def _sum(papers: Sequence[Paper], currency: str) -> Money:
    return sum((paper.amount for paper in papers if paper.amount), zero(currency))
