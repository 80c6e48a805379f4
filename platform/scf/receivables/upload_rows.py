"""Lists of payables as they are handed in: CSV, Excel or JSON, a row a line; read as text, cell by cell."""

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import orjson

from scf.documents.parsing import sheets
from scf.jobs.report import ADDED
from scf.jobs.service import CELL_LENGTH_MAX, ITEMS_MAX, JobTooLarge, Row, Table
from scf.kernel.errors import Invalid, Refused
from scf.kernel.money import Money
from scf.kernel.text import one_line
from scf.receivables.cells import (
    ACCOUNT,
    ACCOUNT_COLUMNS,
    ACCOUNT_NAME,
    BANK,
    BANK_USCC,
    SHOWN_MAX,
    CellInvalid,
    account,
    code,
    day,
    money,
    tables,
    words,
)
from scf.receivables.rules import DOCUMENTS_MAX
from scf.receivables.service import Account, AccountMissing

TEXT_LENGTH_MAX: Final = 200
LINE_NO, SUPPLIER, SUPPLIER_NAME = "行号", "供应商统一社会信用代码", "供应商"
INVOICES, AMOUNT, CURRENCY = "发票号码", "金额", "币种"
CONTRACT, RECEIPT, DELIVERED, DUE = "合同编号", "入库单号", "收货日期", "到期日"

_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)
_SEPARATORS = re.compile(r"[\s,，;；、|]+")


class ListUnreadable(Invalid):
    """A list has the columns of its template, each once, and no row longer than its header."""

    code = "payable.list_unreadable"
    title = "清单格式与模板不符"
    title_en = "The list does not have the template's form"


class CellWrong(Invalid):
    """Every cell is of its column's form, and those that a line needs are filled in."""

    code = "payable.cell_wrong"
    title = "单元格内容不正确"
    title_en = "The cell is not valid"


@dataclass(frozen=True, slots=True)
class ListForm:
    """A kind of list: field -> header, in the template's order; which must be there; an example row."""

    columns: Mapping[str, str]
    required: frozenset[str]
    example: Mapping[str, str]

    def template(self) -> list[list[str]]:
        """Return the template's rows: header and example."""
        return [
            list(self.columns.values()),
            [self.example.get(field, "") for field in self.columns],
        ]


_LINE: Final = {"line_no": LINE_NO}
_SUPPLIER: Final = {"supplier": SUPPLIER, "supplier_name": SUPPLIER_NAME}
_TERMS: Final = {
    "invoices": INVOICES,
    "amount": AMOUNT,
    "currency": CURRENCY,
    "contract_no": CONTRACT,
    "receipt_no": RECEIPT,
    "delivered_on": DELIVERED,
    "due_on": DUE,
}
_PAY_TO: Final = {
    "account_name": ACCOUNT_NAME,
    "account": ACCOUNT,
    "bank": BANK,
    "bank_uscc": BANK_USCC,
}
_EXAMPLE: Final = {
    "line_no": "DZ-2025-10-01",
    "supplier": "91350100M000100Y43",
    "supplier_name": "永川兴锐冲压件(示例)",
    "invoices": "25500000000000010101 25500000000000010102",
    "amount": "1245000.00",
    "contract_no": "HT-2025-018",
    "receipt_no": "RK-20251020-03",
    "delivered_on": "2025-10-20",
    "due_on": "2025-12-19",
}
IMPORT: Final = ListForm(
    {**_LINE, **_TERMS}, frozenset({"line_no", "invoices", "due_on"}), _EXAMPLE
)
"""What a supplier submits. Without an amount it claims the sum of the invoices."""
UPLOAD: Final = ListForm(
    {**_LINE, **_SUPPLIER, **_TERMS, **_PAY_TO},
    frozenset({"line_no", "supplier", "supplier_name", "invoices", "amount", "due_on"}),
    _EXAMPLE,
)
"""What a core enterprise takes out of its ERP. The account may be named when confirming instead."""


@dataclass(frozen=True, slots=True)
class PayableRow:
    """A row, read; what its list has no column for, or its cell left empty, is None."""

    line_no: str
    invoices: tuple[str, ...]
    due_on: date
    amount: Money | None
    contract_no: str | None
    receipt_no: str | None
    delivered_on: date | None
    supplier: str | None
    supplier_name: str | None
    pay_to: Account | None


# --- the list ------------------------------------------------------------------------------------


def read_table(original: bytes, form: ListForm, *, filename: str | None) -> Table:
    """Take a list apart into rows of text. Raises ListUnreadable, JobTooLarge and what its format raises."""
    if original.lstrip()[:1] in (b"[", b"{"):
        return replace(_json_table(original, form), filename=filename)
    problem: ListUnreadable | None = None
    for table in tables(original):
        try:
            return replace(_sheet_table(table, form), filename=filename)
        except ListUnreadable as error:
            problem = problem or error
        finally:
            if isinstance(table.rows, Generator):  # left in the middle, it still holds the file
                table.rows.close()
    raise problem or ListUnreadable(missing=sorted(form.columns[name] for name in form.required))


def _sheet_table(table: sheets.Table, form: ListForm) -> Table:
    header: list[str] | None = None
    rows: list[Row] = []
    for number, cells in table.rows:
        texts = [_plain(text, number) for text in sheets.plain(cells)]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        if header is None:
            header = _header(texts, form)
            continue
        if len(texts) > len(header):
            raise ListUnreadable(row=number, cells=len(texts), columns=len(header))
        rows.append(Row(number, [*texts, *[""] * (len(header) - len(texts))]))
        if len(rows) > ITEMS_MAX:
            raise JobTooLarge(rows_max=ITEMS_MAX)
    if header is None:
        raise ListUnreadable(missing=sorted(form.columns[name] for name in form.required))
    kept = [place for place, name in enumerate(header) if name not in ADDED]
    return Table(
        [header[place] for place in kept],
        [Row(row.number, [row.cells[place] for place in kept]) for row in rows],
    )


