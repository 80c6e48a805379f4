"""UN/CEFACT CrossIndustryInvoice (D16B and later), read as EN 16931 maps it.

One root serves invoices and credit notes: the type code (UNTDID 1001) says which.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from scf.documents.parsing import en16931
from scf.documents.parsing.en16931 import Declared, Side, Term, Totals
from scf.documents.parsing.errors import CurrencyMixed, CurrencyUnsupported, FieldInvalid
from scf.documents.parsing.model import Invoice, InvoiceLine, Kind
from scf.documents.parsing.totals import require_sum
from scf.documents.parsing.values import (
    date_value,
    decimal_value,
    excerpt,
    money_value,
    rate_value,
)
from scf.documents.parsing.xml import Node
from scf.kernel.money import SCALES, Money, zero

NAMESPACE: Final = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
ROOT: Final = "CrossIndustryInvoice"

_TOTALS: Final[dict[Term, str]] = {
    "lines": "LineTotalAmount",
    "allowances": "AllowanceTotalAmount",
    "charges": "ChargeTotalAmount",
    "net": "TaxBasisTotalAmount",
    "inclusive": "GrandTotalAmount",
    "rounding": "RoundingAmount",
    "prepaid": "TotalPrepaidAmount",
    "payable": "DuePayableAmount",
}
"""Term of the sums -> child of `SpecifiedTradeSettlementHeaderMonetarySummation`."""
_DAY: Final = "102"  # UNTDID 2379: CCYYMMDD


def parse(root: Node) -> Invoice:
    """Read a CrossIndustryInvoice. Raises an Invalid error that names the field."""
    document = root.require("ExchangedDocument")
    trade = root.require("SupplyChainTradeTransaction")
    agreement = trade.require("ApplicableHeaderTradeAgreement")
    settlement = trade.require("ApplicableHeaderTradeSettlement")
    currency = _currency(settlement)
    lines = tuple(_line(node, currency) for node in trade.all("IncludedSupplyChainTradeLineItem"))
    totals = read_totals(settlement, currency, lines)
    seller = _side(agreement.require("SellerTradeParty"))
    node = settlement.find("PayeeTradeParty")
    payee = seller.other_payee(_ids(node), _names(node)) if node is not None else None
    type_code = document.text_of("TypeCode")
    takes_back = type_code in en16931.CREDIT_TYPES or totals.total.minor < 0
    return Invoice(
        kind=Kind.CII,
        number=document.require_text("ID"),
        seller=seller.party,
        buyer=_side(agreement.require("BuyerTradeParty")).party,
        issued_on=_date(document.require("IssueDateTime", "DateTimeString")),
        net=totals.net,
        tax=totals.tax,
        total=totals.total,
        payable=totals.payable,
        lines=lines,
        payee=payee,
        flags=en16931.flags(type_code, payee),
        takes_back=takes_back,
        reverses=_reverses(settlement) if takes_back else (),
        contract_no=agreement.first_text("ContractReferencedDocument", "IssuerAssignedID") or None,
        order_no=agreement.first_text("BuyerOrderReferencedDocument", "IssuerAssignedID") or None,
        delivered_on=_first_date(
            trade,
            "ApplicableHeaderTradeDelivery",
            "ActualDeliverySupplyChainEvent",
            "OccurrenceDateTime",
        ),
        due_on=_first_date(settlement, "SpecifiedTradePaymentTerms", "DueDateDateTime"),
    )


# --- parties -------------------------------------------------------------------------------------


def _side(node: Node) -> Side:
    """Return a party. Raises FieldMissing without a name."""
    return Side.of(_ids(node), _names(node), field=f"{node.path}/Name")


def _ids(node: Node) -> Iterator[str]:
    """Iterate over a party's ids: tax, legal entity, others, electronic address."""
    for element in node.all("SpecifiedTaxRegistration"):
        yield element.text_of("ID")
    yield node.text_of("SpecifiedLegalOrganization", "ID")
    for name in ("ID", "GlobalID"):
        for element in node.all(name):
            yield element.text
    yield node.first_text("URIUniversalCommunication", "URIID")


def _names(node: Node) -> Iterator[str]:
    """Iterate over a party's names: the registered one, then the trading one."""
    yield node.text_of("Name")
    yield node.text_of("SpecifiedLegalOrganization", "TradingBusinessName")


# --- amounts -------------------------------------------------------------------------------------


