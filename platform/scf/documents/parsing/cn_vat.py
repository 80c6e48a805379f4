"""The invoice data that an OFD of a tax authority carries (`eInvoice`, schema of 2019).

The same names tag the texts of the printed page. 增值税电子发票 have a 发票代码, a 数电票 has none; amounts
are in yuan, below zero on a red invoice.
"""

from typing import Final

from scf.documents.parsing.cn_forms import CURRENCY, Remark, numbered
from scf.documents.parsing.model import Flag, Invoice, InvoiceLine, InvoiceParty
from scf.documents.parsing.totals import require_equal, require_lines
from scf.documents.parsing.values import date_value, decimal_value, money_value, rate_value
from scf.documents.parsing.xml import Node
from scf.kernel.money import Money

ROOT: Final = "eInvoice"


def parse(root: Node) -> Invoice:
    """Read an `eInvoice` document. Raises an Invalid error that names the field."""
    kind, number = numbered(
        root.text_of("InvoiceCode"),
        root.require_text("InvoiceNo"),
        field=f"{root.path}/InvoiceNo",
    )
    net = _money(root, "TaxExclusiveTotalAmount")
    tax = _money(root, "TaxTotalAmount")
    total = _money(root, "TaxInclusiveTotalAmount")
    require_equal(total, net + tax, field=f"{root.path}/TaxInclusiveTotalAmount")
    goods = root.find("GoodsInfos")
    lines = tuple(_line(node) for node in goods.all("GoodsInfo")) if goods else ()
    require_lines(net, tax, lines, fields=("TaxExclusiveTotalAmount", "TaxTotalAmount"))
    note = root.find("Note")
    remark = Remark.of(note.raw if note else "")
    red = total.minor < 0
    return Invoice(
        kind=kind,
        number=number,
        seller=_party(root, "Seller"),
        buyer=_party(root, "Buyer"),
        issued_on=date_value(root.require_text("IssueDate"), field=f"{root.path}/IssueDate"),
        net=net,
        tax=tax,
        total=total,
        payable=total,
        lines=lines,
        flags=frozenset({Flag.FACTORED} if remark.assigned else ()),
        takes_back=red,
        reverses=(remark.reverses,) if red and remark.reverses else (),
        confirmation_no=remark.confirmation_no if red else None,
    )


def _party(root: Node, side: str) -> InvoiceParty:
    """Return a side; a buyer who is a natural person may have no tax id."""
    node = root.require(side)
    identity = node.text_of(f"{side}TaxID").replace(" ", "").upper()
    return InvoiceParty(identity or None, node.require_text(f"{side}Name"))


def _money(root: Node, name: str) -> Money:
    """Return an amount, printed with or without the sign of the yuan. Raises FieldInvalid, FieldMissing."""
    text = root.require_text(name).lstrip("¥￥").strip()
    return money_value(text, CURRENCY, field=f"{root.path}/{name}")


def _line(node: Node) -> InvoiceLine:
    tax = node.text_of("TaxAmount")
    return InvoiceLine(
        name=node.text_of("Item"),
        amount=decimal_value(node.require_text("Amount"), field=f"{node.path}/Amount"),
        tax=decimal_value(tax, field=f"{node.path}/TaxAmount") if _is_amount(tax) else None,
        rate=rate_value(node.text_of("TaxScheme"), field=f"{node.path}/TaxScheme"),
    )


def _is_amount(text: str) -> bool:
    """Say whether a tax is written; `***` and `*` stand where it is exempt or hidden."""
    return bool(text.strip("*"))
