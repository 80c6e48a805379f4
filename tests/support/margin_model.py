"""The law's words on margin calls in one page, sharing nothing with the platform: floats, flags, and the usual order."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

HOLIDAYS = (
    *(date(2026, 1, day) for day in (1, 2)),
    *(date(2026, 2, day) for day in (16, 17, 18, 19, 20, 23)),
    date(2026, 4, 6),
    *(date(2026, 5, day) for day in (1, 4, 5)),
    date(2026, 6, 19),
)
"""Of the working week, from November 2025 to July 2026, as the State Council announced them."""
MADE_UP = (date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9))


@dataclass
class Model:
    """One debt and its goods; `open` is what stands of a call, `told` all that was said, `waited` marks since the last."""

    alpha: float
    w: float
    lam: float
    fall: float
    open: str | None = None
    waited: int = 0
    told: list[str] = field(default_factory=list)

    def mark(self, value, owed, price, at_pledge, late=None):
        loan_to_value = owed / value
        sell = loan_to_value >= self.lam or price <= (1 - self.fall) * at_pledge
        short = loan_to_value > self.alpha
        near = value < owed / self.alpha * (1 + self.w)
        self.waited += self.open == "called"
        late = self.waited > 1 if late is None else late
        if self.open in ("called", "breached") and not short and not sell:
            self.say("cured", None)
        if sell or (self.open == "called" and late):
            self.open == "breached" or self.say("breached", "breached")
        elif short and self.open != "breached":
            self.open == "called" or self.say("called", "called")
        elif not short and near and self.open is None:
            self.say("warned", "warned")
        elif not near and self.open == "warned":
            self.say("lifted", None)

    def say(self, what, state):
        self.told.append(what)
        self.open, self.waited = state, 0


def lines(value, owed, alpha, w, lam):
    """The same page on amounts, in fen: what lies where, and what either cure takes; a fraction is never the lender's."""
    with localcontext(prec=60):
        alpha, w, lam = (Decimal(str(share)) for share in (alpha, w, lam))
        floor = (owed / alpha).to_integral_value(ROUND_CEILING)
        return {
            "floor": floor,
            "warning_below": (floor * (1 + w)).to_integral_value(ROUND_CEILING),
            "disposal_at": (owed / lam).to_integral_value(ROUND_FLOOR),
            "goods_due": max(floor - value, Decimal(0)),
            "cash_due": max((owed - alpha * value).to_integral_value(ROUND_CEILING), Decimal(0)),
        }


def works(day):
    return day in MADE_UP or (day.weekday() < 5 and day not in HOLIDAYS)


def due(day, count):
    """The last of so many working days after a day."""
    while count:
        day += timedelta(days=1)
        count -= works(day)
    return day
