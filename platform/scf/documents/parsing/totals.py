"""Do declared totals add up? To the cent, but for the roundings that the standards allow."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from scf.documents.parsing.errors import TotalsMismatch
from scf.documents.parsing.model import InvoiceLine
from scf.kernel.money import SCALES, Money


def require_equal(declared: Money, computed: Money, *, field: str) -> None:
    """Raise TotalsMismatch, with both numbers, where a declared amount is not the computed one."""
    if declared != computed:
        raise TotalsMismatch(
            field=field, declared=declared.text, computed=computed.text, currency=declared.currency
        )


def require_sum(declared: Money, parts: Iterable[Decimal], *, field: str) -> None:
    """Raise TotalsMismatch where lines do not add up to what is declared.

    Lines in whole minor units add up exactly. A line written with more decimals may have been rounded
    on its own, so each of these allows half a minor unit, and so does the sum.
    """
    unit = Decimal(1).scaleb(-SCALES[declared.currency])
    total, rounded = Decimal(0), 0
    for part in parts:
        total += part
        rounded += part != part.quantize(unit)
    difference = abs(Decimal(declared.text) - total)
    if difference > (unit / 2 * (rounded + 1) if rounded else 0):
        raise TotalsMismatch(
            field=field,
            declared=declared.text,
            computed=str(total.normalize() if rounded else total.quantize(unit)),
            currency=declared.currency,
        )


def require_lines(
    net: Money, tax: Money, lines: Sequence[InvoiceLine], *, fields: tuple[str, str]
) -> None:
    """Raise TotalsMismatch where lines, if there are any, do not add up to the totals.

    Tax is not recomputed: 差额征税 taxes a part of the amount.
    """
    if lines:
        require_sum(net, (line.amount for line in lines), field=fields[0])
        require_sum(tax, (line.tax or Decimal() for line in lines), field=fields[1])


def rounded(value: Decimal, currency: str) -> Money:
    """Return a sum of lines as money, half a minor unit going up."""
    minor = value.scaleb(SCALES[currency]).quantize(Decimal(1), ROUND_HALF_UP)
    return Money(int(minor), currency)
