"""Working days agree with the published holidays; an unpublished year is refused."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from scf.kernel.calendar import (
    HOLIDAYS,
    CalendarUnpublished,
    add_working_days,
    deadline,
    is_working_day,
)

PUBLISHED = Path(__file__).parents[4] / "shared/data/calendars/holiday-cn"


@pytest.mark.parametrize("year", sorted(HOLIDAYS))
def test_every_day_agrees_with_the_published_table(year):
    source = PUBLISHED / f"{year}.json"
    if not source.exists():
        pytest.skip("the published table is not here")
    listed = {d["date"]: d["isOffDay"] for d in json.loads(source.read_text())["days"]}
    day = date(year, 1, 1)
    while day.year == year:
        off = listed.get(day.isoformat(), day.weekday() >= 5)
        assert is_working_day(day) is not off, day
        day += timedelta(days=1)


def test_ten_working_days_cross_the_new_year():
    assert add_working_days(date(2025, 12, 19), 10) == date(2026, 1, 5)


def test_a_year_not_published_is_not_guessed():
    with pytest.raises(CalendarUnpublished) as refused:
        is_working_day(date(2035, 1, 4))
    assert refused.value.fields == {"year": 2035, "last": max(HOLIDAYS)}


def test_a_deadline_beyond_the_published_calendar_stays_open():
    assert deadline(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert deadline(date(2026, 12, 30), 60) is None
