"""Endpoints of what a pledge has at the register. All of it is the pledgee's, who registers."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from fastapi.responses import Response

from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.limits import Kind
from scf.http.schemas import LINE_LENGTH_MAX, NothingIn, PledgeId, RegistryPaperId, Text
from scf.kernel.ids import public_id
from scf.papers import typesetting
from scf.pledges import queries as pledges
from scf.pledges.api import shown
from scf.pledges.schemas import PledgeOut
from scf.registrations import cancelling, changing, handing_in, queries, reviews, searching
from scf.registrations.schemas import (
    AmendmentIn,
    AnswerIn,
    ExtensionIn,
    FilingOut,
    FindingOut,
    FormFieldOut,
    FormOut,
    ObjectionIn,
    ObjectionOut,
    PaperOut,
    RegistryRecordOut,
    SearchOut,
)
from scf.registry import form
from scf.registry.port import Enrolled, Objection

router = APIRouter(tags=["registry 登记"])

_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_PDF: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {typesetting.MEDIA_TYPE: _FILE}}}
Number = Annotated[Text, Path(max_length=LINE_LENGTH_MAX)]


@query(router, "/v1/pledges/{pledge_id}/registration-form")
def registration_form(call: Call, pledge_id: PledgeId) -> FormOut:
    """登记填报内容 The register's form for a pledge, field by field, to be copied where no machine can."""
    filing = queries.wanted(call.session, call.actor, pledge_id)
    fields = [FormFieldOut.of(field) for field in form.fields_of(filing)]
    return FormOut(pledge=pledge_id, fields=fields)


@query(
    router,
    "/v1/pledges/{pledge_id}/registration-form.txt",
    responses={200: {"content": {"text/plain": _FILE}}},
)
def registration_form_text(call: Call, pledge_id: PledgeId) -> Response:
    """登记填报内容（文本） The same as text."""
    filing = queries.wanted(call.session, call.actor, pledge_id)
    name = f"登记填报内容-{public_id('plg', pledge_id)}.txt"
    return download(form.form_text(filing), name, "text/plain; charset=utf-8")


@query(router, "/v1/pledges/{pledge_id}/registration-form.pdf", responses=_PDF)
def registration_form_pdf(call: Call, pledge_id: PledgeId) -> Response:
    """登记填报内容（PDF） The same as a paper, with the list of invoices inside."""
    filing = queries.wanted(call.session, call.actor, pledge_id)
    paper = typesetting.paper(form.form_paper(filing, at=call.now))
    name = f"登记填报内容-{public_id('plg', pledge_id)}.pdf"
    return download(paper, name, typesetting.MEDIA_TYPE)


@query(router, "/v1/pledges/{pledge_id}/registry-record")
def registry_record_of(call: Call, pledge_id: PledgeId) -> RegistryRecordOut:
    """登记档案 Filings, searches, findings, objections and papers of a pledge."""
    found = queries.whole(call.session, call.actor, pledge_id)
    return RegistryRecordOut(
        pledge=pledge_id,
        filings=[FilingOut.of(one) for one in found.filings],
        searches=[SearchOut.of(one) for one in found.searches],
        findings=[FindingOut.of(one) for one in found.findings],
        objections=[ObjectionOut.of(one) for one in found.objections],
        papers=[PaperOut.of(one) for one in found.papers],
    )


@query(
    router,
    "/v1/pledges/{pledge_id}/searches/{cert_no}/certificate",
    responses={200: {"content": {"application/json": {}, typesetting.MEDIA_TYPE: _FILE}}},
)
def search_certificate(call: Call, pledge_id: PledgeId, cert_no: Number) -> Response:
    """下载查询证明 A search's certificate, byte for byte as issued."""
    content = queries.search_certificate(call.session, call.actor, pledge_id, cert_no)
    return _as_issued(content, cert_no)


