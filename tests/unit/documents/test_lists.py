"""Lists of invoices: the tax portal's export, sheets and CSV by a mapping, each row a document."""

import hashlib
import json
from datetime import date

import orjson
import pytest

from scf.documents.parsing import Flag, Invoice, Kind, parse, parse_many
from scf.documents.parsing.mapping import LIST, TEMPLATE, ListMapping, list_template
from scf.documents.rules import Content, identities
from scf.kernel.errors import Refused
from tests.support.invoices import cn_einvoice, refusal
from tests.support.lists import ITEMS, export, exported, far_workbook, text_list, workbook

HEADER = "发票号码,销售方识别号,购买方名称,开票日期,税额,价税合计"
ROW = "A1,91500118MAYYC0B218,买方(示例),2025-10-22,13.00,113.00"


def outcomes(source: bytes, mapping: ListMapping | None = None) -> dict[str, str]:
    """Where each document is, and its number or the code of its refusal."""
    return {
        part.place: part.outcome.code if isinstance(part.outcome, Refused) else part.outcome.number
        for part in parse_many(source, mapping)
    }


def only(source: bytes, mapping: ListMapping | None = None) -> Invoice:
    """The one invoice of a list."""
    (part,) = parse_many(source, mapping)
    assert isinstance(part.outcome, Invoice), part.outcome.line()
    return part.outcome


def error(source: bytes, mapping: ListMapping | None = None) -> Refused:
    """The one refusal of a list."""
    (part,) = parse_many(source, mapping)
    assert isinstance(part.outcome, Refused)
    return part.outcome


# --- the portal's export -------------------------------------------------------------------------


def test_a_row_is_the_invoice_that_its_file_is():
    listed, filed = only(export(exported())), parse(cn_einvoice())

    assert listed.kind is filed.kind is Kind.CN_EINVOICE
    assert identities(listed) == identities(filed)
    assert Content.of(filed).differences(Content.of(listed)) == {}


def test_one_file_gives_many_invoices():
    numbers = [f"2550000000000000000{n}" for n in range(5)]
    source = export(*(exported(数电发票号码=number) for number in numbers), ["合计", *[""] * 18])

    assert outcomes(source) == {
        f"!发票基础信息:{row}": number for row, number in enumerate(numbers, start=2)
    }


def test_an_older_invoice_has_a_code_and_a_number():
    invoice = only(export(exported(数电发票号码="", 发票代码="050001700111", 发票号码="12235358")))

    assert (invoice.kind, invoice.number) == (Kind.CN_VAT, "050001700111-12235358")


def test_a_red_note_says_what_it_takes_back():
    remark = (
        "被红冲蓝字数电票号码：25500000000000000001 红字发票信息确认单编号：50011825101000123456"
    )
    invoice = only(
        export(
            exported(
                数电发票号码="25500000000000000002", 金额=-100, 税额=-13, 价税合计=-113,
                是否正数发票="否", 备注=remark,
            )
        )
    )  # fmt: skip

    assert invoice.takes_back
    assert invoice.reverses == ("25500000000000000001",)
    assert invoice.confirmation_no == "50011825101000123456"
    assert invoice.total.minor == -11300


def test_silence_about_what_is_taken_back_contradicts_nothing():
    silent = only(export(exported(金额=-100, 税额=-13, 价税合计=-113, 是否正数发票="否")))
    filed = parse(cn_einvoice(net="-100.00", tax="-13.00", total="-113.00", blue="N",
                              remark="被红冲蓝字数电票号码：25500000000000000009"))  # fmt: skip

    assert filed.reverses
    assert Content.of(filed).differences(Content.of(silent)) == {}


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({"发票状态": "已红冲-全额"}, {Flag.TAKEN_BACK}),
        ({"发票状态": "已红冲-部分"}, {Flag.TAKEN_BACK}),
        ({"发票风险等级": "疑点发票"}, {Flag.TAX_RISK}),
        ({"备注": "本发票项下应收账款已转让"}, {Flag.FACTORED}),
        ({"备注": "送货单 12"}, set()),
    ],
)
def test_what_hints_that_the_claim_is_not_free(values, flags):
    assert only(export(exported(**values))).flags == flags


