"""The monthly file of primary commodity prices as the International Monetary Fund's figures are passed on: CSV.

One row a month, named by its first day; one column a commodity, of its own unit. A month's price is its average: it
is known when the month is over, so it is quoted on its last day. A file whose rows do not fit its header is refused
whole: a column that has slipped is a price of something else.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from scf.kernel.calendar import add_months
from scf.kernel.clock import parse_date
from scf.kernel.errors import Invalid, ValueInvalid
from scf.kernel.money import AmountInvalid, Money, Rounding, round_fraction

BYTES_MAX: Final = 4 * 1024 * 1024
ROWS_MAX: Final = 2_400  # two hundred years of months
DIGITS_MAX: Final = 40
CURRENCY: Final = "USD"
UNIT: Final = "TNE"

_CENTS_A_POUND: Final = Fraction(1_000_000, 45_359_237)
"""US cents per pound in US dollars per kilogram: a pound is 0.45359237 kg."""
_A_TON: Final = "Aluminum;Barley;Cocoa beans;Copper;Lead;Maize corn;Nickel;Palm oil;Rice;Soybeans;Tin;Wheat;Zinc"
_A_POUND: Final = "Cotton;Hides;Rubber"
DOLLARS_A_TON: Final = MappingProxyType(
    dict.fromkeys(_A_TON.split(";"), Fraction(1))
    | dict.fromkeys(_A_POUND.split(";"), _CENTS_A_POUND * 1_000)
)
"""Column -> what its figures are multiplied by to be US dollars per metric ton."""


class PriceFileInvalid(Invalid):
    """A price file is CSV with a header that fits every row, a month a row, in order."""

    code = "prices.file_invalid"
    title = "价格文件格式不正确"
    title_en = "The price file is not well-formed"


class ColumnUnknown(Invalid):
    """Only columns whose unit is known are read."""

    code = "prices.column_unknown"
    title = "价格文件中没有该品种，或其计价单位未知"
    title_en = "The file has no such column, or its unit is not known"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price per unit, quoted on a day."""

    on: date
    price: Money


def read(
    content: bytes, column: str, *, currency: str = CURRENCY, rate: Fraction = Fraction(1)
) -> list[Quote]:
    """Return a column's prices per metric ton, oldest first; months without a figure are left out.

    `rate` is how much of `currency` a US dollar is. Rounded half up to the minor unit. Raises PriceFileInvalid,
    which names the line, ColumnUnknown.
    """
    rows = _rows(content)
    header = next(rows, (1, []))[1]
    if not header or header[0] != "Date":
        raise PriceFileInvalid(line=1, expected="Date,…")
    if header.count(column) != 1 or column not in DOLLARS_A_TON:
        raise ColumnUnknown(column=column[:80], known=sorted(set(header) & set(DOLLARS_A_TON)))
    factor, place = DOLLARS_A_TON[column] * rate, header.index(column)
    found: list[Quote] = []
    for line, row in rows:
        if len(row) != len(header):
            raise PriceFileInvalid(line=line, cells=len(row), expected=len(header))
        month = _month(row[0], line)
        if row[place].strip():
            price = _price(row[place], factor, currency, line)
            quote = Quote(add_months(month, 1) - timedelta(days=1), price)
            if found and found[-1].on >= quote.on:
                raise PriceFileInvalid(line=line, date=row[0][:20], after=found[-1].on.isoformat())
            found.append(quote)
    return found


def _rows(content: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    if len(content) > BYTES_MAX:
        raise PriceFileInvalid(bytes=len(content), bytes_max=BYTES_MAX)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PriceFileInvalid(expected="UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for count, row in enumerate(reader):
            if count > ROWS_MAX:
                raise PriceFileInvalid(line=reader.line_num, rows_max=ROWS_MAX)
            yield reader.line_num, row
    except csv.Error:
        raise PriceFileInvalid(line=reader.line_num) from None


def _month(text: str, line: int) -> date:
    try:
        month = date.fromisoformat(text) if text[:2] == "19" else parse_date(text)
    except (ValueError, ValueInvalid):
        raise PriceFileInvalid(line=line, date=text[:20]) from None
    if month.isoformat() != text or month.day != 1:
        raise PriceFileInvalid(line=line, date=text[:20])
    return month


def _price(text: str, factor: Fraction, currency: str, line: int) -> Money:
    digits = text.strip()
    plain = digits.replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit() and len(digits) <= DIGITS_MAX):
        raise PriceFileInvalid(line=line, price=digits[:40])
    try:
        whole = Money.parse("1", currency)
        minor = round_fraction(Fraction(digits) * factor * whole.minor, Rounding.HALF_UP)
        price = Money(minor, currency)
    except AmountInvalid:
        raise PriceFileInvalid(line=line, price=digits[:40], currency=currency[:16]) from None
    if price.minor <= 0:
        raise PriceFileInvalid(line=line, price=digits[:40])
    return price
