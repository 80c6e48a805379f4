"""Endpoints of prices."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    InstantText,
    Line,
    PageSize,
    PriceEntryId,
    PriceSeriesId,
    RateText,
    Text,
)
from scf.prices import queries, service
from scf.prices.models import PriceBatch
from scf.prices.schemas import (
    ApprovalIn,
    BatchOut,
    EntryIn,
    EntryOut,
    QuoteOut,
    QuotesOut,
    SeriesIn,
    SeriesOut,
)
from scf.prices.service import Quote

router = APIRouter(tags=["prices 价格"])

_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "月度价格文件 A monthly price file: a row a month, a column a commodity",
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@command(router, "/v1/price-series", status=201)
def register_series(call: Call, body: SeriesIn) -> SeriesOut:
    """登记价格序列 Begin a series of prices. By the operator or a bank."""
    row = service.register(call.session, call.actor, **body.model_dump(), now=call.now)
    return SeriesOut.of(row)


@query(router, "/v1/price-series")
def series(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[SeriesOut]:
    """价格序列列表 Every series, oldest first."""
    found = queries.page(call.session, after=read_cursor("prs", cursor), size=limit)
    return Page[SeriesOut](
        items=[SeriesOut.of(row) for row in found],
        next=next_cursor("prs", [row.id for row in found], limit),
    )


@query(router, "/v1/price-series/{series_id}/prices")
def prices(
    call: Call,
    series_id: PriceSeriesId,
    before: InstantText | None = None,
    limit: PageSize = PAGE_SIZE,
) -> QuotesOut:
    """查看报价 A series' prices that count, newest first, each with its source and time."""
    row = queries.series(call.session, series_id)
    found = queries.quotes(call.session, series_id, until=before, size=limit)
    items = [QuoteOut.of(price, batch, row) for price, batch in found]
    return QuotesOut(series=SeriesOut.of(row), items=items)


@command(router, "/v1/price-series/{series_id}/imports", status=201, openapi_extra=_FILE)
def import_prices(
    call: Call,
    original: RawBody,
    *,
    series_id: PriceSeriesId,
    filename: Annotated[Text, Query(max_length=200, examples=["commodity-prices.csv"])],
    rate: Annotated[RateText | None, Query(description="美元折算率 Per US dollar")] = None,
    reason: Line | None = None,
) -> BatchOut:
    """导入价格文件 Take a series' column out of a monthly file. By whoever keeps the series."""
    batch = service.import_file(
        call.session,
        call.actor,
        series_id,
        original,
        filename=filename,
        rate=rate,
        reason=reason,
        now=call.now,
    )
    return _shown(call, batch)


@command(router, "/v1/price-series/{series_id}/entries", status=201)
def enter_price(call: Call, series_id: PriceSeriesId, body: EntryIn) -> EntryOut:
    """人工录入价格（经办） Enter a price by hand; a second person approves it. By a bank."""
    entry = service.enter(
        call.session,
        call.actor,
        series_id,
        Quote(body.quoted_at, body.price),
        evidence_text=body.evidence,
        reason=body.reason,
        maker=body.maker,
        now=call.now,
    )
    return EntryOut.of(entry, queries.series(call.session, series_id), None)


@query(router, "/v1/price-series/{series_id}/entries")
def entries(call: Call, series_id: PriceSeriesId) -> list[EntryOut]:
    """查看人工录入 What was entered by hand, newest first, a hundred at most."""
    row = queries.series(call.session, series_id)
    found = queries.entries(call.session, series_id)
    return [EntryOut.of(entry, row, approved) for entry, approved in found]


@command(router, "/v1/price-entries/{entry_id}/approve")
def approve_price(call: Call, entry_id: PriceEntryId, body: ApprovalIn) -> BatchOut:
    """复核价格（复核） Approve an entry: from now on it counts. By another person of the bank."""
    batch = service.approve(call.session, call.actor, entry_id, checker=body.checker, now=call.now)
    return _shown(call, batch)


def _shown(call: Call, batch: PriceBatch) -> BatchOut:
    return BatchOut.of(batch, queries.quoted(call.session, batch.id))
