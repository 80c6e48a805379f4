"""Orders, despatch advices and receipt notes: UBL 2, or a CSV with a row for every line.

An amount of a line is with tax. What an order does not say of tax it does not say of the amount either: a
value without tax would hold a claim with tax to too little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from io import BytesIO
from typing import Final

from scf.documents.files import BYTES_MAX
from scf.documents.parsing import sheets
from scf.documents.parsing.errors import (
    ColumnsUnknown,
    CurrencyMixed,
    CurrencyUnsupported,
    DocumentEmpty,
    DocumentTooLarge,
    FieldInvalid,
    FieldMissing,
    RowInvalid,
    UnsupportedFormat,
)
from scf.documents.parsing.values import (
    date_value,
    decimal_value,
    excerpt,
    money_value,
    text_value,
)
from scf.documents.parsing.xml import Node, load, looks_like_xml
from scf.kernel.errors import Invalid
from scf.kernel.money import SCALES, CurrencyMismatch, Money

LINES_MAX: Final = 20_000
QUANTITY_MAX: Final = Decimal(10) ** 15
QUANTITY_DECIMALS: Final = 9
CURRENCY: Final = "CNY"
"""Of a CSV; foreign trade has UBL."""
_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC = f"{{{_SCHEMA}CommonAggregateComponents-2}}"
_CBC = f"{{{_SCHEMA}CommonBasicComponents-2}}"


class TradeKind(StrEnum):
    """What a paper of the trade says: what is wanted, what was sent, what came."""

    ORDER = "order"
    DESPATCH = "despatch"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class TradeLine:
    """A line: the order and its line that it is about, how much, and its amount with tax where it is said."""

    order_no: str | None
    order_line: str | None
    item: str
    quantity: Decimal
    amount: Money | None


@dataclass(frozen=True, slots=True)
class TradePaper:
    """An order, a despatch advice or a receipt note. Parties by their ids, else their names."""

    kind: TradeKind
    number: str
    buyer: str
    seller: str
    issued_on: date
    lines: tuple[TradeLine, ...]


def parse(original: bytes) -> tuple[TradePaper, ...]:
    """Read what a file holds: one UBL paper, or the papers of a CSV. Raises a Refused error."""
    if len(original) > BYTES_MAX:
        raise DocumentTooLarge(size=len(original), size_max=BYTES_MAX)
    if not original.strip():
        raise DocumentEmpty
    if looks_like_xml(original):
        return (_from_xml(load(original)),)
    if sheets.looks_like_csv(original[:4096]):
        return _from_csv(original)
    raise UnsupportedFormat(format="unknown")


# --- UBL -----------------------------------------------------------------------------------------

_ROOTS: Final[Mapping[tuple[str, str], tuple[TradeKind, str, str]]] = {
    (f"{_SCHEMA}Order-2", "Order"): (
        TradeKind.ORDER,
        "BuyerCustomerParty",
        "SellerSupplierParty",
    ),
    (f"{_SCHEMA}DespatchAdvice-2", "DespatchAdvice"): (
        TradeKind.DESPATCH,
        "DeliveryCustomerParty",
        "DespatchSupplierParty",
    ),
    (f"{_SCHEMA}ReceiptAdvice-2", "ReceiptAdvice"): (
        TradeKind.RECEIPT,
        "DeliveryCustomerParty",
        "DespatchSupplierParty",
    ),
}
"""Namespace and name of the root -> kind, and where buyer and seller stand."""


def _from_xml(root: Node) -> TradePaper:
    found = _ROOTS.get((root.namespace, root.name))
    if found is None:
        raise UnsupportedFormat(
            format="xml", root=excerpt(root.name), namespace=root.namespace[:120] or None
        )
    kind, buyer, seller = found
    lines = _order_lines(root) if kind is TradeKind.ORDER else _moved_lines(root, kind)
    return TradePaper(
        kind=kind,
        number=root.require_text(_CBC + "ID"),
        buyer=_party(root.require(_CAC + buyer, _CAC + "Party")),
        seller=_party(root.require(_CAC + seller, _CAC + "Party")),
        issued_on=date_value(root.require_text(_CBC + "IssueDate"), field=f"{root.path}/IssueDate"),
        lines=_some(lines, root.path),
    )


def _party(node: Node) -> str:
    """Return a party's id: tax, legal entity, others; else its name. Raises FieldMissing."""
    wanted = (
        ("PartyTaxScheme", "CompanyID"),
        ("PartyLegalEntity", "CompanyID"),
        ("PartyIdentification", "ID"),
        ("PartyLegalEntity", "RegistrationName"),
        ("PartyName", "Name"),
    )
    for parent, child in wanted:
        for element in node.all(_CAC + parent):
            if text := element.text_of(_CBC + child):
                return text
    if text := node.text_of(_CBC + "EndpointID"):
        return text
    raise FieldMissing(field=f"{node.path}/PartyName/Name")


