"""The pending list as a workbook: out, filled in as a spreadsheet program would, and back in."""

import base64
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
import python_calamine as calamine
import xlsxwriter

from scf.kernel.money import Money
from scf.receivables import sheets, workbook
from scf.receivables.rules import REASONS
from scf.receivables.workbook import Due
from tests.support.actors import Stage
from tests.support.receivables import confirmation, money, pay_to, submit

Cells = list[list[Any]]
PATH = "/v1/receivables/pending.xlsx"


def opened(content: bytes, name: str) -> Cells:
    with calamine.load_workbook(io.BytesIO(content)) as book:
        return book.get_sheet_by_name(name).to_python()


def pending(stage: Stage) -> bytes:
    answer = stage.get(stage.cast.anchor, PATH)
    assert answer.status_code == 200, answer.text
    assert "pending.xlsx" in answer.headers["content-disposition"]
    return answer.content


def rows_of(stage: Stage, wanted: Sequence[str]) -> Cells:
    header, *rows = opened(pending(stage), workbook.LIST)
    return [header, *(row for row in rows if row[0] in wanted)]


def saved(cells: Cells) -> str:
    """Save cells as a spreadsheet program does: numbers as numbers, dates as dates; in base64."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate(cells):
            for place, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, place, cell, day)
                elif cell != "":
                    sheet.write(number, place, cell)
    return base64.b64encode(out.getvalue()).decode()


def fill(header: list[str], row: list[Any], **filled: Any) -> None:
    names = {
        "confirmed": sheets.CONFIRMED,
        "disputed": sheets.DISPUTED,
        "reason": sheets.REASON,
        "due_on": sheets.DUE_ON,
        "retention": sheets.RETENTION,
        "retention_due_on": sheets.RETENTION_DUE_ON,
    }
    for name, value in filled.items():
        row[header.index(names[name])] = value


def send(stage: Stage, xlsx: str, mode: str = "continue"):
    terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
    body = {"xlsx": xlsx, "pay_to": pay_to(stage.cast.bank), **terms}
    path = f"/v1/receivables/confirmation-drafts?mode={mode}"
    return stage.post(stage.cast.anchor, path, body)


class TestTheWorkbook:
    def test_has_numbers_and_dates_where_they_belong(self, stage: Stage):
        receivable = submit(stage, total="1286400.50")

        header, row = rows_of(stage, [receivable])

        shown = dict(zip(header, row, strict=True))
        assert shown[sheets.CLAIMED] == 1286400.5
        assert shown[sheets.CLAIMED_DUE_ON].isoformat() == "2025-12-19"
        assert shown[sheets.SUPPLIER_USCC] == stage.cast.supplier.uscc
        assert shown[sheets.CONFIRMED] == ""

    def test_its_sums_are_those_of_its_rows(self, stage: Stage):
        submit(stage, total="0.01")
        content = pending(stage)
        header, *rows = opened(content, workbook.LIST)
        claimed = [round(row[header.index(sheets.CLAIMED)] * 100) for row in rows]

        cells = opened(content, workbook.HELP)

        (total,) = [row for row in cells if row[0] == "总计" and row[1] != ""]
        assert (total[1], round(total[2] * 100)) == (len(rows), sum(claimed))
        (own,) = [row for row in cells if row[1] == stage.cast.supplier.uscc]
        assert (own[2], round(own[3] * 100)) == (len(rows), sum(claimed))

    def test_sums_no_two_currencies(self):
        amounts = (Money(1000), Money(250, "USD"), Money(5))
        dues = [Due("甲", "X", date(2025, 12, 19), amount) for amount in amounts]
        cells = opened(workbook.write([], dues), workbook.HELP)
        totals = [row[:4] for row in cells if row[0] == "总计" and row[1] not in ("", "笔数")]
        assert totals == [["总计", 2, 10.05, "CNY"], ["总计", 1, 2.5, "USD"]]

    def test_offers_the_reasons_locks_what_was_shown_and_freezes_the_header(self):
        """As the file itself says it (ECMA-376, part 1, 18.3.1)."""
        row = {sheets.ID: "rcv_x", sheets.CLAIMED: "1.00", sheets.SUPPLIER: "=1+1"}
        with zipfile.ZipFile(io.BytesIO(workbook.write([row], []))) as package:
            sheet = package.read("xl/worksheets/sheet1.xml").decode()

        assert ",".join(REASONS) in sheet
        assert "<sheetProtection" in sheet
        assert 'state="frozen"' in sheet
        assert "<f>" not in sheet

    def test_a_cell_that_looks_like_a_formula_comes_back_as_text(self, stage: Stage):
        submit(stage, contract_no="=HYPERLINK(1)")
        header, *rows = opened(pending(stage), workbook.LIST)
        assert "=HYPERLINK(1)" in [row[header.index("合同编号")] for row in rows]


class TestFilledIn:
    def test_it_becomes_one_basket(self, stage: Stage):
        anchor, ids = stage.cast.anchor, [submit(stage, total="1000.10") for _ in range(3)]
        header, *rows = rows_of(stage, ids)
        fill(header, rows[0], confirmed=1000.1, due_on=date(2025, 12, 31))
        fill(header, rows[1], confirmed=900, disputed="100.10", reason="质量争议：孔径超差")
        fill(
            header,
            rows[2],
            confirmed="1,000.10",
            retention=50.005 * 2,
            retention_due_on="2026/12/19",
        )

        answer = send(stage, saved([header, *rows])).json()

        assert (answer["errors"], answer["errors_file"]) == ([], None)
        totals = answer["totals"]
        assert (totals["count"], totals["confirmed"]) == (3, money("2900.20"))
        assert [(one["due_on"], one["confirmed"]) for one in totals["by_due_on"]] == [
            ("2025-12-19", money("1900.10")),
            ("2025-12-31", money("1000.10")),
        ]
        signed = {"authorizations": anchor.sign_all(answer["draft"])}
        done = stage.post(anchor, "/v1/receivables/confirmations", signed).json()
        assert len(done["confirmed"]) == 3
        third = stage.get(anchor, f"/v1/receivables/{rows[2][0]}").json()
        assert third["retention"] == {"amount": money("100.01"), "due_on": "2026-12-19"}

    def test_rows_in_error_come_back_with_what_is_wrong(self, stage: Stage):
        ids = [submit(stage) for _ in range(4)]
        header, *rows = rows_of(stage, ids)
        fill(header, rows[0], confirmed=100)
        fill(header, rows[1], confirmed=99.999)
        fill(header, rows[2], confirmed=90, disputed=10)
        fill(header, rows[3], confirmed=100, retention=10)

        answer = send(stage, saved([header, *rows])).json()

        assert answer["totals"]["count"] == 1
        assert [(e["row"], e["column"], e["code"]) for e in answer["errors"]] == [
            (3, sheets.CONFIRMED, "money.invalid"),
            (4, sheets.REASON, "receivable.reason_missing"),
            (5, sheets.RETENTION_DUE_ON, "receivable.cell_invalid"),
        ]
        file = answer["errors_file"]
        assert file["name"] == "errors.xlsx"
        back = opened(base64.b64decode(file["content"]), "Sheet1")
        assert back[0] == [*header, sheets.PROBLEM]
        assert [row[0] for row in back[1:]] == [row[0] for row in rows[1:]]
        assert back[2][-1] == "原因：存在争议或不予确认金额时必须填写原因，选择“其他”须说明"

    def test_the_rows_handed_back_can_be_mended_and_sent_again(self, stage: Stage):
        receivable = submit(stage)
        header, row = rows_of(stage, [receivable])
        fill(header, row, confirmed="90.00", disputed="10.00")
        first = send(stage, saved([header, row])).json()
        header, row = opened(base64.b64decode(first["errors_file"]["content"]), "Sheet1")
        fill(header, row, reason="数量不符")

        again = send(stage, saved([header, row])).json()

        assert again["errors"] == []
        assert again["totals"]["disputed"] == money("10.00")

    def test_atomic_refuses_the_whole(self, stage: Stage):
        header, *rows = rows_of(stage, [submit(stage), submit(stage)])
        fill(header, rows[0], confirmed=100)
        fill(header, rows[1], confirmed="much")

        answer = send(stage, saved([header, *rows]), mode="atomic")

        assert (answer.status_code, answer.json()["code"]) == (422, "money.invalid")
        assert answer.json()["field"] == f"3.{sheets.CONFIRMED}"

    @pytest.mark.parametrize(
        ("xlsx", "code"),
        [
            ("!", "value.invalid"),
            (base64.b64encode(b"PK\x03\x04 no").decode(), "receivable.sheet_invalid"),
            (saved([["a", "b"], ["1", "2"]]), "receivable.sheet_invalid"),
            (saved([]), "receivable.sheet_invalid"),
        ],
    )
    def test_another_file_is_refused(self, stage: Stage, xlsx: str, code: str):
        answer = send(stage, xlsx)
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    def test_one_source_at_a_time(self, stage: Stage):
        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        answer = stage.post(
            stage.cast.anchor,
            "/v1/receivables/confirmation-drafts",
            {"csv": "", "xlsx": "", **terms},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