def _header(texts: Sequence[str], form: ListForm) -> list[str]:
    """Return a header, a field's name or `金额*` as the template has it. Raises ListUnreadable."""
    names = [text.rstrip("* ") for text in texts]
    names = [form.columns.get(name, name) for name in names]
    missing = [form.columns[name] for name in form.columns if name in form.required]
    missing = [name for name in missing if name not in names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if missing or repeated:
        raise ListUnreadable(missing=missing, repeated=repeated)
    return names


def _json_table(original: bytes, form: ListForm) -> Table:
    """Read `[{field: text, …}, …]`, or that under `items`; invoices may be an array."""
    try:
        content = orjson.loads(original)
    except orjson.JSONDecodeError as error:
        raise ListUnreadable(reason=f"不是有效的 JSON {error}"[:TEXT_LENGTH_MAX]) from None
    items = content.get("items") if isinstance(content, dict) else content
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ListUnreadable(reason="不是对象数组 not an array of objects")
    if len(items) > ITEMS_MAX:
        raise JobTooLarge(rows=len(items), rows_max=ITEMS_MAX)
    rows = []
    for number, item in enumerate(items, 1):
        unknown = sorted(item.keys() - form.columns.keys())
        if unknown:
            raise ListUnreadable(row=number, unknown=[name[:40] for name in unknown[:5]])
        cells = [_plain(_json_text(item.get(name), number), number) for name in form.columns]
        rows.append(Row(number, cells))
    return Table(list(form.columns.values()), rows)


def _json_text(value: Any, number: int) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list() if all(isinstance(one, str) for one in value):
            return " ".join(value)
    raise ListUnreadable(row=number, reason="各值须为文本 values are texts")


def _plain(text: str, number: int) -> str:
    if len(text) > CELL_LENGTH_MAX:
        raise JobTooLarge(row=number, length=len(text), length_max=CELL_LENGTH_MAX)
    return one_line(text)


# --- a row ---------------------------------------------------------------------------------------


def read_row(cells: Mapping[str, str], form: ListForm) -> PayableRow:
    """Read a row's cells by header. Raises CellWrong, whose `field` is the header."""
    for name in form.columns:
        if name in form.required and not cells.get(form.columns[name]):
            raise CellWrong(field=form.columns[name], rule="必填 required")

    def text(header: str) -> str | None:
        found: str | None = _cell(cells, header, _words)
        return found

    currency = text(CURRENCY) or "CNY"
    return PayableRow(
        line_no=text(LINE_NO) or "",
        invoices=_cell(cells, INVOICES, _numbers) or (),
        due_on=_cell(cells, DUE, day) or date.max,
        amount=_cell(cells, AMOUNT, lambda cell: _money(cell, currency)),
        contract_no=text(CONTRACT),
        receipt_no=text(RECEIPT),
        delivered_on=_cell(cells, DELIVERED, day),
        supplier=_cell(cells, SUPPLIER, code),
        supplier_name=text(SUPPLIER_NAME),
        pay_to=_pay_to(cells),
    )


def _cell(cells: Mapping[str, str], header: str, read: Callable[[str], Any]) -> Any:
    """Return what a cell says, None where it is empty. Raises CellWrong."""
    cell = cells.get(header)
    if not cell:
        return None
    try:
        return read(cell)
    except (CellWrong, CellInvalid) as error:
        fields = {**error.fields, "value": cell[:SHOWN_MAX]}
        raise CellWrong(field=header, **fields) from None
    except Refused as error:
        raise CellWrong(field=header, value=cell[:SHOWN_MAX], rule=error.title) from None


def _words(cell: str) -> str:
    return words(cell, length_max=TEXT_LENGTH_MAX)


def _numbers(cell: str) -> tuple[str, ...]:
    numbers = tuple(filter(None, _SEPARATORS.split(cell)))
    if any(_SCIENTIFIC.fullmatch(number) for number in numbers):
        raise CellWrong(rule="号码被改成了科学计数法，请将该列设为文本 format the column as text")
    if len(set(numbers)) < len(numbers) or not 0 < len(numbers) <= DOCUMENTS_MAX:
        raise CellWrong(rule="号码重复或过多 a number twice, or too many", count_max=DOCUMENTS_MAX)
    return tuple(map(_words, numbers))


def _money(cell: str, currency: str) -> Money:
    amount = money(cell, currency)
    if amount.minor == 0:
        raise CellWrong(rule="金额须大于零 above zero")
    return amount


def _pay_to(cells: Mapping[str, str]) -> Account | None:
    """Return the account, whose four cells are filled in together. Raises CellWrong."""
    given: dict[str, str | None] = {
        header: _cell(cells, header, code if header == BANK_USCC else _words)
        for header in ACCOUNT_COLUMNS
    }
    try:
        return account(given)
    except AccountMissing as error:
        raise CellWrong(field=error.field, **error.fields) from None


def header_of(field: str | None) -> str | None:
    """Return the column that a refusal's field is about."""
    headers: Iterable[tuple[str, str]] = [*UPLOAD.columns.items(), *_ALIASES.items()]
    return dict(headers).get(field or "", field)


_ALIASES: Final = {"documents": INVOICES, "claimed": AMOUNT, "pay_to": ACCOUNT}
