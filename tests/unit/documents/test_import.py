"""`scf import --check`: every file gets a line, the exit code sums up, nothing stops it."""

import csv
import json
import os

import pytest

from scf import cli
from scf.documents.parsing import detection
from tests.support.invoices import SAMPLES, cn_einvoice, third_party, ubl
from tests.support.lists import export, exported, text_list, zipped


@pytest.fixture
def check(monkeypatch, tmp_path, capsys):
    """Run `scf import --check --json` on paths: exit code, lines, what was said to the person."""
    monkeypatch.setenv("SCF_DATA", str(tmp_path / "site"))

    def run(*paths, options=("--json",)):
        code = cli.main(["import", "--check", *options, *map(str, paths)])
        output = capsys.readouterr()
        lines = output.out.splitlines()
        return code, [json.loads(line) for line in lines] if options else lines, output.err

    return run


@pytest.fixture
def folder(tmp_path):
    def fill(**files: bytes):
        top = tmp_path / "in"
        top.mkdir()
        for name, original in files.items():
            (top / name).write_bytes(original)
        return top

    return fill


def test_a_good_folder(check):
    code, lines, said = check(SAMPLES / "invoices", SAMPLES / "companion.csv")

    assert code == 0
    assert lines[0] == {
        "file": str(SAMPLES / "invoices" / "25502000000000010101.xml"),
        "verdict": "accepted",
        "code": None,
        "number": "25502000000000010101",
        "seller": "91500118MAYYC0B218",
        "buyer": "91500118MAYYC0A174",
        "amount": "512000.00",
        "currency": "CNY",
    }
    assert len(lines) == 3
    assert "随附清单 companion, 1 行 lines, 3 张发票" in said


def test_it_goes_on_past_bad_files(check, folder):
    top = folder(
        a=cn_einvoice(),
        b=b"\x00\xff",
        c=cn_einvoice(total="1"),
        d=cn_einvoice().replace(b"\n", b" "),
        e=cn_einvoice(net="1.00", tax="0.13", total="1.13"),
        f=ubl(type_code="393"),
        g=ubl(kind="CreditNote", number="CN-1"),
        h=b"",
    )

    code, lines, _ = check(top)

    assert code == 1
    assert [(line["verdict"], line["code"]) for line in lines] == [
        ("accepted", None),
        ("refused", "document.unsupported_format"),
        ("refused", "document.totals_mismatch"),
        ("duplicate", "document.duplicate"),
        ("conflict", "document.conflict"),
        ("flagged", "document.possibly_assigned"),
        ("reverses", None),
        ("refused", "document.empty"),
    ]
    assert [line["number"] for line in lines if line["verdict"] == "refused"] == [None] * 3


def test_duplicates_alone_are_no_failure(check, folder):
    assert check(folder(a=cn_einvoice(), b=cn_einvoice()))[0] == 0


