"""What may be ordered of the parts of one claim: properties."""

from hypothesis import given
from hypothesis import strategies as st

from scf.settlement.orders import within

DUES = st.lists(st.integers(0, 10**12), max_size=6)


def test_where_a_credit_note_leaves_less_each_has_what_is_left_beside_the_others():
    assert within([60_000, 30_000], 90_000) == [60_000, 30_000]
    assert within([60_000, 30_000], 50_001) == [20_001, 0]
    assert within([60_000], 50_001) == [50_001]
    assert within([], 1) == []


@given(DUES, st.integers(0, 10**13))
def test_never_more_than_is_left_nor_than_is_due_and_all_where_there_is_enough(dues, left):
    found = within(dues, left)

    assert sum(found) <= left
    assert all(0 <= one <= due for one, due in zip(found, dues, strict=True))
    if sum(dues) <= left:
        assert found == dues


@given(DUES, st.integers(0, 10**13), st.integers(0, 10**6))
def test_more_left_is_never_less_for_anybody(dues, left, more):
    before, after = within(dues, left), within(dues, left + more)

    assert all(one <= other for one, other in zip(before, after, strict=True))
