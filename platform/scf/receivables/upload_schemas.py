"""HTTP shapes of uploaded payables."""

from typing import Any, Self

from pydantic import Field

from scf.http.schemas import (
    DateText,
    InstantText,
    JobId,
    MoneyOut,
    Out,
    PayableLineId,
    ProgrammeId,
    ReceivableId,
    UsccText,
)
from scf.receivables.schemas import AccountIn, ConfirmationTermsIn
from scf.receivables.upload_baskets import Basket
from scf.receivables.upload_models import LineState, PayableLine


class PayableLineOut(Out):
    """A line that a core enterprise uploaded; `code` says what it waits for, or why it was refused."""

    id: PayableLineId
    job: JobId
    programme: ProgrammeId
    supplier: UsccText
    supplier_name: str = Field(examples=["永川兴锐冲压件(示例)"])
    line_no: str = Field(examples=["DZ-2025-10-01"])
    invoices: list[str] = Field(examples=[["25500000000000010101"]])
    amount: MoneyOut
    contract_no: str | None
    receipt_no: str | None
    delivered_on: DateText | None
    due_on: DateText
    pay_to: dict[str, str] | None
    state: LineState
    receivable: ReceivableId | None
    code: str | None = Field(examples=["payable.invoice_not_registered"])
    message: str | None = Field(examples=["供应商尚未登记发票"])
    uploaded_at: InstantText
    changed_at: InstantText

    @classmethod
    def of(cls, line: PayableLine) -> Self:
        """Show a line."""
        same = ("id", "supplier", "supplier_name", "line_no", "invoices", "amount", "contract_no")
        more = ("receipt_no", "delivered_on", "due_on", "pay_to", "state", "code", "message")
        shown: dict[str, Any] = {name: getattr(line, name) for name in (*same, *more)}
        return cls(
            job=line.job_id,
            programme=line.programme_id,
            receivable=line.receivable_id,
            uploaded_at=line.uploaded_at,
            changed_at=line.changed_at,
            **shown,
        )


class UploadBasketOut(Out):
    """Up to 1,000 lines of an upload that one signature confirms: draft them with its `after`."""

    after: ReceivableId | None = Field(description="自此之后 lines behind this one")
    count: int = Field(examples=[1_000])
    amount: MoneyOut

    @classmethod
    def of(cls, basket: Basket) -> Self:
        """Show a basket."""
        return cls(after=basket.after, count=basket.count, amount=basket.amount)


class UploadDraftIn(ConfirmationTermsIn):
    """Which lines of an upload to confirm: up to 1,000 behind `after`. `pay_to` serves those without one."""

    after: ReceivableId | None = None
    pay_to: AccountIn | None = None
