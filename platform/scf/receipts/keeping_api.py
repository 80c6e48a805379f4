"""Endpoints of what becomes of a receipt: passed on, divided, amended, kept still; and of goods lost and found."""

from fastapi import APIRouter

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import DivisionId, LotId, PageSize, RestraintId, WarehouseReceiptId
from scf.parties import countersigning
from scf.parties.drafts import drafted
from scf.parties.schemas import DraftOut, SignedIn
from scf.receipts import amending, dividing, endorsing, losses, queries, restraining
from scf.receipts.rules import TITLES
from scf.receipts.schemas import (
    AmendmentIn,
    DivisionIn,
    DivisionOut,
    EndorsementIn,
    EndorsementOut,
    FreezeIn,
    IssuesIn,
    LossIn,
    ReceiptOut,
    RestraintOut,
    TitleOut,
)
from scf.stock.schemas import LotOut, StoringIn, TurnAwayIn

router = APIRouter(tags=["receipts 仓单"])
RECEIPT = "/v1/warehouse-receipts/{receipt_id}"
DIVISION = "/v1/receipt-divisions/{division_id}"


@query(router, "/v1/title-kinds")
def title_kinds(call: Call) -> list[TitleOut]:
    """凭证种类 Kinds of titles to goods: who hands over against what, and by which law."""
    del call  # the same for everybody
    return [
        TitleOut(
            kind=kind,
            name=rule.name,
            bailee=rule.bailee,
            surrender=rule.surrender,
            source=rule.source,
            contractual=rule.contractual,
        )
        for kind, rule in TITLES.items()
    ]


@command(router, f"{RECEIPT}/endorsement-draft")
def draft_endorsement(call: Call, receipt_id: WarehouseReceiptId, body: EndorsementIn) -> DraftOut:
    """生成背书 Write the endorsement that the holder is to sign."""
    return drafted(call, endorsing.draft, receipt_id, body.to, signers=body.signers)


