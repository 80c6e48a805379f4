"""How often an outside bank may ask, and for how long it may hold: pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from scf.kernel.errors import Invalid, Throttled
from scf.kernel.money import Money

SCOPE: Final = "blind"
CALLER: Final = "outside_bank"
YUAN: Final = "CNY"
TTL_MIN: Final = timedelta(minutes=1)
TTL_MAX: Final = timedelta(days=7)
TOKEN_WINDOW: Final = timedelta(days=1)
PER_TOKEN: Final = 6
"""Questions of one bank about one paper in `TOKEN_WINDOW`: too few to find out by halves what is free."""


class AskedTooOften(Throttled):
    """A bank asks so often about one paper a day."""

    code = "blind.asked_too_often"
    title = "对同一单据查询过于频繁，请稍后再试"
    title_en = "Asked too often about one paper; wait a while"


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


class CurrencyUnknown(Invalid):
    """Of a paper that nobody registered here, yuan are held: an invoice is made out in them."""

    code = "blind.currency_unknown"
    title = "未登记的单据只能以人民币占用"
    title_en = "A paper that is not registered here is held in yuan"


def check_currency(value: Money, *, known: bool) -> None:
    """Raise CurrencyUnknown."""
    if not known and value.currency != YUAN:
        raise CurrencyUnknown(field="document_value", currency=value.currency)


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


def check_asked(asked: Sequence[datetime], *, now: datetime) -> None:
    """Raise AskedTooOften; `asked` is when this bank asked about this paper within the window, oldest first."""
    if len(asked) >= PER_TOKEN:
        again = asked[-PER_TOKEN] + TOKEN_WINDOW - now
        raise AskedTooOften(retry_after=ceil(again.total_seconds()), limit=PER_TOKEN)
