"""The one invoice model that every format is read into."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from scf.kernel.money import Money
from scf_ledger import uscc


class Kind(StrEnum):
    """What a document is, by its content; an invoice is the same kind in any file that tells of it."""

    CN_EINVOICE = "cn-einvoice"  # 数电票, known by 20 digits
    CN_VAT = "cn-vat"  # 增值税发票 of the system before, known by 发票代码 and 发票号码
    UBL_INVOICE = "ubl-invoice"  # OASIS UBL 2.0 to 2.4
    UBL_CREDIT_NOTE = "ubl-credit-note"
    CII = "cii"  # UN/CEFACT CrossIndustryInvoice
    LISTED = "listed"  # a row of a list, where it is none of the above


class Flag(StrEnum):
    """What hints that the claim is not free: assigned before, taken back, or doubted by the tax authority."""

    FACTORED = "factored"
    PAYEE_DIFFERS = "payee_differs"
    TAKEN_BACK = "taken_back"
    TAX_RISK = "tax_risk"


@dataclass(frozen=True, slots=True)
class InvoiceParty:
    """A side of an invoice: the tax id as written, None where the document gives none."""

    id: str | None
    name: str

    @property
    def identity(self) -> str:
        """What the party is known by: its id, else its name."""
        return self.id or self.name

    @property
    def uscc(self) -> str | None:
        """The id, where it is a valid unified social credit code (GB 32100-2015)."""
        return self.id if self.id is not None and uscc.is_valid(self.id) else None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line: net `amount` and `tax` in units of the currency, as many decimals as written.

    `rate` is a fraction (0.13), None where the line is exempt or says nothing.
    """

    name: str
    amount: Decimal
    tax: Decimal | None
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a note that takes one back; every amount has the same currency.

    `total` includes tax and the rounding the document declares; `payable` is what is still asked for,
    prepayments deducted. Red notes (红字) are negative as written, credit notes positive.
    """

    kind: Kind
    number: str
    seller: InvoiceParty
    buyer: InvoiceParty
    issued_on: date
    net: Money
    tax: Money
    total: Money
    payable: Money
    lines: tuple[InvoiceLine, ...]
    payee: InvoiceParty | None = None  # where another than the seller is to be paid
    flags: frozenset[Flag] = frozenset()
    takes_back: bool = False  # a red or credit note, or an invoice below zero
    reverses: tuple[str, ...] = ()  # the numbers of the invoices it takes back, where it says so
    confirmation_no: str | None = None  # 红字发票信息确认单编号
    contract_no: str | None = None
    order_no: str | None = None
    delivered_on: date | None = None
    due_on: date | None = None

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.total.currency
