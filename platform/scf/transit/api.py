"""Endpoints of goods on their way."""

from datetime import datetime

from fastapi import APIRouter

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ConsignmentId, InstantText, PageSize
from scf.parties.countersigning import Kind
from scf.parties.schemas import DraftOut, SignedIn
from scf.transit import arriving, moving, planning, queries, watching
from scf.transit.models import Consignment
from scf.transit.schemas import (
    AlarmOut,
    ArrivalDraftOut,
    ArrivalIn,
    ArrivedIn,
    ConsignmentDetailOut,
    ConsignmentIn,
    ConsignmentOut,
    HandOutIn,
    PositionOut,
    PositionsIn,
    ReasonIn,
    SignersIn,
)

router = APIRouter(tags=["transit 在途货物"])


@command(router, "/v1/consignments", status=201)
def plan(call: Call, body: ConsignmentIn) -> ConsignmentOut:
    """编制运单 Plan the journey of a receipt's goods. By its holder."""
    return ConsignmentOut.of(planning.plan(call.session, call.actor, body.value(), now=call.now))


@query(router, "/v1/consignments")
def consignments(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ConsignmentOut]:
    """运单列表 The consignments that one has a part in, oldest first."""
    after = read_cursor("csg", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit)
    ids = [one.id for one in found]
    return Page[ConsignmentOut](
        items=[ConsignmentOut.of(one) for one in found], next=next_cursor("csg", ids, limit)
    )


@query(router, "/v1/consignments/{consignment_id}")
def consignment(call: Call, consignment_id: ConsignmentId) -> ConsignmentDetailOut:
    """查看运单 One consignment, with its alarms."""
    found = queries.visible(call.session, call.actor.party, consignment_id)
    alarms = [AlarmOut.of(one) for one in queries.alarms(call.session, found.id)]
    return ConsignmentDetailOut(**ConsignmentOut.of(found).model_dump(), alarms=alarms)


@query(router, "/v1/consignments/{consignment_id}/positions")
def positions(
    call: Call,
    consignment_id: ConsignmentId,
    after: InstantText | None = None,
    limit: PageSize = PAGE_SIZE,
) -> list[PositionOut]:
    """在途轨迹 Where a consignment was, oldest first; `after` an instant."""
    since: datetime | None = after
    found = queries.visible(call.session, call.actor.party, consignment_id)
    return [
        PositionOut.of(one)
        for one in queries.positions(call.session, found.id, after=since, size=limit)
    ]


@command(router, "/v1/consignments/{consignment_id}/agreement-draft")
def draft_agreement(call: Call, consignment_id: ConsignmentId, body: SignersIn) -> DraftOut:
    """生成托运单或质权人同意书 Write what the holder, or a pledgee, signs of a plan."""
    return _draft(call, moving.AGREED, consignment_id, body)


@command(router, "/v1/consignments/{consignment_id}/agree")
def agree(call: Call, consignment_id: ConsignmentId, body: SignedIn) -> ConsignmentOut:
    """签署托运单或同意书 Hand it back, signed; with the last signature the goods may travel."""
    return _sign(call, moving.AGREED, consignment_id, body)


@command(router, "/v1/consignments/{consignment_id}/dispatch-draft")
def draft_dispatch(call: Call, consignment_id: ConsignmentId, body: SignersIn) -> DraftOut:
    """生成交运单或承运接收单 Write what the keeper signs who hands over, or the carrier who takes over."""
    return _draft(call, moving.DISPATCHED, consignment_id, body)


@command(router, "/v1/consignments/{consignment_id}/dispatch")
def dispatch(call: Call, consignment_id: ConsignmentId, body: SignedIn) -> ConsignmentOut:
    """签署交运或接收 Hand it back, signed; with the carrier's signature the goods are on their way."""
    return _sign(call, moving.DISPATCHED, consignment_id, body)


@command(router, "/v1/consignments/{consignment_id}/positions")
def report(call: Call, consignment_id: ConsignmentId, body: PositionsIn) -> ConsignmentOut:
    """上报在途位置 Tell where the goods are. By the carrier; known positions change nothing."""
    seen = [one.value() for one in body.positions]
    found = watching.report(call.session, call.actor, consignment_id, seen, now=call.now)
    return ConsignmentOut.of(found)


@command(router, "/v1/consignments/{consignment_id}/clear")
def clear(call: Call, consignment_id: ConsignmentId, body: ReasonIn) -> ConsignmentOut:
    """解除在途报警 Clear the alarms that stand. By a pledgee; by the holder where nothing is pledged."""
    found = watching.clear(
        call.session, call.actor, consignment_id, reason=body.reason, now=call.now
    )
    return ConsignmentOut.of(found)


@command(router, "/v1/consignments/{consignment_id}/arrival-draft")
def draft_arrival(call: Call, consignment_id: ConsignmentId, body: ArrivalIn) -> ArrivalDraftOut:
    """生成入库确认单与到货接管确认书 Write both papers of the keeper at the destination."""
    stored, received = arriving.draft_arrival(
        call.session,
        call.actor,
        consignment_id,
        body.lot,
        signers=body.signers,
        origin=call.settings.log_origin,
        now=call.now,
    )
    return ArrivalDraftOut(storing=DraftOut.of(stored), receiving=DraftOut.of(received))


@command(router, "/v1/consignments/{consignment_id}/arrive")
def arrive(call: Call, consignment_id: ConsignmentId, body: ArrivedIn) -> ConsignmentOut:
    """到货入库 Hand both back, signed: the goods lie at the new keeper's, the receipt goes on as it was."""
    found = arriving.arrive(
        call.session,
        call.actor,
        consignment_id,
        body.lot,
        jws=body.jws,
        now=call.now,
    )
    return ConsignmentOut.of(found)


@command(router, "/v1/consignments/{consignment_id}/delivery-draft")
def draft_delivery(call: Call, consignment_id: ConsignmentId, body: HandOutIn) -> DraftOut:
    """生成交付确认单 Write what the carrier signs: handed out to the buyer. Refused while a pledge stands."""
    return DraftOut.of(
        arriving.draft_delivery(
            call.session,
            call.actor,
            consignment_id,
            body.papers,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/consignments/{consignment_id}/deliver")
def deliver(call: Call, consignment_id: ConsignmentId, body: SignedIn) -> ConsignmentOut:
    """交付收货方 Hand it back, signed: the buyer has the goods."""
    found = arriving.deliver(call.session, call.actor, consignment_id, jws=body.jws, now=call.now)
    return ConsignmentOut.of(found)


@command(router, "/v1/consignments/{consignment_id}/cancel")
def cancel(call: Call, consignment_id: ConsignmentId, body: ReasonIn) -> ConsignmentOut:
    """取消运单 Give a journey up before the goods are taken over. By the holder."""
    found = planning.cancel(
        call.session, call.actor, consignment_id, reason=body.reason, now=call.now
    )
    return ConsignmentOut.of(found)


def _draft(
    call: Call, step: Kind[Consignment], consignment_id: ConsignmentId, body: SignersIn
) -> DraftOut:
    return DraftOut.of(
        moving.draft(
            call.session,
            call.actor,
            step,
            consignment_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


def _sign(
    call: Call, step: Kind[Consignment], consignment_id: ConsignmentId, body: SignedIn
) -> ConsignmentOut:
    found = moving.sign(call.session, call.actor, step, consignment_id, jws=body.jws, now=call.now)
    return ConsignmentOut.of(found)