def _order_lines(root: Node) -> Iterator[TradeLine]:
    """Iterate over an order's lines, each with its own part of the tax."""
    number = root.require_text(_CBC + "ID")
    items = [node.require(_CAC + "LineItem") for node in root.all(_CAC + "OrderLine")]
    share = _tax_share(root, items)
    for item in items:
        net, tax = item.find(_CBC + "LineExtensionAmount"), item.find(_CBC + "TotalTaxAmount")
        amount = None
        if net is not None and tax is not None:
            amount = _together(net, tax)
        elif net is not None and share is not None:
            amount = _amount(net) + _scaled(_amount(net), share)
        yield TradeLine(
            order_no=number,
            order_line=item.require_text(_CBC + "ID"),
            item=item.first_text(_CAC + "Item", _CBC + "Name")
            or item.first_text(_CAC + "Item", _CBC + "Description"),
            quantity=_quantity(item, "Quantity"),
            amount=amount,
        )


def _tax_share(root: Node, items: list[Node]) -> Fraction | None:
    """Return an order's tax over its net, where the order says both as a whole."""
    tax = root.first(_CAC + "TaxTotal", _CBC + "TaxAmount")
    nets = [net for item in items if (net := item.find(_CBC + "LineExtensionAmount")) is not None]
    total = sum(_amount(net).minor for net in nets)
    if tax is None or len(nets) != len(items) or total <= 0:
        return None
    return Fraction(_amount(tax).minor, total)


def _moved_lines(root: Node, kind: TradeKind) -> Iterator[TradeLine]:
    """Iterate over what was sent, or what came and was not sent back."""
    name, moved = {
        TradeKind.DESPATCH: ("DespatchLine", "DeliveredQuantity"),
        TradeKind.RECEIPT: ("ReceiptLine", "ReceivedQuantity"),
    }[kind]
    order = root.first_text(_CAC + "OrderReference", _CBC + "ID") or None
    for node in root.all(_CAC + name):
        quantity = _quantity(node, moved)
        if kind is TradeKind.RECEIPT and node.find(_CBC + "RejectedQuantity") is not None:
            quantity = max(quantity - _quantity(node, "RejectedQuantity"), Decimal(0))
        reference = node.first(_CAC + "OrderLineReference")
        own = reference and reference.first_text(_CAC + "OrderReference", _CBC + "ID")
        yield TradeLine(
            order_no=own or order,
            order_line=(reference.text_of(_CBC + "LineID") or None) if reference else None,
            item=node.first_text(_CAC + "Item", _CBC + "Name")
            or node.first_text(_CAC + "Item", _CBC + "Description"),
            quantity=quantity,
            amount=None,
        )


def _quantity(node: Node, name: str) -> Decimal:
    found = node.require(_CBC + name)
    return _read_quantity(found.text, found.path)


def _amount(node: Node) -> Money:
    currency = node.element.get("currencyID") or ""
    if currency not in SCALES:
        raise CurrencyUnsupported(field=node.path, currency=currency[:16])
    return money_value(node.text, currency, field=node.path)


def _together(net: Node, tax: Node) -> Money:
    """Return the sum of two amounts. Raises CurrencyMixed."""
    try:
        return _amount(net) + _amount(tax)
    except CurrencyMismatch as error:
        raise CurrencyMixed(field=net.path, **error.fields) from None


def _scaled(amount: Money, share: Fraction) -> Money:
    """Return a share of an amount, half a minor unit up."""
    return Money((amount.minor * share + Fraction(1, 2)).__floor__(), amount.currency)


