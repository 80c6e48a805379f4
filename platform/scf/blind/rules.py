"""How often an outside bank may ask, and for how long it may hold: pure."""

from datetime import timedelta
from typing import Final

from scf.kernel.errors import Invalid, NotAllowed
from scf.kernel.money import Money

SCOPE: Final = "blind"
CALLER: Final = "outside_bank"
TTL_MIN: Final = timedelta(minutes=1)
TTL_MAX: Final = timedelta(days=7)
WINDOW: Final = timedelta(minutes=1)
TOKEN_WINDOW: Final = timedelta(days=1)
PER_TOKEN: Final = 6
"""Questions of one bank about one paper in `TOKEN_WINDOW`: too few to find out by halves what is free."""


class AskedTooOften(NotAllowed):
    """A bank asks so often a minute, and so often about one paper a day."""

    code = "blind.asked_too_often"
    title = "查询过于频繁，请稍后再试"
    title_en = "Asked too often; wait a while"


class AboveValue(Invalid):
    """No more is held than the paper is said to be worth."""

    code = "blind.above_value"
    title = "占用金额超过所申报的单据金额"
    title_en = "The hold is above the declared value of the paper"


class TtlOutOfRange(Invalid):
    """A hold runs for a minute at least and a week at most."""

    code = "blind.ttl_out_of_range"
    title = "占用期限须在一分钟至七天之间"
    title_en = "A hold runs for a minute at least and a week at most"


def check_ask(amount: Money, value: Money, ttl: timedelta) -> None:
    """Check what a hold says by itself. Raises AboveValue, TtlOutOfRange."""
    if amount.minor <= 0 or value.currency != amount.currency or amount > value:
        raise AboveValue(field="amount", amount=amount, value=value)
    if not TTL_MIN <= ttl <= TTL_MAX:
        raise TtlOutOfRange(
            field="ttl_seconds",
            least=int(TTL_MIN.total_seconds()),
            most=int(TTL_MAX.total_seconds()),
        )


def check_rate(in_window: int, on_token: int, *, per_minute: int) -> None:
    """Raise AskedTooOften; the limits are public, what was asked before is the asker's own."""
    if in_window >= per_minute:
        raise AskedTooOften(limit=per_minute, seconds=int(WINDOW.total_seconds()))
    if on_token >= PER_TOKEN:
        raise AskedTooOften(limit=PER_TOKEN, seconds=int(TOKEN_WINDOW.total_seconds()))
