"""Lists as files: CSV for programs, XLSX for people. A cell that begins like a formula is written as text."""

import io
from collections.abc import Iterable, Sequence
from enum import StrEnum

import xlsxwriter
from fastapi.responses import Response

from scf.http.downloads import download
from scf.http.sheets import CSV, XLSX, write_csv
from scf.kernel.money import Money

Cell = str | int | Money


class Format(StrEnum):
    """In which form a list is handed out."""

    CSV = "csv"
    XLSX = "xlsx"


def hand_out(
    name: str, sheets: Sequence[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]], form: Format
) -> Response:
    """Answer with a file of these sheets (title, header, rows); a CSV has the first of them only."""
    if form is Format.XLSX:
        return download(_xlsx(sheets), f"{name}.xlsx", XLSX)
    _, header, rows = sheets[0]
    texts = ([_plain(cell) for cell in row] for row in rows)
    return download(write_csv([header, *texts]), f"{name}.csv", CSV)


def _xlsx(sheets: Sequence[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        amount = book.add_format({"num_format": "@", "align": "right"})
        for title, header, rows in sheets:
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(header):
                sheet.write_string(0, column, name, bold)
            for number, row in enumerate(rows, 1):
                for column, cell in enumerate(row):
                    if isinstance(cell, Money):  # as text: a float would not be the amount
                        sheet.write_string(number, column, cell.text, amount)
                    elif isinstance(cell, int):
                        sheet.write_number(number, column, cell)
                    else:
                        sheet.write_string(number, column, cell)
    return file.getvalue()


def _plain(cell: Cell) -> str:
    return cell.text if isinstance(cell, Money) else str(cell)
