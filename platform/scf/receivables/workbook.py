"""The pending list as an Excel workbook: rows to fill in, how to do it, and sums to hold against the ERP."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from scf.kernel.money import Money, zero
from scf.receivables import cells, sheets
from scf.receivables.rules import REASONS

LIST: Final = "待确权清单"
HELP: Final = "说明与合计"
AMOUNTS: Final = frozenset(
    {sheets.CLAIMED, sheets.CONFIRMED, sheets.DISPUTED, sheets.REJECTED, sheets.RETENTION}
)
DAYS: Final = frozenset(
    {sheets.DELIVERED_ON, sheets.CLAIMED_DUE_ON, sheets.DUE_ON, sheets.RETENTION_DUE_ON}
)
_WIDTHS: Final = {
    sheets.ID: 32,
    sheets.VERSION: 6,
    sheets.SUPPLIER: 28,
    sheets.SUPPLIER_USCC: 22,
    sheets.INVOICES: 26,
    sheets.HINTS: 36,
    sheets.REASON: 24,
    cells.ACCOUNT_NAME: 28,
    cells.ACCOUNT: 26,
    cells.BANK: 26,
    cells.BANK_USCC: 26,
}
_WIDTH: Final = 15  # characters of the other columns
_COLUMNS: Final = (*sheets.SHOWN, *sheets.FILLED)
_HELP: Final = (
    "1. 只填写未锁定的白色单元格；灰色单元格由平台生成，请勿改动编号与版本。",
    (
        "2. 确认金额 + 争议金额 + 不予确认金额 = 申报金额；三项金额和原因均未填写的行视为尚未答复；"
        "确认金额为空或零时，只填争议金额为争议，将全部申报金额填入不予确认金额为不予确认。"
    ),
    "3. 有争议或不予确认金额时必须填写原因；可在下拉列表的原因后加“：”补充说明，“其他”必须说明。",
    "4. 法律不认可的原因（如等待业主付款、内部流程）会记录为不合规答复，30 日确认期限继续计算。",
    "5. 到期日、质保金到期日填写为日期，例如 2025-12-19；质保金是确认金额的一部分，另行到期。",
    "6. 回款账户四项（户名、账号、开户行、开户行统一社会信用代码）须全部填写或全部留空；留空时使用统一回款账户。",
    "7. 保存后上传本文件（.xlsx，或另存为 CSV）。有错误的行会单独退回并注明原因，其余各行按确认、争议、不予确认各合并为一份文书签署。",
)
"""How the list is filled in; the second sheet says it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a line adds to the sums."""

    supplier: str
    supplier_uscc: str
    due_on: date
    claimed: Money


def write(rows: Sequence[Mapping[str, str | None]], dues: Sequence[Due]) -> bytes:
    """Return the workbook; `dues` are the rows' amounts, in their order.

    What was shown is locked (without a password: it guards against slips, and the platform checks each
    line again), amounts are numbers, dates are dates, everything else is text and never a formula.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        formats = _Formats(book)
        _write_list(book.add_worksheet(LIST), rows, formats)
        _write_help(book.add_worksheet(HELP), dues, formats)
    return out.getvalue()


class _Formats:
    """The cells' formats: shown ones are grey and locked, filled ones white and open."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        shown = {"locked": True, "bg_color": "#F2F2F2"}
        open_ = {"locked": False}
        self.header = book.add_format({"bold": True, "border": 1, "text_wrap": True})
        self.title = book.add_format({"bold": True, "font_size": 12})
        self.plain = book.add_format({"text_wrap": True, "valign": "top"})
        self._by_kind = {
            (kind, locked): book.add_format({"num_format": form, **(shown if locked else open_)})
            for kind, form in (("amount", "#,##0.00"), ("day", "yyyy-mm-dd"), ("text", "@"))
            for locked in (True, False)
        }

    def of(self, column: str) -> Format:
        """Return the format of a column's cells."""
        kind = "amount" if column in AMOUNTS else "day" if column in DAYS else "text"
        return self._by_kind[kind, column in sheets.SHOWN]

    def shown(self, kind: str) -> Format:
        """Return the format of a figure that is only read."""
        return self._by_kind[kind, True]


