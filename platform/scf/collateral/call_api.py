"""Endpoints of margin calls, of sales, and of the notice to the keeper."""

from fastapi import APIRouter
from sqlalchemy import select

from scf.collateral import disposals, notices, permissions
from scf.collateral.disposals import Sale
from scf.collateral.models import ControlAgreement, MarginCall
from scf.collateral.schemas import (
    CallOut,
    ControlNoticeOut,
    DisposalIn,
    KeeperIn,
    SaleIn,
    SettleIn,
    SignersIn,
)
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ControlId, ControlNoticeId, MarginCallId, PageSize
from scf.parties import countersigning
from scf.parties.schemas import DraftOut, SignedIn

router = APIRouter(tags=["collateral 动态质押"])


@query(router, "/v1/margin-calls")
def margin_calls(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[CallOut]:
    """追加通知列表 The margin calls of one's agreements, oldest first."""
    after, party = read_cursor("mgc", cursor), call.actor.party
    statement = (
        select(MarginCall, ControlAgreement)
        .join(ControlAgreement, ControlAgreement.id == MarginCall.agreement_id)
        .where(permissions.is_party(party))
    )
    if after is not None:
        statement = statement.where(MarginCall.id > after)
    found = call.session.execute(statement.order_by(MarginCall.id).limit(limit)).all()
    return Page[CallOut](
        items=[CallOut.of(agreement, row) for row, agreement in found],
        next=next_cursor("mgc", [row.id for row, _ in found], limit),
    )


@query(router, "/v1/margin-calls/{call_id}")
def margin_call(call: Call, call_id: MarginCallId) -> CallOut:
    """查看追加通知 A margin call as it stands."""
    return CallOut.of(*disposals.visible(call.session, call.actor.party, call_id))


@command(router, "/v1/margin-calls/{call_id}/disposal-draft")
def draft_disposal(call: Call, call_id: MarginCallId, body: DisposalIn) -> DraftOut:
    """生成处置通知书 Write the notice of sale for the bank's maker and checker. After a breach only."""
    drafted = disposals.draft_notice(
        call.session,
        call.actor,
        call_id,
        reason=body.reason,
        signers=body.signers,
        origin=call.settings.log_origin,
        now=call.now,
    )
    return DraftOut.of(drafted)


@command(router, "/v1/margin-calls/{call_id}/disposal-notice")
def notify_disposal(call: Call, call_id: MarginCallId, body: SignedIn) -> CallOut:
    """发出处置通知 Hand the notice back, signed: from its day on the goods may be sold."""
    disposals.notice(call.session, call.actor, call_id, jws=body.jws, now=call.now)
    return CallOut.of(*disposals.visible(call.session, call.actor.party, call_id))


@command(router, "/v1/margin-calls/{call_id}/sale")
def tell_sale(call: Call, call_id: MarginCallId, body: SaleIn) -> CallOut:
    """报告处置结果 What the goods were sold for, with the evidence of the market. By the bank."""
    sale = Sale(body.sold_on, body.buyer, body.manner, body.evidence, body.proceeds)
    disposals.sell(call.session, call.actor, call_id, sale, now=call.now)
    return CallOut.of(*disposals.visible(call.session, call.actor.party, call_id))


@command(router, "/v1/margin-calls/{call_id}/settle")
def settle_sale(call: Call, call_id: MarginCallId, body: SettleIn) -> CallOut:
    """返还余款 The surplus went back to the pledgor, by this receipt; the call is over. By the bank."""
    disposals.settle(
        call.session,
        call.actor,
        call_id,
        returned_on=body.returned_on,
        receipt_no=body.receipt_no,
        now=call.now,
    )
    return CallOut.of(*disposals.visible(call.session, call.actor.party, call_id))


@command(router, "/v1/control-agreements/{control_id}/notices", status=201)
def draw_notice(call: Call, control_id: ControlId, body: KeeperIn) -> ControlNoticeOut:
    """出具出质通知书 Draw up the notice of what is pledged at a keeper's. By the bank; three sign."""
    row = notices.draw(call.session, call.actor, control_id, body.keeper, now=call.now)
    return ControlNoticeOut.of(row)


@query(router, "/v1/control-notices")
def control_notices(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ControlNoticeOut]:
    """出质通知书列表 The notices that one signs, oldest first."""
    after = read_cursor("cnt", cursor)
    found = notices.page(call.session, call.actor.party, after=after, size=limit)
    return Page[ControlNoticeOut](
        items=[ControlNoticeOut.of(row) for row in found],
        next=next_cursor("cnt", [row.id for row in found], limit),
    )


@query(router, "/v1/control-notices/{control_notice_id}")
def control_notice(call: Call, control_notice_id: ControlNoticeId) -> ControlNoticeOut:
    """查看出质通知书 A notice, who signed it, and the keeper's 回执."""
    return ControlNoticeOut.of(notices.visible(call.session, call.actor.party, control_notice_id))


@command(router, "/v1/control-notices/{control_notice_id}/draft")
def draft_notice(call: Call, control_notice_id: ControlNoticeId, body: SignersIn) -> DraftOut:
    """生成通知签署文件 Write one's part of the notice; the keeper's is the 回执."""
    drafted = countersigning.draft(
        call.session,
        call.actor,
        notices.SIGNED,
        control_notice_id,
        signers=body.signers,
        origin=call.settings.log_origin,
        now=call.now,
    )
    return DraftOut.of(drafted)


@command(router, "/v1/control-notices/{control_notice_id}/sign")
def sign_notice(call: Call, control_notice_id: ControlNoticeId, body: SignedIn) -> ControlNoticeOut:
    """签署通知或回执 Hand one's part back, signed; with the keeper's the notice is acknowledged."""
    row = countersigning.sign(
        call.session, call.actor, notices.SIGNED, control_notice_id, jws=body.jws, now=call.now
    )
    return ControlNoticeOut.of(row)
