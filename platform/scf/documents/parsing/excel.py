"""Excel workbooks (.xlsx, ECMA-376 part 1, 18), read row by row.

Written here because a workbook is hostile input: readers at hand lay out the whole grid that a sheet names,
or as many texts as it claims to have, and end the process over a file of a few bytes.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from math import isfinite
from typing import Final

from lxml import etree

from scf.documents.parsing.errors import DocumentTooLarge, TableInvalid, XmlUnsafe
from scf.documents.parsing.mapping import Cell
from scf.documents.parsing.packages import Package, resolve
from scf.documents.parsing.sheets import COLUMNS_MAX, ROWS_MAX, Table, clean
from scf.documents.parsing.values import excerpt
from scf.documents.parsing.xml import Node, load

WORKBOOK: Final = "xl/workbook.xml"
SHEETS_MAX: Final = 50

_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""The built-in number formats that show dates and times (18.8.30)."""
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone
_DAY_ZERO_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001


def workbook(package: Package) -> list[Table]:
    """Return the sheets of a workbook, their rows read as they are asked for.

    Raises PackageInvalid, TableInvalid, XmlUnsafe, and so do the rows, and DocumentTooLarge.
    """
    book = load(package.read(WORKBOOK))
    targets, kinds = _relations(package)
    setting = book.find("workbookPr")
    since_1904 = setting is not None and setting.element.get("date1904") in {"1", "true"}
    reader = _Reader(
        _texts(package.read(kinds["sharedStrings"])) if "sharedStrings" in kinds else [],
        _date_styles(package.read(kinds["styles"])) if "styles" in kinds else [],
        _DAY_ZERO_1904 if since_1904 else _DAY_ZERO,
    )
    tables = []
    for sheet in [*book.require("sheets").all("sheet")][:SHEETS_MAX]:
        target = targets.get(_relation_id(sheet))
        if target is not None and target in package:
            rows = reader.rows(package, target)
            tables.append(Table(excerpt(sheet.element.get("name") or ""), rows))
    return tables


def _relations(package: Package) -> tuple[dict[str, str], dict[str, str]]:
    """Return the part of each relation of the workbook, by its id and by its kind."""
    targets, kinds = {}, {}
    for relation in load(package.read(_RELATIONS)).all("Relationship"):
        if relation.element.get("TargetMode") != "External":
            part = resolve(relation.element.get("Target") or "", beside=WORKBOOK)
            targets[relation.element.get("Id") or ""] = part
            kinds[(relation.element.get("Type") or "").rpartition("/")[2]] = part
    return targets, kinds


def _relation_id(sheet: Node) -> str:
    """Return the sheet's `r:id`, whichever of the standard's two namespaces it is in."""
    attributes = sheet.element.attrib.items()
    return next((str(text) for name, text in attributes if str(name).endswith("}id")), "")


def _texts(part: bytes) -> list[str]:
    """Return the shared texts; how to pronounce one is no part of it."""
    return [_joined(item) for item in _elements(part, "si")]


def _joined(item: etree._Element) -> str:
    """Return a text, which may be in runs."""
    runs = [item, *item.iterchildren("{*}r")]
    return "".join(text.text or "" for run in runs for text in run.iterchildren("{*}t"))


def _date_styles(part: bytes) -> list[bool]:
    """Return for each cell style whether it shows a date."""
    styles = load(part)
    codes: dict[str, str] = {}
    if formats := styles.find("numFmts"):
        for node in formats.all("numFmt"):
            codes[node.element.get("numFmtId") or ""] = node.element.get("formatCode") or ""
    uses = styles.find("cellXfs")
    return [
        _is_date(node.element.get("numFmtId") or "0", codes)
        for node in (uses.all("xf") if uses else ())
    ]


def _is_date(number: str, codes: dict[str, str]) -> bool:
    if number in codes:
        return any(letter in _LITERAL.sub("", codes[number]).lower() for letter in "ymdhs")
    return number.isascii() and number.isdigit() and int(number[:4]) in _DATE_FORMATS


