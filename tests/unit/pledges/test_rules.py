from datetime import UTC, date, datetime, timedelta

import pytest

from scf.kernel.clock import SHANGHAI
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.pledges import rules
from scf.pledges.kinds import PLEDGE
from scf.pledges.models import LockState, Pledge, PledgeLock, PledgeRegistration, SearchStep, State
from scf.pledges.rules import Missing, Searches, Waits

NOW = datetime(2025, 11, 3, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NO_SEARCH = Searches()
FIRST_CLEAN = Searches(before_clean=True, at=NOW)
BOTH_CLEAN = Searches(before_clean=True, after_clean=True, at=LATER)
SECOND_UNCLEAN = Searches(before_clean=True, after_clean=False, at=LATER)


def a_pledge(state=State.PROPOSED, *, lock=LockState.NONE, registration=None, **other):
    effective = state in (State.EFFECTIVE, State.RELEASED)
    security = other.pop("security", PLEDGE)
    return Pledge(
        id=new_id(),
        kind=security.kind,
        recourse=security.recourse,
        disclosed=security.disclosed,
        state=state,
        state_since=NOW,
        legally_effective_at=NOW if effective else None,
        lock_final_at=NOW if lock is LockState.FINAL else None,
        registration=PledgeRegistration(**(registration or {})),
        lock=PledgeLock(state=lock, since=NOW, **other.pop("lock_with", {})),
        **other,
    )


class TestStanding:
    @pytest.mark.parametrize("state", State)
    def test_every_state_has_a_line_and_a_date(self, state):
        released = {"cancellation_due_on": date(2026, 1, 5)}
        found = rules.standing(a_pledge(state, registration=released), NO_SEARCH)

        assert found.line
        assert found.line_en
        assert found.since == NOW

    @pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED])
    def test_what_is_over_waits_for_nobody(self, state):
        assert rules.standing(a_pledge(state), NO_SEARCH).waits_for is None

    @pytest.mark.parametrize("searches", [NO_SEARCH, FIRST_CLEAN])
    def test_without_a_number_there_is_no_right(self, searches):
        found = rules.standing(a_pledge(State.RESERVED), searches)

        assert found.line.startswith("已签约, 未登记, 质权未设立")
        assert found.waits_for is Waits.REGISTRY

    def test_an_unclean_first_search_is_the_pledgees_to_judge(self):
        searches = Searches(before_clean=False, at=LATER)
        found = rules.standing(a_pledge(State.RESERVED), searches)

        assert found.line.startswith("已签约, 未登记, 质权未设立")
        assert (found.waits_for, found.since) == (Waits.PLEDGEE, LATER)

    @pytest.mark.parametrize("lock", [LockState.NONE, LockState.SENT, LockState.LOST])
    def test_registered_it_waits_for_the_chain(self, lock):
        found = rules.standing(a_pledge(State.EFFECTIVE, lock=lock), FIRST_CLEAN)

        assert found.line.startswith("质权已设立")
        assert found.waits_for is Waits.CHAIN

    def test_locked_it_waits_for_the_second_search(self):
        pledge = a_pledge(State.EFFECTIVE, lock=LockState.FINAL)

        assert rules.standing(pledge, FIRST_CLEAN).waits_for is Waits.REGISTRY
        assert rules.standing(pledge, SECOND_UNCLEAN).waits_for is Waits.PLEDGEE

    def test_released_it_names_the_day_of_the_cancellation(self):
        entry = {"cancellation_due_on": date(2026, 1, 5)}
        found = rules.standing(a_pledge(State.RELEASED, registration=entry), BOTH_CLEAN)
        assert "2026-01-05" in found.line
        assert found.waits_for is Waits.PLEDGEE

        entry["cancellation_asked_at"] = LATER
        found = rules.standing(a_pledge(State.RELEASED, registration=entry), BOTH_CLEAN)
        assert found.waits_for is Waits.REGISTRY

        entry["cancelled_at"] = LATER
        found = rules.standing(a_pledge(State.RELEASED, registration=entry), BOTH_CLEAN)
        assert (found.waits_for, found.since) == (None, LATER)


class TestMissing:
    def test_in_the_order_in_which_it_comes(self):
        everything = [Missing.REGISTRATION, Missing.LOCK, Missing.SEARCH]

        assert rules.missing(a_pledge(State.RESERVED), FIRST_CLEAN) == everything
        sent = a_pledge(State.EFFECTIVE, lock=LockState.SENT)
        assert rules.missing(sent, FIRST_CLEAN) == everything[1:]
        locked = a_pledge(State.EFFECTIVE, lock=LockState.FINAL)
        assert rules.missing(locked, FIRST_CLEAN) == everything[2:]
        assert rules.missing(locked, SECOND_UNCLEAN) == everything[2:]
        assert rules.missing(locked, BOTH_CLEAN) == []


