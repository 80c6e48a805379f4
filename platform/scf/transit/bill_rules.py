"""Pure rules of bills: what a rate comes to, where a bill differs from agreement and book, what lay where on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from scf.kernel.money import Money, Rounding
from scf.kernel.quantity import UNITS, Quantity


def charge(rate: Money, quantity: Quantity) -> Money:
    """Return what so much costs at a rate for a whole unit; half up to the fen."""
    whole = 10 ** UNITS[quantity.code][1]
    return rate.times(Fraction(quantity.minor, whole), rounding=Rounding.HALF_UP)


@dataclass(frozen=True, slots=True)
class Match:
    """A line of a bill beside what the book and the agreement say of it.

    The three differences are in fen, below zero where less is billed; with `expected` they add up to `amount`.
    """

    quantity: Quantity
    rate: Money
    expected: Money
    by_quantity: Money
    by_rate: Money
    by_sum: Money

    @property
    def difference(self) -> Money:
        """What is billed beyond what is expected."""
        return self.by_quantity + self.by_rate + self.by_sum

    def is_within(self, *, bps: int, least: Money) -> bool:
        """Say whether no more is billed than a share of what is expected, or the least amount, beyond it."""
        share = self.expected.times(Fraction(bps, 10_000), rounding=Rounding.DOWN)
        return self.difference <= max(share, least)


def match(
    quantity: Quantity, rate: Money, amount: Money, *, book: Quantity, agreed: Money
) -> Match:
    """Hold what is billed to the book's quantity at the agreed rate: which difference comes of what.

    Of the quantity at the agreed rate; of the rate over the quantity billed; and of multiplying.
    """
    expected, at_agreed = charge(agreed, book), charge(agreed, quantity)
    at_billed = charge(rate, quantity)
    return Match(
        quantity=book,
        rate=agreed,
        expected=expected,
        by_quantity=at_agreed - expected,
        by_rate=at_billed - at_agreed,
        by_sum=amount - at_billed,
    )


def unit_days(ends: Sequence[datetime], changes: Sequence[tuple[datetime, int]]) -> int:
    """Return the sum over days of what lay there when the day ended: the day of coming counts, that of leaving does not.

    `ends` are the instants at which the days end, `changes` what came or went, by instant.
    """
    return sum(sum(minor for at, minor in changes if at < end) for end in ends)


def days_of(first_on: date, last_on: date) -> list[date]:
    """Return the days of a period, both ends included."""
    return [first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1)]
