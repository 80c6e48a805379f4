"""The pending list that a clerk fills in and hands back, as CSV or Excel: one reader, no database."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from scf.documents.parsing.sheets import plain
from scf.http.sheets import write_csv
from scf.kernel.errors import Invalid, Refused, TooLarge
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.receivables import cells
from scf.receivables.cells import (
    ACCOUNT,
    ACCOUNT_COLUMNS,
    ACCOUNT_NAME,
    BANK,
    BANK_USCC,
    CellInvalid,
)
from scf.receivables.rules import Retention
from scf.receivables.service import Account, AccountMissing

ROWS_MAX: Final = 1_000
"""Lines drafted at one call: two statements each, made and kept in one transaction."""
CHARACTERS_MAX: Final = 2_000_000
XLSX_BYTES_MAX: Final = 4 * 1024 * 1024
CELL_MAX: Final = 1_000
ID: Final = "编号"
VERSION: Final = "版本"
CONFIRMED: Final = "确认金额"
DISPUTED: Final = "争议金额"
REJECTED: Final = "不予确认金额"
REASON: Final = "原因"
DUE_ON: Final = "确认到期日"
RETENTION: Final = "其中质保金"
RETENTION_DUE_ON: Final = "质保金到期日"
SUPPLIER: Final = "供应商"
SUPPLIER_USCC: Final = "供应商统一社会信用代码"
INVOICES: Final = "发票号码"
DELIVERED_ON: Final = "收货日期"
CLAIMED_DUE_ON: Final = "到期日"
CURRENCY: Final = "币种"
CLAIMED: Final = "申报金额"
HINTS: Final = "核对提示"
PROBLEM: Final = "错误说明"
SHOWN: Final = (
    ID,
    VERSION,
    "行号",
    SUPPLIER,
    SUPPLIER_USCC,
    INVOICES,
    "合同编号",
    "入库单号",
    DELIVERED_ON,
    CLAIMED_DUE_ON,
    CURRENCY,
    CLAIMED,
    "状态",
    HINTS,
)
FILLED: Final = (
    CONFIRMED,
    DISPUTED,
    REJECTED,
    REASON,
    DUE_ON,
    ACCOUNT_NAME,
    ACCOUNT,
    BANK,
    BANK_USCC,
    RETENTION,
    RETENTION_DUE_ON,
)
_NEEDED: Final = (ID, VERSION, CONFIRMED, DISPUTED, REJECTED, REASON, DUE_ON)
"""Columns that a filled list cannot do without."""
_ANSWERS: Final = (CONFIRMED, DISPUTED, REJECTED, REASON)
"""A line that says something in one of these is answered."""

Value = TypeVar("Value")


class SheetInvalid(Invalid):
    """A filled list has the columns of the list that was handed out."""

    code = "receivable.sheet_invalid"
    title = "回填清单格式不正确"
    title_en = "The filled list cannot be read"


class SheetTooLarge(TooLarge):
    """A filled list stays below a number of rows and characters."""

    code = "receivable.sheet_too_large"
    title = "回填清单过大"
    title_en = "The filled list is too large"


class RowRepeated(Invalid):
    """A filled list answers each line once."""

    code = "receivable.row_repeated"
    title = "同一笔应收账款在清单中重复出现"
    title_en = "The list answers this line twice"


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in a cell; `row` counts as a spreadsheet does, the header being 1."""

    row: int
    column: str | None
    error: Refused


@dataclass(frozen=True, slots=True)
class FilledRow:
    """One answered line; empty cells are None, no amount confirmed is zero. `version` is the one shown."""

    row: int
    receivable_id: UUID
    version: int | None
    confirmed: Money
    disputed: Money | None
    rejected: Money | None
    reason: str | None
    due_on: date | None
    pay_to: Account | None
    retention: Retention | None


