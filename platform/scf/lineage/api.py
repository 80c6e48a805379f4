"""Endpoints of orders and goods, and of what became of them."""

from fastapi import APIRouter

from scf.capacity.queries import held_by
from scf.capacity.schemas import PoolOut
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, PoolId, StageId
from scf.lineage import queries, service
from scf.lineage.models import StageKind
from scf.lineage.schemas import (
    ConversionIn,
    FamilyOut,
    ReductionIn,
    StageIn,
    StageOut,
    UndertakingIn,
)
from scf.parties.schemas import DraftOut, SignedIn

router = APIRouter(tags=["lineage 订单、货物"])


@command(router, "/v1/stages", status=201)
def register(call: Call, body: StageIn) -> StageOut:
    """登记订单或货物 Put an order, a despatch advice or a receipt forward for its buyer to confirm."""
    return StageOut.of(service.register(call.session, call.actor, body.document, now=call.now))


@query(router, "/v1/stages")
def stages(
    call: Call,
    kind: StageKind | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[StageOut]:
    """订单、货物列表 The orders and goods that one is a side of, oldest first."""
    after = read_cursor("stg", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit, kind=kind)
    ids = [stage.id for stage in found]
    return Page[StageOut](
        items=[StageOut.of(stage) for stage in found], next=next_cursor("stg", ids, limit)
    )


@query(router, "/v1/stages/{stage_id}")
def stage(call: Call, stage_id: StageId) -> StageOut:
    """查看订单或货物 One order, or goods."""
    return StageOut.of(queries.visible(call.session, call.actor.party, stage_id))


@command(router, "/v1/stages/{stage_id}/confirmation-draft")
def draft_confirmation(call: Call, stage_id: StageId, body: UndertakingIn) -> DraftOut:
    """生成订单（货物）确认书 Write what the buyer's maker and checker are to sign."""
    return DraftOut.of(
        service.draft_confirmation(
            call.session,
            call.actor,
            stage_id,
            body.value(),
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/stages/{stage_id}/confirm")
def confirm(call: Call, stage_id: StageId, body: SignedIn) -> StageOut:
    """确认订单或货物 Hand it back, signed: the value's pool is opened."""
    found = service.confirm(
        call.session,
        call.actor,
        stage_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return StageOut.of(found)


@command(router, "/v1/stages/{stage_id}/reduce")
def reduce(call: Call, stage_id: StageId, body: ReductionIn) -> StageOut:
    """取消订单、报告货损 Record that an order is cancelled, or goods are lost; holders are told."""
    found = service.reduce(
        call.session,
        call.actor,
        stage_id,
        amount=body.amount,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return StageOut.of(found)


@query(router, "/v1/pools/{pool_id}/lineage")
def lineage(call: Call, pool_id: PoolId) -> FamilyOut:
    """查看价值形态 What a value was and became: order, goods, claim."""
    return FamilyOut.of(queries.family(call.session, call.actor.party, pool_id))


@command(router, "/v1/pools/{pool_id}/convert")
def convert(call: Call, pool_id: PoolId, body: ConversionIn) -> PoolOut:
    """转换占用 Take an encumbrance of one's own along into this later form of its value."""
    found = service.convert(
        call.session,
        call.actor,
        pool_id,
        holder=body.holder,
        amount=body.amount,
        now=call.now,
    )
    held = held_by(call.session, found, call.actor.party)
    return PoolOut.of(found, reader=call.actor.party, held=held)
