"""Working days in mainland China: weekends, public holidays and make-up working days (调休).

Source: the State Council General Office's yearly notices, 国办发明电〔2024〕12号 for 2025 and the notice of
2025-11 for 2026. A year that has not been published raises rather than guesses.
"""

import calendar
from datetime import date, timedelta

from scf.kernel.errors import Unavailable

_HOLIDAYS = {
    2025: "0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008",
    2026: "0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007",
}
_MAKE_UP = {
    2025: "0126 0208 0427 0928 1011",
    2026: "0104 0214 0228 0509 0920 1010",
}
_SATURDAY = 5


class CalendarUnpublished(Unavailable):
    """Working days are counted only in years whose holidays have been published."""

    code = "calendar.unpublished"
    title = "该年度节假日安排尚未公布"
    title_en = "The holidays of that year are not published yet"


def _expand(year: int, spans: str) -> frozenset[date]:
    days: set[date] = set()
    for span in spans.split():
        first, _, last = span.partition("-")
        day = date(year, int(first[:2]), int(first[2:]))
        end = date(year, int(last[:2]), int(last[2:])) if last else day
        while day <= end:
            days.add(day)
            day += timedelta(days=1)
    return frozenset(days)


HOLIDAYS = {year: _expand(year, spans) for year, spans in _HOLIDAYS.items()}
MAKE_UP = {year: _expand(year, spans) for year, spans in _MAKE_UP.items()}


def is_working_day(day: date) -> bool:
    """Say whether offices are open. Raises CalendarUnpublished."""
    if day.year not in HOLIDAYS:
        raise CalendarUnpublished(year=day.year, last=max(HOLIDAYS))
    if day in MAKE_UP[day.year]:
        return True
    return day.weekday() < _SATURDAY and day not in HOLIDAYS[day.year]


def add_working_days(start: date, count: int) -> date:
    """Return the `count`-th working day after `start`, which itself does not count."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def deadline(start: date, count: int) -> date | None:
    """As `add_working_days`; None where it runs into a year that has not been published: nothing waits for that."""
    try:
        return add_working_days(start, count)
    except CalendarUnpublished:
        return None


def add_months(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_begun(start: date, end: date) -> int:
    """Return how many months have begun between two days: 6 months and a day are 7."""
    whole = (end.year - start.year) * 12 + end.month - start.month
    return whole + (add_months(start, whole) < end)
