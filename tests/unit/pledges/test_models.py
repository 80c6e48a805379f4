import itertools
from datetime import UTC, datetime

import pytest

from scf.financing import models as financing
from scf.pledges.models import (
    LOCK_TRANSITIONS,
    TRANSITIONS,
    LockState,
    MoveRefused,
    Pledge,
    PledgeLock,
    State,
)

NOW = datetime(2025, 11, 3, tzinfo=UTC)
ALIVE = {State.PROPOSED, State.SIGNED, State.RESERVED}


class TestPledge:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(State, State)))
    def test_moves_as_its_table_says(self, before, after):
        pledge = Pledge(state=before)
        if after in TRANSITIONS[before]:
            pledge.move(after, now=NOW)
            assert (pledge.state, pledge.state_since) == (after, NOW)
        else:
            with pytest.raises(MoveRefused) as refused:
                pledge.move(after, now=NOW)
            assert refused.value.fields == {"state": before.value, "asked": after.value}
            assert pledge.state is before

    def test_it_is_cancelled_or_expires_only_before_it_takes_effect(self):
        for ending in (State.CANCELLED, State.EXPIRED):
            assert {state for state in State if ending in TRANSITIONS[state]} == ALIVE

    def test_it_is_released_only_when_effective(self):
        assert [s for s in State if State.RELEASED in TRANSITIONS[s]] == [State.EFFECTIVE]


class TestLock:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(LockState, LockState)))
    def test_moves_as_its_table_says(self, before, after):
        lock = PledgeLock(state=before)
        if after in LOCK_TRANSITIONS[before]:
            lock.move(after, now=NOW, problem="why")
            assert (lock.state, lock.since, lock.problem) == (after, NOW, "why")
        else:
            with pytest.raises(MoveRefused):
                lock.move(after, now=NOW)

    def test_a_lost_one_is_sent_again_or_found_again(self):
        assert {LockState.SENT, LockState.FINAL} <= LOCK_TRANSITIONS[LockState.LOST]


class TestFinancing:
    @pytest.mark.parametrize(
        ("before", "after"), list(itertools.product(financing.State, financing.State))
    )
    def test_moves_as_its_table_says(self, before, after):
        found = financing.Financing(state=before)
        if after in financing.TRANSITIONS[before]:
            found.move(after, now=NOW)
            assert found.state is after
        else:
            with pytest.raises(financing.MoveRefused):
                found.move(after, now=NOW)

    def test_nothing_is_refused_once_the_money_is_paid(self):
        refusable = {
            state
            for state in financing.State
            if financing.State.REFUSED in financing.TRANSITIONS[state]
        }
        assert refusable == {
            financing.State.REQUESTED,
            financing.State.APPROVED,
            financing.State.CONTRACTED,
        }
