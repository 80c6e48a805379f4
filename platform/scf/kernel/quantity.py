"""A quantity of goods: an integer number of the smallest part of a unit, never a float."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from scf.kernel.errors import Invalid
from scf.kernel.measure import Measure, decimal_text
from scf.kernel.money import MINOR_MAX, SCALES, Money

UNITS: Final = MappingProxyType(
    {
        "TNE": ("吨", 3),
        "KGM": ("千克", 3),
        "MTQ": ("立方米", 3),
        "C62": ("件", 0),
    }
)
"""UN/ECE Recommendation 20 code -> its Chinese name and its decimals."""
_TEXT = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?", re.ASCII)


class QuantityInvalid(Invalid):
    """A quantity is decimal text with at most its unit's decimals, within bounds."""

    code = "quantity.invalid"
    title = "数量格式不正确"
    title_en = "The quantity is not valid"


@dataclass(frozen=True, slots=True)
class Quantity(Measure):
    """`minor` smallest parts (a kilogram of TNE) of `code`."""

    minor: int
    code: str

    def __post_init__(self) -> None:
        if self.code not in UNITS:
            raise QuantityInvalid(field="unit", unit=str(self.code)[:16])
        if type(self.minor) is not int or abs(self.minor) > MINOR_MAX:
            raise QuantityInvalid(quantity=str(self.minor))

    @classmethod
    def parse(cls, text: str, unit: str) -> Self:
        """Read plain decimal text such as `140.000`. Raises QuantityInvalid."""
        if not isinstance(unit, str) or unit not in UNITS:
            raise QuantityInvalid(field="unit", unit=str(unit)[:16], units=sorted(UNITS))
        if not isinstance(text, str) or not _TEXT.fullmatch(text):
            raise QuantityInvalid(quantity=str(text)[:40])
        whole, _, decimals = text.partition(".")
        most = UNITS[unit][1]
        if len(decimals) > most:
            raise QuantityInvalid(quantity=text[:40], decimals_max=most)
        return cls(int(whole + decimals.ljust(most, "0")), unit)

    @classmethod
    def from_json(cls, value: object, *, field: str | None = None) -> Self:
        """Read `{"quantity": "140.000", "unit": "TNE"}`, nothing more and nothing less."""
        if not isinstance(value, dict) or set(value) != {"quantity", "unit"}:
            raise QuantityInvalid(field=field, quantity=str(value)[:80])
        try:
            return cls.parse(value["quantity"], value["unit"])
        except QuantityInvalid as error:
            raise QuantityInvalid(field=field or error.field, **error.fields) from None

    def to_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"quantity": self.text, "unit": self.code}

    @property
    def unit(self) -> str:
        """The UN/ECE Recommendation 20 code."""
        return self.code

    @property
    def text(self) -> str:
        """Plain decimal text with exactly the unit's decimals."""
        return decimal_text(self.minor, UNITS[self.code][1])

    @property
    def words(self) -> str:
        """How a Chinese paper says it: 140.000 吨."""
        return f"{self.text} {UNITS[self.code][0]}"

    def like(self, minor: int) -> "Quantity":
        """Return another quantity of the same unit."""
        return Quantity(minor, self.code)


def measure(minor: int, unit: str) -> Money | Quantity:
    """Return so many smallest parts of a currency or of a unit of goods."""
    return Money(minor, unit) if unit in SCALES else Quantity(minor, unit)


def read_measure(value: object, *, field: str | None = None) -> Money | Quantity:
    """Read money or a quantity from its wire form. Raises AmountInvalid, QuantityInvalid."""
    if isinstance(value, dict) and "unit" in value:
        return Quantity.from_json(value, field=field)
    return Money.from_json(value, field=field)
