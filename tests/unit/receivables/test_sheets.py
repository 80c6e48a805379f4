import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.receivables import cells, sheets

ID = public_id("rcv", new_id())
BANK = {
    cells.ACCOUNT_NAME: "永川兴锐冲压件(示例)",
    cells.ACCOUNT: "6222 0000 0000 0001",
    cells.BANK: "示例农商行",
    cells.BANK_USCC: "91500118MAYYC0D40J",
}


def sheet(*rows: dict[str, str], columns: tuple[str, ...] = (*sheets.SHOWN, *sheets.FILLED)) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def problems(text: str) -> list[tuple[int, str | None, str]]:
    return [(e.row, e.column, e.error.code) for e in sheets.read_csv(text).errors]


class TestReading:
    def test_reads_what_a_clerk_fills_in(self):
        text = sheet(
            {
                sheets.ID: ID,
                sheets.VERSION: "1",
                sheets.CONFIRMED: "1,245,000.00",
                sheets.DISPUTED: "¥41,400元",
                sheets.REASON: "质量争议",
                sheets.DUE_ON: "2025/12/9",
                **BANK,
            }
        )

        (row,) = sheets.read_csv("\ufeff" + text).rows

        assert (row.row, row.version) == (2, 1)
        assert row.confirmed == Money(124_500_000)
        assert row.disputed == Money(4_140_000)
        assert row.rejected is None
        assert row.due_on is not None
        assert row.due_on.isoformat() == "2025-12-09"
        assert row.pay_to is not None
        assert row.pay_to.to_json()["bank_uscc"] == "91500118MAYYC0D40J"

    def test_reads_amounts_in_the_currency_of_their_line(self):
        cells = {sheets.ID: ID, sheets.CONFIRMED: "12.50", sheets.CURRENCY: "USD"}
        assert sheets.read_csv(sheet(cells)).rows[0].confirmed == Money(1250, "USD")
        assert problems(sheet({**cells, sheets.CURRENCY: "XXX"})) == [
            (2, sheets.CONFIRMED, "money.invalid")
        ]

    def test_leaves_unanswered_lines_out(self):
        assert sheets.read_csv(sheet({sheets.ID: ID}, {sheets.ID: "what"})).rows == []

    def test_names_row_and_column_of_every_wrong_cell(self):
        text = sheet(
            {sheets.ID: "rcv_1", sheets.CONFIRMED: "12.345", sheets.DUE_ON: "soon"},
            {sheets.ID: ID, sheets.CONFIRMED: "-1.00", cells.BANK_USCC: "123"},
            {sheets.VERSION: "two", sheets.CONFIRMED: "1.00"},
        )

        assert problems(text) == [
            (2, sheets.ID, "id.invalid"),
            (2, sheets.CONFIRMED, "money.invalid"),
            (2, sheets.DUE_ON, "value.invalid"),
            (3, sheets.CONFIRMED, "receivable.cell_invalid"),
            (3, cells.BANK_USCC, "receivable.cell_invalid"),
            (4, sheets.VERSION, "receivable.cell_invalid"),
            (4, sheets.ID, "receivable.cell_invalid"),
        ]

    def test_an_account_is_whole_or_absent(self):
        row = {sheets.ID: ID, sheets.CONFIRMED: "1.00", **BANK, cells.BANK: ""}
        assert problems(sheet(row)) == [(2, cells.BANK, "receivable.account_missing")]

    def test_a_line_is_answered_once(self):
        row = {sheets.ID: ID, sheets.CONFIRMED: "1.00"}
        text = sheet(row, row)
        assert problems(text) == [(3, sheets.ID, "receivable.row_repeated")]
        assert len(sheets.read_csv(text).rows) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a,b\n1,2\n",
            sheet(columns=sheets.FILLED),
            sheet() + ",".join("x" * 40) + "\n",
            sheet() + '"unclosed',
        ],
        ids=["empty", "others", "no id", "too wide", "unclosed"],
    )
    def test_another_table_is_refused_whole(self, text: str):
        with pytest.raises(sheets.SheetInvalid):
            sheets.read_csv(text)

    def test_is_bounded(self):
        rows = [{sheets.ID: ID}] * (sheets.ROWS_MAX + 1)
        with pytest.raises(sheets.SheetTooLarge):
            sheets.read_csv(sheet(*rows))
        with pytest.raises(sheets.SheetTooLarge):
            sheets.read_csv("x" * (sheets.CHARACTERS_MAX + 1))

    @given(st.text(max_size=300), st.text(max_size=20), st.text(max_size=20))
    def test_whatever_comes_is_read_or_refused(self, text, cell, other):
        for body in (text, sheet({sheets.ID: ID, sheets.CONFIRMED: cell, sheets.DUE_ON: other})):
            with suppress(sheets.SheetInvalid, sheets.SheetTooLarge):
                sheets.read_csv(body)


class TestWriting:
    def test_writes_no_formulas(self):
        out = sheets.write([{sheets.ID: ID, "供应商": "=HYPERLINK(1)", "行号": "-2+3"}])
        assert out.startswith(b"\xef\xbb\xbf")
        (row,) = csv.DictReader(io.StringIO(out.decode("utf-8-sig")))
        assert row["供应商"] == "'=HYPERLINK(1)"
        assert row["行号"] == "'-2+3"

    def test_what_is_written_is_read_back(self):
        out = sheets.write([{sheets.ID: ID, sheets.CONFIRMED: "1.00"}]).decode("utf-8-sig")
        assert sheets.read_csv(out).rows[0].confirmed == Money(100)
