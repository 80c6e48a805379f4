"""Prices over HTTP: what a price service is asked, and how its answer is believed.

`GET /quotes/{symbol}?after=INSTANT` answers `{"symbol", "unit", "currency", "quotes": [{"at", "price"}]}`, oldest first,
`price` as plain decimal text per unit. What is late, long, of another symbol, unit or currency is no answer.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
import structlog
from sqlalchemy import func, select

from scf.db.outbox import EffectContext
from scf.evidence import service as evidence
from scf.http.outbound import Answer, AnswerUnfit, fetch
from scf.kernel.clock import instant_text, parse_instant
from scf.kernel.errors import Refused, SCFError, Unavailable
from scf.kernel.money import Money
from scf.prices import service
from scf.prices.models import Price, PriceSeries, Way
from scf.prices.service import Origin, Quote

TIMEOUT: Final = 3.0  # seconds until the next byte
PATIENCE: Final = 6.0  # seconds for one whole answer
BYTES_MAX: Final = 262_144
QUOTES_MAX: Final = 1_000
SERIES_MAX: Final = 100  # asked in one turn
TURN_SECONDS: Final = 8.0  # of a worker's time, and one answer's patience more

log = structlog.get_logger()


class PricesUnavailable(Unavailable):
    """The price service answers, in its form, with quotes of what it was asked about."""

    code = "prices.service_unavailable"
    title = "价格服务未给出可用的报价"
    title_en = "The price service gave no usable answer"


def ask(url: str, series: PriceSeries, after: datetime | None) -> Sequence[Quote]:
    """Return what a service quotes for a series after an instant, oldest first. Raises PricesUnavailable."""
    assert series.symbol is not None, "a series that is asked for has a symbol"
    parameters = {"after": instant_text(after)} if after else {}
    path = f"/quotes/{quote(series.symbol, safe='')}"
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
            answer = fetch(
                client, "GET", path, bytes_max=BYTES_MAX, patience=PATIENCE, params=parameters
            )
        return _read(answer, series)
    except (httpx.HTTPError, AnswerUnfit, SCFError, ValueError, LookupError, TypeError) as error:
        raise PricesUnavailable(symbol=series.symbol) from error


def turn(context: EffectContext) -> None:
    """Ask for what is new of every series that is kept over HTTP; one that fails waits for the next turn.

    A service that is slow holds the worker up no longer than a turn; in no fixed order, so that it is never the same
    series that wait.
    """
    ends = time.monotonic() + TURN_SECONDS
    with context.database.reading() as session:
        kept = select(PriceSeries).where(PriceSeries.way == Way.HTTP)
        wanted = session.scalars(kept.order_by(func.random()).limit(SERIES_MAX)).all()
        newest = {
            series.id: session.scalar(
                select(func.max(Price.quoted_at)).where(Price.series_id == series.id)
            )
            for series in wanted
        }
    url = context.settings.price_url
    for series in wanted:
        if time.monotonic() > ends:
            log.warning("prices.turn_over", seconds=TURN_SECONDS)
            return
        try:
            quotes = ask(url, series, newest[series.id])
            if quotes:
                _take_in(context, series, quotes, url)
        except (PricesUnavailable, Refused) as error:
            log.warning("prices.not_taken", symbol=series.symbol, code=error.code)


def _take_in(
    context: EffectContext, series: PriceSeries, quotes: Sequence[Quote], url: str
) -> None:
    with context.database.transaction() as session:
        locked = evidence.lock(session, PriceSeries, series.id)
        now = context.clock.now()
        service.record(session, locked, quotes, Origin(url), now=now, actor=locked.owner_id)


def _read(answer: Answer, series: PriceSeries) -> Sequence[Quote]:
    if answer.is_error:
        raise AnswerUnfit(f"status {answer.status}")
    body: Any = json.loads(answer.body)
    said = (body["symbol"], body["unit"], body["currency"])
    if said != (series.symbol, series.unit, series.currency) or len(body["quotes"]) > QUOTES_MAX:
        raise AnswerUnfit("another symbol, unit or currency, or too many quotes")
    found = [
        Quote(parse_instant(one["at"]), Money.parse(one["price"], series.currency))
        for one in body["quotes"]
    ]
    if any(one.price.minor <= 0 for one in found):
        raise AnswerUnfit("a price that is not above zero")
    return found
