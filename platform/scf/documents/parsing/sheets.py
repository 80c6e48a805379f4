"""Lists: rows of cells from CSV, row by row, and from Excel (.xlsx), sheet by sheet."""

import csv
import hashlib
import io
import re
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import BinaryIO, Final

import python_calamine as calamine

from scf.documents.parsing.errors import DocumentTooLarge, TableInvalid
from scf.documents.parsing.mapping import DELIMITERS, Cell
from scf.documents.parsing.packages import Package
from scf.documents.parsing.values import excerpt

BYTES_MAX: Final = 256 * 1024 * 1024
ROWS_MAX: Final = 1_000_000
CELLS_MAX: Final = 5_000_000  # of one workbook, empty ones between others counted too
SHEETS_MAX: Final = 50
CHUNK: Final = 1024 * 1024

_REFERENCE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{0,8})([0-9]{1,12})[\"']")


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet: its name, None for a CSV, and its rows, numbered as a spreadsheet does."""

    name: str | None
    rows: Iterator[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a list before its rows are read."""

    sha256: str
    is_utf8: bool


def survey(file: BinaryIO) -> Source:
    """Read a list once from end to end, in pieces. Raises DocumentTooLarge."""
    digest, decoder, size, is_utf8 = hashlib.sha256(), getincrementaldecoder("utf-8")(), 0, True
    file.seek(0)
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > BYTES_MAX:
            raise DocumentTooLarge(size=size, size_max=BYTES_MAX)
        digest.update(chunk)
        try:
            is_utf8 = is_utf8 and decoder.decode(chunk) is not None
        except UnicodeDecodeError:
            is_utf8 = False
    file.seek(0)
    return Source(digest.hexdigest(), is_utf8)


# --- CSV -----------------------------------------------------------------------------------------


def looks_like_csv(head: bytes) -> bool:
    """Say whether bytes begin as a list does: text whose first line has several cells."""
    if b"\x00" in head:
        return False
    line = head.lstrip(b"\xef\xbb\xbf\r\n ").splitlines()[:1]
    return bool(line) and any(mark.encode() in line[0] for mark in DELIMITERS)


def csv_table(file: BinaryIO, source: Source, encoding: str | None, delimiter: str | None) -> Table:
    """Return a CSV's rows as they are read. They raise TableInvalid, DocumentTooLarge.

    A byte order mark says UTF-8 whatever else is said; without encoding it is UTF-8, else GB18030.
    """
    marked = file.read(3) == BOM_UTF8
    file.seek(0)
    codec = encoding or ("utf-8" if source.is_utf8 else "gb18030")
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if marked else codec, newline="")
    return Table(None, _csv_rows(text, delimiter))


def _csv_rows(text: io.TextIOWrapper, delimiter: str | None) -> Iterator[tuple[int, list[Cell]]]:
    number = 0
    try:
        if delimiter is None:
            line = text.readline(CHUNK)
            text.seek(0)
            delimiter = max(sorted(DELIMITERS), key=line.count)
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter, strict=True), 1):
            if number > ROWS_MAX:
                raise DocumentTooLarge(what="rows", count_max=ROWS_MAX)
            yield number, [_clean(cell) for cell in cells]
    except (csv.Error, UnicodeError) as error:
        raise TableInvalid(row=number + 1, reason=excerpt(str(error))) from None
    finally:
        text.detach()


def _clean(cell: str) -> str:
    """Return a cell without the wrappings that spreadsheets leave: white space, `="…"`, a leading quote."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


# --- Excel ---------------------------------------------------------------------------------------


def workbook(file: BinaryIO, package: Package) -> list[Table]:
    """Return the sheets of a workbook. Raises TableInvalid, DocumentTooLarge."""
    _require_bounds(package)
    file.seek(0)
    try:
        with calamine.load_workbook(file) as book:
            names = book.sheet_names[:SHEETS_MAX]
            return [Table(name, _sheet_rows(book.get_sheet_by_name(name))) for name in names]
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise TableInvalid(reason=excerpt(str(error))) from None


def _require_bounds(package: Package) -> None:
    """Raise DocumentTooLarge where a sheet spans more cells than memory is given for.

    The library lays out every cell between the first and the last, and a file of a few bytes may name
    the last cell of the grid. Every part is looked at, since any may be named as a sheet.
    """
    for name in package:
        rows, columns = 1, 1
        for match in _REFERENCE.finditer(package.read(name)):
            rows = max(rows, int(match[2]))
            columns = max(columns, _column(match[1]))
        if rows * columns > CELLS_MAX:
            raise DocumentTooLarge(field=name, rows=rows, columns=columns, cells_max=CELLS_MAX)


def _column(letters: bytes) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _sheet_rows(sheet: calamine.CalamineSheet) -> Iterator[tuple[int, list[Cell]]]:
    return (
        (number, [_cell(value) for value in row]) for number, row in enumerate(sheet.iter_rows(), 1)
    )


def _cell(value: object) -> Cell:
    """Return a cell. A number has fifteen digits, as the spreadsheet shows it."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return Decimal(f"{value:.15g}")
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    return value.isoformat() if isinstance(value, date) else str(value)


def plain(cells: list[Cell]) -> list[str]:
    """Return cells as text."""
    return [f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in cells]
