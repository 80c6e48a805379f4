"""OASIS UBL 2 Invoice and CreditNote (2.0 to 2.4 share their namespaces)."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from scf.documents.parsing import en16931
from scf.documents.parsing.en16931 import Declared, Side, Term, Totals
from scf.documents.parsing.errors import CurrencyMixed, CurrencyUnsupported, FieldMissing
from scf.documents.parsing.model import Invoice, InvoiceLine, Kind
from scf.documents.parsing.totals import require_sum
from scf.documents.parsing.values import date_value, decimal_value, excerpt, money_value, rate_value
from scf.documents.parsing.xml import Node
from scf.kernel.money import SCALES, Money, zero
from scf.kernel.text import one_line

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE_NAMESPACE: Final = f"{_SCHEMA}Invoice-2"
CREDIT_NOTE_NAMESPACE: Final = f"{_SCHEMA}CreditNote-2"
_CAC = f"{{{_SCHEMA}CommonAggregateComponents-2}}"
_CBC = f"{{{_SCHEMA}CommonBasicComponents-2}}"

_TOTALS: Final[dict[Term, str]] = {
    "lines": "LineExtensionAmount",
    "allowances": "AllowanceTotalAmount",
    "charges": "ChargeTotalAmount",
    "net": "TaxExclusiveAmount",
    "inclusive": "TaxInclusiveAmount",
    "rounding": "PayableRoundingAmount",
    "prepaid": "PrepaidAmount",
    "payable": "PayableAmount",
}
"""Term of the sums -> child of `LegalMonetaryTotal`."""


def parse_invoice(root: Node) -> Invoice:
    """Read a UBL Invoice. Raises an Invalid error that names the field."""
    return _parse(root, Kind.UBL_INVOICE, "InvoiceLine", "InvoiceTypeCode")


def parse_credit_note(root: Node) -> Invoice:
    """Read a UBL CreditNote. Raises an Invalid error that names the field."""
    return _parse(root, Kind.UBL_CREDIT_NOTE, "CreditNoteLine", "CreditNoteTypeCode")


def _parse(root: Node, kind: Kind, line_name: str, type_name: str) -> Invoice:
    currency = read_currency(root)
    lines = tuple(_line(node, currency) for node in root.all(_CAC + line_name))
    totals = read_totals(root, currency, lines)
    seller = _side(root.require(_CAC + "AccountingSupplierParty", _CAC + "Party"))
    node = root.find(_CAC + "PayeeParty")
    payee = seller.other_payee(_ids(node), _names(node)) if node is not None else None
    type_code = root.text_of(_CBC + type_name)
    takes_back = (
        kind is Kind.UBL_CREDIT_NOTE or type_code in en16931.CREDIT_TYPES or totals.total.minor < 0
    )
    return Invoice(
        kind=kind,
        number=root.require_text(_CBC + "ID"),
        seller=seller.party,
        buyer=_side(root.require(_CAC + "AccountingCustomerParty", _CAC + "Party")).party,
        issued_on=date_value(root.require_text(_CBC + "IssueDate"), field=f"{root.path}/IssueDate"),
        net=totals.net,
        tax=totals.tax,
        total=totals.total,
        payable=totals.payable,
        lines=lines,
        payee=payee,
        flags=en16931.flags(type_code, payee),
        takes_back=takes_back,
        reverses=_reverses(root, line_name) if takes_back else (),
        contract_no=root.first_text(_CAC + "ContractDocumentReference", _CBC + "ID") or None,
        order_no=root.first_text(_CAC + "OrderReference", _CBC + "ID") or None,
        delivered_on=_first_date(root, _CAC + "Delivery", _CBC + "ActualDeliveryDate"),
        due_on=_first_date(root, _CBC + "DueDate")
        or _first_date(root, _CAC + "PaymentMeans", _CBC + "PaymentDueDate"),
    )


# --- parties -------------------------------------------------------------------------------------


def _side(node: Node) -> Side:
    """Return a party. Raises FieldMissing without a name."""
    return Side.of(_ids(node), _names(node), field=f"{node.path}/PartyName/Name")


def _ids(node: Node) -> Iterator[str]:
    """Iterate over a party's ids: tax, legal entity, others, electronic address."""
    for parent in ("PartyTaxScheme", "PartyLegalEntity"):
        for element in node.all(_CAC + parent):
            yield element.text_of(_CBC + "CompanyID")
    for element in node.all(_CAC + "PartyIdentification"):
        yield element.text_of(_CBC + "ID")
    yield node.text_of(_CBC + "EndpointID")


def _names(node: Node) -> Iterator[str]:
    """Iterate over a party's names: the registered ones, then the trading ones."""
    for parent in ("PartyLegalEntity", "PartyTaxScheme"):
        for element in node.all(_CAC + parent):
            yield element.text_of(_CBC + "RegistrationName")
    for element in node.all(_CAC + "PartyName"):
        yield element.text_of(_CBC + "Name")


