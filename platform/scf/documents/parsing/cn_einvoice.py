"""数电票 (全面数字化的电子发票) in XML, by the Ministry of Finance's 电子凭证会计数据标准.

Versions 0.2 to 0.35 have been seen; amounts are in yuan. A red invoice (红字) has `InIssuType` N, amounts
below zero, and names what it reverses in `RedEInvoice` or, by the printed form's rule, in its remark.
"""

from typing import Final

from scf.documents.parsing.cn_forms import CURRENCY, Remark, is_einvoice_number
from scf.documents.parsing.errors import Contradiction, FieldInvalid
from scf.documents.parsing.model import Flag, Invoice, InvoiceLine, InvoiceParty, Kind
from scf.documents.parsing.totals import require_equal, require_lines
from scf.documents.parsing.values import date_value, decimal_value, money_value, rate_value
from scf.documents.parsing.xml import Node
from scf.kernel.money import Money

ROOT: Final = "EInvoice"


def parse(root: Node) -> Invoice:
    """Read an `EInvoice` document. Raises an Invalid error that names the field."""
    data = root.require("EInvoiceData")
    net, tax, total = _totals(data.require("BasicInformation"))
    lines = tuple(_line(node) for node in data.all("IssuItemInformation"))
    require_lines(net, tax, lines, fields=("TotalAmWithoutTax", "TotalTaxAm"))
    remark = _remark(data)
    red = _is_red(root, total)
    reverses, confirmation_no = _reversal(data, remark) if red else (None, None)
    return Invoice(
        kind=Kind.CN_EINVOICE,
        number=_number(root),
        seller=_party(data, "Seller"),
        buyer=_party(data, "Buyer"),
        issued_on=date_value(
            root.require_text("TaxSupervisionInfo", "IssueTime"),
            field="TaxSupervisionInfo/IssueTime",
        ),
        net=net,
        tax=tax,
        total=total,
        payable=total,
        lines=lines,
        flags=frozenset({Flag.FACTORED} if remark.assigned else ()),
        takes_back=red,
        reverses=(reverses,) if reverses else (),
        confirmation_no=confirmation_no,
    )


def _number(root: Node) -> str:
    """Return the 20 digits; the header's copy must be the same."""
    node = root.require("TaxSupervisionInfo", "InvoiceNumber")
    header = root.text_of("Header", "EIid")
    if not is_einvoice_number(node.text):
        raise FieldInvalid(field=node.path, value=node.text[:40], digits=20)
    if header and header != node.text:
        raise Contradiction(field=node.path, number=node.text, header=header[:40])
    return node.text


def _party(data: Node, side: str) -> InvoiceParty:
    """Return a side; a buyer who is a natural person may have no tax id."""
    information = data.require(f"{side}Information")
    identity = information.text_of(f"{side}IdNum").replace(" ", "").upper()
    return InvoiceParty(identity or None, information.require_text(f"{side}Name"))


def _totals(basic: Node) -> tuple[Money, Money, Money]:
    """Return net, tax and total. Raises TotalsMismatch where they do not add up."""
    names = ("TotalAmWithoutTax", "TotalTaxAm", "TotalTax-includedAmount")
    net, tax, total = (
        money_value(basic.require_text(name), CURRENCY, field=f"{basic.path}/{name}")
        for name in names
    )
    require_equal(total, net + tax, field=f"{basic.path}/{names[2]}")
    return net, tax, total


def _line(node: Node) -> InvoiceLine:
    tax = node.text_of("ComTaxAm")
    return InvoiceLine(
        name=node.text_of("ItemName"),
        amount=decimal_value(node.require_text("Amount"), field=f"{node.path}/Amount"),
        tax=decimal_value(tax, field=f"{node.path}/ComTaxAm") if tax else None,
        rate=rate_value(node.text_of("TaxRate"), field=f"{node.path}/TaxRate"),
    )


def _remark(data: Node) -> Remark:
    node = data.find("AdditionalInformation", "Remark")
    return Remark.of("" if node is None else node.raw)


def _reversal(data: Node, remark: Remark) -> tuple[str | None, str | None]:
    """Return the number of the invoice taken back, and of the confirmation behind it."""
    red = data.find("SpecificInformation", "RedEInvoice")
    reverses = red.text_of("OriginalInvoiceCode") if red else ""
    confirmation = red.text_of("CreditNoteNumber") if red else ""
    return reverses or remark.reverses, confirmation or remark.confirmation_no


def _is_red(root: Node, total: Money) -> bool:
    """Say whether it is a red invoice. Raises Contradiction where colour and sign disagree."""
    blue = root.text_of("Header", "InherentLabel", "InIssuType", "LabelCode").upper()
    below_zero = total.minor < 0
    if blue in {"Y", "N"} and (blue == "N") is not below_zero:
        raise Contradiction(field="InIssuType", blue=blue, total=total.text)
    return below_zero
