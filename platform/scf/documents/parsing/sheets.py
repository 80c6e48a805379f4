"""Lists: tables of rows of cells, and CSV as one of them."""

import csv
import hashlib
import io
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Final

from scf.documents.parsing.errors import DocumentTooLarge, TableInvalid
from scf.documents.parsing.mapping import DELIMITERS, Cell
from scf.documents.parsing.values import excerpt

BYTES_MAX: Final = 256 * 1024 * 1024
ROWS_MAX: Final = 1_000_000
COLUMNS_MAX: Final = 256
CHUNK: Final = 1024 * 1024


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
            if len(cells) > COLUMNS_MAX:
                raise DocumentTooLarge(what="columns", count=len(cells), count_max=COLUMNS_MAX)
            yield number, [clean(cell) for cell in cells]
    except (csv.Error, UnicodeError) as error:
        raise TableInvalid(row=number + 1, reason=f"CSV 格式错误 {excerpt(str(error))}") from None
    finally:
        text.detach()


def clean(cell: str) -> str:
    """Return a cell without the wrappings that spreadsheets leave: white space, `="…"`, a leading quote."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


def plain(cells: list[Cell]) -> list[str]:
    """Return cells as text."""
    return [f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in cells]