# --- amounts -------------------------------------------------------------------------------------


def read_currency(root: Node) -> str:
    """Return the document's currency, else the one that its totals name.

    Raises CurrencyUnsupported, CurrencyMixed, FieldMissing.
    """
    currency = root.text_of(_CBC + "DocumentCurrencyCode") or _named_currency(root)
    if currency not in SCALES:
        raise CurrencyUnsupported(field=f"{root.path}/DocumentCurrencyCode", currency=currency[:16])
    return currency


def _named_currency(root: Node) -> str:
    totals = root.require(_CAC + "LegalMonetaryTotal")
    named = {one_line(child.get("currencyID") or "") for child in totals.element} - {""}
    if not named:
        raise FieldMissing(field=f"{root.path}/DocumentCurrencyCode")
    if len(named) > 1:
        raise CurrencyMixed(field=totals.path, currencies=[name[:16] for name in sorted(named)[:5]])
    return named.pop()


def read_totals(root: Node, currency: str, lines: tuple[InvoiceLine, ...]) -> Totals:
    """Read `LegalMonetaryTotal` and hold it against what stands below it.

    Raises TotalsMismatch with both numbers, FieldMissing where no total can be known.
    """
    tax = _tax(root, currency)
    node = root.require(_CAC + "LegalMonetaryTotal")
    declared = Declared(
        {term: _declared(node, name, currency) for term, name in _TOTALS.items()},
        {term: f"{node.path}/{name}" for term, name in _TOTALS.items()},
    )
    allowances = _adjustments(root, currency, indicator="false")
    charges = _adjustments(root, currency, indicator="true")
    return en16931.add_up(
        declared,
        lines,
        tax=tax,
        allowances=declared.adjusted("allowances", allowances, currency),
        charges=declared.adjusted("charges", charges, currency),
    )


def _adjustments(root: Node, currency: str, *, indicator: str) -> list[Money]:
    """Return the document's own allowances or charges."""
    return [
        _amount(item.require(_CBC + "Amount"), currency)
        for item in root.all(_CAC + "AllowanceCharge")
        if item.text_of(_CBC + "ChargeIndicator").lower() == indicator
    ]


def _tax(root: Node, currency: str) -> Money:
    """Return the tax in the document's currency (BR-CO-14); `TaxTotal` in the tax currency repeats it."""
    total = zero(currency)
    for node in root.all(_CAC + "TaxTotal"):
        amount = node.require(_CBC + "TaxAmount")
        if (amount.element.get("currencyID") or currency) != currency:
            continue
        declared = _amount(amount, currency)
        parts = [part.require(_CBC + "TaxAmount") for part in node.all(_CAC + "TaxSubtotal")]
        if parts:
            amounts = [decimal_value(part.text, field=part.path) for part in parts]
            require_sum(declared, amounts, field=amount.path)
        total += declared
    return total


def _line(node: Node, currency: str) -> InvoiceLine:
    amount = node.require(_CBC + "LineExtensionAmount")
    _require_currency(amount, currency)
    percents = [
        category.text_of(_CBC + "Percent")
        for item in node.all(_CAC + "Item")
        for category in item.all(_CAC + "ClassifiedTaxCategory")
    ]
    percent = percents[0] if len(percents) == 1 else ""
    return InvoiceLine(
        name=node.first_text(_CAC + "Item", _CBC + "Name"),
        amount=decimal_value(amount.text, field=amount.path),
        tax=None,
        rate=rate_value(f"{percent}%", field=f"{node.path}/Percent") if percent else None,
    )


def _declared(node: Node, name: str, currency: str) -> Money | None:
    child = node.find(_CBC + name)
    return None if child is None else _amount(child, currency)


def _amount(node: Node, currency: str) -> Money:
    _require_currency(node, currency)
    return money_value(node.text, currency, field=node.path)


def _require_currency(node: Node, currency: str) -> None:
    """Raise CurrencyMixed; an amount without `currencyID` is in the document's currency."""
    own = node.element.get("currencyID") or currency
    if own != currency:
        raise CurrencyMixed(field=node.path, currency=excerpt(own), expected=excerpt(currency))


# --- references and dates ------------------------------------------------------------------------


def _reverses(root: Node, line_name: str) -> tuple[str, ...]:
    """Return the numbers of the invoices taken back, named for the document or for its lines."""
    holders = [root, *root.all(_CAC + line_name)]
    numbers = (
        reference.first_text(_CAC + "InvoiceDocumentReference", _CBC + "ID")
        for holder in holders
        for reference in holder.all(_CAC + "BillingReference")
    )
    return tuple(dict.fromkeys(filter(None, numbers)))


def _first_date(root: Node, *names: str) -> date | None:
    node = root.first(*names)
    return date_value(node.text, field=node.path) if node is not None and node.text else None
