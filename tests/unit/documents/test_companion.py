"""The companion CSV: what people's spreadsheets make of it, and errors by row and column."""

from datetime import date

import pytest

from scf.documents import companion
from scf.documents.companion import PayableLine
from tests.support.invoices import refusal

HEADER = "行号,发票号码,合同编号,入库单号,收货日期,账期(天),到期日\n"
ONE = PayableLine("1", ("A1",), "HT-1", "RK-1", date(2025, 10, 20), date(2025, 12, 19))


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "1,A1,HT-1,RK-1,2025-10-20,60,\n",
        HEADER + "1,A1,HT-1,RK-1,2025/10/20,60,2025年12月19日\n",
        HEADER + '"1",="A1"," HT-1 ",RK-1,20251020,60,2025.12.19\n',
        HEADER + "1,'A1,HT-1,RK-1,2025-10-20,,2025-12-19\r\n,,,,,,\r\n",
        "行号,发票号码,合同号,收货单号,交货日期,账期（天）,付款到期日\n1,A1,HT-1,RK-1,2025-10-20,60,\n",
        "line_no,invoice_number,contract_no,receipt_no,delivered_on,term_days,due_on\n1,A1,HT-1,RK-1,2025-10-20,60,\n",
        "Due On,Line No,Invoice Number,Contract No,Receipt No,Delivered On\n2025-12-19,1,A1,HT-1,RK-1,2025-10-20\n",
    ],
    ids=["template", "dates", "quoted", "due only", "other names", "English", "other order"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_one_line_in_many_spellings(text, encoding):
    original = text.encode(encoding)

    assert companion.is_companion(original)
    assert companion.parse(original) == (ONE,)


def test_rows_of_one_number_make_one_line():
    text = HEADER + (
        "1,A1,HT-1,RK-1,2025-10-20,60,\n"
        "2,B1,HT-2,,,,2026-01-31\n"
        "1,A2,HT-1,RK-1,2025-10-20,,2025-12-19\n"
    )

    assert companion.parse(text.encode()) == (
        PayableLine("1", ("A1", "A2"), "HT-1", "RK-1", date(2025, 10, 20), date(2025, 12, 19)),
        PayableLine("2", ("B1",), "HT-2", None, None, date(2026, 1, 31)),
    )


@pytest.mark.parametrize(
    ("rows", "row", "column"),
    [
        (",A1,,,,,2025-12-19", 2, "行号"),
        ("1,,,,,,2025-12-19", 2, "发票号码"),
        ("1,2.55E+19,,,,,2025-12-19", 2, "发票号码"),
        ("1,A1,,,2025-02-30,60,", 2, "收货日期"),
        ("1,A1,,,2025-10-20,sixty,", 2, "账期(天)"),
        ("1,A1,,,2025-10-20,721,", 2, "账期(天)"),
        ("1,A1,,,,,", 2, "到期日"),
        ("1,A1,,,2025-10-20,60,2025-12-20", 2, "到期日"),
        ("1,A1,,,2025-10-20,,2025-10-19", 2, "到期日"),
        ("1,A1,,,,,2025-12-19\n1,A1,,,,,2025-12-19", 3, "发票号码"),
        ("1,A1,,,,,2025-12-19\n1,A2,,,,,2025-12-20", 3, "到期日"),
        ("1,A1,HT-1,,,,2025-12-19\n1,A2,HT-2,,,,2025-12-19", 3, "合同编号"),
        ("1,A1,HT\x07,,,,2025-12-19", 2, "合同编号"),
    ],
)
def test_errors_stand_at_their_row_and_column(rows, row, column):
    error = refusal(companion.parse, (HEADER + rows).encode())

    assert error.code == "companion.invalid"
    faults = error.fields["faults"]
    assert [(fault["row"], fault["column"]) for fault in faults] == [(row, column)]
    assert f"第 {row} 行" in next(error.rows())


def test_all_errors_are_told_at_once_up_to_a_sitting():
    several = refusal(companion.parse, (HEADER + ",,,,x,y,z\n1,A1,,,,,2025-12-19\n").encode())
    many = refusal(companion.parse, (HEADER + ",,,,,,\n1,,,,,,\n" * 500).encode())

    assert len(several.fields["faults"]) == 5
    assert companion.FAULTS_MAX <= len(many.fields["faults"]) <= companion.FAULTS_MAX + 7


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("发票号码,到期日", "行号"),
        ("行号,发票号码,到期日,备注", "备注"),
        ("行号,发票号码,到期日,付款到期日", "到期日"),
    ],
)
def test_the_header_is_checked(header, column):
    error = refusal(companion.parse, f"{header}\n1,A1,2025-12-19,\n".encode())

    assert (error.fields["faults"][0]["row"], error.fields["faults"][0]["column"]) == (1, column)


@pytest.mark.parametrize("original", [b"", HEADER.encode(), b"\xff\xff", HEADER.encode() + b'1,"'])
def test_nothing_to_read(original):
    assert refusal(companion.parse, original).code == "companion.invalid"


def test_it_is_bounded():
    rows = (HEADER + "1,A,,,,,2025-12-19\n" * (companion.ROWS_MAX + 1)).encode()

    assert refusal(companion.parse, rows).code == "companion.too_large"
    assert refusal(companion.parse, b" " * (companion.BYTES_MAX + 1)).code == "companion.too_large"


def test_the_template_is_read_back():
    assert companion.template().startswith(b"\xef\xbb\xbf")
    assert companion.parse(companion.template())[0].due_on == date(2025, 12, 19)


@pytest.mark.parametrize(
    "original",
    [b"", b"<EInvoice/>", "行号,发票号码,品名\n".encode(), b"line_no,invoice_number\n", b"a\x00b"],
)
def test_other_files_are_no_companions(original):
    assert not companion.is_companion(original)
