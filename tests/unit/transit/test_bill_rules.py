"""What a bill comes to: charges to the fen, differences that add up, days that count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.transit.bill_rules import charge, match, unit_days

BEGAN = datetime(2025, 11, 2, 16, 0, tzinfo=UTC)  # 3 November begins in Shanghai


def tonnes(text: str) -> Quantity:
    return Quantity.parse(text, "TNE")


def yuan(text: str) -> Money:
    return Money.parse(text)


def ends(days: int) -> list[datetime]:
    return [BEGAN + timedelta(days=n) for n in range(1, days + 1)]


@pytest.mark.parametrize(
    ("rate", "quantity", "charged"),
    [
        ("85.50", tonnes("140.000"), "11970.00"),
        ("85.50", tonnes("0.001"), "0.09"),  # 8.55 fen, half up
        ("0.05", tonnes("0.100"), "0.01"),  # half a fen is one
        ("0.04", tonnes("0.100"), "0.00"),
        ("1200.00", Quantity(7, "C62"), "8400.00"),
    ],
)
def test_a_rate_is_for_a_whole_unit_and_rounds_half_up(rate, quantity, charged):
    assert charge(yuan(rate), quantity) == yuan(charged)


def test_each_difference_has_its_cause():
    found = match(
        tonnes("140.000"),
        yuan("86.00"),
        yuan("12050.00"),
        book=tonnes("139.400"),
        agreed=yuan("85.50"),
    )

    assert (found.expected, found.by_quantity) == (yuan("11918.70"), yuan("51.30"))
    assert (found.by_rate, found.by_sum) == (yuan("70.00"), yuan("10.00"))
    assert found.difference == yuan("131.30")


@pytest.mark.parametrize(
    ("amount", "within"), [("1005.00", True), ("1005.01", False), ("0.01", True)]
)
def test_the_tolerance_is_the_larger_of_a_share_and_an_amount(amount, within):
    billed = match(
        tonnes("10.000"),
        yuan("100.00"),
        yuan(amount),
        book=tonnes("10.000"),
        agreed=yuan("100.00"),
    )

    assert billed.is_within(bps=50, least=yuan("1.00")) is within
    assert billed.is_within(bps=0, least=yuan("5.00")) is within


@given(
    *(st.integers(0, 10**8) for _ in range(2)),
    *(st.integers(0, 10**6) for _ in range(2)),
    st.integers(1, 10**12),
)
def test_what_is_expected_and_the_differences_add_up_to_what_is_billed(
    billed, book, rate, agreed, amount
):
    found = match(
        Quantity(billed, "TNE"),
        Money(rate),
        Money(amount),
        book=Quantity(book, "TNE"),
        agreed=Money(agreed),
    )

    assert found.expected + found.difference == Money(amount)


class TestUnitDays:
    def test_what_lies_there_at_the_end_of_a_day_counts(self):
        changes = [(BEGAN, 100), (BEGAN + timedelta(days=2, hours=9), -40)]

        assert unit_days(ends(4), changes) == 100 + 100 + 60 + 60

    def test_the_day_of_coming_counts_and_that_of_leaving_does_not(self):
        came, left = (BEGAN + timedelta(days=days, hours=9) for days in (1, 3))

        assert unit_days(ends(5), [(came, 10), (left, -10)]) == 20

    def test_midnight_belongs_to_the_day_that_begins(self):
        one = BEGAN + timedelta(days=1)

        assert unit_days(ends(1), [(BEGAN, 10), (one, 5)]) == 10
        assert unit_days(ends(1), [(BEGAN, 10), (one, -10)]) == 10
