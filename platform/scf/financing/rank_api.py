"""Endpoints of rank: who stands where on a financing's claim, and what would come of given sums."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from scf.financing import queries, ranking, service
from scf.financing.api import shown
from scf.financing.models import FinancingRank, RankStep
from scf.financing.ranking import Ranking
from scf.financing.schemas import FinancingOut
from scf.http.calls import Call, command, query
from scf.http.limits import Kind
from scf.http.schemas import FinancingId, InstantText, Line, MoneyOut, NothingIn, Out
from scf.kernel.money import AmountInvalid, Money
from scf.parties.queries import party
from scf.pledges import priority
from scf.pledges.priority import ClaimKind, Ranked

router = APIRouter(tags=["financings 融资"])
SUMS_MAX = 10
OTHER = "其他权利人"


class PlaceOut(Out):
    """One claim in its place. Another's is 其他权利人, with what the register shows of it to anyone."""

    rank: int = Field(examples=[1])
    whose: Literal["own", "other"]
    name: str = Field(examples=[OTHER])
    kind: ClaimKind | None = Field(description="他人的权利种类不显示 Not shown of another's")
    since: InstantText | None
    reg_no: str | None
    amount: MoneyOut
    amount_assumed: bool = Field(
        description="登记未载明金额，按全额推定 The register shows no amount: taken as the whole"
    )
    secured: bool
    article: str
    reason: str
    reason_en: str

    @classmethod
    def of(cls, one: Ranked, found: Ranking, names: Mapping[UUID, str]) -> Self:
        """Show a place; `names` are those that this viewer may read."""
        own = one.claim.ref == found.own
        about = found.encumbrances[one.claim.ref]
        named = names.get(about.party_id) if about.party_id else None
        return cls(
            rank=one.rank,
            whose="own" if own else "other",
            name=named or OTHER,
            kind=one.claim.kind if named else None,
            since=one.since,
            reg_no=about.reg_no,
            amount=one.claim.amount,
            amount_assumed=about.assumed,
            secured=one.secured,
            article=one.article,
            reason=one.reason,
            reason_en=one.reason_en,
        )


class ShareOut(Out):
    """What one place gets out of a sum, and what it lacks."""

    rank: int
    whose: Literal["own", "other"]
    gets: MoneyOut
    lacks: MoneyOut


class RecoveryOut(Out):
    """A sum, run through the order to the fen; the surplus is the owner's."""

    total: MoneyOut
    shares: list[ShareOut]
    surplus: MoneyOut

    @classmethod
    def of(cls, found: Ranking, total: Money) -> Self:
        """Run a sum through an order and show it."""
        split = priority.recover(found.ranked, total)
        return cls(
            total=split.total,
            shares=[
                ShareOut(
                    rank=part.rank,
                    whose="own" if part.ref == found.own else "other",
                    gets=part.gets,
                    lacks=part.lacks,
                )
                for part in split.parts
            ],
            surplus=split.surplus,
        )


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
def rank(
    call: Call,
    financing_id: FinancingId,
    sum: Annotated[  # noqa: A002 - the parameter's name in the query
        list[Line] | None, Query(max_length=SUMS_MAX, examples=[["1000000.00"]])
    ] = None,
) -> RankOut:
    """受偿次序 Where this bank stands, or would if it registered now; `sum` (repeatable): what each gets."""
    financing = queries.visible(call.session, call.actor.party, financing_id)
    found = ranking.rank(call.session, financing, call.actor.party, now=call.now)
    names = _names(call, found)
    sums = [_sum(text, financing.currency) for text in sum or ()] or [found.outstanding]
    return RankOut(
        as_of=call.now,
        registered=found.registered,
        rank=found.own_rank,
        outstanding=found.outstanding,
        search_no=found.search.cert_no if found.search else None,
        searched_at=found.search.searched_at if found.search else None,
        places=[PlaceOut.of(one, found, names) for one in found.ranked],
        recoveries=[RecoveryOut.of(found, total) for total in sums],
        stated=[StatedOut.shown(row) for row in ranking.stated(call.session, financing.id)],
    )


@command(router, "/v1/financings/{financing_id}/search", status=202, limit=Kind.PROBES)
def search(call: Call, financing_id: FinancingId, body: NothingIn) -> FinancingOut:
    """查询登记 Have the register searched before deciding; the rank counts what it finds. By the bank."""
    del body
    linked = bool(call.settings.registry_url)
    found = service.search(call.session, call.actor, financing_id, linked=linked, now=call.now)
    return shown(call, [found])[0]


def _sum(text: str, currency: str) -> Money:
    total = Money.parse(text, currency)
    if total.minor < 0:
        raise AmountInvalid(field="sum", amount=text)
    return total


def _names(call: Call, found: Ranking) -> dict[UUID, str]:
    """Return the names that the viewer may read: a bank its own, the supplier those it deals with."""
    banks = {one.party_id for one in found.encumbrances.values() if one.party_id is not None}
    own = found.encumbrances[found.own].party_id if found.own else call.actor.party
    readable = {own} if call.actor.party == own else banks
    return {one: party(call.session, one).name for one in readable if one is not None}