def _currency(settlement: Node) -> str:
    """Return the invoice's currency. Raises CurrencyUnsupported, FieldMissing."""
    currency = settlement.require_text("InvoiceCurrencyCode")
    if currency not in SCALES:
        field = f"{settlement.path}/InvoiceCurrencyCode"
        raise CurrencyUnsupported(field=field, currency=currency[:16])
    return currency


def read_totals(settlement: Node, currency: str, lines: tuple[InvoiceLine, ...]) -> Totals:
    """Read the header's summation and hold it against what stands below it.

    Raises TotalsMismatch with both numbers, FieldMissing where no total can be known.
    """
    node = settlement.require("SpecifiedTradeSettlementHeaderMonetarySummation")
    declared = Declared(
        {term: _declared(node, name, currency) for term, name in _TOTALS.items()},
        {term: f"{node.path}/{name}" for term, name in _TOTALS.items()},
    )
    allowances = _adjustments(settlement, currency, indicator="false")
    charges = _adjustments(settlement, currency, indicator="true")
    charges += [
        _amount(charge.require("AppliedAmount"), currency)
        for charge in settlement.all("SpecifiedLogisticsServiceCharge")
    ]
    return en16931.add_up(
        declared,
        lines,
        tax=_tax(settlement, node, currency),
        allowances=declared.adjusted("allowances", allowances, currency),
        charges=declared.adjusted("charges", charges, currency),
    )


def _adjustments(settlement: Node, currency: str, *, indicator: str) -> list[Money]:
    """Return the document's own allowances or charges."""
    return [
        _amount(item.require("ActualAmount"), currency)
        for item in settlement.all("SpecifiedTradeAllowanceCharge")
        if item.text_of("ChargeIndicator", "Indicator").lower() == indicator
    ]


def _tax(settlement: Node, summation: Node, currency: str) -> Money:
    """Return the tax in the invoice's currency (BR-CO-14); the tax currency's total repeats it."""
    own = [
        node
        for node in summation.all("TaxTotalAmount")
        if (node.element.get("currencyID") or currency) == currency
    ]
    parts = [tax.require("CalculatedAmount") for tax in settlement.all("ApplicableTradeTax")]
    if not own:
        return sum((_amount(part, currency) for part in parts), zero(currency))
    total = sum((_amount(node, currency) for node in own), zero(currency))
    if parts:
        amounts = [decimal_value(part.text, field=part.path) for part in parts]
        require_sum(total, amounts, field=own[0].path)
    return total


def _line(node: Node, currency: str) -> InvoiceLine:
    settlement = node.require("SpecifiedLineTradeSettlement")
    amount = settlement.require("SpecifiedTradeSettlementLineMonetarySummation", "LineTotalAmount")
    _require_currency(amount, currency)
    percent = settlement.first_text("ApplicableTradeTax", "RateApplicablePercent")
    field = f"{node.path}/RateApplicablePercent"
    return InvoiceLine(
        name=node.first_text("SpecifiedTradeProduct", "Name"),
        amount=decimal_value(amount.text, field=amount.path),
        tax=None,
        rate=rate_value(f"{percent}%", field=field) if percent else None,
    )


def _declared(node: Node, name: str, currency: str) -> Money | None:
    child = node.find(name)
    return None if child is None else _amount(child, currency)


def _amount(node: Node, currency: str) -> Money:
    _require_currency(node, currency)
    return money_value(node.text, currency, field=node.path)


def _require_currency(node: Node, currency: str) -> None:
    """Raise CurrencyMixed; an amount without `currencyID` is in the invoice's currency."""
    own = node.element.get("currencyID") or currency
    if own != currency:
        raise CurrencyMixed(field=node.path, currency=excerpt(own), expected=excerpt(currency))


# --- references and dates ------------------------------------------------------------------------


def _reverses(settlement: Node) -> tuple[str, ...]:
    """Return the numbers of the invoices taken back."""
    numbers = (
        node.text_of("IssuerAssignedID") for node in settlement.all("InvoiceReferencedDocument")
    )
    return tuple(dict.fromkeys(filter(None, numbers)))


def _first_date(node: Node, *names: str) -> date | None:
    found = node.first(*names, "DateTimeString")
    return _date(found) if found is not None and found.text else None


def _date(node: Node) -> date:
    """Read a date in format 102, the only one of EN 16931 (CII-DT-013). Raises FieldInvalid."""
    form, text = node.element.get("format"), node.text
    if form not in {None, _DAY}:
        raise FieldInvalid(field=node.path, format=excerpt(form or ""), format_expected=_DAY)
    return date_value(f"{text[:4]}-{text[4:6]}-{text[6:]}", field=node.path)
