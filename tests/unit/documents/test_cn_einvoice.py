"""数电票: blue and red, exempt and discounted; what does not add up or contradicts itself."""

from datetime import date
from decimal import Decimal

import pytest

from scf.documents.parsing import Flag, Kind, parse
from scf.kernel.money import Money
from tests.support.invoices import BUYER, SELLER, cn_einvoice, refusal


def test_a_blue_invoice():
    invoice = parse(cn_einvoice())

    assert invoice.kind is Kind.CN_EINVOICE
    assert invoice.number == "25500000000000000001"
    assert (invoice.seller.uscc, invoice.buyer.uscc) == (SELLER, BUYER)
    assert invoice.issued_on == date(2025, 10, 22)
    assert (invoice.net, invoice.tax) == (Money(10000), Money(1300))
    assert invoice.total == invoice.payable == Money(11300)
    assert [line.rate for line in invoice.lines] == [Decimal("0.13")]
    assert not invoice.takes_back
    assert invoice.flags == frozenset()


RED = {"net": "-100.00", "tax": "-13.00", "total": "-113.00", "blue": "N"}
ORIGINAL = "24112000000135114086"


class TestRed:
    @pytest.mark.parametrize(
        "source",
        [
            {"red": f"<OriginalInvoiceCode>{ORIGINAL}</OriginalInvoiceCode>"},
            {"remark": f"被红冲蓝字数电票号码：{ORIGINAL} 红字发票信息确认单编号：50012"},
            {"remark": f"被红冲蓝字数电发票号码:{ORIGINAL}"},
            {"remark": f"对应蓝字发票号码 {ORIGINAL}"},
        ],
    )
    def test_it_names_what_it_takes_back(self, source):
        invoice = parse(cn_einvoice(**RED, **source))

        assert invoice.takes_back
        assert invoice.reverses == (ORIGINAL,)
        assert invoice.total == Money(-11300)

    def test_the_confirmation_is_kept(self):
        red = f"<OriginalInvoiceCode>{ORIGINAL}</OriginalInvoiceCode><CreditNoteNumber>50012</CreditNoteNumber>"

        assert parse(cn_einvoice(**RED, red=red)).confirmation_no == "50012"

    def test_without_a_reference_it_still_takes_back(self):
        invoice = parse(cn_einvoice(**RED))

        assert (invoice.takes_back, invoice.reverses) == (True, ())

    @pytest.mark.parametrize(
        "changes", [{**RED, "blue": "Y"}, {"blue": "N"}], ids=["blue below zero", "red above zero"]
    )
    def test_colour_and_sign_agree(self, changes):
        assert refusal(parse, cn_einvoice(**changes)).code == "document.contradiction"

    def test_a_blue_one_may_tell_in_its_remark_what_it_replaces(self):
        remark = f"替换被红冲蓝字数电发票号码：{ORIGINAL}"

        assert parse(cn_einvoice(remark=remark)).reverses == ()


class TestTotals:
    def test_net_and_tax_make_the_total(self):
        error = refusal(parse, cn_einvoice(total="113.01"))

        assert error.code == "document.totals_mismatch"
        assert (error.fields["declared"], error.fields["computed"]) == ("113.01", "113.00")

    @pytest.mark.parametrize(
        ("lines", "field"),
        [
            ([("100.01", "0.13", "13.00")], "TotalAmWithoutTax"),
            ([("100.00", "0.13", "12.99")], "TotalTaxAm"),
            ([("60.00", "0.13", "7.80"), ("30.00", "0.13", "5.20")], "TotalAmWithoutTax"),
        ],
    )
    def test_lines_make_the_totals(self, lines, field):
        error = refusal(parse, cn_einvoice(lines=lines))

        assert (error.code, error.field) == ("document.totals_mismatch", field)

    @pytest.mark.parametrize(
        "lines",
        [
            [("100.000000", "0.130000", "13.000000")],
            [("120.00", "13%", "15.60"), ("-20.00", "0.13", "-2.60")],
            [("33.333333", "0.13", "4.333333")] * 3,
            [("100.00", "***", "13.00")],
        ],
        ids=["zeros", "discount", "thirds", "margin scheme"],
    )
    def test_the_forms_that_add_up(self, lines):
        assert parse(cn_einvoice(lines=lines)).total == Money(11300)

    def test_an_exempt_line_has_no_rate(self):
        original = cn_einvoice(tax="0.00", total="100.00", lines=[("100.00", "免税", "0.00")])

        assert parse(original).lines[0].rate is None


class TestFields:
    @pytest.mark.parametrize(
        ("old", "new", "code", "field"),
        [
            ("<SellerName>卖方(示例)</SellerName>", "", "document.field_missing", "SellerName"),
            ("<EIid>25500000000000000001", "<EIid>25500000000000000002", "document.contradiction", "InvoiceNumber"),
            ("<InvoiceNumber>2550000", "<InvoiceNumber>255000", "document.field_invalid", "InvoiceNumber"),
            ("<IssueTime>2025-10-22", "<IssueTime>2025-13-22", "document.field_invalid", "IssueTime"),
            ("<TotalTaxAm>13.00</TotalTaxAm>", "<TotalTaxAm>13.00</TotalTaxAm>" * 2, "document.field_repeated", "TotalTaxAm"),
            ("<TaxRate>0.13", "<TaxRate>十三", "document.field_invalid", "TaxRate"),
            ("<BasicInformation>", "<Basic>", "document.xml_malformed", None),
            ("<EInvoiceData>", "<EInvoiceData/><EInvoiceData>", "document.field_repeated", "EInvoiceData"),
        ],
    )  # fmt: skip
    def test_each_is_checked_by_name(self, old, new, code, field):
        error = refusal(parse, cn_einvoice().replace(old.encode(), new.encode()))

        assert error.code == code
        assert (error.field or "").split("/")[-1] == (field or "")

    def test_a_natural_person_may_buy(self):
        invoice = parse(cn_einvoice(buyer=""))

        assert (invoice.buyer.id, invoice.buyer.identity) == (None, "买方(示例)")

    def test_a_code_with_a_wrong_check_digit_is_no_uscc(self):
        assert parse(cn_einvoice(seller="91440000000000000X")).seller.uscc is None


@pytest.mark.parametrize(
    ("remark", "flags"),
    [
        ("本发票项下应收账款已转让给示例保理公司", {Flag.FACTORED}),
        ("债权已转让，请付至保理账户", {Flag.FACTORED}),
        ("应收账款已质押给示例农商行", {Flag.FACTORED}),
        ("合同编号：HT-1；技术转让服务；保密", set()),
    ],
)
def test_a_remark_that_tells_of_an_assignment_is_flagged(remark, flags):
    assert parse(cn_einvoice(remark=remark)).flags == flags
