"""Who decides how much, what votes come to, how good a grade may be: tables and properties."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.approvals import rules
from scf.approvals.models import TRANSITIONS, State
from scf.approvals.policy import Committee, Content, Majority, PolicyMeaningless
from scf.approvals.rules import Grade, Loan, Terms, Vote
from scf.kernel.ids import public_id
from scf.kernel.money import CurrencyMismatch, Money

DAY = date(2025, 11, 3)

PEOPLE = [UUID(int=number) for number in range(1, 8)]
NAMES = [public_id("psn", person) for person in PEOPLE]
FOR, AGAINST, ABSTAIN = Vote.FOR, Vote.AGAINST, Vote.ABSTAIN


def committee(size=5, quorum=3, **other):
    return Committee.model_validate(
        {"members": NAMES[:size], "chair": NAMES[0], "quorum": quorum, **other}
    )


def money(text, currency="CNY"):
    return {"amount": text, "currency": currency}


@pytest.mark.parametrize(
    ("majority", "votes", "carried"),
    [
        ("more_than_half", [FOR, FOR, AGAINST], True),
        ("more_than_half", [FOR, FOR, AGAINST, AGAINST], False),
        ("more_than_half", [FOR, FOR, ABSTAIN, ABSTAIN], False),
        ("more_than_half", [FOR, ABSTAIN, ABSTAIN], False),
        ("two_thirds", [FOR, FOR, AGAINST], True),
        ("two_thirds", [FOR, FOR, FOR, AGAINST, AGAINST], False),
        ("two_thirds", [FOR, FOR, FOR, FOR, AGAINST], True),
        ("two_thirds", [FOR, FOR, ABSTAIN, ABSTAIN], False),
        ("all", [FOR, FOR, FOR, FOR, FOR], True),
        ("all", [FOR, FOR, FOR, FOR, ABSTAIN], False),
        ("more_than_half", [AGAINST, FOR, FOR, FOR, FOR], False),  # the chair's no
        ("more_than_half", [ABSTAIN, FOR, FOR, FOR], True),
    ],
)
def test_a_committee_carries_it_by_its_majority(majority, votes, carried):
    given_ = dict(zip(PEOPLE, votes, strict=False))

    assert rules.tally(committee(majority=majority), given_) is carried


def test_the_chair_s_no_is_one_vote_where_there_is_no_veto():
    votes = dict(zip(PEOPLE, [AGAINST, FOR, FOR, FOR, FOR], strict=False))

    assert rules.tally(committee(majority="two_thirds", veto=False), votes) is True


@pytest.mark.parametrize(
    ("voters", "voted", "chair"), [([0, 1], 2, True), ([1, 2, 3], 3, False), ([], 0, False)]
)
def test_without_quorum_or_chair_nothing_is_concluded(voters, voted, chair):
    with pytest.raises(rules.NoQuorum) as refusal:
        rules.tally(committee(), {PEOPLE[number]: FOR for number in voters})

    assert refusal.value.fields == {"voted": voted, "quorum": 3, "chair_voted": chair}


@given(
    st.lists(st.sampled_from(Vote), min_size=3, max_size=7),
    st.sampled_from(Majority),
    st.booleans(),
)
def test_a_vote_more_for_it_never_hurts(votes, majority, veto):
    sits = committee(7, majority=majority.value, veto=veto)
    before = rules.tally(sits, dict(zip(PEOPLE, votes, strict=False)))
    for place in range(len(votes)):
        better = [*votes[:place], FOR, *votes[place + 1 :]]
        after = rules.tally(sits, dict(zip(PEOPLE, better, strict=False)))
        assert after >= before


@given(st.sets(st.sampled_from(["investigation", "review", "decision"])))
def test_every_policy_leads_to_a_decision_by_moves_that_are_allowed(steps):
    step = {"within": 1}
    parts = {
        "investigation": step,
        "review": step,
        "decision": {**step, "ladder": [{"up_to": money("1.00")}]},
    }
    content = Content.model_validate({name: parts[name] for name in steps})
    state, walked = rules.first_state(content), []
    while state is not State.APPROVED:
        after = rules.state_after(content, state)
        assert after in TRANSITIONS[state]
        walked.append(state)
        state = after

    assert len(walked) == len(steps)
    assert content.is_empty is (not steps)


def test_what_is_decided_can_be_given_back_until_the_offer_is_signed():
    back = {State.INVESTIGATING, State.REVIEWING, State.DECIDING}

    assert {state for state in State if TRANSITIONS[state] & back} == {
        *back,
        State.APPROVED,
        State.REJECTED,
    }
    assert {state for state in State if not TRANSITIONS[state]} == {State.CLOSED, State.ENDED}


class TestLadder:
    content = Content.model_validate(
        {
            "decision": {
                "within": 5,
                "ladder": [
                    {"up_to": money("1000000.00")},
                    {
                        "up_to": money("5000000.00"),
                        "committee": {"members": NAMES[:3], "chair": NAMES[0], "quorum": 2},
                    },
                ],
            }
        }
    )

    @pytest.mark.parametrize(
        ("amount", "by_committee"),
        [("0.01", False), ("1000000.00", False), ("1000000.01", True), ("5000000.00", True)],
    )
    def test_an_amount_has_its_rung(self, amount, by_committee):
        found = rules.rung(self.content, Money.parse(amount))

        assert (found.committee is not None) is by_committee

    def test_above_it_nobody_decides(self):
        with pytest.raises(rules.AboveLadder) as refusal:
            rules.rung(self.content, Money.parse("5000000.01"))

        assert refusal.value.fields["top"] == Money.parse("5000000.00")

    def test_another_currency_has_none(self):
        with pytest.raises(CurrencyMismatch):
            rules.rung(self.content, Money(1, "USD"))


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (
            {
                "decision": {
                    "within": 1,
                    "ladder": [{"up_to": money("2.00")}, {"up_to": money("2.00")}],
                }
            },
            "ladder",
        ),
        (
            {
                "decision": {
                    "within": 1,
                    "ladder": [{"up_to": money("2.00")}, {"up_to": money("3.00", "USD")}],
                }
            },
            "ladder",
        ),
        ({"clearing": {"within": 1, "conditions": [{"code": "weather"}]}}, "code"),
        ({"clearing": {"within": 1, "conditions": [{"code": "invoices_fresh"}]}}, "days"),
        ({"clearing": {"within": 1, "conditions": [{"code": "registered", "days": 3}]}}, "days"),
        (
            {
                "review": {
                    "within": 1,
                    "items": [{"code": "seal", "title": "a"}, {"code": "seal", "title": "b"}],
                }
            },
            "items",
        ),
        ({"payment": {"entrusted_from": money("1.00"), "evidence_within": 3}}, "payment"),
    ],
)
def test_a_policy_whose_parts_do_not_fit_is_refused(content, field):
    with pytest.raises(PolicyMeaningless) as refusal:
        Content.model_validate(content)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    "other", [{"quorum": 6}, {"chair": NAMES[6]}, {"members": [NAMES[0], NAMES[0], NAMES[1]]}]
)
def test_a_committee_that_cannot_sit_is_refused(other):
    with pytest.raises(PolicyMeaningless):
        committee(**other)


@pytest.mark.parametrize(
    ("days", "best"),
    [
        (0, Grade.NORMAL),
        (1, Grade.SPECIAL_MENTION),
        (90, Grade.SPECIAL_MENTION),
        (91, Grade.SUBSTANDARD),
        (270, Grade.SUBSTANDARD),
        (271, Grade.DOUBTFUL),
        (360, Grade.DOUBTFUL),
        (361, Grade.LOSS),
    ],
)
def test_a_loan_overdue_is_graded_no_better_than_its_days_allow(days, best):
    assert rules.best_grade(days, on=DAY) is best
    rules.check_grade(best, days, on=DAY)
    if best is not Grade.NORMAL:
        with pytest.raises(rules.GradeTooGood):
            rules.check_grade(rules.GRADES[rules.GRADES.index(best) - 1], days, on=DAY)


@pytest.mark.parametrize(
    ("amount", "days", "field"), [("100.01", 50, "amount"), ("100.00", 51, "days")]
)
def test_an_offer_stays_within_the_decision(amount, days, field):
    with pytest.raises(rules.BeyondDecision) as refusal:
        rules.check_terms(Terms(Money.parse("100.00"), 50), Terms(Money.parse(amount), days))

    assert refusal.value.field == field


def test_parts_add_up_to_the_loan():
    loan = Loan(
        PEOPLE[0], Money.parse("100.00"), 50, "0.0385", date(2025, 12, 23), b"", None
    ).amount
    rules.check_sum(loan, [Money.parse("60.00"), Money.parse("40.00")], field="payees")

    with pytest.raises(rules.SumDiffers) as refusal:
        rules.check_sum(loan, [Money.parse("60.00"), Money.parse("39.99")], field="payees")

    assert refusal.value.fields["total"] == Money.parse("99.99")
