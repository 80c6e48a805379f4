"""Endpoints of receivables."""

from fastapi import APIRouter
from fastapi.responses import Response

from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, ReceivableId
from scf.http.sheets import CSV, XLSX
from scf.parties.queries import parties_of
from scf.parties.schemas import DraftOut, SignedIn
from scf.receivables import (
    answers,
    basket,
    findings,
    payments,
    permissions,
    queries,
    refusals,
    service,
    submission,
)
from scf.receivables.basket import Drafting
from scf.receivables.basket_schemas import (
    BasketDraftOut,
    BasketIn,
    BasketOut,
    BasketProblemOut,
    FileOut,
    SignedBasketsIn,
)
from scf.receivables.models import Receivable, State
from scf.receivables.permissions import Action
from scf.receivables.queries import Side
from scf.receivables.schemas import (
    BulkIn,
    BulkOut,
    ConfirmationIn,
    DisputeIn,
    FindingOut,
    PaymentIn,
    PaymentOut,
    ReceivableOut,
    RejectionIn,
    ReportedOut,
    SubmissionIn,
    SubmittedOut,
    WithdrawalIn,
)
from scf.receivables.submission import Mode

router = APIRouter(tags=["receivables 应收账款"])


@command(router, "/v1/receivables", status=201)
def submit(call: Call, body: SubmissionIn) -> SubmittedOut:
    """提交确权请求 Submit a line for its debtor to confirm. By the creditor."""
    line = submission.submit(call.session, call.actor, body.submission(), now=call.now)
    return SubmittedOut.of(line)


@command(router, "/v1/receivables/bulk")
def submit_bulk(call: Call, body: BulkIn, mode: Mode = Mode.ATOMIC) -> BulkOut:
    """批量提交 Submit many lines: all or none (`atomic`), or those that can be (`continue`)."""
    items = [item.submission() for item in body.items]
    outcomes = submission.submit_many(call.session, call.actor, items, mode=mode, now=call.now)
    return BulkOut.of(mode, outcomes)


