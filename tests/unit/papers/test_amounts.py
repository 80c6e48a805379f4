"""Amounts in words, by the rule for bills and settlement vouchers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.money import MINOR_MAX
from scf.papers.amounts import capital_amount

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
    text = text.removeprefix("人民币")
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    whole, _, cents = text.rpartition("元")
    jiao = DIGITS[cents[cents.index("角") - 1]] if "角" in cents else 0
    fen = DIGITS[cents[cents.index("分") - 1]] if "分" in cents else 0
    return sign * (read_integer(whole) * 100 + jiao * 10 + fen)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (1_245_000_00, "壹佰贰拾肆万伍仟元整"),
        (41_400_00, "肆万壹仟肆佰元整"),
        (5_325_83, "伍仟叁佰贰拾伍元捌角叁分"),
        (243_674_17, "贰拾肆万叁仟陆佰柒拾肆元壹角柒分"),
        (1_409_50, "壹仟肆佰零玖元伍角整"),  # 《支付结算办法》附一
        (6_007_14, "陆仟零柒元壹角肆分"),  # 同上
        (16_409_02, "壹万陆仟肆佰零玖元零贰分"),  # 同上
        (325_04, "叁佰贰拾伍元零肆分"),  # 同上
        (1_680_32, "壹仟陆佰捌拾元叁角贰分"),  # 同上, the form without 零
        (107_000_53, "壹拾万柒仟元伍角叁分"),  # 同上, the form without 零
        (10_00, "壹拾元整"),
        (100_00, "壹佰元整"),
        (101_00, "壹佰零壹元整"),
        (1_001_00, "壹仟零壹元整"),
        (10_001_00, "壹万零壹元整"),
        (100_100_00, "壹拾万零壹佰元整"),
        (1_000_500_00, "壹佰万零伍佰元整"),
        (10_010_000_00, "壹仟零壹万元整"),
        (100_000_000_00, "壹亿元整"),
        (100_010_000_00, "壹亿零壹万元整"),
        (1_000_000_005_00, "壹拾亿零伍元整"),
        (1_234_500_000_000_00, "壹万贰仟叁佰肆拾伍亿元整"),
        (1_000_000_000_000_00, "壹万亿元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (15, "壹角伍分"),
        (1_00, "壹元整"),
        (1_05, "壹元零伍分"),
        (0, "零元整"),
        (-1_50, "负壹元伍角整"),
        (-1, "负壹分"),
        (
            MINOR_MAX,
            "玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
        ),
    ],
)
def test_an_amount_is_written_in_capitals(fen, text):
    assert capital_amount(fen) == f"人民币{text}"


@given(st.integers(-MINOR_MAX, MINOR_MAX))
def test_capitals_say_the_amount_and_nothing_else(fen):
    text = capital_amount(fen)

    assert read_capital(text) == fen
    assert "零零" not in text
    assert text.endswith(("整", "分"))
