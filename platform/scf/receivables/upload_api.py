"""Endpoints of lists handed in: a supplier's submissions, a core enterprise's payables."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from scf.http import sheets
from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import JobId, PageSize, PayableLineId, ProgrammeId, Text, UsccText
from scf.jobs.schemas import JobOut
from scf.receivables import answers, upload, upload_baskets, upload_jobs, upload_queries
from scf.receivables.basket import Drafting
from scf.receivables.basket_schemas import BasketDraftOut, BasketProblemOut
from scf.receivables.submission import Mode
from scf.receivables.upload_baskets import Terms
from scf.receivables.upload_jobs import Handed
from scf.receivables.upload_models import LineState
from scf.receivables.upload_rows import IMPORT, UPLOAD
from scf.receivables.upload_schemas import PayableLineOut, UploadBasketOut, UploadDraftIn

router = APIRouter(tags=["payables 应付清单"])

_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_LIST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "CSV、Excel 或 JSON 清单 A list: CSV, Excel, or an array of objects of texts",
        "content": {
            "text/csv": _FILE,
            sheets.XLSX: _FILE,
            "application/json": {"schema": {}},
            "application/octet-stream": _FILE,
        },
    }
}
Filename = Annotated[Text | None, Query(max_length=200, examples=["应付清单.xlsx"])]


@command(router, "/v1/receivables/imports", status=202, openapi_extra=_LIST)
def start_import(
    call: Call, original: RawBody, programme: ProgrammeId, filename: Filename = None
) -> JobOut:
    """批量提交（后台） Submit up to 10,000 lines in the background; answers with the job. By the creditor."""
    handed = Handed(programme, original, filename)
    return JobOut.of(upload_jobs.start_import(call.session, call.actor, handed, clock=call.clock))


@command(router, "/v1/payables/uploads", status=202, openapi_extra=_LIST)
def start_upload(
    call: Call, original: RawBody, programme: ProgrammeId, filename: Filename = None
) -> JobOut:
    """上传应付清单 Upload up to 10,000 approved payables from the ERP; answers with the job. By the debtor."""
    handed = Handed(programme, original, filename)
    return JobOut.of(upload_jobs.start_upload(call.session, call.actor, handed, clock=call.clock))


@query(router, "/v1/payables")
def lines(
    call: Call,
    *,
    job: JobId | None = None,
    state: LineState | None = None,
    supplier: UsccText | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[PayableLineOut]:
    """应付明细 Uploaded lines: one's own uploads, and what debtors have uploaded of one's invoices."""
    found = upload_queries.page(
        call.session,
        call.actor,
        job_id=job,
        state=state,
        supplier=supplier,
        after=read_cursor("pyl", cursor),
        size=limit,
    )
    return Page[PayableLineOut](
        items=[PayableLineOut.of(line) for line in found],
        next=next_cursor("pyl", [line.id for line in found], limit),
    )


@command(router, "/v1/payables/{line_id}/withdraw")
def withdraw_line(call: Call, line_id: PayableLineId) -> PayableLineOut:
    """撤回明细 Take a line back that still waits. By the debtor."""
    return PayableLineOut.of(upload.withdraw(call.session, call.actor, line_id, now=call.now))


@query(router, "/v1/payables/uploads/{job_id}/baskets")
def baskets(call: Call, job_id: JobId) -> list[UploadBasketOut]:
    """待签批次 What is left to confirm of an upload, up to 1,000 lines to one signature."""
    found = upload_baskets.baskets(call.session, call.actor, job_id)
    return [UploadBasketOut.of(basket) for basket in found]


@command(router, "/v1/payables/uploads/{job_id}/confirmation-draft")
def draft_upload(call: Call, job_id: JobId, body: UploadDraftIn) -> BasketDraftOut:
    """上传批次生成确权函 Draft one 确权函 over a basket; it is handed back as any basket is. By the debtor."""
    account = body.pay_to.value() if body.pay_to else None
    drafts = upload_baskets.draft(
        call.session,
        call.actor,
        job_id,
        Terms(account, body.no_setoff, body.consents),
        Drafting(Mode.CONTINUE, body.signers, call.settings.log_origin, call.now),
        after=body.after,
    )
    errors = [BasketProblemOut.of_item(left) for left in drafts.left_out]
    return BasketDraftOut.of(drafts, answers.said(call.session, drafts), errors)


def _template(path: str, rows: Sequence[Sequence[str]], name: str) -> None:
    """Serve a list's template, as CSV and as Excel."""

    def as_csv() -> Response:
        return download(sheets.write_csv(rows), f"{name}.csv", sheets.CSV)

    def as_xlsx() -> Response:
        return download(sheets.write_xlsx(rows), f"{name}.xlsx", sheets.XLSX)

    for suffix, endpoint, media_type in (
        ("csv", as_csv, "text/csv"),
        ("xlsx", as_xlsx, sheets.XLSX),
    ):
        router.add_api_route(
            f"{path}.{suffix}",
            endpoint,
            methods=["GET"],
            response_class=Response,
            responses={200: {"content": {media_type: _FILE}}},
            summary=f"{name} Template",
            operation_id=f"{name}_{suffix}",
        )


_template("/v1/receivables/import-template", IMPORT.template(), "批量提交模板")
_template("/v1/payables/template", UPLOAD.template(), "应付清单模板")
