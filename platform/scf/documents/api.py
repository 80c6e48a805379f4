"""Endpoints of documents."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from scf.documents import companion, queries, service, status_checks
from scf.documents.schemas import CheckOut, DocumentOut, RegisteredOut
from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.limits import Kind as Limit
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import DocumentId, PageSize, Text

router = APIRouter(tags=["documents 单证"])

_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


@command(
    router,
    "/v1/documents",
    limit=Limit.PAPERS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "发票原文件 The invoice file itself: 数电票 XML or OFD, UBL 2 Invoice or CreditNote,"
            " CII; or a row of a list in its canonical form (`scf-listed-invoice/1`)",
            "content": {"application/xml": _BYTES, "application/octet-stream": _BYTES},
        }
    },
)
def register(
    call: Call,
    original: RawBody,
    filename: Annotated[
        Text | None, Query(max_length=service.FILENAME_LENGTH_MAX, examples=["发票.xml"])
    ] = None,
) -> RegisteredOut:
    """登记一张发票 Register an invoice of one's own; the same one again answers `duplicate`."""
    return RegisteredOut.of(
        service.register(
            call.session, call.actor, original=original, filename=filename, now=call.now
        )
    )


@query(router, "/v1/documents")
def documents(
    call: Call,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
    number: Annotated[Text | None, Query(max_length=300)] = None,
) -> Page[DocumentOut]:
    """发票列表 The invoices one sold or is asked to pay, oldest first."""
    found = queries.page(
        call.session, call.actor, after=read_cursor("doc", cursor), size=limit, number=number
    )
    return Page[DocumentOut](
        items=[DocumentOut.of(document) for document in found],
        next=next_cursor("doc", [document.id for document in found], limit),
    )


@router.get(
    "/v1/documents/companion-template",
    response_class=Response,
    responses={200: {"content": {"text/csv": _BYTES}}},
)
def companion_template() -> Response:
    """随附清单模板 The template of the CSV that says what invoices do not: contract, receipt, due date."""
    return download(companion.template(), companion.TEMPLATE_NAME, "text/csv; charset=utf-8")


@query(router, "/v1/documents/{document_id}")
def document(call: Call, document_id: DocumentId) -> DocumentOut:
    """查看发票 One invoice."""
    return DocumentOut.of(queries.visible(call.session, call.actor, document_id))


@query(router, "/v1/documents/{document_id}/checks")
def checks(call: Call, document_id: DocumentId, limit: PageSize = PAGE_SIZE) -> list[CheckOut]:
    """发票查验记录 What the tax bureau said of an invoice, the newest first."""
    found = queries.visible(call.session, call.actor, document_id)
    return [
        CheckOut.of(check) for check in status_checks.history(call.session, found.id, size=limit)
    ]


@query(
    router,
    "/v1/documents/{document_id}/original",
    responses={200: {"content": {"application/octet-stream": _BYTES}}},
)
def original(call: Call, document_id: DocumentId) -> Response:
    """下载原文件 The bytes as they came."""
    found = queries.visible(call.session, call.actor, document_id)
    stored = queries.original(call.session, found)
    filename = stored.filename or f"{found.number}.xml"
    return download(stored.original, filename, "application/octet-stream")
