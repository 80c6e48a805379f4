"""Endpoints of goods coming in."""

from fastapi import APIRouter

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import LotId, PageSize
from scf.parties.schemas import DraftOut, SignedIn
from scf.stock import queries, service
from scf.stock.schemas import (
    LotDetailOut,
    LotIn,
    LotOut,
    PaperIn,
    PaperOut,
    StoringIn,
    TurnAwayIn,
    UnitOut,
)

router = APIRouter(tags=["stock 货物入库"])


@command(router, "/v1/lots", status=201)
def enter(call: Call, body: LotIn) -> LotOut:
    """入库申请 Enter goods that a depositor brings. By the keeper."""
    return LotOut.of(service.enter(call.session, call.actor, body.value(), now=call.now))


@query(router, "/v1/lots")
def lots(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[LotOut]:
    """货物列表 The lots that one keeps, supervises or deposited, oldest first."""
    after = read_cursor("lot", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit)
    ids = [lot.id for lot in found]
    return Page[LotOut](
        items=[LotOut.of(lot) for lot in found], next=next_cursor("lot", ids, limit)
    )


@query(router, "/v1/lots/{lot_id}")
def lot(call: Call, lot_id: LotId) -> LotDetailOut:
    """查看货物 One lot, with the warehouse's papers."""
    found = queries.visible(call.session, call.actor.party, lot_id)
    return LotDetailOut(
        **LotOut.of(found).model_dump(),
        papers=[PaperOut.of(paper, found) for paper in queries.papers(call.session, found.id)],
        units=[UnitOut.of(unit, found) for unit in queries.units(call.session, found.id)],
    )


@command(router, "/v1/lots/{lot_id}/papers")
def add_paper(call: Call, lot_id: LotId, body: PaperIn) -> LotOut:
    """登记磅单、码单、质检单等 Add a paper of the warehouse, as its source made it."""
    found = service.add_paper(
        call.session,
        call.actor,
        lot_id,
        body.value(),
        now=call.now,
        expected_version=call.if_match,
    )
    return LotOut.of(found)


@command(router, "/v1/lots/{lot_id}/storing-draft")
def draft_storing(call: Call, lot_id: LotId, body: StoringIn) -> DraftOut:
    """生成入库确认单 Write what the keeper is to sign: so much is there."""
    return DraftOut.of(
        service.draft_storing(
            call.session,
            call.actor,
            lot_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/lots/{lot_id}/store")
def store(call: Call, lot_id: LotId, body: SignedIn) -> LotOut:
    """确认入库 Hand it back, signed: receipts can be issued over the goods."""
    found = service.store(
        call.session,
        call.actor,
        lot_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return LotOut.of(found)


@command(router, "/v1/lots/{lot_id}/turn-away")
def turn_away(call: Call, lot_id: LotId, body: TurnAwayIn) -> LotOut:
    """拒绝入库 Turn goods away that were not stored."""
    found = service.turn_away(call.session, call.actor, lot_id, reason=body.reason, now=call.now)
    return LotOut.of(found)
