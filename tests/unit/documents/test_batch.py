"""A batch recognises what it was shown before, by what it says and never by its bytes."""

import pytest
from lxml import etree

from scf.documents.batch import Batch
from scf.documents.parsing import parse_many
from scf.documents.rules import Verdict
from tests.support.invoices import cn_einvoice, ubl
from tests.support.lists import text_list


def verdicts(*originals: bytes) -> list[str]:
    batch = Batch()
    return [
        batch.examine(original, source=f"file {n}").verdict.value
        for n, original in enumerate(originals)
    ]


@pytest.mark.parametrize(
    ("original", "verdict", "code"),
    [
        (cn_einvoice(), "accepted", None),
        (cn_einvoice(remark="已办理保理"), "flagged", "document.possibly_assigned"),
        (ubl(type_code="393"), "flagged", "document.possibly_assigned"),
        (ubl(kind="CreditNote"), "reverses", None),
        (cn_einvoice(total="1.00"), "refused", "document.totals_mismatch"),
        (b"%PDF-1.7", "refused", "document.unsupported_format"),
    ],
)
def test_a_document_alone(original, verdict, code):
    finding = Batch().examine(original, source="x")

    assert (finding.verdict, finding.code) == (Verdict(verdict), code)


def reordered(original: bytes) -> bytes:
    """The same elements, the other way round at every level."""
    root = etree.fromstring(original)
    for element in list(root.iter()):
        element[:] = list(element)[::-1]
    return etree.tostring(root)


@pytest.mark.parametrize(
    "again",
    [
        cn_einvoice(),
        cn_einvoice().replace(b"\n", b"\r\n"),
        cn_einvoice(lines=[("60.00", "13%", "7.80"), ("40.00", "13%", "5.20")]),
        cn_einvoice(issued="2025-10-22"),
        cn_einvoice().decode().replace("utf-8", "gb18030").encode("gb18030"),
        cn_einvoice(remark="打印件"),
        cn_einvoice().replace(b"<EInvoice>", b'<EInvoice xmlns="urn:x">'),
        cn_einvoice(net="100.000000", total="113.0", seller="91500118mayyc0b218"),
        reordered(cn_einvoice()),
    ],
    ids=[
        "bytes",
        "line ends",
        "lines",
        "time",
        "encoding",
        "remark",
        "namespace",
        "spelling",
        "order",
    ],
)
def test_the_same_invoice_again(again):
    assert verdicts(cn_einvoice(), again) == ["accepted", "duplicate"]


@pytest.mark.parametrize(
    "other",
    [
        cn_einvoice(net="200.00", tax="26.00", total="226.00"),
        cn_einvoice(buyer="91500118MAYYC0C36E"),
        cn_einvoice(issued="2025-10-23"),
        cn_einvoice(seller="91500118MAYYC0C36E"),
    ],
    ids=["amount", "buyer", "date", "seller"],
)
def test_the_same_20_digits_with_other_content(other):
    batch = Batch()
    batch.examine(cn_einvoice(), source="first.xml")
    finding = batch.examine(other, source="second.xml")

    assert (finding.verdict, finding.code) == (Verdict.CONFLICT, "document.conflict")
    assert "first.xml" in (finding.note or "")


def test_several_sellers_may_use_one_number():
    assert verdicts(ubl(), ubl(seller="91500118MAYYC0C36E"), ubl(seller="DK1")) == ["accepted"] * 3


def test_a_conflict_does_not_replace_what_was_there():
    assert verdicts(
        ubl(), ubl(lines=["1.00"], tax="0.13"), ubl(), ubl(lines=["1.00"], tax="0.13")
    ) == ["accepted", "conflict", "duplicate", "conflict"]


def test_a_refused_one_leaves_no_trace():
    assert verdicts(cn_einvoice(total="1.00"), cn_einvoice()) == ["refused", "accepted"]


def test_a_list_that_names_a_side_without_its_id_is_not_contradicted():
    header = "发票号码,销售方识别号,购买方名称,开票日期,税额,价税合计"
    row = "25500000000000000001,91500118MAYYC0B218,{},2025-10-22,13.00,113.00"
    batch = Batch()
    batch.examine(cn_einvoice(), source="first.xml")

    found = [
        batch.judge(part.outcome, source="list").verdict.value
        for part in parse_many(text_list(header, row.format("买方(示例)"), row.format("他人")))
    ]
    assert found == ["duplicate", "conflict"]