class TestNextEffects:
    @pytest.mark.parametrize(
        ("pledge", "searches", "expected"),
        [
            (a_pledge(State.PROPOSED), NO_SEARCH, []),
            (a_pledge(State.SIGNED), NO_SEARCH, []),
            (a_pledge(State.RESERVED), NO_SEARCH, [rules.PERFECT]),
            (a_pledge(State.RESERVED), FIRST_CLEAN, [rules.REGISTER]),
            (a_pledge(State.RESERVED), Searches(before_clean=False, at=NOW), []),
            (a_pledge(State.RESERVED, ending="撤回"), FIRST_CLEAN, [rules.END]),
            (a_pledge(State.EFFECTIVE), FIRST_CLEAN, [rules.LOCK]),
            (a_pledge(State.EFFECTIVE, lock=LockState.LOST), BOTH_CLEAN, [rules.LOCK]),
            (a_pledge(State.EFFECTIVE, lock=LockState.SENT), FIRST_CLEAN, []),
            (a_pledge(State.EFFECTIVE, lock=LockState.FINAL), FIRST_CLEAN, [rules.SEARCH_SECOND]),
            (a_pledge(State.EFFECTIVE, lock=LockState.FINAL), BOTH_CLEAN, [rules.SEARCH_SECOND]),
            (a_pledge(State.EFFECTIVE, lock=LockState.FINAL), SECOND_UNCLEAN, []),
            (
                a_pledge(State.EFFECTIVE, lock=LockState.FINAL, ready_to_disburse_at=NOW),
                BOTH_CLEAN,
                [],
            ),
            (a_pledge(State.RELEASED), BOTH_CLEAN, [rules.RAISE_CANCELLATION]),
            (
                a_pledge(
                    State.RELEASED,
                    lock=LockState.FINAL,
                    lock_with={"tokens": [bytes(32)]},
                    registration={"cancellation_raised_at": NOW, "cancellation_asked_at": NOW},
                ),
                BOTH_CLEAN,
                [rules.UNLOCK, rules.CANCEL_REGISTRATION],
            ),
            (a_pledge(State.CANCELLED), FIRST_CLEAN, []),
            (a_pledge(State.EXPIRED), FIRST_CLEAN, []),
        ],
    )
    def test_what_the_workers_owe(self, pledge, searches, expected):
        assert rules.next_effects(pledge, searches) == expected


class TestDates:
    @pytest.mark.parametrize(
        ("released", "due"),
        [
            (date(2025, 12, 19), date(2026, 1, 5)),  # over New Year, with Sunday 01-04 worked
            (date(2025, 9, 26), date(2025, 10, 16)),  # over the National Day week
            (date(2025, 11, 3), date(2025, 11, 17)),
        ],
    )
    def test_ten_working_days_to_cancel(self, released, due):
        assert rules.cancellation_due_on(released) == due

    def test_a_year_without_published_holidays_is_not_guessed(self):
        assert rules.cancellation_due_on(date(2026, 12, 25)) is None

    def test_a_lock_ends_180_days_after_the_due_date_in_business_time(self):
        real = datetime(2031, 5, 5, tzinfo=UTC)
        expiry = rules.lock_expiry(date(2025, 12, 19), business_now=NOW, real_now=real)

        ends = datetime(2026, 6, 17, tzinfo=SHANGHAI)
        assert expiry == int((real + (ends - NOW)).timestamp())

    def test_a_lock_taken_for_a_loan_long_overdue_holds_for_a_month(self):
        expiry = rules.lock_expiry(date(2024, 1, 1), business_now=NOW, real_now=NOW)

        assert expiry == int((NOW + timedelta(days=30)).timestamp())


class TestAmount:
    def test_what_is_pledged_covers_the_principal(self):
        rules.check_amount(Money(100), Money(100))
        with pytest.raises(rules.BelowPrincipal) as refused:
            rules.check_amount(Money(99), Money(100))
        assert refused.value.fields == {"amount": Money(99), "principal": Money(100)}


class TestSearches:
    def test_the_newest_of_a_step_speaks(self):
        found = rules.searches_of(
            [
                (SearchStep.BEFORE, False, NOW),
                (SearchStep.BEFORE, True, LATER),
                (SearchStep.AFTER, False, LATER + timedelta(hours=1)),
            ]
        )

        assert (found.before_clean, found.after_clean) == (True, False)
        assert found.at == LATER + timedelta(hours=1)

    def test_a_review_speaks_as_a_search_after_registering(self):
        steps = [(SearchStep.AFTER, True, NOW), (SearchStep.REVIEW, False, LATER)]

        assert rules.searches_of(steps).after_clean is False
