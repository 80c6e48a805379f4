"""Lists as people hand them in: one reader of tables, and of each kind of cell, for every list."""

import io
import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from scf.documents.parsing import excel, sheets
from scf.documents.parsing.packages import Package
from scf.kernel.clock import parse_date
from scf.kernel.errors import Invalid
from scf.kernel.money import Money
from scf.receivables.service import Account, AccountMissing
from scf_ledger import uscc

UNPACKED_MAX: Final = 64 * 1024 * 1024  # of a workbook
SHOWN_MAX: Final = 40  # characters of a cell that a refusal repeats
ACCOUNT_NAME, ACCOUNT, BANK = "回款户名", "回款账号", "开户行"
BANK_USCC: Final = "开户行统一社会信用代码"
ACCOUNT_COLUMNS: Final = (ACCOUNT_NAME, ACCOUNT, BANK, BANK_USCC)
"""The columns of the account to pay to, filled in together."""

_DATE = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII
)
_DECORATION = re.compile(r"[,，\s¥￥元]")


class CellInvalid(Invalid):
    """Every cell that is filled in is of its column's form."""

    code = "receivable.cell_invalid"
    title = "单元格内容不正确"
    title_en = "The cell is not valid"


def tables(original: bytes) -> list[sheets.Table]:
    """Take a workbook apart into its sheets; anything else is one table of CSV (UTF-8 or GB18030).

    Raises what their formats raise, and so do the rows.
    """
    file = io.BytesIO(original)
    if original[:2] == b"PK":
        return excel.workbook(Package(file, bytes_max=UNPACKED_MAX))
    return [sheets.csv_table(file, sheets.survey(file), None, None)]


def words(cell: str, *, length_max: int) -> str:
    """Return a text as it is. Raises CellInvalid where it is too long or hides something."""
    if len(cell) > length_max:
        raise CellInvalid(value=cell[:SHOWN_MAX], length_max=length_max)
    if not cell.isprintable():
        raise CellInvalid(value=cell[:SHOWN_MAX], rule="含不可见字符 with invisible characters")
    return cell


def day(cell: str) -> date:
    """Read a date in the forms that spreadsheets give it: 2025-12-19, 2025/12/9, 2025年12月9日, 20251219.

    Raises `value.invalid`.
    """
    found = _DATE.fullmatch(cell)
    if found is None:
        return parse_date(cell)
    return parse_date("{}-{:0>2}-{:0>2}".format(*filter(None, found.groups())))


def money(cell: str, currency: str) -> Money:
    """Read an amount of zero or more, with or without separators and signs. Raises CellInvalid, AmountInvalid."""
    amount = Money.parse(_DECORATION.sub("", cell), currency)
    if amount.minor < 0:
        raise CellInvalid(value=cell[:SHOWN_MAX], rule="金额不能小于零 not below zero")
    return amount


def code(cell: str) -> str:
    """Read a unified social credit code. Raises CellInvalid."""
    if not uscc.is_valid(cell):
        raise CellInvalid(value=cell[:SHOWN_MAX], rule="校验位不正确 the check digit is wrong")
    return cell


def account(cells: Mapping[str, str | None]) -> Account | None:
    """Return the account of its four cells, once each is read. Raises AccountMissing, naming a missing one."""
    given = [cells.get(column) for column in ACCOUNT_COLUMNS]
    if not any(given):
        return None
    for column, text in zip(ACCOUNT_COLUMNS, given, strict=True):
        if not text:
            raise AccountMissing(field=column, rule="四项须同时填写 all four cells or none")
    return Account(*(text or "" for text in given))
