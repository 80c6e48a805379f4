"""Money is integer fen: exact, never a float, and nothing is lost in a split."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.money import (
    AmountInvalid,
    CurrencyMismatch,
    Money,
    Rounding,
    parse_rate,
    round_fraction,
)

minors = st.integers(1 - 10**15, 10**15 - 1)


@given(minors)
def test_text_reads_back_as_the_same_amount(minor):
    assert Money.parse(Money(minor).text) == Money(minor)
    assert Money.from_json(Money(minor).to_json()) == Money(minor)


@pytest.mark.parametrize(
    "text",
    [
        "1.234",
        "1e3",
        "+1",
        "1,000.00",
        " 1",
        "01",
        ".5",
        "1.",
        "",
        "NaN",
        "１",
        "1" * 18,
        12.5,
        None,
    ],
)
def test_other_forms_are_refused(text):
    with pytest.raises(AmountInvalid) as refused:
        Money.parse(text)
    assert refused.value.code == "money.invalid"


@pytest.mark.parametrize(
    "value",
    [{"amount": "1"}, {"amount": "1", "currency": "XXX"}, {"amount": 1, "currency": "CNY"}, "1"],
)
def test_the_wire_form_is_exact(value):
    with pytest.raises(AmountInvalid):
        Money.from_json(value)


@given(minors, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(sum))
def test_parts_add_up_to_the_whole(minor, weights):
    parts = Money(minor).split(weights)

    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(abs(part.minor) - Fraction(abs(minor) * weight, sum(weights))) < 1


def test_a_third_three_times_leaves_one_fen():
    assert [p.text for p in Money.parse("1000.00").split([1, 1, 1])] == [
        "333.34",
        "333.33",
        "333.33",
    ]


@pytest.mark.parametrize(
    ("value", "half_up", "down", "up"),
    [
        (Fraction(5, 2), 3, 2, 3),
        (Fraction(-5, 2), -3, -2, -3),
        (Fraction(7, 3), 2, 2, 3),
        (Fraction(4), 4, 4, 4),
    ],
)
def test_rounding_is_as_named(value, half_up, down, up):
    assert round_fraction(value, Rounding.HALF_UP) == half_up
    assert round_fraction(value, Rounding.DOWN) == down
    assert round_fraction(value, Rounding.UP) == up


def test_exact_refuses_a_fraction_and_float_is_refused():
    with pytest.raises(AmountInvalid):
        Money(1).times(Fraction(1, 2), rounding=Rounding.EXACT)
    with pytest.raises(AmountInvalid):
        Money(1).times(0.5, rounding=Rounding.DOWN)


def test_currencies_never_mix():
    with pytest.raises(CurrencyMismatch):
        Money(1) + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        _ = Money(1) < Money(1, "USD")
    assert Money(123, "JPY").text == "123"


def test_rates_are_exact_decimal_text():
    assert parse_rate("0.0385") == Fraction(385, 10_000)
    for text in ["3.85%", "-0.01", "1e-2", "", "0.123456789", "100"]:
        with pytest.raises(AmountInvalid):
            parse_rate(text)


def test_a_person_reads_thousands():
    assert str(Money(128640000)) == "1,286,400.00"
    assert str(Money(-5)) == "-0.05"
