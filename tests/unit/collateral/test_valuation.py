from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.collateral.valuation import (
    WORTH_MAX,
    Basis,
    Exposure,
    Goods,
    Line,
    Terms,
    TermsMeaningless,
    interest_accrued,
    price_fall_bps,
    price_of,
    stand,
    value_of,
)
from scf.kernel.money import CurrencyMismatch, Money

TERMS = Terms(advance_bps=7_000, warning_bps=500, disposal_bps=8_000)
OWED = Money.parse("7000000.00")
COPPER = 140_000  # kilograms


def yuan(text):
    return Money.parse(text)


def copper(price, *, average=None, invoice=None, quality=0, liquidity=0):
    spot = yuan(price)
    return Goods(
        quantity=COPPER,
        per_unit=1_000,
        spot=spot,
        average=spot if average is None else yuan(average),
        invoice=None if invoice is None else yuan(invoice),
        quality_bps=quality,
        liquidity_bps=liquidity,
    )


class TestG11:
    """The golden example of the domain, with the usual order of the lines."""

    def test_its_lines(self):
        standing = stand(value_of(copper("75000.00")), OWED, TERMS)

        assert standing.value == yuan("10500000.00")
        assert standing.floor == yuan("10000000.00")
        assert standing.warning_below == yuan("10500000.00")
        assert standing.disposal_at == yuan("8750000.00")
        assert standing.line is Line.CLEAR
        assert standing.ltv == Fraction(2, 3)

    def test_a_top_up_at_70500(self):
        standing = stand(value_of(copper("70500.00")), OWED, TERMS)

        assert standing.value == yuan("9870000.00")
        assert standing.line is Line.TOP_UP
        assert standing.goods_due == yuan("130000.00")
        assert standing.cash_due == yuan("91000.00")

    def test_either_cure_is_exactly_enough(self):
        before = stand(yuan("9870000.00"), OWED, TERMS)
        with_goods = stand(before.value + before.goods_due, OWED, TERMS)
        with_cash = stand(before.value, OWED - before.cash_due, TERMS)

        assert with_goods.line is with_cash.line is Line.WARNING
        assert with_cash.floor == yuan("9870000.00")

    @pytest.mark.parametrize(
        ("value", "line"),
        [
            ("10500000.00", Line.CLEAR),
            ("10499999.99", Line.WARNING),
            ("10000000.00", Line.WARNING),
            ("9999999.99", Line.TOP_UP),
            ("8750000.01", Line.TOP_UP),
            ("8750000.00", Line.DISPOSAL),
            ("0.00", Line.DISPOSAL),
        ],
    )
    def test_each_line_to_the_fen(self, value, line):
        assert stand(yuan(value), OWED, TERMS).line is line

    def test_disposal_comes_at_62500(self):
        assert value_of(copper("62500.00")) == yuan("8750000.00")
        assert stand(value_of(copper("62500.01")), OWED, TERMS).line is Line.TOP_UP


class TestThePrice:
    def test_is_the_lowest_of_three(self):
        assert price_of(copper("75000.00")) == (yuan("75000.00"), Basis.SPOT)
        assert price_of(copper("75000.00", average="74000.00", invoice="74500.00")) == (
            yuan("74000.00"),
            Basis.AVERAGE,
        )
        assert price_of(copper("75000.00", invoice="70000.00")) == (
            yuan("70000.00"),
            Basis.INVOICE,
        )

    def test_has_one_currency(self):
        foreign = Money.parse("9000.00", "USD")
        mixed = Goods(COPPER, 1_000, yuan("75000.00"), foreign, None, 0, 0)
        with pytest.raises(CurrencyMismatch):
            price_of(mixed)
        with pytest.raises(CurrencyMismatch):
            stand(foreign, OWED, TERMS)

    def test_its_fall_since_the_pledge(self):
        fell = price_fall_bps(yuan("63750.00"), yuan("75000.00"))
        agreed = Terms(7_000, 500, 8_000, price_fall_bps=1_500)

        assert fell == 1_500
        assert stand(yuan("20000000.00"), OWED, agreed, price_fell_bps=fell).line is Line.DISPOSAL
        assert stand(yuan("20000000.00"), OWED, TERMS, price_fell_bps=fell).line is Line.CLEAR
        assert price_fall_bps(yuan("80000.00"), yuan("75000.00")) == 0


