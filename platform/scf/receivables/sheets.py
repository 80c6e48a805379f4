"""The pending list as a CSV that a clerk fills in and hands back: pure text, no database."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from scf.kernel.clock import parse_date
from scf.kernel.errors import Invalid, Refused, TooLarge
from scf.kernel.ids import parse_id
from scf.kernel.money import Money
from scf.receivables.service import Account, AccountMissing
from scf_ledger import uscc

ROWS_MAX: Final = 1_000
"""Lines drafted at one call: two statements each, made and kept in one transaction."""
CHARACTERS_MAX: Final = 2_000_000
CELL_MAX: Final = 1_000
ID: Final = "编号"
VERSION: Final = "版本"
CONFIRMED: Final = "确认金额"
DISPUTED: Final = "争议金额"
REJECTED: Final = "不予确认金额"
REASON: Final = "原因"
DUE_ON: Final = "确认到期日"
ACCOUNT_NAME: Final = "回款户名"
ACCOUNT: Final = "回款账号"
BANK: Final = "开户行"
BANK_USCC: Final = "开户行统一社会信用代码"
SHOWN: Final = (
    ID,
    VERSION,
    "行号",
    "供应商",
    "供应商统一社会信用代码",
    "发票号码",
    "合同编号",
    "入库单号",
    "收货日期",
    "到期日",
    "币种",
    "申报金额",
    "状态",
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
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_DATE: Final = re.compile(r"(\d{4})[/.年](\d{1,2})[/.月](\d{1,2})日?", re.ASCII)

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


class CellInvalid(Invalid):
    """Every cell that is filled in is of its column's form."""

    code = "receivable.cell_invalid"
    title = "单元格内容不正确"
    title_en = "The cell is not valid"


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
    """One answered line; empty cells are None. `version` is the one that the list showed."""

    row: int
    receivable_id: UUID
    version: int | None
    confirmed: Money
    disputed: Money | None
    rejected: Money | None
    reason: str | None
    due_on: date | None
    pay_to: Account | None


@dataclass(slots=True)
class Sheet:
    """A filled list, read: rows that can be drafted and cells that cannot be read."""

    rows: list[FilledRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def write(rows: Sequence[Mapping[str, str | None]]) -> bytes:
    """Return the list to fill in, as spreadsheets in Chinese open it (UTF-8 with a byte order mark).

    A cell that a spreadsheet would take for a formula is written as text.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*SHOWN, *FILLED])
    for row in rows:
        writer.writerow([_harmless(row.get(column) or "") for column in (*SHOWN, *FILLED)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def read(text: str, *, currency: str = "CNY") -> Sheet:
    """Read a filled list; lines without a confirmed amount are not answered and left out.

    Raises SheetInvalid for other columns, SheetTooLarge.
    """
    if len(text) > CHARACTERS_MAX:
        raise SheetTooLarge(characters=len(text), characters_max=CHARACTERS_MAX)
    sheet, seen = Sheet(), set[UUID]()
    for number, cells in _rows(text):
        if number > ROWS_MAX + 1:
            raise SheetTooLarge(rows_max=ROWS_MAX)
        if not cells[CONFIRMED]:
            continue
        row = _row(sheet, number, cells, currency)
        if row is not None and row.receivable_id in seen:
            sheet.errors.append(RowError(number, ID, RowRepeated(field=ID)))
        elif row is not None:
            seen.add(row.receivable_id)
            sheet.rows.append(row)
    return sheet


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(lines, [])]
        missing = [column for column in (ID, VERSION, *FILLED) if column not in header]
        if missing or len(set(header)) != len(header):
            raise SheetInvalid(missing=missing)
        for number, cells in enumerate(lines, 2):
            if len(cells) > len(header):
                raise SheetInvalid(row=number, cells=len(cells), columns=len(header))
            padded = [*cells, *[""] * (len(header) - len(cells))]
            yield (
                number,
                {column: cell.strip() for column, cell in zip(header, padded, strict=True)},
            )
    except csv.Error as error:
        raise SheetInvalid(rule=str(error)) from error


def _row(sheet: Sheet, number: int, cells: Mapping[str, str], currency: str) -> FilledRow | None:
    """Read one row; every cell that cannot be read becomes an error, and the row is left out."""
    wrong = len(sheet.errors)

    def cell(column: str, read: Callable[[str], Value]) -> Value | None:
        try:
            return read(cells[column]) if cells[column] else None
        except Refused as error:
            sheet.errors.append(RowError(number, column, error))
            return None

    def money(text: str) -> Money:
        return _money(text, currency)

    identity, version = cell(ID, _identity), cell(VERSION, _version)
    confirmed, disputed, rejected = (cell(c, money) for c in (CONFIRMED, DISPUTED, REJECTED))
    reason, due_on = cell(REASON, _words), cell(DUE_ON, _day)
    account = [cell(column, _words) for column in (ACCOUNT_NAME, ACCOUNT, BANK)]
    account.append(cell(BANK_USCC, _uscc))
    if any(account) and not all(account):
        sheet.errors.append(RowError(number, ACCOUNT, AccountMissing(field=ACCOUNT)))
    if identity is None and not cells[ID]:
        sheet.errors.append(RowError(number, ID, CellInvalid(field=ID, value="")))
    if len(sheet.errors) > wrong or identity is None or confirmed is None:
        return None
    pay_to = Account(*(text or "" for text in account)) if all(account) else None
    return FilledRow(
        number, identity, version, confirmed, disputed, rejected, reason, due_on, pay_to
    )


def _identity(cell: str) -> UUID:
    return parse_id("rcv", cell, field=ID)


def _version(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 9):  # noqa: PLR2004 - versions are small
        raise CellInvalid(value=cell[:40])
    return int(cell)


def _money(cell: str, currency: str) -> Money:
    plain = re.sub(r"[,，\s¥￥元]", "", cell)
    amount = Money.parse(plain, currency)
    if amount.minor < 0:
        raise CellInvalid(value=plain[:40])
    return amount


def _day(cell: str) -> date:
    if found := _DATE.fullmatch(cell):
        cell = "{}-{:0>2}-{:0>2}".format(*found.groups())
    return parse_date(cell)


def _words(cell: str) -> str:
    if len(cell) > CELL_MAX or not cell.isprintable():
        raise CellInvalid(value=cell[:40], length_max=CELL_MAX)
    return cell


def _uscc(cell: str) -> str:
    if not uscc.is_valid(cell):
        raise CellInvalid(value=cell[:40])
    return cell


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
