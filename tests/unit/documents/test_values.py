"""Amounts, rates and dates in every form that invoices write them."""

from datetime import date
from decimal import Decimal

import pytest

from scf.documents.parsing.values import (
    date_value,
    decimal_value,
    money_value,
    one_line,
    rate_value,
    text_value,
)
from scf.kernel.money import Money
from tests.support.invoices import refusal


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.06", "0.06"),
        ("0.060000", "0.06"),
        ("6%", "0.06"),
        ("13 %", "0.13"),
        ("0", "0"),
        ("1.5%", "0.015"),
    ],
)
def test_rates_are_fractions_whatever_their_form(text, rate):
    assert rate_value(text, field="TaxRate") == Decimal(rate)


@pytest.mark.parametrize("text", ["免税", "不征税", "出口零税率", "***", ""])
def test_no_rate_is_none(text):
    assert rate_value(text, field="TaxRate") is None


@pytest.mark.parametrize("text", ["13", "-0.06", "0.06%%", "六%", "%", "NaN", "1e-2", "101%"])
def test_what_is_no_rate_is_refused(text):
    error = refusal(rate_value, text, field="TaxRate")

    assert (error.code, error.field) == ("document.field_invalid", "TaxRate")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("442477.88", "CNY", 44247788),
        ("2.120000", "CNY", 212),
        ("1729", "EUR", 172900),
        ("-600.00", "CNY", -60000),
        ("+1.5", "CNY", 150),
        (".5", "CNY", 50),
        ("00", "CNY", 0),
        ("1000.00", "JPY", 1000),
    ],
)
def test_amounts_are_exact(text, currency, minor):
    assert money_value(text, currency, field="x") == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,000.00",
        "¥1",
        "1e3",
        "0.001",
        "١٢",
        "NaN",
        "Infinity",
        "--1",
        "1.2.3",
        "9" * 30,
        "9" * 14,
    ],
)
def test_what_is_no_amount_is_refused(text):
    assert refusal(money_value, text, "CNY", field="x").code == "document.field_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-03",
        "2025-06-03 10:08:05",
        "2025-06-03 10:08",
        "2025-06-03T10:08:05",
        "2025-06-03T10:08:05.123+08:00",
        "2025-06-03Z",
        "2025年06月03日",
        "2025年6月3日 10:08:05",
    ],
)
def test_dates_come_with_and_without_a_time(text):
    assert date_value(text, field="x") == date(2025, 6, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-02-30",
        "2025-6-3",
        "03.06.2025",
        "2025-06-03 25:00:00",
        "1967-08-13",
        "2025-06-0310:00",
    ],
)
def test_what_is_no_date_is_refused(text):
    assert refusal(date_value, text, field="x").code == "document.field_invalid"


def test_text_is_one_clean_line():
    assert text_value(" a\x00\x1b[31m\n b\u2028c ", field="x") == "a [31m b c"
    assert one_line("\t甲\r\n乙 ") == "甲 乙"
    assert refusal(text_value, "x" * 301, field="x").fields["length"] == 301


@pytest.mark.parametrize("text", ["1" * 21, "1." + "0" * 21])
def test_decimals_are_bounded(text):
    assert refusal(decimal_value, text, field="x").code == "document.field_invalid"
