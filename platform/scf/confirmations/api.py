"""Endpoints of requests for confirmation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from scf.confirmations import letters, pack_papers, packs, queries, service
from scf.confirmations.models import ConfirmationRequest, MomentKind, RequestState
from scf.confirmations.schemas import (
    ContestIn,
    DecisionIn,
    RequestIn,
    RequestOut,
    WithdrawalIn,
)
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ConfirmationRequestId, DateText, NothingIn, PageSize, ReceivableId
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.papers import typesetting
from scf.parties.queries import parties_of

router = APIRouter(tags=["confirmation requests 确权请求"])
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {typesetting.MEDIA_TYPE: {}}}}


@command(router, "/v1/receivables/{receivable_id}/confirmation-request", status=201)
def ask(call: Call, receivable_id: ReceivableId, body: RequestIn) -> RequestOut:
    """确权请求 Ask the debtor to confirm; where the law's conditions hold its time runs. By the creditor."""
    found = service.ask(
        call.session,
        call.actor,
        receivable_id,
        body.asked(),
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@query(router, "/v1/confirmation-requests")
def requests(
    call: Call,
    *,
    state: RequestState | None = None,
    due_before: DateText | None = None,
    receivable: ReceivableId | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[RequestOut]:
    """确权请求列表 One's requests, oldest first: days, next reminder, deadline, who is to act."""
    found = queries.page(
        call.session,
        call.actor,
        state=state,
        due_before=due_before,
        receivable_id=receivable,
        after=read_cursor("cfr", cursor),
        size=limit,
    )
    ids = [one.id for one in found]
    return Page[RequestOut](items=shown(call, found), next=next_cursor("cfr", ids, limit))


@query(router, "/v1/confirmation-requests/{request_id}")
def request(call: Call, request_id: ConfirmationRequestId) -> RequestOut:
    """查看确权请求 One request: where it stands, since when, in whose hands."""
    return shown(call, [queries.visible(call.session, call.actor, request_id)])[0]


@command(router, "/v1/confirmation-requests/{request_id}/deliver")
def deliver(call: Call, request_id: ConfirmationRequestId, body: NothingIn) -> RequestOut:
    """收件 The request has entered the debtor's system. By the debtor's system."""
    del body
    found = service.take_in(
        call.session, call.actor, request_id, MomentKind.DELIVERED, now=call.now
    )
    return shown(call, [found])[0]


@command(router, "/v1/confirmation-requests/{request_id}/read")
def read(call: Call, request_id: ConfirmationRequestId, body: NothingIn) -> RequestOut:
    """已阅 Somebody at the debtor's has opened the request. By the debtor."""
    del body
    found = service.take_in(call.session, call.actor, request_id, MomentKind.READ, now=call.now)
    return shown(call, [found])[0]


@command(router, "/v1/confirmation-requests/{request_id}/withdraw")
def withdraw(call: Call, request_id: ConfirmationRequestId, body: WithdrawalIn) -> RequestOut:
    """撤回请求 Take the request back. By the creditor."""
    found = service.withdraw(call.session, call.actor, request_id, reason=body.reason, now=call.now)
    return shown(call, [found])[0]


@command(router, "/v1/confirmation-requests/{request_id}/escalate")
def escalate(call: Call, request_id: ConfirmationRequestId, body: NothingIn) -> RequestOut:
    """催告 Write the letter over an overdue request. By the creditor."""
    del body
    found = service.escalate(call.session, call.actor, request_id, now=call.now)
    return shown(call, [found])[0]


@query(router, "/v1/confirmation-requests/{request_id}/notice.pdf", responses=PDF)
def notice(call: Call, request_id: ConfirmationRequestId) -> Response:
    """下载催告函 The letter as PDF/A, from what was stored when it was written."""
    found = queries.visible(call.session, call.actor, request_id)
    paper = letters.paper(call.session, found, public_url=call.settings.public_url)
    name = f"催告函-{public_id('cfr', found.id)}.pdf"
    return download(typesetting.letter(paper), name, typesetting.MEDIA_TYPE)


@query(
    router,
    "/v1/confirmation-requests/{request_id}/evidence.json",
    responses={200: {"content": {"application/json": {}}}},
)
def evidence_json(call: Call, request_id: ConfirmationRequestId) -> Response:
    """下载证据包 The request's facts with the proof of each event; 409 `evidence.pending` until published."""
    pack = _pack(call, request_id)
    name = f"确权证据包-{public_id('cfr', request_id)}.json"
    return download(packs.to_json(call.session, pack), name, "application/json")


@query(router, "/v1/confirmation-requests/{request_id}/evidence.pdf", responses=PDF)
def evidence_pdf(call: Call, request_id: ConfirmationRequestId) -> Response:
    """下载证据包（PDF） The same facts as PDF/A, with the hash of the JSON in text and QR code."""
    pack = _pack(call, request_id)
    paper = pack_papers.paper(pack, public_url=call.settings.public_url)
    name = f"确权证据包-{public_id('cfr', request_id)}.pdf"
    return download(typesetting.evidence_pack(paper), name, typesetting.MEDIA_TYPE)


@command(router, "/v1/confirmation-requests/{request_id}/contest")
def contest(call: Call, request_id: ConfirmationRequestId, body: ContestIn) -> RequestOut:
    """提出异议 Object to being held overdue, with a reason. By the debtor."""
    found = service.contest(call.session, call.actor, request_id, reason=body.reason, now=call.now)
    return shown(call, [found])[0]


@command(router, "/v1/confirmation-requests/{request_id}/decide-contest")
def decide(call: Call, request_id: ConfirmationRequestId, body: DecisionIn) -> RequestOut:
    """异议处理 Decide an objection; upheld, the request leaves the figures. By the operator."""
    found = service.decide(
        call.session,
        call.actor,
        request_id,
        upheld=body.upheld,
        reason=body.reason,
        now=call.now,
    )
    return shown(call, [found])[0]


def _pack(call: Call, request_id: UUID) -> packs.Pack:
    request = queries.visible(call.session, call.actor, request_id)
    (found,) = queries.found(call.session, [request], now=call.now)
    return packs.collect(call.session, found)


def shown(call: Call, found: Sequence[ConfirmationRequest]) -> list[RequestOut]:
    """Show requests as they stand now."""
    parties = parties_of(call.session, found)
    today = business_date(call.now)
    standing = queries.found(call.session, found, now=call.now)
    operator = call.actor.operator
    return [RequestOut.of(one, parties, today=today, operator=operator) for one in standing]
