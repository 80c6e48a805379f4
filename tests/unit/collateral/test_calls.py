"""The margin call's machine: its table, and the whole price history against a model of the law's words."""

from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.collateral.calls import ENDED, FROZEN, TRANSITIONS, Stage, moves
from scf.collateral.valuation import Goods, Line, Terms, price_fall_bps, stand, value_of
from scf.kernel.money import Money
from scf.prices import imf
from tests.support.margin_model import Model, lines
from tests.support.prices import IMF_FOLDER, needs_imf

DEEP = (Line.TOP_UP, Line.DISPOSAL)


class TestMoves:
    @pytest.mark.parametrize(
        ("stage", "line", "late", "expected"),
        [
            (None, Line.CLEAR, False, []),
            (None, Line.WARNING, False, [Stage.WARNED]),
            (None, Line.TOP_UP, False, [Stage.CALLED]),
            (None, Line.DISPOSAL, False, [Stage.BREACHED]),
            (Stage.WARNED, Line.WARNING, False, []),
            (Stage.WARNED, Line.CLEAR, False, [Stage.LIFTED]),
            (Stage.WARNED, Line.TOP_UP, False, [Stage.CALLED]),
            (Stage.CALLED, Line.TOP_UP, False, []),
            (Stage.CALLED, Line.TOP_UP, True, [Stage.BREACHED]),
            (Stage.CALLED, Line.DISPOSAL, False, [Stage.BREACHED]),
            (Stage.CALLED, Line.CLEAR, True, [Stage.CURED]),
            (Stage.CALLED, Line.WARNING, False, [Stage.CURED, Stage.WARNED]),
            (Stage.BREACHED, Line.TOP_UP, False, []),
            (Stage.BREACHED, Line.CLEAR, False, [Stage.CURED]),
            (Stage.NOTICED, Line.DISPOSAL, True, []),
            (Stage.NOTICED, Line.WARNING, True, [Stage.CURED, Stage.WARNED]),
            (Stage.SOLD, Line.CLEAR, False, []),
            (Stage.SOLD, Line.DISPOSAL, True, []),
        ],
    )
    def test_by_line(self, stage, line, late, expected):
        assert moves(stage, line, late=late) == expected

    @given(
        lines=st.lists(st.tuples(st.sampled_from(Line), st.booleans()), max_size=40),
        sold=st.integers(0, 40),
    )
    def test_never_leave_the_table_and_settle(self, lines, sold):
        """Whatever comes: only the table's moves, and the same mark again changes nothing more."""
        stage = None
        for place, (line, late) in enumerate(lines):
            if place == sold and stage is Stage.BREACHED:
                stage = Stage.NOTICED
            for move in moves(stage, line, late=late):
                assert stage is None or move in TRANSITIONS[stage]
                stage = None if move in ENDED else move
            again = moves(stage, line, late=late)
            assert again == ([Stage.BREACHED] if stage is Stage.CALLED and late else [])

    def test_what_is_frozen_was_breached(self):
        before = {stage for stage, after in TRANSITIONS.items() if after & FROZEN}
        assert before == {Stage.WARNED, Stage.CALLED, Stage.BREACHED, Stage.NOTICED}


def history(column):
    content = (IMF_FOLDER / "commodity-prices.csv").read_bytes()
    return [quote.price for quote in imf.read(content, column)]


@needs_imf
@pytest.mark.parametrize("column", ["Copper", "Cotton"])
@pytest.mark.parametrize("fall_bps", [1_500, 9_999])
@pytest.mark.parametrize("advance_bps", [5_000, 7_000])
def test_the_whole_history_agrees_with_the_model(column, fall_bps, advance_bps):
    """450 months, each to the fen and to the call: a loan of 65% of what 140 t were worth, lent anew each January and after three months of breach.

    A call not cured by the next month is late. The pledgor tops every second call up with goods at once.
    """
    prices = history(column)
    terms = Terms(advance_bps, 500, 8_000, price_fall_bps=fall_bps)
    model = Model(advance_bps / 10_000, 0.05, 0.8, fall_bps / 10_000)
    told, stage, waited, calls, breached = [], None, 0, 0, 0
    quantity, at_pledge, owed = 140_000, prices[0], Money(0, "USD")
    for month, price in enumerate(prices):
        if month % 12 == 0 or breached > 3:
            quantity, at_pledge, breached = 140_000, price, 0
            owed = Money(int(140 * price.minor * advance_bps * 93 // 1_000_000), "USD")
        goods = Goods(quantity, 1_000, price, price, None, 0, 0)
        standing = stand(
            value_of(goods), owed, terms, price_fell_bps=price_fall_bps(price, at_pledge)
        )
        worth = (Decimal(quantity) * price.minor / 1_000).to_integral_value(ROUND_FLOOR)
        assert standing.value.minor == worth
        due = lines(worth, Decimal(owed.minor), model.alpha, model.w, model.lam)
        assert {name: getattr(standing, name).minor for name in due} == due
        waited += stage is Stage.CALLED
        for move in moves(stage, standing.line, late=waited > 1):
            told.append(move.value.lower())
            stage, waited = (None if move in ENDED else move), 0
        model.mark(quantity / 1_000 * price.minor, owed.minor, price.minor, at_pledge.minor)
        if told and told[-1] == "called" and stage is Stage.CALLED and waited == 0:
            calls += 1
            if calls % 2:
                quantity += -(-standing.goods_due.minor * 1_000 // price.minor)
        breached = breached + 1 if stage is Stage.BREACHED else 0
        assert told == model.told
    assert {"warned", "called", "breached", "cured"} <= set(told)
    assert len(told) > 50
