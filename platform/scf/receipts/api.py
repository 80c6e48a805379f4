"""Endpoints of warehouse receipts."""

from fastapi import APIRouter

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import LotId, PageSize, WarehouseReceiptId
from scf.parties.drafts import drafted
from scf.parties.schemas import DraftOut, SignedIn
from scf.receipts import delivering, issuing, queries
from scf.receipts.schemas import (
    DeliveryIn,
    OrderNoIn,
    ReceiptIn,
    ReceiptOut,
    WithdrawalIn,
    WithdrawalOut,
)

router = APIRouter(tags=["receipts 仓单"])


@command(router, "/v1/warehouse-receipts/draft")
def draft_issue(call: Call, body: ReceiptIn) -> DraftOut:
    """生成仓单 Write a receipt over stored goods, for the keeper's maker and checker."""
    return drafted(call, issuing.draft_issue, body.value(), signers=body.signers)


@command(router, "/v1/lots/{lot_id}/warehouse-receipts", status=201)
def issue(call: Call, lot_id: LotId, body: SignedIn) -> ReceiptOut:
    """填发仓单 Hand it back, signed; `lot_id` is the first of its lots."""
    found = issuing.issue(call.session, call.actor, lot_id, jws=body.jws, now=call.now)
    return ReceiptOut.of(found)


@query(router, "/v1/warehouse-receipts")
def receipts(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ReceiptOut]:
    """仓单列表 The receipts that one keeps the goods of, holds or deposited, oldest first."""
    after = read_cursor("whr", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit)
    ids = [receipt.id for receipt in found]
    return Page[ReceiptOut](
        items=[ReceiptOut.of(receipt) for receipt in found], next=next_cursor("whr", ids, limit)
    )


@query(router, "/v1/warehouse-receipts/{receipt_id}")
def receipt(call: Call, receipt_id: WarehouseReceiptId) -> ReceiptOut:
    """查看仓单 One receipt."""
    return ReceiptOut.of(queries.visible(call.session, call.actor.party, receipt_id))


@query(router, "/v1/warehouse-receipts/{receipt_id}/withdrawals")
def withdrawals(call: Call, receipt_id: WarehouseReceiptId) -> list[WithdrawalOut]:
    """提货记录 What was asked for of a receipt, oldest first."""
    found = queries.visible(call.session, call.actor.party, receipt_id)
    return [WithdrawalOut.of(one, found) for one in queries.withdrawals(call.session, found.id)]


@command(router, "/v1/warehouse-receipts/{receipt_id}/withdrawal-draft")
def draft_withdrawal(call: Call, receipt_id: WarehouseReceiptId, body: WithdrawalIn) -> DraftOut:
    """生成提货通知书 Write what the holder is to sign: so much is to be handed over."""
    return drafted(
        call, delivering.draft_withdrawal, receipt_id, body.value(), signers=body.signers
    )


@command(router, "/v1/warehouse-receipts/{receipt_id}/withdrawals", status=201)
def order_withdrawal(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> WithdrawalOut:
    """提货通知 Hand the order back, signed."""
    withdrawal = delivering.order_withdrawal(
        call.session, call.actor, receipt_id, jws=body.jws, now=call.now
    )
    found = queries.visible(call.session, call.actor.party, receipt_id)
    return WithdrawalOut.of(withdrawal, found)


@command(router, "/v1/warehouse-receipts/{receipt_id}/withdrawals/take-back")
def take_back_withdrawal(call: Call, receipt_id: WarehouseReceiptId, body: OrderNoIn) -> ReceiptOut:
    """撤回提货通知书 Take an order back that was not carried out."""
    found = delivering.take_back(call.session, call.actor, receipt_id, body.order_no, now=call.now)
    return ReceiptOut.of(found)


@command(router, "/v1/warehouse-receipts/{receipt_id}/delivery-draft")
def draft_delivery(call: Call, receipt_id: WarehouseReceiptId, body: DeliveryIn) -> DraftOut:
    """生成出库单 Write what the keeper is to sign: so much has left."""
    return drafted(
        call,
        delivering.draft_delivery,
        receipt_id,
        body.order_no,
        body.papers,
        signers=body.signers,
    )


@command(router, "/v1/warehouse-receipts/{receipt_id}/deliver")
def deliver(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> ReceiptOut:
    """出库 Hand the delivery back, signed: the goods have left."""
    found = delivering.deliver(call.session, call.actor, receipt_id, jws=body.jws, now=call.now)
    return ReceiptOut.of(found)
