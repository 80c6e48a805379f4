"""What a value is counted in: an integer number of the smallest part of a currency or of a unit of goods."""

from abc import ABC, abstractmethod
from typing import Self

from scf.kernel.errors import Invalid


class UnitMismatch(Invalid):
    """Quantities of two units, or goods and money, are never added or compared."""

    code = "measure.unit_mismatch"
    title = "计量单位不一致"
    title_en = "Units differ"


class Measure(ABC):
    """Money or a quantity of goods: `minor` smallest parts of `unit`, compared and added within one unit."""

    __slots__ = ()

    minor: int

    @property
    @abstractmethod
    def unit(self) -> str:
        """The currency (ISO 4217) or the unit of goods (UN/ECE Recommendation 20)."""

    @property
    @abstractmethod
    def text(self) -> str:
        """Plain decimal text with exactly the unit's decimals."""

    @abstractmethod
    def like(self, minor: int) -> Self:
        """Return another amount of the same unit."""

    @abstractmethod
    def to_json(self) -> dict[str, str]:
        """Return the wire form."""

    def _same(self, other: "Measure") -> int:
        """Return the other's number. Raises UnitMismatch."""
        if self.unit != other.unit:
            raise UnitMismatch(left=self.unit, right=other.unit)
        return other.minor

    def __add__(self, other: Self) -> Self:
        return self.like(self.minor + self._same(other))

    def __sub__(self, other: Self) -> Self:
        return self.like(self.minor - self._same(other))

    def __neg__(self) -> Self:
        return self.like(-self.minor)

    def __lt__(self, other: "Measure") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Measure") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Measure") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Measure") -> bool:
        return self.minor >= self._same(other)

    def __str__(self) -> str:
        whole, dot, decimals = self.text.partition(".")
        return f"{int(whole):,}{dot}{decimals}" if whole != "-0" else self.text


def decimal_text(minor: int, decimals: int) -> str:
    """Return an integer number of smallest parts as decimal text with that many decimals."""
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
