"""Amounts in capital characters, rates and dates, as the papers show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.parties import forms
from scf.parties.forms import FORMS, Names, capital_amount
from scf_ledger.event_types import ACTS, EVENT_TYPES

NAMES = Names({"91500118MAYYC0A174": "渝川汽车(示例)"})
DIGITS = {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


def read_group(text):
    total = digit = 0
    for c in text:
        if c in PLACES:
            total += digit * PLACES[c]
            digit = 0
        elif c != "零":
            digit = DIGITS[c]
    return total + digit


def read_integer(text):
    for name, size in (("亿", 10**8), ("万", 10**4)):
        high, mark, low = text.rpartition(name)
        if mark:
            return read_integer(high) * size + read_integer(low)
    return read_group(text)


def read_capital(text):
    """Another way back: figures from capital characters."""
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    whole, _, cents = text.rpartition("元")
    jiao = DIGITS[cents[cents.index("角") - 1]] if "角" in cents else 0
    fen = DIGITS[cents[cents.index("分") - 1]] if "分" in cents else 0
    return sign * (read_integer(whole) * 100 + jiao * 10 + fen)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (124500000, "壹佰贰拾肆万伍仟元整"),
        (4140000, "肆万壹仟肆佰元整"),
        (532583, "伍仟叁佰贰拾伍元捌角叁分"),
        (24367417, "贰拾肆万叁仟陆佰柒拾肆元壹角柒分"),
        (140950, "壹仟肆佰零玖元伍角整"),  # 《支付结算办法》附一
        (600714, "陆仟零柒元壹角肆分"),  # 同上
        (1640902, "壹万陆仟肆佰零玖元零贰分"),  # 同上
        (32504, "叁佰贰拾伍元零肆分"),  # 同上
        (100050000, "壹佰万零伍佰元整"),
        (10_0000_0005_00, "壹拾亿零伍元整"),
        (12345_0000_0000_00, "壹万贰仟叁佰肆拾伍亿元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (0, "零元整"),
        (-150, "负壹元伍角整"),
    ],
)
def test_an_amount_is_written_in_capitals(fen, text):
    assert capital_amount(fen) == text


@given(st.integers(-(10**15), 10**15))
def test_capitals_say_the_amount_and_nothing_else(fen):
    text = capital_amount(fen)

    assert read_capital(text) == fen
    assert "零零" not in text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("0.0385", "年利率 3.85%"),
        ("0.053", "年利率 5.30%"),
        ("0.04", "年利率 4.00%"),
        ("0.0412345", "年利率 4.12345%"),
        ("1", "年利率 100.00%"),
        ("0", "年利率 0.00%"),
    ],
)
def test_a_rate_is_shown_in_per_cent(rate, text):
    assert forms.rate(NAMES, rate) == text


@pytest.mark.parametrize("show", [forms.money, forms.day, forms.rate, forms.documents])
@pytest.mark.parametrize("value", [None, 12, [1], {"amount": 1}, "x", "1.2.3", "²", True])
def test_a_value_of_another_shape_is_shown_as_it_stands(show, value):
    assert show(NAMES, value) == forms.plain(NAMES, value)


def test_every_act_has_a_paper_that_knows_what_is_signed():
    """Every content key that the event of an act takes over has a labelled place on its paper."""
    assert set(FORMS) == ACTS
    for kind in EVENT_TYPES.values():
        for signing in kind.signings:
            known = {key for _, fields in FORMS[signing.act].sections for key in fields}
            assert {key.partition(".")[0] for key in signing.content} <= known, kind.name
