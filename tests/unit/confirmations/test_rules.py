"""The clock as a pure function: conditions, the schedule, and where facts lead whenever one looks."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.confirmations import rules
from scf.confirmations.models import REQUEST_TRANSITIONS, RUNNING, MomentKind, RequestState
from scf.confirmations.rules import Answer, assess, conditions, schedule, term
from scf.kernel.clock import SHANGHAI
from scf.kernel.ids import new_id
from scf.parties.models import SizeClass
from scf.rules.book import shipped

DAY_0 = date(2025, 11, 3)
DUES = schedule(DAY_0, 30, (7, 15, 25))
DAYS = [7, 15, 25, 31]


def at(day: float) -> datetime:
    """So many days after the beginning of day 0 in Shanghai."""
    return datetime(2025, 11, 3, tzinfo=SHANGHAI).astimezone(UTC) + timedelta(days=day)


def said(day: float, *, compliant: bool = True) -> Answer:
    return Answer(new_id(), "receivable.confirmed", at(day), None, compliant)


def look(day: float, *answers: Answer, state: RequestState = RequestState.OPEN):
    return assess(state, DUES, answers, now=at(day))


class TestConditions:
    @pytest.mark.parametrize(
        ("debtor", "creditor", "on", "failing"),
        [
            (SizeClass.LARGE, SizeClass.MICRO, DAY_0, set()),
            (SizeClass.PUBLIC_BODY, SizeClass.MEDIUM, DAY_0, set()),
            (SizeClass.MEDIUM, SizeClass.SMALL, DAY_0, {"debtor_obliged"}),
            (None, SizeClass.SMALL, DAY_0, {"debtor_obliged"}),
            (SizeClass.LARGE, SizeClass.LARGE, DAY_0, {"creditor_sme"}),
            (SizeClass.LARGE, None, DAY_0, {"creditor_sme", "size_declared"}),
            (SizeClass.LARGE, SizeClass.SMALL, date(2025, 5, 31), {"rule_in_force"}),
            (SizeClass.LARGE, SizeClass.SMALL, date(2025, 6, 1), set()),
        ],
    )
    def test_each_is_named_with_what_was_found(self, debtor, creditor, on, failing):
        found = conditions(debtor_size=debtor, creditor_size=creditor, requested_on=on)

        assert {one.name for one in found if not one.holds} == failing
        assert (term(found, on) is None) == bool(failing)

    def test_the_days_are_those_of_the_rules(self):
        found = conditions(
            debtor_size=SizeClass.LARGE, creditor_size=SizeClass.SMALL, requested_on=DAY_0
        )
        assert term(found, DAY_0) == rules.Term(1, 30, (7, 15, 25))
        book = shipped().amended(rules.TERM, effective_from=DAY_0, parameters={"days": 20})
        book = book.amended(
            rules.REMINDERS, effective_from=DAY_0, parameters={"reminder_days": [25, 5]}
        )
        amended = term(found, DAY_0, book=book)
        assert (amended.days, amended.reminder_days) == (20, (5,))


class TestSchedule:
    def test_the_last_day_belongs_to_the_time(self):
        assert [(one.kind, one.day, one.on) for one in DUES] == [
            (MomentKind.REMINDER, 7, date(2025, 11, 10)),
            (MomentKind.REMINDER, 15, date(2025, 11, 18)),
            (MomentKind.REMINDER, 25, date(2025, 11, 28)),
            (MomentKind.CONFIRM_OVERDUE, 31, date(2025, 12, 4)),
        ]


class TestAssess:
    def test_a_day_is_judged_shortly_after_it_ends(self):
        minute = 1 / 24 / 60
        assert look(31 + minute).state is RequestState.OPEN
        assert look(31 + 2 * minute).state is RequestState.OVERDUE
        assert look(31 + minute, said(31 - minute)).state is RequestState.ANSWERED

    def test_an_answer_on_a_due_day_comes_after_it(self):
        assert [due.day for due in look(7.5, said(7.4)).dues] == [7]
        assert [due.day for due in look(7.5, said(6.99)).dues] == []

    @pytest.mark.parametrize(
        ("state", "ends"),
        [
            (RequestState.OPEN, RequestState.ANSWERED),
            (RequestState.OVERDUE, RequestState.ANSWERED_LATE),
            (RequestState.ESCALATED, RequestState.ANSWERED_LATE),
        ],
    )
    def test_an_answer_ends_whatever_runs(self, state, ends):
        assert look(3, said(2), state=state).state is ends

    @pytest.mark.parametrize("state", sorted(set(RequestState) - RUNNING))
    def test_what_has_ended_stays(self, state):
        found = look(90, said(2), state=state)
        assert (found.state, found.dues, found.next) == (state, (), None)

    def test_a_request_without_days_waits_for_its_answer_alone(self):
        waiting = assess(RequestState.OPEN, [], [], now=at(400))
        assert (waiting.state, waiting.dues, waiting.next) == (RequestState.OPEN, (), None)
        assert assess(RequestState.OPEN, [], [said(300)], now=at(400)).state is (
            RequestState.ANSWERED
        )

    def test_next_is_the_first_day_ahead(self):
        ahead = [look(day).next for day in (0.1, 7.1, 15.1, 25.1, 31.1)]
        assert [due and due.day for due in ahead] == [7, 15, 25, 31, None]

    @given(st.data())
    def test_each_due_once_exactly_if_its_day_came_before_the_answer(self, data):
        """Whatever the order and batching of turns, answers and jumps of the date."""
        hours = data.draw(st.lists(st.integers(0, 45 * 24), min_size=1, max_size=12), "turns")
        answers = sorted(
            data.draw(
                st.lists(st.tuples(st.integers(0, 44 * 24), st.booleans()), max_size=4), "answers"
            )
        )
        told = [said(hour / 24 + 0.01, compliant=good) for hour, good in answers]
        end = next((one.at for one in told if one.compliant), None)
        state, recorded = RequestState.OPEN, []
        for now in (at(hour / 24 + 0.02) for hour in [*sorted(hours), 46 * 24]):
            if state not in RUNNING:
                break
            found = assess(state, DUES, [one for one in told if one.at <= now], now=now)
            recorded += [due.day for due in found.dues if due.day not in recorded]
            for to in _path(state, found.state):
                assert to in REQUEST_TRANSITIONS[state]
                state = to
        until = at(46) if end is None else end
        assert recorded == [day for day in DAYS if at(day) <= until]
        late = end is not None and end >= at(31)
        expected = RequestState.ANSWERED_LATE if late else RequestState.ANSWERED
        assert state is (RequestState.OVERDUE if end is None else expected)


def _path(before: RequestState, after: RequestState) -> list[RequestState]:
    """The moves of one turn: an answer that comes late passes through the end of the time."""
    if before is after:
        return []
    if (before, after) == (RequestState.OPEN, RequestState.ANSWERED_LATE):
        return [RequestState.OVERDUE, after]
    return [after]


def test_every_state_is_reached_and_every_move_leads_to_one():
    reached = set(itertools.chain.from_iterable(REQUEST_TRANSITIONS.values()))
    assert reached | {RequestState.OPEN} == set(RequestState) == set(REQUEST_TRANSITIONS)
