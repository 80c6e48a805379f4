"""UBL 2: sums with their roundings, currencies, parties, payees, notes that take back."""

from datetime import date
from decimal import Decimal

import pytest

from scf.documents.parsing import Flag, Kind, parse
from scf.kernel.money import Money
from tests.support.invoices import BUYER, SELLER, refusal, ubl


def test_an_invoice():
    invoice = parse(ubl(lines=["60.00", "40.00"]))

    assert invoice.kind is Kind.UBL_INVOICE
    assert (invoice.number, invoice.issued_on) == ("INV-1", date(2025, 10, 22))
    assert (invoice.seller.uscc, invoice.buyer.uscc) == (SELLER, BUYER)
    assert (invoice.net, invoice.tax, invoice.total) == (Money(10000), Money(1300), Money(11300))
    assert [line.amount for line in invoice.lines] == [Decimal("60.00"), Decimal("40.00")]


def totals(**declared: str) -> dict[str, str]:
    whole = {"LineExtensionAmount": "100.00", "TaxExclusiveAmount": "100.00", **declared}
    return {name: value for name, value in whole.items() if value}


ALLOWANCE = (
    "<cac:AllowanceCharge><cbc:ChargeIndicator>{}</cbc:ChargeIndicator>"
    '<cbc:Amount currencyID="CNY">{}</cbc:Amount></cac:AllowanceCharge>'
)


class TestSums:
    @pytest.mark.parametrize(
        ("declared", "payable"),
        [
            (totals(TaxInclusiveAmount="113.00", PayableAmount="113.00"), "113.00"),
            (totals(TaxInclusiveAmount="113.00", PrepaidAmount="13", PayableAmount="100"), "100.00"),
            (totals(TaxInclusiveAmount="113.00", PayableRoundingAmount="-0.30", PayableAmount="112.70"), "112.70"),
            (totals(TaxInclusiveAmount="113.30", PayableRoundingAmount="0.30", PayableAmount="113.30"), "113.30"),
            (totals(TaxInclusiveAmount="113.30", PayableRoundingAmount="0.3", PrepaidAmount="100", PayableAmount="13.30"), "13.30"),
            (totals(PayableAmount="113.00"), "113.00"),
            (totals(TaxInclusiveAmount="113.00"), "113.00"),
            ({"PayableAmount": "113.00"}, "113.00"),
        ],
        ids=["plain", "prepaid", "rounding outside", "rounding inside", "inside and prepaid", "UBL 2.0", "no payable", "payable only"],
    )  # fmt: skip
    def test_the_standards_own_forms_pass(self, declared, payable):
        assert parse(ubl(totals=declared)).payable == Money.parse(payable)

    @pytest.mark.parametrize(
        ("declared", "field", "numbers"),
        [
            (totals(LineExtensionAmount="100.01", PayableAmount="113"), "LineExtensionAmount", ("100.01", "100.00")),
            (totals(TaxExclusiveAmount="99.00", PayableAmount="112"), "TaxExclusiveAmount", ("99.00", "100.00")),
            (totals(TaxInclusiveAmount="113.01", PayableAmount="113.01"), "TaxInclusiveAmount", ("113.01", "113.00")),
            (totals(TaxInclusiveAmount="113.00", PayableAmount="112.99"), "PayableAmount", ("112.99", "113.00")),
            (totals(PayableAmount="100.00"), "PayableAmount", ("100.00", "113.00")),
            (totals(TaxInclusiveAmount="113.30", PayableRoundingAmount="0.30", PayableAmount="113.60"), "PayableAmount", ("113.60", "113.30")),
        ],
    )  # fmt: skip
    def test_what_does_not_add_up_is_refused_with_both_numbers(self, declared, field, numbers):
        error = refusal(parse, ubl(totals=declared))

        assert error.code == "document.totals_mismatch"
        assert error.field == f"Invoice/LegalMonetaryTotal/{field}"
        assert (error.fields["declared"], error.fields["computed"]) == numbers

    def test_allowances_and_charges_stand_between_lines_and_net(self):
        extra = ALLOWANCE.format("false", "30.00") + ALLOWANCE.format("true", "10.00")
        declared = totals(
            TaxExclusiveAmount="80.00",
            AllowanceTotalAmount="30.00",
            ChargeTotalAmount="10.00",
            PayableAmount="93.00",
        )

        assert parse(ubl(totals=declared, extra=extra)).net == Money(8000)
        declared["AllowanceTotalAmount"] = "31.00"
        error = refusal(parse, ubl(totals=declared, extra=extra))
        assert error.field == "Invoice/LegalMonetaryTotal/AllowanceTotalAmount"

    def test_tax_is_the_sum_of_its_parts(self):
        part = (
            '<cac:TaxSubtotal><cbc:TaxAmount currencyID="CNY">{}</cbc:TaxAmount></cac:TaxSubtotal>'
        )
        good = ubl().replace(
            b"</cac:TaxTotal>", (part.format("13.00") + "</cac:TaxTotal>").encode()
        )
        bad = ubl().replace(b"</cac:TaxTotal>", (part.format("12.00") + "</cac:TaxTotal>").encode())

        assert parse(good).tax == Money(1300)
        assert refusal(parse, bad).field == "Invoice/TaxTotal/TaxAmount"

    def test_negative_lines_and_lines_with_many_decimals(self):
        assert parse(ubl(lines=["120.00", "-20.00"])).net == Money(10000)
        declared = totals(PayableAmount="113.00")
        assert parse(ubl(lines=["33.33333"] * 3, totals=declared)).net == Money(10000)
        assert refusal(parse, ubl(lines=["33.33"] * 3, totals=declared)).code == (
            "document.totals_mismatch"
        )

    def test_nothing_to_pay_can_be_known(self):
        assert refusal(parse, ubl(lines=[], totals={})).code == "document.field_missing"


