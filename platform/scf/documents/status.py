"""What the platform asks of the tax bureau about an invoice, whoever answers: how it stands.

A 数电票 cannot be voided, only taken back (红冲); older kinds could be voided (作废) within their month. No
answer is never taken for a good one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from scf.kernel.errors import Unavailable
from scf.kernel.money import Money


class InvoiceStatus(StrEnum):
    """How an invoice stands at the tax bureau."""

    NORMAL = "正常"
    PARTLY_REVERSED = "部分红冲"
    REVERSED = "红冲"
    VOID = "作废"
    NOT_FOUND = "查无此票"


class StatusUnavailable(Unavailable):
    """The tax bureau's answer did not come, or cannot be read: the status is not known."""

    code = "invoice_status.unavailable"
    title = "发票查验服务暂时不可用，请稍后重试"
    title_en = "The status of invoices cannot be asked for, try again"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """An invoice as its status is asked for: all of it has to be known to whoever asks."""

    number: str
    seller: str
    issued_on: date
    total: Money


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the tax bureau said, and when by its clock."""

    status: InvoiceStatus
    answered_at: datetime
