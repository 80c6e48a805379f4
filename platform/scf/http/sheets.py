"""Lists handed out as files that spreadsheets open: texts are texts, none a formula; amounts can be summed."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import xlsxwriter
from fastapi.responses import Response

from scf.http.downloads import download
from scf.kernel.money import SCALES, Money
from scf.papers.visible import escaped

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, some of them the full-width forms too."""
_HIDDEN: Final = frozenset({"Cc", "Cf"})
_WIDTH: Final = 18  # characters of a column
_BELOW_ZERO = re.compile(r"-[0-9.,]+", re.ASCII)

_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
FILES: Final[dict[int | str, Any]] = {200: {"content": {"text/csv": _BYTES, XLSX: _BYTES}}}
"""How an endpoint says that it answers with such a file."""

Cell = str | int | Money
Row = Sequence[Cell]


class Format(StrEnum):
    """In which form a list is handed out."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list: its title, and its rows, the header first."""

    title: str | None
    rows: Iterable[Row]


def hand_out(name: str, sheets: Sequence[Sheet], form: Format) -> Response:
    """Answer with a file of these sheets; a CSV has the first of them only."""
    if form is Format.XLSX:
        return download(write_workbook(sheets), f"{name}.xlsx", XLSX)
    return download(write_csv(sheets[0].rows), f"{name}.csv", CSV)


def write_csv(rows: Iterable[Row]) -> bytes:
    """Return a CSV as spreadsheets in Chinese open it (UTF-8 with a byte order mark)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([harmless(_plain(cell)) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def write_xlsx(rows: Iterable[Row]) -> bytes:
    """Return a workbook of one sheet."""
    return write_workbook([Sheet(None, rows)])


def write_workbook(sheets: Iterable[Sheet]) -> bytes:
    """Return a workbook, the first row of every sheet frozen as its header."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        amounts = {
            scale: book.add_format({"num_format": f"#,##0.{'0' * scale}".rstrip(".")})
            for scale in set(SCALES.values())
        }
        for one in sheets:
            sheet = book.add_worksheet(one.title)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(one.rows):
                if number == 0:
                    sheet.set_column(0, max(len(row) - 1, 0), _WIDTH, text)
                for place, cell in enumerate(row):
                    if isinstance(cell, Money):
                        scale = SCALES[cell.currency]
                        # Exact: an amount has fifteen digits, and so many a double holds.
                        sheet.write_number(number, place, cell.minor / 10**scale, amounts[scale])
                    elif isinstance(cell, int):
                        sheet.write_number(number, place, cell)
                    else:
                        sheet.write_string(number, place, unmasked(cell))
    return file.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number below zero is none."""
    text = unmasked(cell)
    return f"'{text}" if text.startswith(FORMULA) and not _BELOW_ZERO.fullmatch(text) else text


def unmasked(cell: str) -> str:
    r"""Return a cell whose control and format characters, which turn text around, are written as `\u{…}`."""
    return "".join(
        escaped(c) if c != "\n" and unicodedata.category(c) in _HIDDEN else c for c in cell
    )


def _plain(cell: Cell) -> str:
    return cell.text if isinstance(cell, Money) else str(cell)