class TestCurrency:
    def test_it_may_come_from_the_amounts(self):
        assert parse(ubl(currency=None, own_currency="USD")).currency == "USD"

    def test_it_is_one(self):
        assert refusal(parse, ubl(currency="USD")).code == "document.currency_mixed"
        mixed = ubl(currency=None).replace(b'currencyID="CNY"', b'currencyID="USD"', 3)
        assert refusal(parse, mixed).code == "document.currency_mixed"

    def test_it_must_be_known(self):
        assert refusal(parse, ubl(currency="XTS", own_currency="XTS")).code == (
            "document.currency_unsupported"
        )
        nameless = ubl(currency=None).replace(b' currencyID="CNY"', b"")
        assert refusal(parse, nameless).code == "document.field_missing"

    def test_tax_told_again_in_another_currency_is_not_added(self):
        extra = '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">1.60</cbc:TaxAmount></cac:TaxTotal>'

        assert parse(ubl(extra=extra)).tax == Money(1300)

    def test_yen_have_no_decimals(self):
        assert parse(
            ubl(currency="JPY", own_currency="JPY", lines=["100"], tax="13.00")
        ).total == Money(113, "JPY")


def payee(name: str, code: str = "") -> str:
    legal = f"<cac:PartyLegalEntity><cbc:CompanyID>{code}</cbc:CompanyID></cac:PartyLegalEntity>"
    return (
        f"<cac:PayeeParty><cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName>"
        f"{legal if code else ''}</cac:PayeeParty>"
    )


class TestPayee:
    def test_another_payee_is_flagged(self):
        invoice = parse(ubl(extra=payee("示例保理", "91500118MAYYC0D40J")))

        assert invoice.flags == {Flag.PAYEE_DIFFERS}
        assert invoice.payee is not None
        assert invoice.payee.name == "示例保理"

    @pytest.mark.parametrize("same", [payee("another name", SELLER), payee("SUPPLIER(示例)")])
    def test_the_seller_itself_is_not(self, same):
        invoice = parse(ubl(extra=same))

        assert (invoice.payee, invoice.flags) == (None, frozenset())

    def test_a_factored_invoice_says_so_by_its_type(self):
        assert parse(ubl(type_code="393")).flags == {Flag.FACTORED}
        assert parse(ubl(type_code="380")).flags == frozenset()


REFERENCE = (
    "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{}</cbc:ID>"
    "</cac:InvoiceDocumentReference></cac:BillingReference>"
)


class TestTakingBack:
    def test_a_credit_note_names_its_invoices(self):
        note = parse(
            ubl(kind="CreditNote", extra=REFERENCE.format("INV-1") + REFERENCE.format("INV-2"))
        )

        assert (note.kind, note.takes_back) == (Kind.UBL_CREDIT_NOTE, True)
        assert note.reverses == ("INV-1", "INV-2")
        assert note.total == Money(11300)

    def test_so_may_its_lines(self):
        original = ubl(kind="CreditNote").replace(
            b"</cac:CreditNoteLine>", (REFERENCE.format("INV-9") + "</cac:CreditNoteLine>").encode()
        )

        assert parse(original).reverses == ("INV-9",)

    def test_an_invoice_below_zero_takes_back(self):
        assert parse(ubl(lines=["-100.00"], tax="-13.00")).takes_back

    def test_an_invoice_that_refers_to_another_does_not(self):
        invoice = parse(ubl(extra=REFERENCE.format("INV-0")))

        assert (invoice.takes_back, invoice.reverses) == (False, ())


class TestParties:
    def test_a_uscc_counts_wherever_it_stands(self):
        original = ubl(seller="OTHER-1").replace(
            b"<cac:PartyTaxScheme><cbc:CompanyID>OTHER-1",
            f"<cac:PartyIdentification><cbc:ID>{SELLER}</cbc:ID></cac:PartyIdentification>"
            "<cac:PartyTaxScheme><cbc:CompanyID>OTHER-1".encode(),
        )

        assert parse(original).seller.uscc == SELLER

    def test_without_an_id_the_name_stands(self):
        original = ubl(seller="").replace(b"<cbc:CompanyID></cbc:CompanyID>", b"")

        seller = parse(original).seller
        assert (seller.id, seller.identity) == (None, "Supplier(示例)")

    def test_a_party_has_a_name(self):
        original = ubl().replace("Customer(示例)".encode(), b"")

        error = refusal(parse, original)
        assert (error.code, error.field) == (
            "document.field_missing",
            "Invoice/AccountingCustomerParty/Party/PartyName/Name",
        )