@pytest.mark.parametrize(
    ("values", "code", "column"),
    [
        ({"发票状态": "已作废"}, "document.voided", None),
        ({"价税合计": "113.01"}, "document.totals_mismatch", None),
        ({"是否正数发票": "否"}, "document.contradiction", None),
        ({"数电发票号码": "255"}, "document.row_invalid", "数电发票号码"),
        ({"数电发票号码": 25500000000000000001}, "document.row_invalid", "数电发票号码"),
        ({"开票日期": "22/10/2025"}, "document.row_invalid", "开票日期"),
        ({"开票日期": "2025-02-30"}, "document.row_invalid", "开票日期"),
        ({"金额": "1.2.3"}, "document.row_invalid", "金额"),
        ({"金额": "100.001"}, "document.row_invalid", "金额"),
        ({"购方识别号": "", "购买方名称": ""}, "document.row_invalid", "购买方名称"),
        ({"数电发票号码": "", "发票代码": "12", "发票号码": "12235358"}, "document.row_invalid", "发票代码"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_by_its_column_and_the_next_goes_on(values, code, column):
    good = exported(数电发票号码="25500000000000000007")
    bad, after = parse_many(export(exported(**values), good))

    assert (bad.place, bad.outcome.code) == ("!发票基础信息:2", code)
    if column:
        assert [fault["column"] for fault in bad.outcome.fields["faults"]] == [column]
    assert after.outcome.number == "25500000000000000007"


def test_numbers_of_a_mismatch_are_both_told():
    fields = error(export(exported(价税合计=113.5))).fields

    assert (fields["declared"], fields["computed"]) == ("113.50", "113.00")


def item(**values):
    return exported(ITEMS, **values)


def test_items_are_held_against_their_invoice():
    items = [ITEMS, item(金额="60", 税额="7.80"), item(金额="40", 税额="5.20")]
    assert outcomes(export(exported(), 信息汇总表=items)) == {
        "!发票基础信息:2": "25500000000000000001"
    }

    refused = error(export(exported(), 信息汇总表=items[:2]))
    assert (refused.code, refused.field) == ("document.totals_mismatch", "net")
    assert (refused.fields["declared"], refused.fields["computed"]) == ("100.00", "60.00")


def test_items_alone_are_joined_to_invoices():
    other = {"数电发票号码": "25500000000000000002"}
    rows = [
        item(金额=60.1, 税额=7.8, 价税合计=67.9),
        item(**other, 金额=1, 税额=0.13, 价税合计=1.13),
        item(金额=39.9, 税额=5.2, 价税合计=45.1),
    ]
    first, second = parse_many(workbook(信息汇总表=[ITEMS, *rows]))

    assert Content.of(first.outcome) == Content.of(parse(cn_einvoice()))
    assert (second.outcome.number, second.outcome.total.text) == ("25500000000000000002", "1.13")


def test_items_that_do_not_agree_are_no_invoice():
    rows = [item(价税合计=113), item(开票日期="2025-10-23")]
    refused = error(workbook(信息汇总表=[ITEMS, *rows]))

    assert (refused.code, refused.fields["values"]) == (
        "document.contradiction",
        ["2025-10-22", "2025-10-23"],
    )


def test_items_without_a_number_are_refused_one_by_one():
    rows = [item(数电发票号码=""), item(数电发票号码="")]

    assert outcomes(workbook(信息汇总表=[ITEMS, *rows])) == {
        "!信息汇总表:2": "document.row_invalid",
        "!信息汇总表:3": "document.row_invalid",
    }


# --- the template, a mapping file -----------------------------------------------------------------


def test_the_template_reads_its_own_example():
    invoice = only(list_template())

    assert invoice.kind is Kind.CN_EINVOICE
    assert (invoice.net.text, invoice.tax.text, invoice.total.text) == ("1000.00", "130.00", "1130.00")  # fmt: skip
    assert (invoice.contract_no, invoice.due_on) == ("HT-2025-0001", date(2025, 12, 19))
    assert ListMapping.parse(TEMPLATE).columns == LIST.columns


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_delimiters(encoding, mark):
    source = text_list(HEADER.replace(",", mark), ROW.replace(",", mark), encoding=encoding)

    assert only(source).buyer.name == "买方(示例)"


def test_titles_above_the_header_and_sums_below_are_no_rows():
    assert outcomes(text_list("2025 年 10 月 发票清单,,", "", HEADER, ROW, "", "合计,,,,13.00,113.00")) == {":4": "A1"}  # fmt: skip


def test_one_of_three_amounts_may_be_left_out():
    invoice = only(text_list(HEADER, ROW))

    assert (invoice.net.text, invoice.tax.text, invoice.total.text) == ("100.00", "13.00", "113.00")


def test_a_payee_or_an_assignment_is_flagged():
    header = f"{HEADER},收款方名称,是否已转让,销售方名称"

    assert only(text_list(header, f"{ROW},,否,卖方")).flags == set()
    assert only(text_list(header, f"{ROW},卖方,,卖方")).flags == set()
    assert only(text_list(header, f"{ROW},示例保理,,卖方")).flags == {Flag.PAYEE_DIFFERS}
    assert only(text_list(header, f"{ROW},,是,卖方")).flags == {Flag.FACTORED}


ABROAD = """
date = "DD.MM.YYYY"
number = "1.234,56"
delimiter = ";"
[columns]
number = ["Invoice No", "Inv"]
buyer_name = "Customer"
issued_on = "Date"
net = "Net"
total = "Gross"
[constants]
currency = "eur"
seller_id = "91500118MAYYC0B218"
seller_name = "Seller"
"""


@pytest.fixture
def abroad():
    return ListMapping.parse(ABROAD.encode())


def test_a_mapping_file_says_columns_constants_and_forms(abroad):
    invoice = only(
        text_list("Inv;Customer;Date;Net;Gross;Note", "X-1;ACME;05.03.2025;1.000;1.190,5;x"), abroad
    )

    assert (invoice.kind, invoice.number, invoice.currency) == (Kind.LISTED, "X-1", "EUR")
    assert (invoice.net.text, invoice.tax.text, invoice.total.text) == ("1000.00", "190.50", "1190.50")  # fmt: skip
    assert invoice.issued_on == date(2025, 3, 5)
    assert invoice.seller.id == "91500118MAYYC0B218"


def test_number_cells_of_a_sheet_need_no_form(abroad):
    rows = [["Invoice No", "Customer", "Date", "Net", "Gross"], [17, "ACME", date(2025, 3, 5), 1000.5, 0.1 + 0.2 + 1000.2]]  # fmt: skip
    invoice = only(workbook(Blatt=rows), abroad)

    assert (invoice.number, invoice.net.text, invoice.total.text) == ("17", "1000.50", "1000.50")


def test_faults_are_told_all_at_once(abroad):
    refused = error(text_list("Inv;Customer;Date;Net;Gross", "X-1;ACME;2025/3/5;1,000.00;x"), abroad)  # fmt: skip

    assert [(f["column"], f["value"]) for f in refused.fields["faults"]] == [
        ("Date", "2025/3/5"),
        ("Net", "1,000.00"),
        ("Gross", "x"),
    ]
    assert "1,000.00" in refused.line()


def test_columns_that_nobody_knows_are_named(abroad):
    assert error(text_list("Inv;Customer", "1;2"), abroad).fields["missing"] == ["Date", "Net", "Gross"]  # fmt: skip
    assert error(text_list("a,b", "1,2")).code == "document.columns_unknown"
    assert error(workbook(空=[])).code == "document.columns_unknown"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "columns = 1",
        "[columns]\nnet = 'a'",
        "[columns]\nnumber = ''",
        "[columns]\nnumber = 'a'\nnumbr = 'b'",
        "[columns]\nnumber = 'a'\n[constants]\ncurrency = 1",
        "[columns]\nnumber = 'a'\n[constants]\ntax = 'none'",
        "date = 'MM/YYYY'\n[columns]\nnumber = 'a'",
        "number = '12,34'\n[columns]\nnumber = 'a'",
        "encoding = 'utf-7'\n[columns]\nnumber = 'a'",
        "speed = 1\n[columns]\nnumber = 'a'",
        "optional = 1\n[columns]\nnumber = 'a'",
        "[columns]\nnumber = 'a'\n[optional]\nfields = 'number'",
        "[columns",
        "\ufffe",
    ],
)
def test_a_mapping_file_with_errors(text):
    assert refusal(ListMapping.parse, text.encode()).code == "mapping.invalid"


# --- what is kept of a row -----------------------------------------------------------------------


def test_a_row_is_kept_in_a_form_that_reads_as_the_row():
    source = export(exported(备注="送货单 12"))
    (part,) = parse_many(source)
    kept = json.loads(part.original)

    assert parse(part.original) == part.outcome
    assert kept["format"] == "scf-listed-invoice/1"
    assert kept["source"] == {
        "sha256": hashlib.sha256(source).hexdigest(),
        "sheet": "发票基础信息",
        "row": 2,
    }
    assert kept["fields"]["remark"] == "送货单 12"


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x"},
        {"fields": {}},
        {"fields": {"number": 1}},
        {"fields": {"secret": "x"}},
        {"source": {}},
        {"source": {"sha256": "0" * 63, "sheet": None, "row": 1}},
    ],
)
def test_a_kept_row_is_read_strictly(change):
    (part,) = parse_many(text_list(HEADER, ROW))
    kept = orjson.loads(part.original) | change
    written = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)

    assert refusal(parse, written).code.startswith("document.")


