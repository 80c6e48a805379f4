"""Endpoints of random stocktakes."""

from fastapi import APIRouter
from fastapi.responses import Response

from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, StocktakeId
from scf.kernel.ids import public_id
from scf.stock.models import Lot
from scf.stocktakes import queries, service
from scf.stocktakes.models import StepRefused, Stocktake
from scf.stocktakes.schemas import (
    CommitIn,
    CountIn,
    CountOut,
    RevealIn,
    StocktakeIn,
    StocktakeOut,
    draw_file,
)
from scf_ledger import canonical
from scf_ledger.encoding import from_b64url

router = APIRouter(tags=["随机盘点 Stocktakes"])
MEDIA_TYPE = "application/json"


@command(router, "/v1/stocktakes", status=201)
def call_stocktake(call: Call, body: StocktakeIn) -> StocktakeOut:
    """发起随机盘点 Call a stocktake over lots one holds pledges on; both sides are to commit within a day."""
    return _shown(call, service.call(call.session, call.actor, body.lots, body.draws, now=call.now))


@query(router, "/v1/stocktakes")
def stocktakes(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[StocktakeOut]:
    """盘点列表 One's stocktakes, oldest first; a keeper sees those that are over."""
    after = read_cursor("stk", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit)
    return Page[StocktakeOut](
        items=[_shown(call, one) for one in found],
        next=next_cursor("stk", [one.id for one in found], limit),
    )


@query(router, "/v1/stocktakes/{stocktake_id}")
def stocktake(call: Call, stocktake_id: StocktakeId) -> StocktakeOut:
    """查看盘点 A stocktake: its list, its step, its draw, its counts."""
    return _shown(call, queries.visible(call.session, call.actor.party, stocktake_id))


@command(router, "/v1/stocktakes/{stocktake_id}/commit")
def commit(call: Call, stocktake_id: StocktakeId, body: CommitIn) -> StocktakeOut:
    """提交承诺 Commit to 32 random bytes; after both have, a block height to come is announced."""
    found = service.commit_to(
        call.session, call.actor, stocktake_id, from_b64url(body.commitment), now=call.now
    )
    return _shown(call, found)


@command(router, "/v1/stocktakes/{stocktake_id}/reveal")
def reveal(call: Call, stocktake_id: StocktakeId, body: RevealIn) -> StocktakeOut:
    """披露 Reveal what one committed to, once the block is final; not revealing within a day is failing."""
    salt, value = from_b64url(body.salt), from_b64url(body.value)
    return _shown(
        call, service.reveal(call.session, call.actor, stocktake_id, salt, value, now=call.now)
    )


@command(router, "/v1/stocktakes/{stocktake_id}/counts")
def count(call: Call, stocktake_id: StocktakeId, body: CountIn) -> StocktakeOut:
    """登记盘点结果 Record what was counted of a drawn lot, by its 巡库记录. By the supervisor."""
    return _shown(
        call, service.count(call.session, call.actor, stocktake_id, body.value(), now=call.now)
    )


@query(
    router,
    "/v1/stocktakes/{stocktake_id}/draw",
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
def draw(call: Call, stocktake_id: StocktakeId) -> Response:
    """抽签文件 The draw as a file: anyone checks it with SHA-256 alone (docs/formats/draw.md)."""
    found = queries.visible(call.session, call.actor.party, stocktake_id)
    if found.seed is None:
        raise StepRefused(state=found.state.value, asked="draw")
    sides = service.sides_of(call.session, found)
    content = canonical.encode(draw_file(found, service.lot_names(found), sides))
    return download(content, f"{public_id('stk', found.id)}.json", MEDIA_TYPE)


def _shown(call: Call, found: Stocktake) -> StocktakeOut:
    counts = [
        CountOut.of(one, call.session.get_one(Lot, one.lot_id))
        for one in service.counts_of(call.session, found).values()
    ]
    return StocktakeOut.of(found, service.sides_of(call.session, found), counts)