@command(
    router,
    "/v1/pledges/{pledge_id}/registry-papers",
    status=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "登记系统出具的 PDF 原件 The register's own PDF: a certificate of a registration,"
            " of a change, an extension, a cancellation, or of a search",
            "content": {"application/octet-stream": _FILE},
        }
    },
)
def hand_in(call: Call, pledge_id: PledgeId, original: RawBody) -> PaperOut:
    """上传登记（查询）证明 Have a certificate read and compared with what was to be registered."""
    by_hand = not call.settings.registry_url
    paper = handing_in.hand_in(
        call.session, call.actor, pledge_id, original, by_hand=by_hand, now=call.now
    )
    return PaperOut.of(paper)


@query(router, "/v1/pledges/{pledge_id}/registry-papers/{paper_id}/original", responses=_PDF)
def paper_original(call: Call, pledge_id: PledgeId, paper_id: RegistryPaperId) -> Response:
    """下载上传的证明 A certificate as it was handed in."""
    paper = queries.paper(call.session, call.actor, pledge_id, paper_id)
    return download(paper.content, f"{paper.number}.pdf", typesetting.MEDIA_TYPE)


@command(router, "/v1/pledges/{pledge_id}/amend-registration", status=202)
def amend(call: Call, pledge_id: PledgeId, body: AmendmentIn) -> FilingOut:
    """办理变更登记 Have the entry changed to what ought to stand today."""
    return FilingOut.of(
        changing.amend(
            call.session,
            call.actor,
            pledge_id,
            reason=body.reason,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/extend-registration", status=202)
def extend(call: Call, pledge_id: PledgeId, body: ExtensionIn) -> FilingOut:
    """办理展期登记 Have the entry stand some months longer."""
    return FilingOut.of(
        changing.extend(
            call.session,
            call.actor,
            pledge_id,
            months=body.months,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/objections", status=201)
def object_(call: Call, pledge_id: PledgeId, body: ObjectionIn) -> ObjectionOut:
    """登记异议通知 Enter an objection of which the register told on paper."""
    objection = Objection(
        number=body.number,
        objected_at=body.objected_at,
        objector=Enrolled(body.objector, body.objector_uscc),
        text=body.text,
    )
    return ObjectionOut.of(
        reviews.object_by_hand(call.session, call.actor, pledge_id, objection, now=call.now)
    )


@command(router, "/v1/pledges/{pledge_id}/objections/{number}/answer")
def answer(call: Call, pledge_id: PledgeId, number: Number, body: AnswerIn) -> ObjectionOut:
    """答复异议 Keep what was answered to an objection."""
    return ObjectionOut.of(
        reviews.answer_objection(
            call.session, call.actor, pledge_id, number, answer=body.answer, now=call.now
        )
    )


@command(router, "/v1/pledges/{pledge_id}/search", limit=Kind.PROBES)
def search(call: Call, pledge_id: PledgeId, body: NothingIn) -> PledgeOut:
    """重新查询登记 Have the register searched once more. By the pledgee."""
    del body
    found = searching.ask_again(
        call.session, call.actor, pledge_id, now=call.now, expected_version=call.if_match
    )
    return shown(call, [found])[0]


@query(
    router,
    "/v1/pledges/{pledge_id}/registration-certificate",
    responses={200: {"content": {"application/json": {}, "application/pdf": {}}}},
)
def registration_certificate(call: Call, pledge_id: PledgeId) -> Response:
    """下载登记证明 The register's certificate, byte for byte as issued."""
    content = pledges.certificate(call.session, call.actor.party, pledge_id)
    return _as_issued(content, f"登记证明-{public_id('plg', pledge_id)}")


@command(router, "/v1/pledges/{pledge_id}/cancel-registration", status=202)
def cancel(call: Call, pledge_id: PledgeId, body: NothingIn) -> PledgeOut:
    """办理注销登记 Have a released pledge's registration cancelled. By the pledgee."""
    del body
    found = cancelling.ask(
        call.session, call.actor, pledge_id, now=call.now, expected_version=call.if_match
    )
    return shown(call, [found])[0]


def _as_issued(content: bytes, name: str) -> Response:
    """Answer with a certificate as it was issued: as JSON to a machine, as PDF to people."""
    if content.startswith(b"%PDF"):
        return download(content, f"{name}.pdf", typesetting.MEDIA_TYPE)
    return Response(content, media_type="application/json")
