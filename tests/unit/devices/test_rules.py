"""What never came of a device, against sets of numbers; what a batch in any disorder comes to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.devices.models import DeviceKind
from scf.devices.rules import Heard, TooManyHoles, holes_after, is_hole, judge

NOW = datetime(2025, 11, 3, 2, tzinfo=UTC)
NUMBERS = st.sets(st.integers(1, 60), max_size=40)


def numbers(holes):
    return {number for start, end in holes for number in range(start, end)}


def said(seq, seconds=0, value="1.000"):
    at = NOW - timedelta(hours=1) + timedelta(seconds=seconds)
    return {"seq": seq, "at": at.isoformat().replace("+00:00", "Z"), "value": value}


@given(st.lists(NUMBERS, max_size=6))
def test_holes_are_what_lies_below_the_furthest_and_never_came(batches):
    heard, came = Heard(0, None, []), set()
    for batch in batches:
        fresh = batch - came
        holes = holes_after(heard, fresh)
        came |= fresh
        heard = Heard(max(came, default=0), None, holes)
        assert numbers(holes) == set(range(1, heard.last_seq)) - came
        assert all(start < end for start, end in holes)
        assert list(holes) == sorted(holes)
        assert all(is_hole(holes, number) is (number in numbers(holes)) for number in range(62))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_a_batch_takes_each_number_once_and_names_the_rest(order):
    found = judge(
        [said(seq) for seq in order], DeviceKind.SCALE, "TNE", Heard(0, None, []), now=NOW
    )
    taken = [one.seq for one in found.fresh]
    assert taken == sorted(set(taken))
    assert len(taken) + len(found.refused) == len(order)
    assert {one.code for one in found.refused} <= {"reading.out_of_order"}


def test_more_holes_than_a_share_are_refused_and_filling_them_never_is():
    heard = Heard(0, None, [])
    with pytest.raises(TooManyHoles):
        holes_after(heard, range(2, 2_004, 2))
    holes = holes_after(heard, range(2, 2_002, 2))
    assert len(holes) == 1_000
    assert len(holes_after(Heard(2_000, None, holes), range(1, 2_000, 2))) == 0


@pytest.mark.parametrize("seconds", [-120, -119, 0, 5_000])
def test_a_clock_is_corrected_by_two_minutes_and_no_more(seconds):
    heard = Heard(1, NOW - timedelta(hours=1), [])
    found = judge([said(2, seconds)], DeviceKind.SCALE, "TNE", heard, now=NOW + timedelta(hours=1))
    assert [one.seq for one in found.fresh] == [2]
    back = judge([said(2, -121)], DeviceKind.SCALE, "TNE", heard, now=NOW)
    assert [one.code for one in back.refused] == ["reading.clock_back"]
