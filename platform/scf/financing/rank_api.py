"""Endpoints of rank: who stands where on a financing's claim, and what would come of given sums."""

from typing import Self

from fastapi import APIRouter
from pydantic import Field

from scf.financing import queries, ranking, service
from scf.financing.api import shown
from scf.financing.models import FinancingRank, RankStep
from scf.financing.schemas import FinancingOut
from scf.http.calls import Call, command, query
from scf.http.limits import Kind
from scf.http.schemas import FinancingId, InstantText, MoneyOut, NothingIn, Out
from scf.registrations import rank_schemas
from scf.registrations.rank_schemas import PlaceOut, RecoveryOut, Sums

router = APIRouter(tags=["financings 融资"])


class StatedOut(Out):
    """The rank that was kept with a decision of the bank."""

    step: RankStep
    stated_at: InstantText
    rank: int
    of: int = Field(description="当时可知的权利数 How many claims were known then")
    search_no: str | None

    @classmethod
    def shown(cls, row: FinancingRank) -> Self:
        """Show a kept rank."""
        return cls(
            step=row.step,
            stated_at=row.stated_at,
            rank=row.ranks[row.own],
            of=len(row.ranks),
            search_no=row.search_no,
        )


class RankOut(Out):
    """Your rank, now or if you register now, who else is there, and what would come of sums."""

    as_of: InstantText
    registered: bool = Field(description="已登记；否则为“现在登记”的次序 Else: if registered now")
    rank: int | None = Field(description="融资已结束的为空 None once the financing is over")
    outstanding: MoneyOut
    search_no: str | None = Field(description="依据的查询证明；空则尚未查询 No search yet if empty")
    searched_at: InstantText | None
    places: list[PlaceOut]
    recoveries: list[RecoveryOut]
    stated: list[StatedOut]


@query(router, "/v1/financings/{financing_id}/rank")
def rank(call: Call, financing_id: FinancingId, sum: Sums = None) -> RankOut:  # noqa: A002 - its name in the query
    """受偿次序 Where this bank stands, or would if it registered now; `sum` (repeatable): what each gets."""
    financing = queries.visible(call.session, call.actor.party, financing_id)
    sums = rank_schemas.read_sums(sum, financing.currency)
    found = ranking.rank(call.session, financing, call.actor.party, now=call.now)
    names = rank_schemas.names(call.session, found, call.actor.party)
    assert found.worth is not None, "a claim is worth what is owed of it"
    return RankOut(
        as_of=call.now,
        registered=found.registered,
        rank=found.own_rank,
        outstanding=found.worth,
        search_no=found.search.cert_no if found.search else None,
        searched_at=found.search.searched_at if found.search else None,
        places=[PlaceOut.of(one, found, names) for one in found.ranked],
        recoveries=[RecoveryOut.of(found, total) for total in sums or [found.worth]],
        stated=[StatedOut.shown(row) for row in ranking.stated(call.session, financing.id)],
    )


@command(router, "/v1/financings/{financing_id}/search", status=202, limit=Kind.PROBES)
def search(call: Call, financing_id: FinancingId, body: NothingIn) -> FinancingOut:
    """查询登记 Have the register searched before deciding; the rank counts what it finds. By the bank."""
    del body
    linked = bool(call.settings.registry_url)
    found = service.search(call.session, call.actor, financing_id, linked=linked, now=call.now)
    return shown(call, [found])[0]
