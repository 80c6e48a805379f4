import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.receivables.models import TRANSITIONS, MoveRefused, Receivable, State

STATES = st.sampled_from(list(State))


class TestTheTable:
    def test_has_a_row_for_every_state(self):
        assert TRANSITIONS.keys() == set(State)

    def test_reaches_every_state_from_the_first(self):
        reached, new = {State.SUBMITTED}, {State.SUBMITTED}
        while new:
            new = set().union(*(TRANSITIONS[state] for state in new)) - reached
            reached |= new
        assert reached == set(State)

    def test_ends_where_a_claim_is_given_up(self):
        ends = {s for s, after in TRANSITIONS.items() if not after}
        assert ends == {State.REJECTED, State.WITHDRAWN}

    @given(st.lists(STATES, max_size=12))
    def test_allows_no_move_outside_it(self, wishes):
        receivable = Receivable(state=State.SUBMITTED)
        for wish in wishes:
            before = receivable.state
            if wish in TRANSITIONS[before]:
                receivable.move(wish)
                assert receivable.state is wish
            else:
                with pytest.raises(MoveRefused) as refused:
                    receivable.move(wish)
                assert refused.value.fields == {"state": before.value, "asked": wish.value}
                assert receivable.state is before

    @given(STATES)
    def test_staying_is_no_move(self, state):
        receivable = Receivable(state=state)
        receivable.advance(state)
        assert receivable.state is state