def test_folders_are_walked_in_order_and_hidden_files_left_alone(check, tmp_path):
    for name in ("b/2.xml", "a/1.xml", ".git/x", "b/.DS_Store", "c.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(ubl(number=name))

    _, lines, _ = check(tmp_path)

    assert [line["number"] for line in lines] == ["c.xml", "a/1.xml", "b/2.xml"]


def test_what_is_no_file_is_told_of(check, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    name = os.fsdecode(b"\xff\xfe.xml")
    (tmp_path / name).write_bytes(ubl())

    code, lines, _ = check(tmp_path)

    assert code == 1
    assert {line["file"].rpartition("/")[2]: line["code"] for line in lines} == {
        "pipe": "import.file_unreadable",
        "gone": "import.file_unreadable",
        "\ufffd\ufffd.xml": None,
    }


@pytest.mark.parametrize("arguments", [[], ["/no/such/path"]])
def test_unusable_arguments(arguments, capsys):
    assert cli.main(["import", "--check", *arguments]) == 2
    assert "import.path_missing" in capsys.readouterr().err


def test_an_empty_folder_is_nothing_refused(check, tmp_path):
    assert check(tmp_path)[:2] == (0, [])


def test_a_bad_companion_is_told_row_by_row(check, folder):
    code, lines, said = check(folder(a="行号,发票号码,到期日\n1,A1,x\n".encode()))

    assert (code, lines[0]["code"]) == (1, "companion.invalid")
    assert "第 2 行 到期日 x: 日期应写作 2025-10-20" in said


def test_listed_invoices_that_are_not_there_are_named(check, folder):
    code, _, said = check(folder(a="行号,发票号码,到期日\n1,A1,2025-12-19\n".encode()))

    assert code == 0
    assert "清单所列发票不在本批 not in this batch: A1" in said


def test_a_person_reads_lines_without_control_characters(check, folder):
    top = folder(a=ubl(number="&#x1f600; 1"), b=ubl(number="<![CDATA[\x85 2]]>"))

    code, lines, _ = check(top, options=())

    assert code == 0
    assert all(line.isprintable() for line in lines)
    assert lines[0].endswith("😀 1 Supplier(示例) → Customer(示例) 113.00 CNY")


def test_a_defect_met_in_one_file_stops_nothing(check, folder, monkeypatch):
    parse = detection.parse

    def broken(original):
        if b"broken" in original:
            raise RecursionError
        return parse(original)

    monkeypatch.setattr(detection, "parse", broken)
    code, lines, said = check(folder(a=b"broken", b=ubl()))

    assert code == 1
    assert [(line["verdict"], line["code"]) for line in lines] == [
        ("refused", "internal"),
        ("accepted", None),
    ]
    assert "Traceback" not in said


def test_the_template_is_printed(capsys):
    assert cli.main(["import", "--template"]) == 0
    assert capsys.readouterr().out.startswith("\ufeff行号,发票号码")


LIST = "发票号码,销售方识别号,购买方名称,开票日期,税额,价税合计"


def test_a_list_has_a_line_a_row_and_bad_rows_are_handed_back(check, folder, tmp_path):
    rows = [
        "A1,S,买方,2025-10-22,13,113",
        "A2,S,=SUM(A1),10-22,-13,113",
        "A1,S,买方,2025-10-22,13,114",
    ]
    top = folder(清单=text_list(LIST, *rows, "A3,S,买方,2025-10-22,13,113"))
    rejects = tmp_path / "退回.csv"

    code, lines, said = check(top, "--rejects", rejects)

    assert code == 1
    assert [(line["file"].rpartition("/")[2], line["verdict"], line["code"]) for line in lines] == [
        ("清单:2", "accepted", None),
        ("清单:3", "refused", "document.row_invalid"),
        ("清单:4", "conflict", "document.conflict"),
        ("清单:5", "accepted", None),
    ]
    assert "rows handed back: 2" in said
    back = list(csv.reader(rejects.read_text("utf-8-sig").splitlines()))
    assert back[0] == [*LIST.split(","), "位置 where", "错误 error"]
    assert back[1][:6] == ["A2", "S", "'=SUM(A1)", "10-22", "-13", "113"]
    assert "开票日期 10-22: 日期写法不符" in back[1][7]
    assert "清单:2" in back[2][7]

    corrected = tmp_path / "corrected.csv"
    corrected.write_bytes(rejects.read_bytes().replace(b"10-22,-13", b"2025-10-22,13"))
    _, lines, _ = check(corrected)
    assert [line["verdict"] for line in lines] == ["accepted", "accepted"]


def test_lists_with_other_columns_are_handed_back_apart(check, folder, tmp_path):
    top = folder(a=text_list(LIST, "A1,S,,,,"), b=text_list(f"{LIST},备注", "A2,S,,,,,"))

    check(top, "--rejects", tmp_path / "r.csv")

    assert (tmp_path / "r.csv").read_text("utf-8-sig").startswith(f"{LIST},位置")
    assert (tmp_path / "r-2.csv").read_text("utf-8-sig").startswith(f"{LIST},备注,位置")


def test_rejects_replace_no_file(check, tmp_path):
    (tmp_path / "r.csv").write_text("mine")

    assert check(tmp_path, "--rejects", tmp_path / "r.csv")[0] == 2
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_a_mapping_file_says_what_columns_mean(check, folder, tmp_path):
    columns = tmp_path / "columns.toml"
    columns.write_text(
        "date = 'DD/MM/YYYY'\n[columns]\nnumber = 'No'\nbuyer_name = 'To'\nissued_on = 'On'\n"
        "total = 'Sum'\n[constants]\nseller_id = 'DE1'\ntax = '0'\ncurrency = 'EUR'\n"
    )
    top = folder(a=text_list("No;To;On;Sum", "1;ACME;05/03/2025;10.00"), b=cn_einvoice())

    code, lines, _ = check("--mapping", columns, top)

    assert code == 0
    assert [
        (line["number"], line["seller"], line["amount"], line["currency"]) for line in lines
    ] == [
        ("1", "DE1", "10.00", "EUR"),
        ("25500000000000000001", "91500118MAYYC0B218", "113.00", "CNY"),
    ]


def test_rows_handed_back_are_read_by_the_same_mapping(check, tmp_path):
    lists = SAMPLES / "lists"
    columns = lists / "abroad.toml"
    code, lines, _ = check(lists, "--mapping", columns, "--rejects", tmp_path / "r.csv")

    assert code == 1
    assert [(line["number"], line["verdict"], line["code"], line["amount"]) for line in lines] == [
        ("YC-EX-2025-011", "accepted", None, "18400.00"),
        ("YC-EX-2025-012", "flagged", "document.payee_differs", "7250.50"),
        (None, "refused", "document.row_invalid", None),
        ("25502000000000010101", "accepted", None, "512000.00"),
        ("25502000000000010102", "accepted", None, "438600.00"),
        ("25502000000000010103", "accepted", None, "335800.00"),
    ]
    again = (tmp_path / "r.csv").read_text("utf-8-sig").replace("31.11.2025;", "30.11.2025;")
    (tmp_path / "r.csv").write_text(again, "utf-8-sig")
    code, lines, _ = check(tmp_path / "r.csv", "--mapping", columns)

    assert (code, lines[0]["number"], lines[0]["amount"]) == (0, "YC-EX-2025-013", "1000.00")


def test_the_samples_export_is_the_samples_invoices(check):
    _, lines, _ = check(SAMPLES / "invoices", SAMPLES / "lists" / "export.xlsx")

    assert [line["verdict"] for line in lines] == ["accepted"] * 3 + ["duplicate"] * 3


def test_a_mapping_file_with_errors_is_unusable(check, folder, tmp_path):
    (tmp_path / "m").write_text("[columns]\nnumbr = 'x'")

    code, lines, said = check("--mapping", tmp_path / "m", folder(a=cn_einvoice()))
    assert (code, lines) == (2, [])
    assert "mapping.invalid" in said


def test_the_same_invoice_in_a_file_a_list_and_a_package(check, folder):
    other = exported(金额="200.00", 税额="26.00", 价税合计="226.00")
    top = folder(
        a=cn_einvoice(), b=export(exported()), c=zipped({"1.xml": cn_einvoice()}), d=export(other)
    )

    _, lines, _ = check(top)

    assert [line["verdict"] for line in lines] == ["accepted", "duplicate", "duplicate", "conflict"]
    assert [line["file"].rpartition("/")[2] for line in lines] == [
        "a", "b!发票基础信息:2", "c!1.xml", "d!发票基础信息:2",
    ]  # fmt: skip


def test_a_companion_within_a_package_is_read_as_one(check, folder):
    sheet = "行号,发票号码,到期日\n1,25500000000000000001,2025-12-19\n".encode()

    code, lines, said = check(folder(a=zipped({"清单.csv": sheet, "1.xml": cn_einvoice()})))

    assert (code, len(lines)) == (0, 1)
    assert "a!清单.csv: 随附清单 companion, 1 行 lines, 1 张发票" in said
    assert "不在本批" not in said


@pytest.mark.parametrize(
    ("name", "start"), [("list", "\ufeff发票号码,"), ("mapping", "# 列对照文件")]
)
def test_templates(name, start, capsys):
    assert cli.main(["import", "--template", name]) == 0
    assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize("file", third_party("cn-einvoice")[:1])
def test_all_of_third_parties(check, file):
    top = file.parents[2]
    code, lines, _ = check(top / "cn-einvoice", top / "ubl")

    assert code == 1
    assert len(lines) == sum(
        1 for folder in ("cn-einvoice", "ubl") for f in (top / folder).rglob("*") if f.is_file()
    )
    assert all(line["code"] for line in lines if line["verdict"] == "refused")
    assert "internal" not in {line["code"] for line in lines}