def _write_list(
    sheet: Worksheet, rows: Sequence[Mapping[str, str | None]], formats: _Formats
) -> None:
    sheet.freeze_panes(1, 4)
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True})
    for place, column in enumerate(_COLUMNS):
        sheet.set_column(place, place, _WIDTHS.get(column, _WIDTH))
        sheet.write_string(0, place, column, formats.header)
    for number, row in enumerate(rows, 1):
        for place, column in enumerate(_COLUMNS):
            _write_cell(sheet, (number, place), column, row.get(column), formats.of(column))
    last = max(len(rows), 1)
    sheet.autofilter(0, 0, last, len(_COLUMNS) - 1)
    reason = _COLUMNS.index(sheets.REASON)
    sheet.data_validation(
        *(1, reason, last, reason),
        {
            "validate": "list",
            "source": list(REASONS),
            "error_type": "warning",
            "error_title": "原因",
            "error_message": "可从列表选择，并在其后加“：”补充说明。",
        },
    )
    for column in sorted(AMOUNTS & set(sheets.FILLED)):
        place = _COLUMNS.index(column)
        sheet.data_validation(
            *(1, place, last, place),
            {"validate": "decimal", "criteria": ">=", "value": 0, "ignore_blank": True},
        )


def _write_cell(
    sheet: Worksheet, at: tuple[int, int], column: str, value: str | None, form: Format
) -> None:
    if not value:
        sheet.write_blank(*at, None, form)
    elif column in AMOUNTS:
        sheet.write_number(*at, float(value), form)
    elif column in DAYS:
        sheet.write_datetime(*at, date.fromisoformat(value), form)
    else:
        sheet.write_string(*at, value, form)


def _write_help(sheet: Worksheet, dues: Sequence[Due], formats: _Formats) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 4, 22)
    sheet.write_string(0, 0, "填写说明", formats.title)
    for number, text in enumerate(_HELP, 1):
        sheet.merge_range(number, 0, number, 4, text, formats.plain)
        sheet.set_row(number, 30)
    line = len(_HELP) + 2
    for table in _TABLES:
        line = _write_sums(sheet, line, table, dues, formats) + 1


@dataclass(frozen=True, slots=True)
class _Sums:
    """A table of sums: its title, the heads of its keys, and the key of each amount."""

    title: str
    heads: Sequence[str]
    key: Callable[[Due], tuple[str, ...]]


_TABLES: Final = (
    _Sums(
        "按供应商合计",
        ("供应商", "统一社会信用代码"),
        lambda due: (due.supplier, due.supplier_uscc),
    ),
    _Sums("按到期日合计", ("到期日",), lambda due: (due.due_on.isoformat(),)),
    _Sums("总计", ("",), lambda _: ("总计",)),
)


def _write_sums(
    sheet: Worksheet, line: int, table: _Sums, dues: Sequence[Due], formats: _Formats
) -> int:
    """Write a table of sums, those of each currency in rows of their own; return the next free line."""
    groups: dict[tuple[tuple[str, ...], str], list[Money]] = {}
    for due in dues:
        groups.setdefault((table.key(due), due.claimed.currency), []).append(due.claimed)
    sheet.write_string(line, 0, table.title, formats.title)
    for place, head in enumerate((*table.heads, "笔数", "申报金额合计", "币种")):
        sheet.write_string(line + 1, place, head, formats.header)
    for number, ((key, currency), own) in enumerate(sorted(groups.items()), line + 2):
        for place, part in enumerate(key):
            sheet.write_string(number, place, part)
        total = sum(own, zero(currency))
        sheet.write_number(number, len(key), len(own))
        sheet.write_number(number, len(key) + 1, float(total.text), formats.shown("amount"))
        sheet.write_string(number, len(key) + 2, currency)
    return line + 2 + len(groups)
