"""A bank's way to a decision: investigation, review, and the decision of one person or of many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.approvals import adopting, journal, permissions, rules
from scf.approvals.journal import Hand, Open
from scf.approvals.models import Case, Kind, MoveRefused, State
from scf.approvals.policy import Content, Step
from scf.approvals.rules import Paper, Terms, Vote
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import rules as party_rules


class ItemsWrong(Invalid):
    """A report answers every item of the policy, once."""

    code = "approval.items_wrong"
    title = "检查事项与审批制度不一致"
    title_en = "The items answered are not those of the policy"


class VotedAlready(Conflict):
    """A member votes once a round."""

    code = "approval.voted_already"
    title = "该委员已表决"
    title_en = "This member has voted"


class AnotherWay(Conflict):
    """An amount is decided by one person or by a committee, as the policy's ladder says."""

    code = "approval.another_way"
    title = "该金额不适用此审批方式"
    title_en = "The policy has this amount decided in the other way"


class NotAsked(Invalid):
    """No more is approved than was asked for."""

    code = "approval.above_asked"
    title = "批准金额或期限超过申请"
    title_en = "More is approved than was asked for"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a financing asks for, as its bank's case begins with it."""

    financing_id: UUID
    bank_id: UUID
    receivable_id: UUID
    amount: Money
    days: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to one item."""

    code: str
    ok: bool
    note: str | None


def open_case(session: Session, asked: Asked, *, now: datetime) -> Case | None:
    """Begin a bank's case for a new financing; none where the bank configured no steps."""
    policy = adopting.in_force(session, asked.bank_id, business_date(now))
    if policy is None:
        return None
    content = Content.model_validate(policy.content)
    if content.is_empty:
        return None
    case = Case(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        financing_id=asked.financing_id,
        bank_id=asked.bank_id,
        receivable_id=asked.receivable_id,
        policy_id=policy.id,
        currency=asked.amount.currency,
        asked_minor=asked.amount.minor,
        asked_days=asked.days,
        state=rules.first_state(content),
        state_since=now,
        opened_at=now,
    )
    session.add(case)
    session.flush()
    inputs = {
        "policy": {
            "id": public_id("app", policy.id),
            "number": policy.number,
            "sha256": evidence.hash_text(policy.sha256),
        },
        "receivable": public_id("rcv", asked.receivable_id),
        "amount": asked.amount.to_json(),
        "days": asked.days,
    }
    journal.record(session, Open(case, content, []), Kind.OPENED, inputs, now=now)
    return case