def test_a_kept_row_has_one_form():
    (part,) = parse_many(text_list(HEADER, ROW))
    pretty = json.dumps(json.loads(part.original)).encode()

    assert refusal(parse, pretty).fields["value"] == "not canonical"


def test_rows_come_one_by_one():
    """A list is not read to its end before its first row is told."""
    parts = parse_many(text_list(HEADER, *[ROW] * 50_000))

    assert next(parts).place == ":2"
    assert next(parts).place == ":3"


def test_a_sheet_that_names_the_last_cell_of_the_grid_is_refused():
    refused = error(far_workbook())

    assert refused.code == "document.too_large"
    assert (refused.fields["what"], refused.fields["count"]) == ("rows", 1_048_576)


@pytest.mark.parametrize("source", [export(exported()), text_list(HEADER, ROW)])
def test_a_list_is_no_document(source):
    assert refusal(parse, source).code in {"document.several", "document.unsupported_format"}


def test_a_list_has_so_many_columns_at_most():
    wide = text_list(",".join(["a"] * 257))

    assert error(wide).fields == {"what": "columns", "count": 257, "count_max": 256}


def test_a_csv_that_breaks_off_keeps_its_good_rows():
    assert outcomes(text_list(HEADER, ROW, '"open')) == {":2": "A1", "": "document.table_invalid"}
