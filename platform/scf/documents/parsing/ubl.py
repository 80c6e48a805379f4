"""OASIS UBL 2 Invoice and CreditNote (2.0 to 2.4 share their namespaces), with EN 16931's rules of sums.

Where rounding goes is told in two ways. EN 16931 (BR-CO-16): payable = inclusive - prepaid + rounding.
The older BII profiles and OASIS's examples put the rounding inside the tax-inclusive total. UBL 2.0 may
have no tax-inclusive total at all. All three pass; anything else does not add up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from scf.documents.parsing.errors import CurrencyMixed, CurrencyUnsupported, FieldMissing
from scf.documents.parsing.model import Flag, Invoice, InvoiceLine, InvoiceParty, Kind
from scf.documents.parsing.totals import require_equal, require_sum, rounded
from scf.documents.parsing.values import (
    date_value,
    decimal_value,
    excerpt,
    money_value,
    one_line,
    rate_value,
)
from scf.documents.parsing.xml import Node
from scf.kernel.money import SCALES, Money, zero
from scf_ledger import uscc

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE_NAMESPACE: Final = f"{_SCHEMA}Invoice-2"
CREDIT_NOTE_NAMESPACE: Final = f"{_SCHEMA}CreditNote-2"
_CAC = f"{{{_SCHEMA}CommonAggregateComponents-2}}"
_CBC = f"{{{_SCHEMA}CommonBasicComponents-2}}"

FACTORED_TYPES: Final = frozenset({"393", "396"})
"""UNTDID 1001: factored invoice, factored credit note."""
CREDIT_TYPES: Final = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"}
)
"""UNTDID 1001: the codes that credit, as EN 16931 lists them."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document declares and what follows from it."""

    net: Money
    tax: Money
    total: Money
    payable: Money


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
    payee = _payee(root, seller)
    type_code = root.text_of(_CBC + type_name)
    takes_back = kind is Kind.UBL_CREDIT_NOTE or type_code in CREDIT_TYPES or totals.total.minor < 0
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
        flags=_flags(type_code, payee),
        takes_back=takes_back,
        reverses=_reverses(root, line_name) if takes_back else (),
        contract_no=root.first_text(_CAC + "ContractDocumentReference", _CBC + "ID") or None,
        order_no=root.first_text(_CAC + "OrderReference", _CBC + "ID") or None,
        delivered_on=_first_date(root, _CAC + "Delivery", _CBC + "ActualDeliveryDate"),
        due_on=_first_date(root, _CBC + "DueDate")
        or _first_date(root, _CAC + "PaymentMeans", _CBC + "PaymentDueDate"),
    )


# --- parties -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """A party with everything that it may be known by."""

    party: InvoiceParty
    known_by: frozenset[str]


def _side(node: Node) -> _Side:
    """Return a party: its unified social credit code where one stands anywhere, else its tax id.

    A document that names a party only, as UBL allows, gives no id. Raises FieldMissing without a name.
    """
    ids = [text for text in _ids(node) if text]
    names = [text for text in _names(node) if text]
    if not names:
        raise FieldMissing(field=f"{node.path}/PartyName/Name")
    chosen = next((text for text in ids if uscc.is_valid(text)), ids[0] if ids else None)
    return _Side(InvoiceParty(chosen, names[0]), frozenset({*ids, *map(_folded, names)}))


def _ids(node: Node) -> Iterable[str]:
    """Iterate over a party's ids: tax, legal entity, others, electronic address."""
    for parent in ("PartyTaxScheme", "PartyLegalEntity"):
        for element in node.all(_CAC + parent):
            yield _compact(element.text_of(_CBC + "CompanyID"))
    for element in node.all(_CAC + "PartyIdentification"):
        yield _compact(element.text_of(_CBC + "ID"))
    yield _compact(node.text_of(_CBC + "EndpointID"))


def _names(node: Node) -> Iterable[str]:
    """Iterate over a party's names: the registered ones, then the trading ones."""
    for parent in ("PartyLegalEntity", "PartyTaxScheme"):
        for element in node.all(_CAC + parent):
            yield element.text_of(_CBC + "RegistrationName")
    for element in node.all(_CAC + "PartyName"):
        yield element.text_of(_CBC + "Name")


