"""The endpoint of a pledge's rank: on a claim, on an order, or on stored goods."""

from fastapi import APIRouter
from pydantic import Field

from scf.http.calls import Call, query
from scf.http.schemas import InstantText, MoneyOut, Out, PledgeId
from scf.pledges import queries as pledges
from scf.registrations import rank_schemas, ranking
from scf.registrations.rank_schemas import PlaceOut, RecoveryOut, Sums

router = APIRouter(tags=["pledges 质押"])


class PledgeRankOut(Out):
    """Your rank, now or if you register now, who else is there, and what would come of sums."""

    as_of: InstantText
    registered: bool = Field(description="已登记；否则为“现在登记”的次序 Else: if registered now")
    rank: int | None = Field(description="质押已结束的为空 None once the pledge is over")
    worth: MoneyOut | None = Field(
        description="债权或订单的未付金额；货物为最近一次盯市的市价，未盯市的为空 What is still owed; "
        "of goods what they would fetch by their newest mark, empty where nobody marks them"
    )
    search_no: str | None = Field(description="依据的查询证明；空则尚未查询 No search yet if empty")
    places: list[PlaceOut]
    recoveries: list[RecoveryOut]


@query(router, "/v1/pledges/{pledge_id}/rank")
def rank(call: Call, pledge_id: PledgeId, sum: Sums = None) -> PledgeRankOut:  # noqa: A002 - its name in the query
    """质押受偿次序 Where a pledge stands, or would if registered now; `sum` (repeatable): what each gets."""
    viewer = call.actor.party
    pledge = pledges.visible(call.session, viewer, pledge_id)
    sums = rank_schemas.read_sums(sum, pledge.currency)
    found = ranking.of(call.session, pledge, viewer, sums=sums, now=call.now)
    names = rank_schemas.names(call.session, found, viewer)
    totals = sums or ([] if found.worth is None else [found.worth])
    return PledgeRankOut(
        as_of=call.now,
        registered=found.registered,
        rank=found.own_rank,
        worth=found.worth,
        search_no=found.search.cert_no if found.search else None,
        places=[PlaceOut.of(one, found, names) for one in found.ranked],
        recoveries=[RecoveryOut.of(found, total) for total in totals],
    )
