"""HTTP shapes of documents."""

from typing import Self

from pydantic import Field

from scf.documents.models import Document
from scf.documents.parsing import Flag, Kind
from scf.documents.rules import Verdict
from scf.documents.service import Registered
from scf.documents.status import InvoiceStatus
from scf.documents.status_models import InvoiceCheck
from scf.http.schemas import (
    DateText,
    DigestText,
    DocumentId,
    InstantText,
    InvoiceCheckId,
    MoneyOut,
    Out,
)
from scf_ledger.encoding import b64url


class InvoiceSideOut(Out):
    """A side of an invoice: its tax id as written (its name, where it has none), and its name."""

    id: str = Field(examples=["91500118MAYYC0B218"])
    name: str = Field(examples=["永川兴锐冲压件(示例)"])


class DocumentOut(Out):
    """An invoice, or a note that takes one back (`takes_back`, `reverses`)."""

    id: DocumentId
    version: int
    kind: Kind
    number: str = Field(examples=["25502000000000000101"])
    seller: InvoiceSideOut
    buyer: InvoiceSideOut
    issued_on: DateText
    net: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    payable: MoneyOut
    takes_back: bool
    reverses: list[str]
    confirmation_no: str | None = Field(description="红字确认单编号 Of the red-letter form")
    flags: list[Flag] = Field(description="可能已转让的迹象 Hints of an earlier assignment")
    payee: str | None
    contract_no: str | None
    order_no: str | None
    delivered_on: DateText | None
    due_on: DateText | None
    original_sha256: DigestText
    registered_at: InstantText

    @classmethod
    def of(cls, document: Document) -> Self:
        """Show a document."""
        return cls(
            id=document.id,
            version=document.version,
            kind=document.kind,
            number=document.number,
            seller=InvoiceSideOut(id=document.seller_uscc, name=document.seller_name),
            buyer=InvoiceSideOut(id=document.buyer, name=document.buyer_name),
            issued_on=document.issued_on,
            net=document.net,
            tax=document.tax,
            total=document.total,
            payable=document.payable,
            takes_back=document.takes_back,
            reverses=document.reverses,
            confirmation_no=document.confirmation_no,
            flags=[Flag(flag) for flag in document.flags],
            payee=document.payee,
            contract_no=document.contract_no,
            order_no=document.order_no,
            delivered_on=document.delivered_on,
            due_on=document.due_on,
            original_sha256=b64url(document.original_sha256),
            registered_at=document.registered_at,
        )


class CheckOut(Out):
    """What the tax bureau said of an invoice; `sound`: money may move on it."""

    id: InvoiceCheckId
    status: InvoiceStatus
    sound: bool
    answered_at: InstantText
    checked_at: InstantText

    @classmethod
    def of(cls, check: InvoiceCheck) -> Self:
        """Show a check."""
        return cls(
            id=check.id,
            status=check.status,
            sound=check.sound,
            answered_at=check.answered_at,
            checked_at=check.checked_at,
        )


class RegisteredOut(Out):
    """What became of a document that was handed in: `duplicate` answers the one that was here before."""

    verdict: Verdict = Field(examples=["accepted"])
    document: DocumentOut

    @classmethod
    def of(cls, registered: Registered) -> Self:
        """Show what became of it."""
        return cls(verdict=registered.verdict, document=DocumentOut.of(registered.document))
