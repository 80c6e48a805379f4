"""Values as invoices write them: amounts, rates, dates, text."""

import re
from datetime import date
from decimal import Decimal

from scf.documents.parsing.errors import FieldInvalid
from scf.kernel.money import MINOR_MAX, SCALES, Money
from scf.kernel.text import one_line

TEXT_LENGTH_MAX = 300  # names and numbers; remarks are searched, not kept
YEARS = range(2000, 2100)

_DECIMAL = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})", re.ASCII)
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|年([0-9]{1,2})月([0-9]{1,2})日)"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
UNTAXED = frozenset(
    {"免税", "不征税", "出口零税率", "普通零税率", "***", "*"}
)  # *** hides a rate (差额征税)


def text_value(text: str, *, field: str) -> str:
    """Return one clean line. Raises FieldInvalid where it is longer than any name."""
    clean = one_line(text)
    if len(clean) > TEXT_LENGTH_MAX:
        raise FieldInvalid(field=field, length=len(clean), length_max=TEXT_LENGTH_MAX)
    return clean


def excerpt(text: str) -> str:
    """Return the beginning of a value, fit for a message of one line."""
    return one_line(text[:40])


def decimal_value(text: str, *, field: str) -> Decimal:
    """Read an `xsd:decimal` (XML Schema part 2, 3.2.3): no exponent, no separators. Raises FieldInvalid."""
    if not _DECIMAL.fullmatch(text):
        raise FieldInvalid(field=field, value=excerpt(text))
    return Decimal(text)


def money_value(text: str, currency: str, *, field: str) -> Money:
    """Read an amount of a known currency to the minor unit; zeros beyond it are allowed.

    Raises FieldInvalid.
    """
    decimal_value(text, field=field)
    scale = SCALES[currency]
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > scale:
        raise FieldInvalid(field=field, value=excerpt(text), decimals_max=scale)
    minor = int(f"{whole}{decimals.ljust(scale, '0')}0") // 10  # a digit is there even in `.0`
    if abs(minor) > MINOR_MAX:
        raise FieldInvalid(field=field, value=excerpt(text), minor_max=MINOR_MAX)
    return Money(minor, currency)


def date_value(text: str, *, field: str) -> date:
    """Read a date, with or without a time: `2025-06-03`, `2025-06-03 10:00:00`, `2025年06月03日`.

    Raises FieldInvalid, also outside the years of electronic invoices.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise FieldInvalid(field=field, value=excerpt(text))
    year, *parts = (int(part) for part in match.groups()[:5] if part is not None)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[5:])
    try:
        day = date(year, *parts)
    except ValueError:
        raise FieldInvalid(field=field, value=excerpt(text)) from None
    if year not in YEARS or hours > 24 or minutes > 59 or seconds > 60:  # noqa: PLR2004 - a clock's bounds
        raise FieldInvalid(field=field, value=excerpt(text), years=f"{YEARS[0]}-{YEARS[-1]}")
    return day


def rate_value(text: str, *, field: str) -> Decimal | None:
    """Read a tax rate as a fraction: `0.06`, `0.060000`, `6%`; None for `免税` and its like.

    Raises FieldInvalid, also for a rate of more than the whole.
    """
    if not text or text in UNTAXED:
        return None
    digits = text.removesuffix("%").rstrip()
    rate = decimal_value(digits, field=field)
    if text.endswith("%"):
        rate /= 100
    if not 0 <= rate <= 1:
        raise FieldInvalid(field=field, value=excerpt(text))
    return rate