def _elements(part: bytes, name: str) -> Iterator[etree._Element]:
    """Iterate over the elements of a name, each forgotten after its turn. Raises TableInvalid, XmlUnsafe."""
    if b"\x00" in part[:4] or part.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise TableInvalid(reason="工作表须为 UTF-8 编码 the part is not in UTF-8")
    if b"<!DOCTYPE" in part:
        raise XmlUnsafe
    walk = etree.iterparse(
        BytesIO(part),
        encoding="utf-8",  # whatever it declares: what is parsed is what was looked through
        events=("end",),
        tag=f"{{*}}{name}",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in walk:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise TableInvalid(reason=f"XML 语法错误 {excerpt(str(error))}") from None


class _Reader:
    """Reads the cells of one workbook."""

    def __init__(self, texts: Sequence[str], dates: Sequence[bool], day_zero: datetime) -> None:
        self._texts = texts
        self._dates = dates
        self._day_zero = day_zero

    def rows(self, package: Package, part: str) -> Iterator[tuple[int, list[Cell]]]:
        """Iterate over the rows of a sheet, with their numbers. Raises what `workbook` names."""
        number = 0
        for row in _elements(package.read(part), "row"):
            number = _row_number(row.get("r"), number + 1)
            cells: list[Cell] = []
            for cell in row.iterchildren("{*}c"):
                place = _place(cell.get("r"), len(cells))
                cells.extend([""] * (place - len(cells)))
                cells.append(self._cell(cell))
            yield number, cells

    def _cell(self, cell: etree._Element) -> Cell:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            return clean("".join(_joined(item) for item in cell.iterchildren("{*}is")))
        text = next((child.text or "" for child in cell.iterchildren("{*}v")), "")
        match kind:
            case "s":
                return clean(self._texts[_index(text, self._texts)])
            case "b":
                return "TRUE" if text == "1" else "FALSE"
            case "n" if _NUMBER.fullmatch(text):
                style = cell.get("s") or "0"
                is_date = style.isdecimal() and self._dates[int(style[:6]) : int(style[:6]) + 1] == [True]  # fmt: skip
                return self._moment(text) if is_date else _number(text)
        return clean(text)

    def _moment(self, text: str) -> Cell:
        """Return a day, or a day with its time, from the days since day zero; a number beyond any."""
        try:
            moment = self._day_zero + timedelta(seconds=round(float(text) * 86_400))
        except OverflowError:
            return _number(text)
        return moment.isoformat(" ").removesuffix(" 00:00:00")


def _number(text: str) -> Decimal:
    """Return a number as the spreadsheet shows it: fifteen digits."""
    value = float(text)
    return Decimal(f"{value:.15g}") if isfinite(value) else Decimal(text)


def _row_number(reference: str | None, following: int) -> int:
    """Return a row's number, which may be left out. Raises TableInvalid, DocumentTooLarge."""
    number = following
    if reference is not None:
        if not (reference.isascii() and reference.isdigit()) or int(reference[:10]) < following:
            raise TableInvalid(row=excerpt(reference), reason="行号次序有误 rows out of order")
        number = int(reference[:10])
    if number > ROWS_MAX:
        raise DocumentTooLarge(what="rows", count=number, count_max=ROWS_MAX)
    return number


def _place(reference: str | None, following: int) -> int:
    """Return a cell's place in its row, which may be left out. Raises TableInvalid, DocumentTooLarge."""
    place = following
    if reference is not None:
        match = _REFERENCE.fullmatch(reference)
        place = _column(match[1]) - 1 if match else -1
        if place < following:
            raise TableInvalid(cell=excerpt(reference), reason="单元格次序有误 cells out of order")
    if place >= COLUMNS_MAX:
        raise DocumentTooLarge(what="columns", count=place + 1, count_max=COLUMNS_MAX)
    return place


def _column(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _index(text: str, texts: Sequence[str]) -> int:
    """Return the place of a shared text. Raises TableInvalid where there is none."""
    if not (text.isascii() and text.isdigit()) or int(text[:10]) >= len(texts):
        raise TableInvalid(text=excerpt(text), reason="共享文本不存在 no such shared text")
    return int(text[:10])
