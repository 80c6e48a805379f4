"""Predicates of watching over goods: how long readings are kept, how far counts may be, what is not heard."""

from datetime import date

from scf.kernel.calendar import add_months
from scf.rules.predicates import predicate
from scf.rules.verdicts import Grade, Verdict, holds_if


@predicate
def kept_for_months(*, month_on: date, dropped_on: date, months: int) -> Verdict:
    """Keep a month of readings for so many months after its end."""
    until = add_months(month_on, months + 1)
    return holds_if(
        dropped_on >= until, month_on=month_on.isoformat(), kept_until=until.isoformat()
    )


@predicate
def counts_agree(*, book: int, found: int, slack: int, tolerance_bps: int) -> Verdict:
    """Hold what was found to the book, in a unit's smallest parts: give or take the slack and the tolerance."""
    tolerance = slack + book * tolerance_bps // 10_000
    grade = Grade.HOLDS if abs(found - book) <= tolerance else Grade.BROKEN
    return Verdict(grade, {"book": book, "found": found, "tolerance": tolerance})


@predicate
def heard_within(*, silent_minutes: int, minutes: int) -> Verdict:
    """See whether a device was heard for so many minutes."""
    return holds_if(silent_minutes <= minutes, silent_minutes=silent_minutes)