@query(router, "/v1/receivables")
def receivables(
    call: Call,
    side: Side | None = None,
    state: State | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[ReceivableOut]:
    """应收账款列表 The receivables one has a part in: as creditor, debtor or bank, oldest first."""
    after = read_cursor("rcv", cursor)
    found = queries.page(
        call.session, call.actor.party, side=side, state=state, after=after, size=limit
    )
    return Page[ReceivableOut](
        items=_shown(call, list(found)),
        next=next_cursor("rcv", [receivable.id for receivable in found], limit),
    )


@query(router, "/v1/receivables/pending.csv", responses={200: {"content": {"text/csv": {}}}})
def pending(call: Call, cursor: str | None = None) -> Response:
    """待确权清单 What waits for one's confirmation, as a CSV to fill in; `Link` leads on to the rest."""
    return _pending(call, "pending.csv", cursor)


@query(router, "/v1/receivables/pending.xlsx", responses={200: {"content": {XLSX: {}}}})
def pending_workbook(call: Call, cursor: str | None = None) -> Response:
    """待确权清单（Excel） The same as a workbook, with instructions and sums by supplier and due date."""
    return _pending(call, "pending.xlsx", cursor)


def _pending(call: Call, name: str, cursor: str | None) -> Response:
    workbook = name.endswith(".xlsx")
    after = read_cursor("rcv", cursor)
    sheet, more = answers.pending_sheet(
        call.session, call.actor.party, after=after, workbooks=workbook, now=call.now
    )
    answer = download(sheet, name, XLSX if workbook else CSV)
    if more is not None:
        answer.headers["Link"] = f'</v1/receivables/{name}?cursor={more}>; rel="next"'
    return answer


@command(router, "/v1/receivables/confirmation-drafts")
def draft_answers(call: Call, body: BasketIn, mode: Mode = Mode.CONTINUE) -> BasketDraftOut:
    """清单生成答复 Draft a 确权函, and notices of dispute and rejection, over up to 1,000 lines. By the debtor."""
    how = Drafting(mode, body.signers, call.settings.log_origin, call.now, body.refusal_signers)
    rejected = None
    if body.items is not None:
        drafts = basket.draft(call.session, call.actor, body.wanted(), how)
        errors = [BasketProblemOut.of_item(left) for left in drafts.left_out]
    else:
        sheet = answers.draft_sheet(
            call.session,
            call.actor,
            body.sheet,
            how,
            pay_to=body.account,
            no_setoff=body.no_setoff,
            consents=body.consents,
        )
        drafts, errors = sheet.drafts, [BasketProblemOut.at(error) for error in sheet.errors]
        if sheet.rejected:
            rejected = FileOut.rows(sheet.rejected, workbook=body.xlsx is not None)
    return BasketDraftOut.of(drafts, answers.said(call.session, drafts), errors, rejected)


@command(router, "/v1/receivables/confirmations")
def answer_baskets(call: Call, body: SignedBasketsIn, mode: Mode = Mode.CONTINUE) -> BasketOut:
    """清单答复 Hand signed baskets back: every line is confirmed, disputed or rejected, in one transaction."""
    return BasketOut.of(
        basket.answer(call.session, call.actor, jws=body.authorizations, mode=mode, now=call.now)
    )


@query(router, "/v1/receivables/{receivable_id}")
def receivable(call: Call, receivable_id: ReceivableId) -> ReceivableOut:
    """查看应收账款 One receivable."""
    found = queries.visible(call.session, call.actor, receivable_id)
    return _shown(call, [found])[0]


@query(router, "/v1/receivables/{receivable_id}/findings")
def receivable_findings(call: Call, receivable_id: ReceivableId) -> list[FindingOut]:
    """核对提示 What does not fit together in a claim: to its debtor and its creditor."""
    found = queries.visible(call.session, call.actor, receivable_id)
    permissions.require(found, call.actor.party, Action.LOOK)
    hints = findings.of(call.session, [found], now=call.now)[found.id]
    if call.actor.party != found.debtor_id:
        hints = [hint for hint in hints if hint.code not in findings.DEBTORS_ALONE]
    return [FindingOut.of(hint) for hint in hints]


@command(router, "/v1/receivables/{receivable_id}/confirmation-draft")
def draft_confirmation(call: Call, receivable_id: ReceivableId, body: ConfirmationIn) -> DraftOut:
    """生成确权函 Write the 确权函 for maker and checker to sign. By the debtor."""
    return DraftOut.of(
        service.draft_confirmation(
            call.session,
            call.actor,
            receivable_id,
            body.confirmation(),
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/receivables/{receivable_id}/confirm")
def confirm(call: Call, receivable_id: ReceivableId, body: SignedIn) -> ReceivableOut:
    """确权 Hand back the 确权函, signed: the receivable is confirmed and its pool is open."""
    found = service.confirm(
        call.session,
        call.actor,
        receivable_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, [found])[0]


@command(router, "/v1/receivables/{receivable_id}/dispute-draft")
def draft_dispute(call: Call, receivable_id: ReceivableId, body: DisputeIn) -> DraftOut:
    """生成争议通知书 Write the notice of a dispute. By the debtor."""
    return DraftOut.of(
        refusals.draft_dispute(
            call.session,
            call.actor,
            receivable_id,
            reason=body.reason,
            amount=body.amount,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/receivables/{receivable_id}/dispute")
def dispute(call: Call, receivable_id: ReceivableId, body: SignedIn) -> ReceivableOut:
    """提出争议 Hand back the notice of a dispute, signed."""
    found = refusals.dispute(
        call.session,
        call.actor,
        receivable_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, [found])[0]


@command(router, "/v1/receivables/{receivable_id}/rejection-draft")
def draft_rejection(call: Call, receivable_id: ReceivableId, body: RejectionIn) -> DraftOut:
    """生成不予确认通知书 Write the rejection. By the debtor."""
    return DraftOut.of(
        refusals.draft_rejection(
            call.session,
            call.actor,
            receivable_id,
            reason=body.reason,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/receivables/{receivable_id}/reject")
def reject(call: Call, receivable_id: ReceivableId, body: SignedIn) -> ReceivableOut:
    """不予确认 Hand back the rejection, signed; the documents are free again."""
    found = refusals.reject(
        call.session,
        call.actor,
        receivable_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, [found])[0]


@command(router, "/v1/receivables/{receivable_id}/withdraw")
def withdraw(call: Call, receivable_id: ReceivableId, body: WithdrawalIn) -> ReceivableOut:
    """撤回 Take a submitted line back, before its debtor has answered. By the creditor."""
    found = refusals.withdraw(
        call.session,
        call.actor,
        receivable_id,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return _shown(call, [found])[0]


@command(router, "/v1/receivables/{receivable_id}/payments")
def report_payment(call: Call, receivable_id: ReceivableId, body: PaymentIn) -> ReportedOut:
    """回款通知 Report money that came in. By the bank that keeps the named account, or a pledgee."""
    return ReportedOut.of(
        payments.report(
            call.session,
            call.actor,
            receivable_id,
            body.receipt(),
            now=call.now,
            expected_version=call.if_match,
        )
    )


@query(router, "/v1/receivables/{receivable_id}/payments")
def receivable_payments(call: Call, receivable_id: ReceivableId) -> list[PaymentOut]:
    """回款记录 The payments of a receivable, in the order reported."""
    found = queries.visible(call.session, call.actor, receivable_id)
    return [PaymentOut.of(payment) for payment in queries.payments(call.session, found.id)]


def _shown(call: Call, found: list[Receivable]) -> list[ReceivableOut]:
    """Show receivables with their parties and documents, in two queries."""
    parties = parties_of(call.session, found)
    documents = queries.documents_of(call.session, [receivable.id for receivable in found])
    return [ReceivableOut.of(one, parties, documents[one.id]) for one in found]
