"""Certificates as PDF, read back: everything that was printed, and a refusal for what is none."""

import io
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import NameObject, StreamObject

from scf.kernel.money import Money
from scf.papers import typesetting
from scf.papers.layouts import Paper, Row, Section
from scf.registry.certificates import (
    read_registration,
    registration_facts,
    registration_paper,
    results_hash,
    search_paper,
)
from scf.registry.port import (
    Business,
    Certificate,
    Enrolled,
    EntryKind,
    Finding,
    SearchResult,
)
from scf.registry.reading import BYTES_MAX, PaperTooLarge, PaperUnreadable, read_paper

NOON = datetime(2025, 11, 3, 4, 5, 6, tzinfo=UTC)
BANK = Enrolled("示例农商行", "91500118MA5U00002X")
SUPPLIER = Enrolled("永川兴锐冲压件(示例)", "91500118MA5U00001Y")
CERTIFICATE = Certificate(
    kind=EntryKind.INITIAL,
    number="20251103000000000001",
    initial_no="20251103000000000001",
    registered_at=NOON,
    expires_on=date(2026, 7, 3),
    business=Business.RECEIVABLE_PLEDGE,
    secured_party=BANK,
    grantor=SUPPLIER,
    contract_no="47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    amount=Money.parse("996000.00"),
    description="应收账款，基础合同号：HT-2025-08；发票号码：25502000000000000001（共1张）；登记时间以系统为准。"
    * 6,
    items=("25502000000000000001", "25502000000000000002"),
)
FINDING = Finding(
    "20251030000000000007", NOON, Enrolled("另一家银行(示例)", BANK.uscc), "冲压机床三台", ()
)


def pdf_of(certificate):
    return typesetting.paper(registration_paper(certificate))


def a_search(*findings):
    return SearchResult(
        cert_no="C20251103000000000002",
        grantor=SUPPLIER,
        searched_at=NOON,
        findings=findings,
        results_hash=results_hash(findings),
        certificate=b"",
    )


def unfolding(pdf, times):
    """A PDF whose first page says the same so many times, in hardly more bytes."""
    writer, stream = PdfWriter(clone_from=io.BytesIO(pdf)), StreamObject()
    page = writer.pages[0]
    stream._data = zlib.compress(page.get_contents().get_data() * times, 9)
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    page[NameObject("/Contents")] = writer._add_object(stream)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


class TestRegistration:
    def test_everything_printed_is_read_back(self):
        assert read_paper(pdf_of(CERTIFICATE)) == CERTIFICATE

    @pytest.mark.parametrize("kind", [EntryKind.AMENDED, EntryKind.EXTENDED, EntryKind.CANCELLED])
    def test_a_later_entry_says_which_one_it_changes_and_why(self, kind):
        later = replace(CERTIFICATE, kind=kind, number="20251203000000000009", reason="名称变更")

        assert read_paper(pdf_of(later)) == later

    def test_its_machine_readable_form_says_the_same(self):
        assert read_registration(registration_facts(CERTIFICATE)) == CERTIFICATE

    @settings(max_examples=15)
    @given(
        st.lists(
            st.sampled_from(
                ["\n登记到期日 2030-01-01", "\n二、担保人信息", "\n名称 乙", "\n", "0123456789"]
            ),
            max_size=40,
        ).map("".join)
    )
    def test_no_text_is_taken_for_another_field(self, text):
        """A text that looks like the form is read as it is, or not at all."""
        sly = replace(CERTIFICATE, description=f"应收账款{text}")
        try:
            found = read_paper(pdf_of(sly))
        except PaperUnreadable:
            return
        assert found.expires_on == CERTIFICATE.expires_on
        assert (found.grantor, found.secured_party) == (SUPPLIER, BANK)


class TestSearch:
    def test_findings_are_read_back_in_their_order(self):
        second = replace(FINDING, reg_no="20251101000000000008", items=CERTIFICATE.items)
        found = read_paper(typesetting.paper(search_paper(a_search(FINDING, second))))

        assert found.findings == (FINDING, second)
        assert replace(found, certificate=b"") == a_search(FINDING, second)

    def test_a_clean_one_says_so(self):
        found = read_paper(typesetting.paper(search_paper(a_search())))

        assert found.findings == ()
        assert found.grantor == SUPPLIER

    def test_a_record_that_is_missing_is_noticed(self):
        paper = search_paper(a_search(FINDING, FINDING))
        torn = replace(paper, sections=paper.sections[:1])

        with pytest.raises(PaperUnreadable) as refused:
            read_paper(typesetting.paper(torn))

        assert refused.value.field == "有效登记笔数"


class TestRefusal:
    @pytest.mark.parametrize(
        "content", [b"", b"%PDF-1.7", b"PK\x03\x04", pdf_of(CERTIFICATE)[:4_000]]
    )
    def test_what_is_no_pdf(self, content):
        with pytest.raises(PaperUnreadable):
            read_paper(content)

    def test_another_paper(self):
        letter = Paper(
            title="还款凭证",
            number="1",
            at=NOON,
            head=[Row("登记证明编号", "1")],
            preamble="",
            sections=[Section("担保人信息", [Row("名称", "甲")])],
        )
        with pytest.raises(PaperUnreadable) as refused:
            read_paper(typesetting.paper(letter))

        assert refused.value.fields["title"] == "还款凭证"

    def test_a_field_that_is_missing_is_named(self):
        paper = registration_paper(CERTIFICATE)
        torn = replace(paper, head=[row for row in paper.head if row.label != "登记时间"])

        with pytest.raises(PaperUnreadable) as refused:
            read_paper(typesetting.paper(torn))

        assert refused.value.field == "登记时间"

    def test_a_section_that_stands_twice(self):
        paper = registration_paper(CERTIFICATE)
        twice = replace(paper, sections=[*paper.sections, paper.sections[1]])

        with pytest.raises(PaperUnreadable):
            read_paper(typesetting.paper(twice))

    def test_one_that_unfolds_without_end(self):
        bomb = unfolding(pdf_of(CERTIFICATE), 300)
        assert len(bomb) < BYTES_MAX

        with pytest.raises(PaperUnreadable) as refused:
            read_paper(bomb)

        assert refused.value.fields["reason"] == "LimitReachedError"

    def test_too_much(self):
        with pytest.raises(PaperTooLarge):
            read_paper(bytes(BYTES_MAX + 1))


def test_warehouse_receipts_are_read_back_by_their_own_label():
    pledged = replace(
        CERTIFICATE,
        business=Business.WAREHOUSE_RECEIPT_PLEDGE,
        description="出质人（存货人）甲以其持有的下列仓单（共1张）出质；仓单编号：CD-1，保管人：乙。",
        items=("CD-1",),
    )

    assert read_paper(pdf_of(pledged)) == pledged
