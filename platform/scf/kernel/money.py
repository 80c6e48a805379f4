"""Money: an integer number of minor units (fen) of one currency, never a float."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Self

from scf.kernel.errors import Invalid
from scf.kernel.measure import Measure, decimal_text

_IN_HUNDREDTHS = (
    "CNY AED AUD BRL CAD CHF DKK EUR GBP HKD HUF IDR INR MOP MXN MYR NOK NZD PHP PLN RUB SAR SEK SGD"
    " THB TRY TWD USD ZAR"
)
_WHOLE = "JPY KRW VND"
SCALES = dict.fromkeys(_IN_HUNDREDTHS.split(), 2) | dict.fromkeys(_WHOLE.split(), 0)
"""Decimals by ISO 4217, of the currencies that China's trade is invoiced in."""
MINOR_MAX = 10**15 - 1  # ten million million yuan: below 2^53, so that any program can hold it


class AmountInvalid(Invalid):
    """An amount is decimal text with at most the currency's decimals, within bounds."""

    code = "money.invalid"
    title = "金额格式不正确"
    title_en = "The amount is not valid"


class CurrencyMismatch(Invalid):
    """Amounts of two currencies are never added or compared."""

    code = "money.currency_mismatch"
    title = "币种不一致"
    title_en = "Currencies differ"


class Rounding(Enum):
    """Who loses the fraction. There is no default."""

    HALF_UP = "half_up"  # charges to a client, at the schedule line
    DOWN = "down"  # distributions and collateral values
    UP = "up"  # exposures
    EXACT = "exact"  # a fraction is refused


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """Round to an integer; negative values mirror positive ones. Raises AmountInvalid (EXACT)."""
    if rounding is Rounding.EXACT and value.denominator != 1:
        raise AmountInvalid(amount=str(value))
    magnitude, rest = divmod(abs(value.numerator), value.denominator)
    up = (rounding is Rounding.UP and rest > 0) or (
        rounding is Rounding.HALF_UP and rest * 2 >= value.denominator
    )
    magnitude += up
    return -magnitude if value < 0 else magnitude


_AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,16})(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True, order=False)
class Money(Measure):
    """`minor` units (fen for CNY) of `currency`."""

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.minor) is not int or abs(self.minor) > MINOR_MAX:
            raise AmountInvalid(amount=str(self.minor))
        if self.currency not in SCALES:
            raise AmountInvalid(field="currency", currency=str(self.currency)[:16])

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> Self:
        """Read plain decimal text such as `1245000.00`.

        Raises AmountInvalid for more decimals than the currency has, exponents, signs of plus,
        thousands separators or a float.
        """
        if not isinstance(currency, str) or currency not in SCALES:
            raise AmountInvalid(field="currency", currency=str(currency)[:16])
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
            raise AmountInvalid(amount=str(text)[:40])
        whole, _, decimals = text.partition(".")
        scale = SCALES[currency]
        if len(decimals) > scale:
            raise AmountInvalid(amount=text[:40], decimals_max=scale)
        return cls(int(whole + decimals.ljust(scale, "0")), currency)

    @classmethod
    def from_json(cls, value: object, *, field: str | None = None) -> Self:
        """Read `{"amount": "12.34", "currency": "CNY"}`, nothing more and nothing less."""
        if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
            raise AmountInvalid(field=field, amount=str(value)[:80])
        try:
            return cls.parse(value["amount"], value["currency"])
        except AmountInvalid as error:
            raise AmountInvalid(field=field or error.field, **error.fields) from None

    def to_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"amount": self.text, "currency": self.currency}

    @property
    def unit(self) -> str:
        """The currency."""
        return self.currency

    @property
    def text(self) -> str:
        """Plain decimal text with exactly the currency's decimals."""
        return decimal_text(self.minor, SCALES[self.currency])

    def like(self, minor: int) -> "Money":
        """Return another amount of the same currency."""
        return Money(minor, self.currency)

    def _same(self, other: Measure) -> int:
        if self.unit != other.unit:
            raise CurrencyMismatch(left=self.unit, right=other.unit)
        return other.minor

    def times(self, factor: Fraction | Decimal | int, *, rounding: Rounding) -> "Money":
        """Multiply, rounding as named. Raises AmountInvalid where EXACT leaves a fraction."""
        if isinstance(factor, float):
            raise AmountInvalid(amount=repr(factor))
        return Money(round_fraction(self.minor * Fraction(factor), rounding), self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Split by largest remainder; the parts add up to the whole, to the fen."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise AmountInvalid(weights=list(weights)[:20])
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        left = abs(self.minor) - sum(share for share, _ in shares)
        by_remainder = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
        extra = set(by_remainder[:left])
        sign = -1 if self.minor < 0 else 1
        return [
            Money(sign * (share + (i in extra)), self.currency)
            for i, (share, _) in enumerate(shares)
        ]


def zero(currency: str = "CNY") -> Money:
    """Return nothing, of a currency."""
    return Money(0, currency)


_RATE = re.compile(r"(0|[1-9][0-9]?)(\.[0-9]{1,8})?", re.ASCII)


def parse_rate(text: str, *, field: str = "rate") -> Fraction:
    """Read a yearly rate as exact decimal text: `0.0385` is 3.85%. Raises AmountInvalid."""
    if not isinstance(text, str) or not _RATE.fullmatch(text):
        raise AmountInvalid(field=field, rate=str(text)[:40])
    return Fraction(text)
