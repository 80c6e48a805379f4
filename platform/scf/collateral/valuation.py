"""What pledged goods are worth, and where that stands to the debt: pure functions.

The order of the lines is the usual one: the warning line (预警线) above the top-up line (补货线, 最低控货价值) above the
disposal line (处置线). A collateral's value rounds down, an exposure and what is asked for round up: the fraction
is never the lender's loss. Shares are whole basis points, so that the database, which values a hundred thousand
pledges in one statement, and these functions come to the same fen.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from scf.kernel.errors import Invalid
from scf.kernel.money import CurrencyMismatch, Money, Rounding, round_fraction

WHOLE_BPS: Final = 10_000
WORTH_MAX: Final = 10**12
"""What one pledge's goods, or one debt, come to at most, in fen: ten thousand million yuan. Nobody's typing error in a
price or a debt can then leave what money holds, and stop the marks of others."""
DAYS_OF_YEAR: Final = 360  # Act/360, as the house's loans are


class TermsMeaningless(Invalid):
    """The lines stand in their order: what may be lent (α) is below where goods are sold (λ), and both within the whole."""

    code = "collateral.terms_meaningless"
    title = "质押率、预警线、处置线或折扣率不成顺序"
    title_en = "The lines are out of order, or a share is not within the whole"


class Line(StrEnum):
    """Which line the value has fallen below, or reached in the case of disposal."""

    CLEAR = "clear"
    WARNING = "warning"
    TOP_UP = "top_up"
    DISPOSAL = "disposal"


class Basis(StrEnum):
    """Which of three prices was the lowest."""

    SPOT = "spot"
    AVERAGE = "average"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: shares in basis points.

    `advance_bps` α (质押率), `warning_bps` w above the top-up line, `disposal_bps` λ; `price_fall_bps` is the fall
    since the pledge at which goods may be sold, None where none was agreed.
    """

    advance_bps: int
    warning_bps: int
    disposal_bps: int
    price_fall_bps: int | None = None

    def __post_init__(self) -> None:
        ordered = 0 < self.advance_bps < self.disposal_bps <= WHOLE_BPS
        # The warning line lies above the top-up line by w, and that one above disposal as λ lies above α.
        within = 0 <= self.warning_bps <= WHOLE_BPS
        fall = self.price_fall_bps is None or 0 < self.price_fall_bps < WHOLE_BPS
        if not (ordered and within and fall):
            raise TermsMeaningless(
                advance_bps=self.advance_bps,
                warning_bps=self.warning_bps,
                disposal_bps=self.disposal_bps,
                price_fall_bps=self.price_fall_bps,
            )


@dataclass(frozen=True, slots=True)
class Goods:
    """One pledge's goods: `quantity` in smallest parts, of which `per_unit` make the unit that is priced.

    `invoice` is the price on the papers that they were bought by, None where there are none; haircuts in basis
    points.
    """

    quantity: int
    per_unit: int
    spot: Money
    average: Money
    invoice: Money | None
    quality_bps: int
    liquidity_bps: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the goods answer for: principal, interest accrued, and what comes before the pledge (keeper's lien)."""

    principal: Money
    interest: Money
    reserve: Money

    @property
    def total(self) -> Money:
        """E."""
        return self.principal + self.interest + self.reserve


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a value stands to an exposure. `ltv` is None where there is nothing left to divide by.

    `warning_below` and `floor` are the values below which those lines are passed; at `disposal_at` or below goods
    may be sold. `goods_due` and `cash_due` are what either cure takes, zero above the top-up line.
    """

    value: Money
    exposure: Money
    floor: Money
    warning_below: Money
    disposal_at: Money
    ltv: Fraction | None
    line: Line
    goods_due: Money
    cash_due: Money


def price_of(goods: Goods) -> tuple[Money, Basis]:
    """Return the price that counts: the lowest of spot, average and invoice; of equal ones the first.

    Raises CurrencyMismatch.
    """
    best = (goods.spot, Basis.SPOT)
    for price, basis in ((goods.average, Basis.AVERAGE), (goods.invoice, Basis.INVOICE)):
        if price is not None and price < best[0]:
            best = (price, basis)
    return best


def value_of(goods: Goods, *, stale_bps: int = 0) -> Money:
    """Return quantity times price less both haircuts, rounded down; `stale_bps` is added for an old price.

    No more than WORTH_MAX counts. Raises CurrencyMismatch.
    """
    price, _ = price_of(goods)
    kept = (WHOLE_BPS - goods.quality_bps) * max(WHOLE_BPS - goods.liquidity_bps - stale_bps, 0)
    factor = Fraction(goods.quantity * kept, goods.per_unit * WHOLE_BPS**2)
    worth = round_fraction(price.minor * factor, Rounding.DOWN)
    return Money(min(worth, WORTH_MAX), price.currency)


def interest_accrued(principal: Money, rate: Fraction, days: int) -> Money:
    """Return simple interest over whole days, Act/360, rounded up."""
    return principal.times(rate * days / DAYS_OF_YEAR, rounding=Rounding.UP)


def stand(
    value: Money, exposure: Money, terms: Terms, *, price_fell_bps: Fraction | int = 0
) -> Standing:
    """Return where a value stands to an exposure; `price_fell_bps` is the deepest fall since a pledge.

    Nothing owed passes no line. Raises CurrencyMismatch.
    """
    if value.currency != exposure.currency:
        raise CurrencyMismatch(left=value.currency, right=exposure.currency)
    owed, worth = exposure.minor, value.minor
    floor = _up(Fraction(owed * WHOLE_BPS, terms.advance_bps))
    warning_below = _up(floor * Fraction(WHOLE_BPS + terms.warning_bps, WHOLE_BPS))
    disposal_at = owed * WHOLE_BPS // terms.disposal_bps
    fell = terms.price_fall_bps is not None and price_fell_bps >= terms.price_fall_bps
    if not owed:
        line = Line.CLEAR
    elif worth <= disposal_at or fell:
        line = Line.DISPOSAL
    elif worth < floor:
        line = Line.TOP_UP
    elif worth < warning_below:
        line = Line.WARNING
    else:
        line = Line.CLEAR
    lent = Fraction(worth * terms.advance_bps, WHOLE_BPS)
    return Standing(
        value=value,
        exposure=exposure,
        floor=Money(floor, exposure.currency),
        warning_below=Money(warning_below, exposure.currency),
        disposal_at=Money(disposal_at, exposure.currency),
        ltv=Fraction(owed, worth) if worth else None,
        line=line,
        goods_due=Money(max(floor - worth, 0), exposure.currency),
        cash_due=Money(max(_up(owed - lent), 0), exposure.currency),
    )


def price_fall_bps(now: Money, at_pledge: Money) -> Fraction:
    """Return by how much a price has fallen since the pledge, in basis points; zero where it rose."""
    fallen = max((at_pledge - now).minor, 0)
    return Fraction(fallen * WHOLE_BPS, at_pledge.minor) if at_pledge.minor else Fraction(0)


def _up(value: Fraction | int) -> int:
    return round_fraction(Fraction(value), Rounding.UP)
