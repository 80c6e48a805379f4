"""How a case goes on, who decides how much, what a committee's votes come to: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from scf.approvals.models import TRANSITIONS, State
from scf.approvals.policy import Committee, Content, Majority, Rung
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.money import Money
from scf.rules import predicates
from scf.rules.book import shipped


class AboveLadder(LimitExceeded):
    """A bank decides up to the top of its ladder; above that, elsewhere."""

    code = "approval.above_ladder"
    title = "金额超出本行审批权限"
    title_en = "The amount is above what this policy lets anybody decide"


class BeyondDecision(LimitExceeded):
    """What is offered is within what was approved: amount, term, and least rate."""

    code = "approval.beyond_decision"
    title = "贷款条件超出审批决定"
    title_en = "The terms go beyond what was approved"


class NoQuorum(Conflict):
    """A committee concludes once enough of its members, its chair among them, have voted."""

    code = "approval.no_quorum"
    title = "表决人数不足或主任委员未表决"
    title_en = "Too few have voted, or the chair has not"


class GradeTooGood(Invalid):
    """A loan overdue is graded no better than its days allow (金融资产风险分类办法)."""

    code = "approval.grade_too_good"
    title = "分类结果优于逾期天数所允许的最高类别"
    title_en = "The grade is better than the days overdue allow"


class SumDiffers(Invalid):
    """Parts of a payment add up to the loan."""

    code = "approval.sum_differs"
    title = "各笔金额合计与借款金额不一致"
    title_en = "The parts do not add up to the loan"


class Vote(StrEnum):
    """What a member says."""

    FOR = "for"
    AGAINST = "against"
    ABSTAIN = "abstain"


class Grade(StrEnum):
    """五级分类, from the best to the worst."""

    NORMAL = "正常"
    SPECIAL_MENTION = "关注"
    SUBSTANDARD = "次级"
    DOUBTFUL = "可疑"
    LOSS = "损失"


STEPS: Final = (State.INVESTIGATING, State.REVIEWING, State.DECIDING)
"""What leads to a decision, in order."""
GRADES: Final = tuple(Grade)
OVERDUE: Final = "LND-02"
"""The rule that says from how many days overdue on a loan is at best of a grade."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be lent; `rate_min` None: at any rate. A rate is decimal text."""

    amount: Money
    days: int
    rate_min: str | None = None


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan as its financing knows it; `rate` is decimal text."""

    financing_id: UUID
    amount: Money
    days: int
    rate: str
    due_on: date
    contract_sha256: bytes
    pledge_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that stays with the bank, by its hash; `amount` and `payee` where it shows a payment."""

    name: str
    sha256: str
    amount: Money | None = None
    payee: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as records hold it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "amount": None if self.amount is None else self.amount.to_json(),
            "payee": self.payee,
        }


def first_state(content: Content) -> State:
    """Return the state in which a case begins."""
    return _first(content, STEPS)


def state_after(content: Content, state: State) -> State:
    """Return the state after one of the steps towards a decision, leaving out what a policy has not."""
    return _first(content, STEPS[STEPS.index(state) + 1 :])


def is_back(state: State, to: State) -> bool:
    """Say whether a step towards a decision lies before where a case stands, and can be gone back to."""
    return to in STEPS and to in TRANSITIONS[state] and (state not in STEPS or _before(to, state))


def _before(one: State, other: State) -> bool:
    return STEPS.index(one) < STEPS.index(other)


def has_step(content: Content, state: State) -> bool:
    """Say whether a policy has a step towards a decision."""
    steps = {
        State.INVESTIGATING: content.investigation,
        State.REVIEWING: content.review,
        State.DECIDING: content.decision,
    }
    return steps.get(state) is not None


def _first(content: Content, order: Sequence[State]) -> State:
    return next((state for state in order if has_step(content, state)), State.APPROVED)


def rung(content: Content, amount: Money) -> Rung:
    """Return who decides about an amount. Raises AboveLadder, CurrencyMismatch."""
    assert content.decision is not None
    found = next((one for one in content.decision.ladder if amount <= one.up_to), None)
    if found is None:
        top: Money = content.decision.ladder[-1].up_to
        raise AboveLadder(field="amount", asked=amount, top=top)
    return found


def tally(committee: Committee, votes: Mapping[UUID, Vote]) -> bool:
    """Say whether a committee's members carry it. Raises NoQuorum.

    Who abstains attends. The chair's no is final where the policy says so; its yes counts as one.
    """
    attend = len(votes)
    if attend < committee.quorum or committee.chair not in votes:
        raise NoQuorum(voted=attend, quorum=committee.quorum, chair_voted=committee.chair in votes)
    if committee.veto and votes[committee.chair] is Vote.AGAINST:
        return False
    yes = sum(vote is Vote.FOR for vote in votes.values())
    carried = {
        Majority.MORE_THAN_HALF: 2 * yes > attend,
        Majority.TWO_THIRDS: 3 * yes >= 2 * attend,
        Majority.ALL: yes == attend,
    }
    return carried[committee.majority]


def check_terms(approved: Terms, offered: Terms) -> None:
    """Hold terms to what was approved. Raises BeyondDecision, CurrencyMismatch."""
    if offered.amount > approved.amount:
        raise BeyondDecision(field="amount", approved=approved.amount, asked=offered.amount)
    if offered.days > approved.days:
        raise BeyondDecision(field="days", approved=approved.days, asked=offered.days)


def check_sum(whole: Money, parts: Sequence[Money], *, field: str) -> None:
    """Raise SumDiffers, CurrencyMismatch."""
    total = sum(parts[1:], parts[0])
    if total != whole:
        raise SumDiffers(field=field, total=total, expected=whole)


def best_grade(days_overdue: int, *, on: date) -> Grade:
    """Return the best grade that a loan so long overdue may have, by the rule in force on a day."""
    return Grade(predicates.best_grade(days_overdue, **shipped().numbers(OVERDUE, on)))


def check_grade(grade: Grade, days_overdue: int, *, on: date) -> None:
    """Raise GradeTooGood."""
    best = best_grade(days_overdue, on=on)
    if GRADES.index(grade) < GRADES.index(best):
        raise GradeTooGood(
            field="grade", grade=grade.value, best=best.value, days_overdue=days_overdue
        )