class TestTheValue:
    def test_is_less_both_haircuts(self):
        goods = copper("75000.00", quality=200, liquidity=500)
        assert value_of(goods) == yuan("9775500.00")  # 10,500,000 x 0.98 x 0.95

    def test_is_less_five_points_more_at_an_old_price(self):
        goods = copper("75000.00", quality=200, liquidity=500)
        assert value_of(goods, stale_bps=500) == yuan("9261000.00")  # x 0.98 x 0.90

    def test_rounds_down_to_the_fen(self):
        a_gram_short = Goods(1, 3, yuan("0.05"), yuan("0.05"), None, 0, 0)
        assert value_of(a_gram_short) == yuan("0.01")

    @given(
        quantity=st.integers(0, 10**9),
        price=st.integers(0, 10**7),
        quality=st.integers(0, 10_000),
        liquidity=st.integers(0, 10_000),
        stale=st.sampled_from([0, 500]),
    )
    def test_never_grows_with_a_haircut_and_loses_less_than_a_fen(
        self, quantity, price, quality, liquidity, stale
    ):
        spot = Money(price)
        goods = Goods(quantity, 1_000, spot, spot, None, quality, liquidity)
        bare = Goods(quantity, 1_000, spot, spot, None, 0, 0)
        exact = Fraction(quantity * price, 1_000) * Fraction(10_000 - quality, 10_000)
        exact *= Fraction(max(10_000 - liquidity - stale, 0), 10_000)

        assert 0 <= min(exact, WORTH_MAX) - value_of(goods, stale_bps=stale).minor < 1
        assert value_of(goods, stale_bps=stale) <= value_of(bare)


class TestExposure:
    def test_adds_up(self):
        owed = Exposure(OWED, interest_accrued(OWED, Fraction("0.0385"), 30), yuan("12000.00"))
        assert owed.interest == yuan("22458.34")  # 22,458.33 and a third, up
        assert owed.total == yuan("7034458.34")

    def test_nothing_owed_passes_no_line(self):
        standing = stand(yuan("0.00"), yuan("0.00"), TERMS)
        assert standing.line is Line.CLEAR
        assert standing.ltv is None


@given(
    value=st.integers(0, 10**12),
    owed=st.integers(1, 10**12),
    advance=st.integers(100, 9_998),
    gap=st.integers(1, 5_000),
    warning=st.integers(0, 5_000),
)
def test_lines_are_in_order_and_cures_exact(value, owed, advance, gap, warning):
    terms = Terms(advance, warning, min(advance + gap, 10_000))
    standing = stand(Money(value), Money(owed), terms)

    assert standing.disposal_at <= standing.floor <= standing.warning_below
    if standing.line in (Line.TOP_UP, Line.DISPOSAL) and not standing.goods_due.minor:
        assert standing.value == standing.disposal_at == standing.floor  # a debt of a few fen
        return
    cured = stand(standing.value + standing.goods_due, standing.exposure, terms)
    paid = stand(standing.value, standing.exposure - standing.cash_due, terms)
    for after in (cured, paid):
        assert after.goods_due.minor == 0
    if standing.goods_due.minor > 1 and standing.cash_due.minor > 1:
        short = Money(standing.goods_due.minor - 1)
        assert stand(standing.value + short, standing.exposure, terms).goods_due.minor == 1


@pytest.mark.parametrize(
    "wrong",
    [
        (0, 500, 8_000, None),
        (8_000, 500, 8_000, None),
        (7_000, 500, 10_001, None),
        (7_000, -1, 8_000, None),
        (7_000, 500, 8_000, 0),
        (7_000, 500, 8_000, 10_000),
    ],
)
def test_terms_out_of_order_are_refused_with_their_numbers(wrong):
    with pytest.raises(TermsMeaningless) as refused:
        Terms(*wrong)
    assert refused.value.fields["advance_bps"] == wrong[0]