def _payee(root: Node, seller: _Side) -> InvoiceParty | None:
    """Return who is to be paid, where it is nobody that the seller is known by."""
    node = root.find(_CAC + "PayeeParty")
    if node is None:
        return None
    ids = [text for text in _ids(node) if text]
    names = [text for text in _names(node) if text]
    same = set(ids) & seller.known_by if ids else {_folded(n) for n in names} & seller.known_by
    if same or not (ids or names):
        return None
    return InvoiceParty(ids[0] if ids else None, names[0] if names else ids[0])


def _flags(type_code: str, payee: InvoiceParty | None) -> frozenset[Flag]:
    flags = {Flag.FACTORED} if type_code in FACTORED_TYPES else set()
    return frozenset(flags | ({Flag.PAYEE_DIFFERS} if payee else set()))


def _compact(text: str) -> str:
    """Return an id without the spaces that printed forms group it by."""
    return text.replace(" ", "").upper()


def _folded(name: str) -> str:
    return name.casefold()


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
    """Read `LegalMonetaryTotal`: each declared total must follow from what stands below it.

    What is not declared is computed. Raises TotalsMismatch with both numbers (BR-CO-10 to 16
    of EN 16931, and the older roundings), FieldMissing where no total can be known.
    """
    nothing = zero(currency)
    tax = _tax(root, currency)
    node = root.require(_CAC + "LegalMonetaryTotal")
    rounding = _declared(node, "PayableRoundingAmount", currency) or nothing
    prepaid = _declared(node, "PrepaidAmount", currency) or nothing
    net = _net(root, node, currency, lines)
    inclusive, rounded_inside = _inclusive(node, net, tax, rounding, currency)
    payable = _declared(node, "PayableAmount", currency)
    if inclusive is None:
        if payable is None:
            raise FieldMissing(field=f"{node.path}/PayableAmount")
        inclusive = payable + prepaid - rounding
    due = inclusive - prepaid if rounded_inside else inclusive - prepaid + rounding
    _follows(payable, due, f"{node.path}/PayableAmount")
    return Totals(inclusive - tax if net is None else net, tax, inclusive, payable or due)


def _net(root: Node, node: Node, currency: str, lines: tuple[InvoiceLine, ...]) -> Money | None:
    """Return the total without tax: lines - allowances + charges (BR-CO-10 to 13)."""
    allowances = _adjustments(root, node, currency, indicator="false", name="AllowanceTotalAmount")
    charges = _adjustments(root, node, currency, indicator="true", name="ChargeTotalAmount")
    line_total = _declared(node, "LineExtensionAmount", currency)
    if lines:
        amounts = [line.amount for line in lines]
        if line_total is None:
            line_total = rounded(sum(amounts, Decimal()), currency)
        require_sum(line_total, amounts, field=f"{node.path}/LineExtensionAmount")
    exclusive = _declared(node, "TaxExclusiveAmount", currency)
    if line_total is None:
        return exclusive
    return _follows(exclusive, line_total - allowances + charges, f"{node.path}/TaxExclusiveAmount")


def _inclusive(
    node: Node, net: Money | None, tax: Money, rounding: Money, currency: str
) -> tuple[Money | None, bool]:
    """Return the total with tax (BR-CO-15), and whether the rounding is inside it."""
    inclusive = _declared(node, "TaxInclusiveAmount", currency)
    if net is None:
        return inclusive, False
    if inclusive is not None and rounding.minor and inclusive == net + tax + rounding:
        return inclusive, True
    return _follows(inclusive, net + tax, f"{node.path}/TaxInclusiveAmount"), False


def _adjustments(root: Node, node: Node, currency: str, *, indicator: str, name: str) -> Money:
    """Return the document's allowances or charges: declared, and then the sum of its items."""
    declared = _declared(node, name, currency)
    items = [
        _amount(item.require(_CBC + "Amount"), currency)
        for item in root.all(_CAC + "AllowanceCharge")
        if item.text_of(_CBC + "ChargeIndicator").lower() == indicator
    ]
    total = sum(items, zero(currency))
    return _follows(declared, total, f"{node.path}/{name}") if items else declared or total


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


def _follows(declared: Money | None, computed: Money, field: str) -> Money:
    """Return a total. Raises TotalsMismatch where the declared one is not the computed one."""
    if declared is not None:
        require_equal(declared, computed, field=field)
    return computed


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
