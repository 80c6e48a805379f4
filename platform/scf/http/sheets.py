"""Lists handed out as files that spreadsheets open: every cell is text, none a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

import xlsxwriter

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_WIDTH: Final = 18  # characters of a column
_BELOW_ZERO = re.compile(r"-[0-9.,]+", re.ASCII)


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV as spreadsheets in Chinese open it (UTF-8 with a byte order mark)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def write_xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook of one sheet, its first row frozen as the header."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet, text = book.add_worksheet(), book.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            if number == 0:
                sheet.set_column(0, max(len(row) - 1, 0), _WIDTH, text)
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
    return file.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number below zero is none."""
    return f"'{cell}" if cell.startswith(FORMULA) and not _BELOW_ZERO.fullmatch(cell) else cell
