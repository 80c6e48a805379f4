"""Invoices for tests: small ones built on the spot, and third parties' files where they are at hand."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from scf.kernel.errors import Refused

THIRD_PARTY = Path(__file__).parents[3] / "shared" / "data"
SAMPLES = Path(__file__).parents[2] / "platform" / "scf" / "samples"

SELLER = "91500118MAYYC0B218"
BUYER = "91500118MAYYC0A174"
UBL = "urn:oasis:names:specification:ubl:schema:xsd:"


def third_party(*folders: str) -> list[Path]:
    """Files of `../shared/data`, or one that makes the test skip with its reason."""
    files = [
        file
        for name in folders
        for file in sorted((THIRD_PARTY / name).rglob("*"))
        if file.is_file()
    ]
    return files or [
        pytest.param(None, marks=pytest.mark.skip(reason=f"../shared/data is absent: {folders}"))
    ]


def third_party_file(name: str) -> bytes:
    path = THIRD_PARTY / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is absent")
    return path.read_bytes()


def refusal(call, *arguments, **named) -> Refused:
    """The refusal that a call must end in."""
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return caught.value


def cn_einvoice(
    *,
    number: str = "25500000000000000001",
    seller: str = SELLER,
    buyer: str = BUYER,
    net: str = "100.00",
    tax: str = "13.00",
    total: str = "113.00",
    issued: str = "2025-10-22 09:31:07",
    lines: Sequence[tuple[str, str, str]] | None = None,
    blue: str = "Y",
    red: str = "",
    remark: str = "",
    header_number: str | None = None,
) -> bytes:
    """A 数电票 in XML; `lines` are (amount, rate, tax)."""
    items = "".join(
        f"<IssuItemInformation><ItemName>*示例*货物</ItemName><Amount>{amount}</Amount>"
        f"<TaxRate>{rate}</TaxRate><ComTaxAm>{line_tax}</ComTaxAm></IssuItemInformation>"
        for amount, rate, line_tax in (lines if lines is not None else [(net, "0.13", tax)])
    )
    specific = f"<RedEInvoice>{red}</RedEInvoice>" if red else ""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<EInvoice><Header><EIid>{header_number or number}</EIid><InherentLabel><InIssuType>
<LabelCode>{blue}</LabelCode></InIssuType></InherentLabel></Header><EInvoiceData>
<SellerInformation><SellerIdNum>{seller}</SellerIdNum><SellerName>卖方(示例)</SellerName></SellerInformation>
<BuyerInformation><BuyerIdNum>{buyer}</BuyerIdNum><BuyerName>买方(示例)</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{net}</TotalAmWithoutTax><TotalTaxAm>{tax}</TotalTaxAm>
<TotalTax-includedAmount>{total}</TotalTax-includedAmount></BasicInformation>{items}
<SpecificInformation>{specific}</SpecificInformation>
<AdditionalInformation><Remark>{escape(remark)}</Remark></AdditionalInformation></EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber><IssueTime>{issued}</IssueTime></TaxSupervisionInfo>
</EInvoice>""".encode()


def ubl(
    *,
    kind: str = "Invoice",
    number: str = "INV-1",
    currency: str | None = "CNY",
    seller: str = SELLER,
    buyer: str = BUYER,
    type_code: str = "",
    lines: Sequence[str] = ("100.00",),
    tax: str | None = "13.00",
    totals: dict[str, str] | None = None,
    extra: str = "",
    own_currency: str = "CNY",
) -> bytes:
    """A UBL 2 Invoice or CreditNote; `totals` are the children of LegalMonetaryTotal."""
    if totals is None:
        net = sum(map(Decimal, lines))
        totals = {
            "LineExtensionAmount": str(net),
            "TaxExclusiveAmount": str(net),
            "TaxInclusiveAmount": str(net + Decimal(tax or 0)),
            "PayableAmount": str(net + Decimal(tax or 0)),
        }

    def amount(name: str, value: str) -> str:
        return f'<cbc:{name} currencyID="{own_currency}">{value}</cbc:{name}>'

    def party(role: str, code: str) -> str:
        return (
            f"<cac:Accounting{role}Party><cac:Party><cac:PartyName><cbc:Name>{role}(示例)</cbc:Name>"
            f"</cac:PartyName><cac:PartyTaxScheme><cbc:CompanyID>{code}</cbc:CompanyID>"
            f"</cac:PartyTaxScheme></cac:Party></cac:Accounting{role}Party>"
        )

    items = "".join(
        f"<cac:{kind}Line>{amount('LineExtensionAmount', value)}</cac:{kind}Line>"
        for value in lines
    )
    declared = "".join(amount(name, value) for name, value in totals.items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{kind} xmlns="{UBL}{kind}-2" xmlns:cac="{UBL}CommonAggregateComponents-2"
 xmlns:cbc="{UBL}CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2025-10-22</cbc:IssueDate>
{f"<cbc:{kind}TypeCode>{type_code}</cbc:{kind}TypeCode>" if type_code else ""}
{f"<cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>" if currency else ""}
{party("Supplier", seller)}{party("Customer", buyer)}{extra}
{f"<cac:TaxTotal>{amount('TaxAmount', tax)}</cac:TaxTotal>" if tax is not None else ""}
<cac:LegalMonetaryTotal>{declared}</cac:LegalMonetaryTotal>{items}</{kind}>""".encode()
