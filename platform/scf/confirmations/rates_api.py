"""Endpoints of the on-time rate (确权及时率) and of the requests behind it."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from scf.confirmations import rates
from scf.confirmations.api import shown
from scf.confirmations.rates import Figure, Period, Rate
from scf.confirmations.schemas import RequestOut
from scf.http import sheets
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import DateText, Out, PageSize, PartyId
from scf.kernel.ids import public_id

router = APIRouter(tags=["confirmation requests 确权请求"])
FirstOn = Annotated[DateText, Query(description="期限届满日自 deadlines from this day")]
LastOn = Annotated[DateText, Query(description="期限届满日至 to this day, both included")]


class RateOut(Out):
    """A debtor's figures over the requests whose last day lies in the period.

    `whole` false: those of the caller's own requests alone. Rates are decimal text, rounded down.
    """

    party: PartyId
    first_on: DateText
    last_on: DateText
    whole: bool
    due: int
    on_time: int
    late: int
    contested: int
    excluded: int
    rate: str | None = Field(examples=["0.9583"])
    rate_without_contested: str | None = Field(examples=["0.9787"])

    @classmethod
    def of(cls, party_id: UUID, period: Period, found: Rate) -> Self:
        """Show a rate."""
        counts = {figure.value: count for figure, count in found.counts.items()}
        return cls(
            party=party_id,
            first_on=period.first_on,
            last_on=period.last_on,
            whole=found.whole,
            rate=found.rate,
            rate_without_contested=found.without_contested,
            **counts,
        )


@query(router, "/v1/parties/{party_id}/confirmation-rate")
def confirmation_rate(call: Call, party_id: PartyId, first_on: FirstOn, last_on: LastOn) -> RateOut:
    """确权及时率 How often a debtor confirms in time: to itself, the operator, and, in part, its creditors."""
    period = Period(first_on, last_on)
    return RateOut.of(party_id, period, rates.rate(call.session, call.actor, party_id, period))


@query(router, "/v1/parties/{party_id}/confirmation-rate/requests")
def confirmation_rate_requests(
    call: Call,
    party_id: PartyId,
    *,
    first_on: FirstOn,
    last_on: LastOn,
    figure: Figure = Figure.DUE,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[RequestOut]:
    """确权及时率明细 The requests behind one figure."""
    found = rates.requests(
        call.session,
        call.actor,
        party_id,
        Period(first_on, last_on),
        figure,
        after=read_cursor("cfr", cursor),
        size=limit,
    )
    ids = [one.id for one in found]
    return Page[RequestOut](items=shown(call, found), next=next_cursor("cfr", ids, limit))


@query(
    router,
    "/v1/parties/{party_id}/confirmation-rate.csv",
    responses={200: {"content": {"text/csv": {}}}},
)
def confirmation_rate_csv(
    call: Call, party_id: PartyId, first_on: FirstOn, last_on: LastOn
) -> Response:
    """下载确权及时率明细 Every request of the period with how it counts, as CSV."""
    rows = rates.table(call.session, call.actor, party_id, Period(first_on, last_on))
    name = f"确权及时率-{public_id('pty', party_id)}.csv"
    return download(sheets.write_csv(rows), name, sheets.CSV)
