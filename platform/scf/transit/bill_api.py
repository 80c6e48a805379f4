"""Endpoints of storage tariffs, of bills and claims, and of their settlement."""

from fastapi import APIRouter

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import FreightBillId, FreightSettlementId, PageSize, StorageTariffId
from scf.parties import countersigning
from scf.parties.schemas import DraftOut, SignedIn
from scf.settlement.models import PaymentOrder
from scf.transit import answering, billing, netting, tariffs
from scf.transit.bill_models import FreightSettlement
from scf.transit.bill_schemas import (
    AnswerIn,
    BillIn,
    BillOut,
    SettlementIn,
    SettlementOut,
    TariffIn,
    TariffOut,
)
from scf.transit.schemas import ReasonIn, SignersIn

router = APIRouter(tags=["freight 物流费用与结算"])


@command(router, "/v1/storage-tariffs", status=201)
def propose_tariff(call: Call, body: TariffIn) -> TariffOut:
    """提出仓储费率 Propose a tariff to a client; both sign it. By the keeper."""
    return TariffOut.of(tariffs.propose(call.session, call.actor, body.value(), now=call.now))


@query(router, "/v1/storage-tariffs")
def storage_tariffs(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[TariffOut]:
    """仓储费率列表 One's tariffs, oldest first."""
    after = read_cursor("trf", cursor)
    found = tariffs.page(call.session, call.actor.party, after=after, size=limit)
    return Page[TariffOut](
        items=[TariffOut.of(one) for one in found],
        next=next_cursor("trf", [one.id for one in found], limit),
    )


@query(router, "/v1/storage-tariffs/{tariff_id}")
def storage_tariff(call: Call, tariff_id: StorageTariffId) -> TariffOut:
    """查看仓储费率 One tariff."""
    return TariffOut.of(tariffs.visible(call.session, call.actor.party, tariff_id))


@command(router, "/v1/storage-tariffs/{tariff_id}/draft")
def draft_tariff(call: Call, tariff_id: StorageTariffId, body: SignersIn) -> DraftOut:
    """生成费率协议 Write one's part of the tariff, to sign."""
    return DraftOut.of(
        countersigning.draft(
            call.session,
            call.actor,
            tariffs.SIGNED,
            tariff_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/storage-tariffs/{tariff_id}/sign")
def sign_tariff(call: Call, tariff_id: StorageTariffId, body: SignedIn) -> TariffOut:
    """签署费率协议 Hand one's part back, signed; with the second signature the tariff is agreed on."""
    return TariffOut.of(
        countersigning.sign(
            call.session, call.actor, tariffs.SIGNED, tariff_id, jws=body.jws, now=call.now
        )
    )


@command(router, "/v1/freight-bills", status=201)
def enter_bill(call: Call, body: BillIn) -> BillOut:
    """录入账单 Enter a bill, held to agreement and book at once. By who is owed."""
    return BillOut.of(billing.enter(call.session, call.actor, body.value(), now=call.now))


@query(router, "/v1/freight-bills")
def freight_bills(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[BillOut]:
    """账单列表 The bills that one is owed or owes, oldest first."""
    after = read_cursor("frb", cursor)
    found = billing.page(call.session, call.actor.party, after=after, size=limit)
    return Page[BillOut](
        items=[BillOut.of(one) for one in found],
        next=next_cursor("frb", [one.id for one in found], limit),
    )


@query(router, "/v1/freight-bills/{bill_id}")
def freight_bill(call: Call, bill_id: FreightBillId) -> BillOut:
    """查看账单 One bill."""
    return BillOut.of(billing.visible(call.session, call.actor.party, bill_id))


@command(router, "/v1/freight-bills/{bill_id}/issue-draft")
def draft_issue(call: Call, bill_id: FreightBillId, body: SignersIn) -> DraftOut:
    """生成待签账单 Write the bill for its payee to sign."""
    return DraftOut.of(
        billing.draft_issue(
            call.session,
            call.actor,
            bill_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/freight-bills/{bill_id}/issue")
def issue_bill(call: Call, bill_id: FreightBillId, body: SignedIn) -> BillOut:
    """出具账单 Hand it back, signed: its payer sees it, and answers."""
    return BillOut.of(billing.issue(call.session, call.actor, bill_id, jws=body.jws, now=call.now))


@command(router, "/v1/freight-bills/{bill_id}/withdraw")
def withdraw_bill(call: Call, bill_id: FreightBillId, body: ReasonIn) -> BillOut:
    """撤回账单 Take back what was not answered. By its payee."""
    return BillOut.of(
        billing.withdraw(call.session, call.actor, bill_id, reason=body.reason, now=call.now)
    )


@command(router, "/v1/freight-bills/{bill_id}/answer-draft")
def draft_answer(call: Call, bill_id: FreightBillId, body: AnswerIn) -> DraftOut:
    """生成账单确认书 Write the payer's answer, item by item, for it to sign."""
    return DraftOut.of(
        answering.draft(
            call.session,
            call.actor,
            bill_id,
            [one.value() for one in body.answers],
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/freight-bills/{bill_id}/answer")
def answer_bill(call: Call, bill_id: FreightBillId, body: SignedIn) -> BillOut:
    """确认或异议 Hand the answer back, signed: what is accepted may be settled."""
    return BillOut.of(
        answering.answer(call.session, call.actor, bill_id, jws=body.jws, now=call.now)
    )


@command(router, "/v1/freight-bills/{bill_id}/concede")
def concede(call: Call, bill_id: FreightBillId, body: ReasonIn) -> BillOut:
    """让步 Give up what is in dispute. By the payee."""
    return BillOut.of(
        answering.concede(call.session, call.actor, bill_id, reason=body.reason, now=call.now)
    )


@command(router, "/v1/freight-settlements", status=201)
def settle(call: Call, body: SettlementIn) -> SettlementOut:
    """轧差结算 Net both sides' bills, and draft one payment order for the rest. By who pays."""
    return _shown(call, netting.settle(call.session, call.actor, body.value(), now=call.now))


@query(router, "/v1/freight-settlements")
def freight_settlements(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[SettlementOut]:
    """结算列表 One's settlements, oldest first."""
    after = read_cursor("fst", cursor)
    found = netting.page(call.session, call.actor.party, after=after, size=limit)
    return Page[SettlementOut](
        items=[_shown(call, one) for one in found],
        next=next_cursor("fst", [one.id for one in found], limit),
    )


@query(router, "/v1/freight-settlements/{settlement_id}")
def freight_settlement(call: Call, settlement_id: FreightSettlementId) -> SettlementOut:
    """查看结算 One settlement, and where its payment order stands."""
    return _shown(call, netting.visible(call.session, call.actor.party, settlement_id))


def _shown(call: Call, settlement: FreightSettlement) -> SettlementOut:
    order = settlement.order_id and call.session.get_one(PaymentOrder, settlement.order_id)
    return SettlementOut.of(settlement, order or None)