# --- CSV -----------------------------------------------------------------------------------------

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": ("单据类型",),
    "number": ("单据编号", "入库单号", "收货单号"),
    "buyer": ("客户税号", "购方税号"),
    "seller": ("供应商税号", "销方税号"),
    "issued_on": ("单据日期", "入库日期"),
    "order_no": ("订单编号", "采购订单号"),
    "order_line": ("订单行号",),
    "item": ("物料", "品名"),
    "quantity": ("数量", "入库数量"),
    "amount": ("含税金额",),
}
"""Field -> its Chinese headers, the first as the template writes it; the field's name serves too."""
REQUIRED: Final = ("kind", "number", "buyer", "seller", "issued_on", "quantity")
KINDS: Final[Mapping[str, TradeKind]] = {
    "订单": TradeKind.ORDER,
    "采购订单": TradeKind.ORDER,
    "送货单": TradeKind.DESPATCH,
    "发货单": TradeKind.DESPATCH,
    "入库单": TradeKind.RECEIPT,
    "收货单": TradeKind.RECEIPT,
    **{kind.value: kind for kind in TradeKind},
}
_NAMES = {header: name for name, headers in COLUMNS.items() for header in (name, *headers)}


@dataclass(frozen=True, slots=True)
class _Row:
    kind: TradeKind
    number: str
    buyer: str
    seller: str
    issued_on: date
    line: TradeLine

    @property
    def head(self) -> tuple[TradeKind, str, str, str, date]:
        return self.kind, self.number, self.buyer, self.seller, self.issued_on


def _from_csv(original: bytes) -> tuple[TradePaper, ...]:
    file = BytesIO(original)
    table = [
        (number, sheets.plain(cells))
        for number, cells in sheets.csv_table(file, sheets.survey(file), None, None).rows
        if any(cells)
    ]
    header = [_NAMES.get(text.strip()) for text in table[0][1]] if table else []
    if missing := [COLUMNS[name][0] for name in REQUIRED if name not in header]:
        raise ColumnsUnknown(missing=missing)
    papers: dict[tuple[TradeKind, str, str, str, date], list[TradeLine]] = {}
    for number, cells in table[1:]:
        values = dict(zip(header, cells, strict=False))
        row = _row(number, {name: text for name, text in values.items() if name})
        papers.setdefault(row.head, []).append(row.line)
    if not papers:
        raise DocumentEmpty
    return tuple(TradePaper(*head, lines=_some(lines, "csv")) for head, lines in papers.items())


def _row(number: int, cells: Mapping[str, str]) -> _Row:
    """Read one row. Raises RowInvalid, which names its cell."""
    try:
        kind = KINDS.get(cells["kind"].strip())
        if kind is None:
            raise FieldInvalid(field="kind", value=excerpt(cells["kind"]))
        texts = {name: text_value(cells.get(name, ""), field=name) for name in COLUMNS}
        for name in REQUIRED:
            if not texts[name]:
                raise FieldMissing(field=name)
        amount = texts["amount"]
        line = TradeLine(
            order_no=texts["order_no"] or (texts["number"] if kind is TradeKind.ORDER else None),
            order_line=texts["order_line"] or None,
            item=texts["item"],
            quantity=_read_quantity(texts["quantity"], "quantity"),
            amount=money_value(amount, CURRENCY, field="amount") if amount else None,
        )
        if line.amount is not None and line.amount.minor < 0:
            raise FieldInvalid(field="amount", value=excerpt(amount))
        issued_on = date_value(texts["issued_on"], field="issued_on")
    except Invalid as error:
        column = COLUMNS.get(error.field or "", ("",))[0]
        value = excerpt(cells.get(error.field or "", ""))
        fault = {"column": column, "value": value, "rule": f"{error.title} {error.title_en}"}
        raise RowInvalid(row=number, faults=[fault]) from error
    return _Row(kind, texts["number"], texts["buyer"], texts["seller"], issued_on, line)


# --- shared --------------------------------------------------------------------------------------


def _read_quantity(text: str, field: str) -> Decimal:
    """Read a quantity: not below zero, with as many decimals as any unit needs. Raises FieldInvalid."""
    value = decimal_value(text, field=field).normalize()
    exponent = value.as_tuple().exponent
    if not 0 <= value <= QUANTITY_MAX or -int(exponent) > QUANTITY_DECIMALS:
        raise FieldInvalid(field=field, value=excerpt(text))
    return value


def _some(lines: Iterator[TradeLine] | list[TradeLine], path: str) -> tuple[TradeLine, ...]:
    found: list[TradeLine] = []
    for line in lines:
        found.append(line)
        if len(found) > LINES_MAX:
            raise DocumentTooLarge(what="lines", count_max=LINES_MAX)
    if not found:
        raise FieldMissing(field=f"{path}/lines")
    return tuple(found)