def report(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    kind: Kind,
    hand: Hand,
    text: str,
    answers: list[Answer],
    recommends: Terms | None,
    papers: Sequence[Paper],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Hand in the investigation (调查报告) or the review (审查意见); the case goes on to its next step.

    Raises MoveRefused, ItemsWrong, HandsNotSeparate, NotNamed, NotAsked, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    investigates = kind is Kind.INVESTIGATED
    state = State.INVESTIGATING if investigates else State.REVIEWING
    found.case.require(state)
    content = found.content
    step = content.investigation if investigates else content.review
    assert step is not None, "a case stands in no step that its policy leaves out"
    other = Kind.REVIEWED if investigates else Kind.INVESTIGATED
    journal.keep_apart(found, hand, other, *journal.DECIDERS)
    _believe(session, found, hand, "investigate" if investigates else "review", step, now=now)
    if recommends is not None:
        _check_asked(found.case, recommends)
    inputs = {
        "report": text,
        "items": check_items(step, answers),
        "recommends": None if recommends is None else _terms(recommends),
        "papers": [paper.to_json() for paper in papers],
    }
    to = rules.state_after(content, state)
    journal.record(session, found, kind, inputs, now=now, hand=hand, to=to, by=actor.client_id)
    return found.case


def decide(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    approved: bool,
    terms: Terms | None,
    conditions: list[str],
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Decide as an authorised person (有权人), within the mandate's limit. `terms` None: as recommended.

    What is rejected is what was recommended, whatever the `terms`: it is for whoever could approve it.
    Raises MoveRefused, AnotherWay, AboveLadder, MandateLimitExceeded, HandsNotSeparate, NotAsked.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.DECIDING)
    chosen = (terms if approved else None) or proposal(found)
    _check_asked(found.case, chosen)
    rung = rules.rung(found.content, chosen.amount)
    if rung.committee is not None:
        raise AnotherWay(amount=chosen.amount, by="committee")
    journal.keep_apart(found, hand, Kind.INVESTIGATED, Kind.REVIEWED)
    journal.believe(
        session,
        found.case.bank_id,
        hand,
        "authorise",
        step="check",
        now=now,
        amount=chosen.amount,
        named=rung.people,
    )
    inputs = _decision(found, chosen, approved, conditions, reason, now=now)
    to = State.APPROVED if approved else State.REJECTED
    journal.record(
        session, found, Kind.DECIDED, inputs, now=now, hand=hand, to=to, by=actor.client_id
    )
    return found.case


def vote(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    says: Vote,
    opinion: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Vote as a member of the committee (贷审会) on the terms that are proposed.

    Raises MoveRefused, AnotherWay, NotNamed, VotedAlready, HandsNotSeparate, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.DECIDING)
    terms = proposal(found)
    committee = rules.rung(found.content, terms.amount).committee
    if committee is None:
        raise AnotherWay(amount=terms.amount, by="person")
    journal.keep_apart(found, hand, Kind.INVESTIGATED, Kind.REVIEWED)
    journal.believe(
        session,
        found.case.bank_id,
        hand,
        "vote",
        step="check",
        now=now,
        named=committee.members,
    )
    if hand.person in votes(found):
        raise VotedAlready(person=public_id("psn", hand.person))
    inputs = {"vote": says.value, "opinion": opinion, "on": _terms(terms)}
    journal.record(session, found, Kind.VOTED, inputs, now=now, hand=hand, by=actor.client_id)
    return found.case


def conclude(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    conditions: list[str],
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Close the committee's meeting as its chair: the votes decide. Only votes whose mandate holds count.

    Raises MoveRefused, AnotherWay, NotNamed, NoQuorum, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.DECIDING)
    terms = proposal(found)
    committee = rules.rung(found.content, terms.amount).committee
    if committee is None:
        raise AnotherWay(amount=terms.amount, by="person")
    bank = found.case.bank_id
    journal.believe(session, bank, hand, "vote", step="check", now=now, named=[committee.chair])
    standing = journal.standing(session, found.of(Kind.VOTED, since=found.entered))
    counted = {one.person_id: Vote(one.inputs["vote"]) for one in standing if one.person_id}
    approved = rules.tally(committee, counted)
    inputs = {
        **_decision(found, terms, approved, conditions, reason, now=now),
        "votes": {public_id("psn", person): says.value for person, says in sorted(counted.items())},
    }
    to = State.APPROVED if approved else State.REJECTED
    journal.record(
        session, found, Kind.DECIDED, inputs, now=now, hand=hand, to=to, by=actor.client_id
    )
    return found.case


def give_back(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    to: State,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Give a case back to an earlier step, or have it decided again (复议); by a reviewer.

    Raises MoveRefused, also for a step that the policy leaves out.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    if not rules.is_back(found.case.state, to) or not rules.has_step(found.content, to):
        raise MoveRefused(state=found.case.state.value, asked=to.value)
    journal.believe(session, found.case.bank_id, hand, "review", step="check", now=now)
    inputs = {"to": to.value, "reason": reason}
    journal.record(
        session, found, Kind.RETURNED, inputs, now=now, hand=hand, to=to, by=actor.client_id
    )
    return found.case


def proposal(found: Open) -> Terms:
    """Return the terms before the deciders: the newest recommendation, else what was asked for."""
    for one in reversed(found.of(Kind.INVESTIGATED, Kind.REVIEWED)):
        if one.inputs["recommends"] is not None:
            return read_terms(one.inputs["recommends"])
    return Terms(found.case.asked, found.case.asked_days)


def votes(found: Open) -> dict[UUID, Vote]:
    """Return who has voted what since the case came before the committee."""
    given = found.of(Kind.VOTED, since=found.entered)
    return {one.person_id: Vote(one.inputs["vote"]) for one in given if one.person_id}


def read_terms(value: Mapping[str, Any]) -> Terms:
    """Read terms as records hold them."""
    return Terms(Money.from_json(value["amount"]), value["days"], value["rate_min"])


def check_items(step: Step, answers: list[Answer]) -> list[dict[str, Any]]:
    """Return the answers to a step's items as records hold them. Raises ItemsWrong."""
    given = {answer.code: answer for answer in answers}
    wanted = [item.code for item in step.items]
    if len(given) != len(answers) or set(given) != set(wanted):
        raise ItemsWrong(field="items", wanted=wanted, given=sorted(given))
    return [
        {
            "code": item.code,
            "title": item.title,
            "ok": given[item.code].ok,
            "note": given[item.code].note,
        }
        for item in step.items
    ]


def _believe(
    session: Session, found: Open, hand: Hand, act: str, step: Step, *, now: datetime
) -> None:
    (own,) = party_rules.DESK[act]
    journal.believe(session, found.case.bank_id, hand, act, step=own, now=now, named=step.people)


def _decision(
    found: Open,
    terms: Terms,
    approved: bool,
    conditions: list[str],
    reason: str,
    *,
    now: datetime,
) -> dict[str, Any]:
    assert found.content.decision is not None
    until = business_date(now) + timedelta(days=found.content.decision.valid_days)
    return {
        "approved": approved,
        "terms": _terms(terms),
        "conditions": conditions,
        "reason": reason,
        "valid_until": until.isoformat(),
    }


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "amount": terms.amount.to_json(),
        "days": terms.days,
        "rate_min": terms.rate_min,
    }


def _check_asked(case: Case, terms: Terms) -> None:
    if terms.amount > case.asked or terms.days > case.asked_days:
        raise NotAsked(field="terms", asked=case.asked, asked_days=case.asked_days)