@dataclass(slots=True)
class Sheet:
    """A filled list, read: rows that can be drafted and cells that cannot be read.

    `header` and `cells` are the list as it came, to hand rows back.
    """

    rows: list[FilledRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    cells: dict[int, list[str]] = field(default_factory=dict)


def write(rows: Sequence[Mapping[str, str | None]]) -> bytes:
    """Return the list to fill in as a CSV that spreadsheets in Chinese open."""
    columns = (*SHOWN, *FILLED)
    return write_csv([columns, *([row.get(column) or "" for column in columns] for row in rows)])


def give_back(sheet: Sheet, errors: Sequence[RowError]) -> list[list[str]]:
    """Return the rows that are in error as a list of their own, each with what is wrong with it."""
    words: dict[int, list[str]] = {}
    for found in errors:
        where = f"{found.column}：" if found.column else ""
        words.setdefault(found.row, []).append(f"{where}{found.error.title}")
    places = [place for place, column in enumerate(sheet.header) if column != PROBLEM]
    return [
        [*(sheet.header[place] for place in places), PROBLEM],
        *(
            [*(sheet.cells[row][place] for place in places), "；".join(said)]
            for row, said in sorted(words.items())
        ),
    ]


def read_csv(text: str) -> Sheet:
    """Read a filled list from CSV. Raises SheetInvalid, SheetTooLarge."""
    if len(text) > CHARACTERS_MAX:
        raise SheetTooLarge(characters=len(text), characters_max=CHARACTERS_MAX)
    return read(lines_of(text.encode("utf-8", "replace")))


def read_xlsx(content: bytes) -> Sheet:
    """Read a filled list from an Excel workbook: its first sheet. Raises SheetInvalid, SheetTooLarge."""
    return read(lines_of(content))


def lines_of(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the numbered rows of a list's (first) sheet. Raises SheetInvalid, SheetTooLarge."""
    try:
        for table in cells.tables(content)[:1]:
            for number, row in table.rows:
                yield number, plain(row)
    except Invalid as error:
        raise SheetInvalid(rule=error.title, **error.fields) from error
    except TooLarge as error:
        raise SheetTooLarge(rule=error.title, **error.fields) from error


def read(lines: Iterable[tuple[int, Sequence[str]]]) -> Sheet:
    """Read a filled list from its numbered rows, the header first.

    Lines with neither an amount nor a reason are not answered and left out. Raises SheetInvalid for other columns,
    SheetTooLarge.
    """
    sheet, seen = Sheet(), set[UUID]()
    for number, texts in _rows(sheet, lines):
        if not any(texts[column] for column in _ANSWERS):
            continue
        row = _row(sheet, number, texts)
        if row is not None and row.receivable_id in seen:
            sheet.errors.append(RowError(number, ID, RowRepeated(field=ID)))
        elif row is not None:
            seen.add(row.receivable_id)
            sheet.rows.append(row)
    return sheet


def _rows(
    sheet: Sheet, lines: Iterable[tuple[int, Sequence[str]]]
) -> Iterator[tuple[int, dict[str, str]]]:
    empty = dict.fromkeys((*SHOWN, *FILLED), "")
    for number, raw in lines:
        texts = [text.strip() for text in raw]
        if not sheet.header:
            while texts and not texts[-1]:
                texts.pop()
            missing = [column for column in _NEEDED if column not in texts]
            if missing or len(set(texts)) != len(texts):
                raise SheetInvalid(missing=missing)
            sheet.header = texts
            continue
        width = len(sheet.header)
        if any(texts[width:]):
            raise SheetInvalid(row=number, cells=len(texts), columns=width)
        texts = [*texts[:width], *[""] * (width - len(texts))]
        if not any(texts):
            continue
        if len(sheet.cells) == ROWS_MAX:
            raise SheetTooLarge(rows_max=ROWS_MAX)
        sheet.cells[number] = texts
        yield number, empty | dict(zip(sheet.header, texts, strict=True))
    if not sheet.header:
        raise SheetInvalid(missing=list(_NEEDED))


def _row(sheet: Sheet, number: int, texts: Mapping[str, str]) -> FilledRow | None:
    """Read one row; every cell that cannot be read becomes an error, and the row is left out."""
    wrong = len(sheet.errors)
    texts = {**texts, CONFIRMED: texts[CONFIRMED] or "0"}

    def refuse(column: str, error: Refused) -> None:
        sheet.errors.append(RowError(number, column, error))

    def cell(column: str, read: Callable[[str], Value]) -> Value | None:
        try:
            return read(texts[column]) if texts[column] else None
        except Refused as error:
            refuse(column, error)
            return None

    def money(text: str) -> Money:
        return cells.money(text, texts[CURRENCY] or "CNY")

    identity, version = cell(ID, _identity), cell(VERSION, _version)
    confirmed, disputed, rejected = (cell(c, money) for c in (CONFIRMED, DISPUTED, REJECTED))
    reason, due_on = cell(REASON, _words), cell(DUE_ON, cells.day)
    kept, kept_due_on = cell(RETENTION, money), cell(RETENTION_DUE_ON, cells.day)
    if bool(texts[RETENTION]) is not bool(texts[RETENTION_DUE_ON]):
        lacking = RETENTION if texts[RETENTION_DUE_ON] else RETENTION_DUE_ON
        refuse(lacking, CellInvalid(field=lacking, value=""))
    if identity is None and not texts[ID]:
        refuse(ID, CellInvalid(field=ID, value=""))
    pay_to = None
    try:
        readers = {**dict.fromkeys(ACCOUNT_COLUMNS, _words), BANK_USCC: cells.code}
        before = len(sheet.errors)
        given = {column: cell(column, read) for column, read in readers.items()}
        pay_to = cells.account(given) if len(sheet.errors) == before else None
    except AccountMissing as error:
        refuse(error.field or ACCOUNT, error)
    if len(sheet.errors) > wrong or identity is None or confirmed is None:
        return None
    return FilledRow(
        number,
        identity,
        version,
        confirmed,
        disputed,
        rejected,
        reason,
        due_on,
        pay_to,
        Retention(kept, kept_due_on) if kept is not None and kept_due_on else None,
    )


def _words(cell: str) -> str:
    return cells.words(cell, length_max=CELL_MAX)


def _identity(cell: str) -> UUID:
    return parse_id("rcv", cell, field=ID)


def _version(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 9):  # noqa: PLR2004 - versions are small
        raise CellInvalid(value=cell[:40])
    return int(cell)
