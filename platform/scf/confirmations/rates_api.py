"""Endpoints of the on-time rate (确权及时率) and of the requests behind it."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from scf.access import service as access
from scf.confirmations import rates
from scf.confirmations.api import shown
from scf.confirmations.models import ConfirmationRequest
from scf.confirmations.rates import Figure, Period, Rate
from scf.confirmations.schemas import RequestOut
from scf.http import sheets
from scf.http.calls import Call, command, query, recorded_query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    DateText,
    In,
    InstantText,
    LookUpId,
    Out,
    PageSize,
    PartyId,
    Prose,
    UsccText,
)
from scf.kernel.ids import public_id
from scf.parties import supervision
from scf.parties.models import Party

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


class EnterpriseRateOut(RateOut):
    """An enterprise's figures, for its regulator."""

    uscc: UsccText
    name: str

    @classmethod
    def at(cls, party: Party, period: Period, found: Rate) -> Self:
        """Show an enterprise's rate."""
        rate = RateOut.of(party.id, period, found)
        return cls(uscc=party.uscc, name=party.name, **dict(rate))


class LookUpIn(In):
    """What a regulator wants to see the requests of, and why."""

    first_on: DateText
    last_on: DateText
    figure: Figure = Figure.DUE
    reason: Prose = Field(examples=["核查2025年第四季度逾期未确权投诉"])
    cursor: str | None = None


class LookedUpOut(Page[RequestOut]):
    """The requests, and the record of having looked."""

    look_up: LookUpId
    made_at: InstantText


@recorded_query(router, "/v1/parties/{party_id}/confirmation-rate")
def confirmation_rate(call: Call, party_id: PartyId, first_on: FirstOn, last_on: LastOn) -> RateOut:
    """确权及时率 How often a debtor confirms in time: to itself, its regulator, a bank it lets look, in part to creditors."""
    period = Period(first_on, last_on)
    found = rates.rate(call.session, call.actor, party_id, period, now=call.now)
    return RateOut.of(party_id, period, found)


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
    return _page(call, found, limit)


@command(router, "/v1/parties/{party_id}/confirmation-rate/look-ups", status=201)
def look_up_requests(call: Call, party_id: PartyId, body: LookUpIn) -> LookedUpOut:
    """监管查看明细 A regulator states its reason and sees the requests; both are recorded for the party."""
    period = Period(body.first_on, body.last_on)
    made = access.supervise(
        call.session,
        call.actor,
        party_id,
        subject=f"confirmation-rate {body.figure.value} {body.first_on}/{body.last_on}",
        reason=body.reason,
        now=call.now,
    )
    found = rates.requests(
        call.session,
        call.actor,
        party_id,
        period,
        body.figure,
        after=read_cursor("cfr", body.cursor),
        size=PAGE_SIZE,
        look_up=made,
    )
    page = _page(call, found, PAGE_SIZE)
    return LookedUpOut(look_up=made.id, made_at=made.made_at, items=page.items, next=page.next)


@query(router, "/v1/confirmation-rates")
def confirmation_rates(
    call: Call,
    *,
    first_on: FirstOn,
    last_on: LastOn,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[EnterpriseRateOut]:
    """辖区确权及时率 Every enterprise of the regulator's district with its figures, no amounts, no names of others."""
    period = Period(first_on, last_on)
    found = supervision.district(
        call.session, call.actor, after=read_cursor("pty", cursor), size=limit
    )
    ids = [one.id for one in found]
    counted = rates.whole_rates(call.session, ids, period)
    return Page[EnterpriseRateOut](
        items=[EnterpriseRateOut.at(one, period, counted[one.id]) for one in found],
        next=next_cursor("pty", ids, limit),
    )


def _page(call: Call, found: Sequence[ConfirmationRequest], size: int) -> Page[RequestOut]:
    ids = [one.id for one in found]
    return Page[RequestOut](items=shown(call, found), next=next_cursor("cfr", ids, size))


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