@command(router, f"{RECEIPT}/endorse")
def endorse(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> EndorsementOut:
    """背书 Hand it back, signed: it waits for the keeper (民法典第九百一十条)."""
    return EndorsementOut.of(
        endorsing.sign(
            call.session, call.actor, receipt_id, passing=True, jws=body.jws, now=call.now
        )
    )


@command(router, f"{RECEIPT}/surrender-draft")
def draft_surrender(call: Call, receipt_id: WarehouseReceiptId, body: StoringIn) -> DraftOut:
    """生成注销申请 Write what the holder signs to hand the receipt in without taking the goods."""
    return drafted(call, endorsing.draft, receipt_id, None, signers=body.signers)


@command(router, f"{RECEIPT}/surrender")
def surrender(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> EndorsementOut:
    """申请注销 Hand it back, signed: it waits for the keeper."""
    return EndorsementOut.of(
        endorsing.sign(
            call.session, call.actor, receipt_id, passing=False, jws=body.jws, now=call.now
        )
    )


@query(router, f"{RECEIPT}/endorsements")
def endorsements(call: Call, receipt_id: WarehouseReceiptId) -> list[EndorsementOut]:
    """背书记录 How a receipt was passed on or handed in, oldest first."""
    found = queries.visible(call.session, call.actor.party, receipt_id)
    return [EndorsementOut.of(one) for one in queries.endorsements(call.session, found.id)]


@command(router, f"{RECEIPT}/endorsements/take-back")
def take_back_endorsement(call: Call, receipt_id: WarehouseReceiptId) -> ReceiptOut:
    """撤回背书 Take back what the keeper has not attested."""
    return ReceiptOut.of(endorsing.take_back(call.session, call.actor, receipt_id, now=call.now))


@command(router, f"{RECEIPT}/attestation-draft")
def draft_attestation(call: Call, receipt_id: WarehouseReceiptId, body: StoringIn) -> DraftOut:
    """生成保管人签章 Write the keeper's answer to what the holder signed."""
    return drafted(call, endorsing.draft_answer, receipt_id, signers=body.signers)


@command(router, f"{RECEIPT}/attest")
def attest(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> ReceiptOut:
    """保管人签章 Hand it back, signed: the receipt has its new holder, or is cancelled."""
    return ReceiptOut.of(
        endorsing.answer(call.session, call.actor, receipt_id, jws=body.jws, now=call.now)
    )


@command(router, f"{RECEIPT}/freeze")
def freeze(call: Call, receipt_id: WarehouseReceiptId, body: FreezeIn) -> ReceiptOut:
    """冻结 Keep a receipt still by a court's order or its pledgee's request. By the keeper."""
    return ReceiptOut.of(
        restraining.freeze(
            call.session, call.actor, receipt_id, body.basis, body.reference, now=call.now
        )
    )


@query(router, f"{RECEIPT}/restraints")
def restraints(call: Call, receipt_id: WarehouseReceiptId) -> list[RestraintOut]:
    """冻结与争议 What stands or stood against a receipt."""
    found = queries.visible(call.session, call.actor.party, receipt_id)
    return [RestraintOut.of(one, found) for one in queries.restraints(call.session, found.id)]


@command(router, f"{RECEIPT}/restraints/{{restraint_id}}/thaw")
def thaw(
    call: Call, receipt_id: WarehouseReceiptId, restraint_id: RestraintId, body: TurnAwayIn
) -> ReceiptOut:
    """解除冻结 Lift a freeze. By the keeper."""
    return ReceiptOut.of(
        restraining.thaw(
            call.session, call.actor, receipt_id, restraint_id, body.reason, now=call.now
        )
    )


@command(router, f"{RECEIPT}/restraints/{{restraint_id}}/clear")
def clear(call: Call, receipt_id: WarehouseReceiptId, restraint_id: RestraintId) -> ReceiptOut:
    """解除争议 Say that nothing is disputed any more: keeper and supervisor, both."""
    return ReceiptOut.of(
        restraining.clear(call.session, call.actor, receipt_id, restraint_id, now=call.now)
    )


@command(router, f"{RECEIPT}/restraints/{{restraint_id}}/settle")
def settle(
    call: Call, receipt_id: WarehouseReceiptId, restraint_id: RestraintId, body: TurnAwayIn
) -> ReceiptOut:
    """结清差额 Say, as the holder, that what is missing was made good."""
    return ReceiptOut.of(
        restraining.settle(
            call.session, call.actor, receipt_id, restraint_id, body.reason, now=call.now
        )
    )


@command(router, f"{RECEIPT}/amendment-draft")
def draft_amendment(call: Call, receipt_id: WarehouseReceiptId, body: AmendmentIn) -> DraftOut:
    """生成仓单变更 Write the items as they are to stand: period, fee, insurance, medium."""
    return drafted(call, amending.draft, receipt_id, body.value(), signers=body.signers)


@command(router, f"{RECEIPT}/amend")
def amend(call: Call, receipt_id: WarehouseReceiptId, body: SignedIn) -> ReceiptOut:
    """仓单变更 Hand it back, signed by the keeper."""
    return ReceiptOut.of(
        amending.amend(call.session, call.actor, receipt_id, jws=body.jws, now=call.now)
    )


@command(router, f"{RECEIPT}/report-lost")
def report_lost(call: Call, receipt_id: WarehouseReceiptId, body: TurnAwayIn) -> ReceiptOut:
    """挂失 Report a receipt on paper lost."""
    return ReceiptOut.of(
        amending.report_lost(call.session, call.actor, receipt_id, body.reason, now=call.now)
    )


@command(router, "/v1/receipt-divisions", status=201)
def ask_division(call: Call, body: DivisionIn) -> DivisionOut:
    """申请分割、合并仓单 Ask for one receipt to be split, or several to be merged. By the holder."""
    parts = [part.value() for part in body.into]
    return DivisionOut.of_row(dividing.ask(call.session, call.actor, body.of, parts, now=call.now))


@query(router, "/v1/receipt-divisions")
def divisions(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[DivisionOut]:
    """分割、合并申请列表 The divisions that one asked for or carries out, oldest first."""
    after = read_cursor("dvn", cursor)
    found = queries.divisions(call.session, call.actor.party, after=after, size=limit)
    ids = [division.id for division in found]
    return Page[DivisionOut](
        items=[DivisionOut.of_row(one) for one in found], next=next_cursor("dvn", ids, limit)
    )


@query(router, DIVISION)
def division(call: Call, division_id: DivisionId) -> DivisionOut:
    """查看分割、合并申请 One division."""
    return DivisionOut.of_row(dividing.visible(call.session, call.actor.party, division_id))


@command(router, f"{DIVISION}/draft")
def draft_division(call: Call, division_id: DivisionId, body: StoringIn) -> DraftOut:
    """生成分割、合并签署文件 Write what the caller signs: the holder its demand, a pledgee its consent."""
    return drafted(call, countersigning.draft, dividing.SIGNING, division_id, signers=body.signers)


@command(router, f"{DIVISION}/sign")
def sign_division(call: Call, division_id: DivisionId, body: SignedIn) -> DivisionOut:
    """签署分割、合并申请 Hand it back, signed."""
    return DivisionOut.of_row(
        countersigning.sign(
            call.session, call.actor, dividing.SIGNING, division_id, jws=body.jws, now=call.now
        )
    )


@command(router, f"{DIVISION}/take-back")
def take_back_division(call: Call, division_id: DivisionId) -> DivisionOut:
    """撤回分割、合并申请 Take a division back that was not carried out."""
    return DivisionOut.of_row(
        dividing.take_back(call.session, call.actor, division_id, now=call.now)
    )


@command(router, f"{DIVISION}/issue-drafts")
def draft_division_issues(call: Call, division_id: DivisionId, body: StoringIn) -> list[DraftOut]:
    """生成新仓单 Write the new receipts for the keeper's maker and checker, in order."""
    drafts = dividing.draft_issues(
        call.session,
        call.actor,
        division_id,
        signers=body.signers,
        origin=call.settings.log_origin,
        now=call.now,
    )
    return [DraftOut.of(draft) for draft in drafts]


@command(router, f"{DIVISION}/carry-out", status=201)
def carry_out_division(call: Call, division_id: DivisionId, body: IssuesIn) -> list[ReceiptOut]:
    """分割、合并 Hand the new receipts back, signed: the old ones have become them."""
    made = dividing.carry_out(
        call.session,
        call.actor,
        division_id,
        jws=[one.jws for one in body.issues],
        now=call.now,
    )
    return [ReceiptOut.of(receipt) for receipt in made]


@command(router, "/v1/lots/{lot_id}/losses")
def lose(call: Call, lot_id: LotId, body: LossIn) -> LotOut:
    """报告短少 Tell that goods are gone. By keeper or supervisor."""
    return LotOut.of(
        losses.lose(call.session, call.actor, lot_id, body.quantity, body.reason, now=call.now)
    )


@command(router, "/v1/lots/{lot_id}/finds")
def find(call: Call, lot_id: LotId, body: LossIn) -> LotOut:
    """短少找回 Tell that lost goods are there again. By keeper or supervisor."""
    return LotOut.of(
        losses.find(call.session, call.actor, lot_id, body.quantity, body.reason, now=call.now)
    )
