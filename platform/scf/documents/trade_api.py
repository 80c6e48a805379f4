"""Endpoints of orders, despatch advices and receipt notes, and their shapes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Query
from pydantic import Field

from scf.documents import trade
from scf.documents.parsing.trade import TradeKind
from scf.documents.rules import Verdict
from scf.documents.trade_models import TradeDocument, TradeDocumentLine
from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.limits import Kind as Limit
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    DateText,
    DigestText,
    InstantText,
    MoneyOut,
    Out,
    PageSize,
    Text,
    TradeDocumentId,
)
from scf.kernel.money import Money
from scf_ledger.encoding import b64url

router = APIRouter(tags=["trade papers 订单、送货单、入库单"])

_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


class TradeLineOut(Out):
    """A line, with its amount with tax where the paper says it."""

    order_no: str | None
    order_line: str | None
    item: str
    quantity: str = Field(examples=["1200"])
    amount: MoneyOut | None

    @classmethod
    def of(cls, line: TradeDocumentLine) -> Self:
        """Show a line."""
        known = line.amount_minor is not None and line.currency is not None
        return cls(
            order_no=line.order_no,
            order_line=line.order_line,
            item=line.item,
            quantity=_plain(line.quantity),
            amount=Money(line.amount_minor or 0, line.currency or "CNY") if known else None,
        )


class TradeDocumentOut(Out):
    """A paper of the trade."""

    id: TradeDocumentId
    kind: TradeKind
    number: str = Field(examples=["RK-20251020-03"])
    buyer: str = Field(examples=["91500118MAYYC0A174"])
    seller: str = Field(examples=["91500118MAYYC0B218"])
    issued_on: DateText
    lines: list[TradeLineOut]
    original_sha256: DigestText
    registered_at: InstantText

    @classmethod
    def of(cls, document: TradeDocument, lines: Sequence[TradeDocumentLine]) -> Self:
        """Show a paper."""
        return cls(
            id=document.id,
            kind=document.kind,
            number=document.number,
            buyer=document.buyer,
            seller=document.seller,
            issued_on=document.issued_on,
            lines=[TradeLineOut.of(line) for line in lines],
            original_sha256=b64url(document.original_sha256),
            registered_at=document.registered_at,
        )


class TradeRegisteredOut(Out):
    """What became of a paper."""

    verdict: Verdict = Field(examples=["accepted"])
    document: TradeDocumentOut


@command(
    router,
    "/v1/trade-documents",
    limit=Limit.PAPERS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "原文件 UBL 2 Order, DespatchAdvice, ReceiptAdvice, or a CSV of such papers",
            "content": {"application/xml": _BYTES, "text/csv": _BYTES},
        }
    },
)
def register_trade(call: Call, original: RawBody) -> list[TradeRegisteredOut]:
    """登记订单、送货单、入库单 Register papers that one issued; all of a file, or none."""
    found = trade.register(call.session, call.actor, original, now=call.now)
    lines = trade.lines_of(call.session, [one.document.id for one in found])
    return [
        TradeRegisteredOut(
            verdict=one.verdict,
            document=TradeDocumentOut.of(one.document, lines[one.document.id]),
        )
        for one in found
    ]


@query(router, "/v1/trade-documents")
def trade_documents(
    call: Call,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
    kind: TradeKind | None = None,
    number: Annotated[Text | None, Query(max_length=300)] = None,
) -> Page[TradeDocumentOut]:
    """单据列表 The papers that one is a side of, oldest first."""
    found = trade.page(
        call.session,
        call.actor,
        after=read_cursor("trd", cursor),
        size=limit,
        kind=kind,
        number=number,
    )
    lines = trade.lines_of(call.session, [one.id for one in found])
    return Page[TradeDocumentOut](
        items=[TradeDocumentOut.of(one, lines[one.id]) for one in found],
        next=next_cursor("trd", [one.id for one in found], limit),
    )


@query(router, "/v1/trade-documents/{trade_document_id}")
def trade_document(call: Call, trade_document_id: TradeDocumentId) -> TradeDocumentOut:
    """查看单据 One paper."""
    found = trade.visible(call.session, call.actor, trade_document_id)
    return TradeDocumentOut.of(found, trade.lines_of(call.session, [found.id])[found.id])


def _plain(quantity: Decimal) -> str:
    """Return a quantity without exponent and without zeros that say nothing."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
