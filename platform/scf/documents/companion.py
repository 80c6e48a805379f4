"""The companion CSV (随附清单): what a 数电票 does not say about the claim behind it.

One row an invoice; rows of one line number make one payable line: contract, goods receipt, delivery and
due date, which those rows agree on. The due date may be given, or follow from delivery and days; given
both ways, both must agree. Comma separated, UTF-8 (with or without byte order mark) or GB18030.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from scf.kernel.errors import Invalid, TooLarge

BYTES_MAX: Final = 8 * 1024 * 1024
ROWS_MAX: Final = 20_000
FAULTS_MAX: Final = 100  # as many as a person corrects at one sitting
TERM_DAYS_MAX: Final = 720
VALUE_LENGTH_MAX: Final = 200
TEMPLATE_NAME: Final = "随附清单模板.csv"

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "line_no": ("行号", "对账单行号"),
    "invoice_number": ("发票号码", "数电票号码"),
    "contract_no": ("合同编号", "合同号"),
    "receipt_no": ("入库单号", "收货单号"),
    "delivered_on": ("收货日期", "交货日期"),
    "term_days": ("账期(天)", "账期"),
    "due_on": ("到期日", "付款到期日"),
}
"""Field -> its Chinese headers, the first as the template writes it; the field's name serves too."""

REQUIRED: Final = ("line_no", "invoice_number")
_NAMES = {
    header.casefold(): field
    for field, chinese in COLUMNS.items()
    for header in (field, field.replace("_", " "), *chinese)
}
_DATE = re.compile(
    r"(20[0-9]{2})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|(20[0-9]{2})([0-9]{2})([0-9]{2})",
    re.ASCII,
)
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)
_INVOICE = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_FULL_WIDTH = str.maketrans("（）　", "() ")


class CompanionInvalid(Invalid):
    """Every row of a companion CSV is complete and agrees with itself and with its line."""

    code = "companion.invalid"
    title = "随附清单有误"
    title_en = "The companion CSV has errors"

    def rows(self) -> Iterator[str]:
        """Iterate over the faults, a line of text each."""
        for fault in self.fields["faults"]:
            yield "第 {row} 行 {column} {value}: {rule}".format_map(fault)


class CompanionTooLarge(TooLarge):
    """A companion CSV stays below a size and a number of rows."""

    code = "companion.too_large"
    title = "随附清单过大"
    title_en = "The companion CSV is too large"


@dataclass(frozen=True, slots=True)
class PayableLine:
    """One line of the statement: its invoices, what they rest on, and when it is due."""

    line_no: str
    invoice_numbers: tuple[str, ...]
    contract_no: str | None
    receipt_no: str | None
    delivered_on: date | None
    due_on: date


class _Wrong(Exception):
    """What is wrong with one cell, in Chinese and English."""


def template() -> bytes:
    """Return an empty sheet with an example row, as spreadsheets in Chinese Windows open it."""
    example = ("1", "25500000000000010101", "HT-2025-0001", "RK-2025-0001", "2025-10-20", "60", "")
    text = io.StringIO()
    csv.writer(text).writerows([[chinese[0] for chinese in COLUMNS.values()], example])
    return text.getvalue().encode("utf-8-sig")


def is_companion(original: bytes) -> bool:
    """Say whether bytes are a companion CSV, by their header."""
    head = original[:4096].splitlines()[:1]
    text = _decode(head[0]) if head and b"\x00" not in head[0] else None
    if text is None:
        return False
    fields = {_NAMES.get(_clean(header).casefold()) for header in next(csv.reader([text]), [])}
    return fields.issuperset(REQUIRED) and not fields.isdisjoint({"due_on", "term_days"})


def parse(original: bytes) -> tuple[PayableLine, ...]:
    """Read a companion CSV. Raises CompanionInvalid that lists faults by row and column, CompanionTooLarge.

    Rows are counted as a spreadsheet does: the header is row 1.
    """
    if len(original) > BYTES_MAX:
        raise CompanionTooLarge(size=len(original), size_max=BYTES_MAX)
    text = _decode(original)
    if text is None or "\x00" in text:
        raise CompanionInvalid(faults=[_fault(1, "", "", "编码须为 UTF-8 或 GB18030 encoding")])
    table = _table(text)
    header = _header(next(table, (1, []))[1])
    sheet = _Sheet()
    for number, cells in table:
        if number > ROWS_MAX:
            raise CompanionTooLarge(rows_max=ROWS_MAX)
        if any(cells) and len(sheet.faults) < FAULTS_MAX:
            sheet.take(number, dict(zip(header, cells, strict=False)))
    if not sheet.lines and not sheet.faults:
        sheet.faults.append(_fault(2, "", "", "清单为空 there are no rows"))
    if sheet.faults:
        raise CompanionInvalid(faults=sheet.faults)
    return tuple(sheet.lines.values())


class _Sheet:
    """Rows joined into lines, and what was wrong with the others."""

    def __init__(self) -> None:
        self.lines: dict[str, PayableLine] = {}
        self.faults: list[dict[str, Any]] = []
        self._rows: dict[str, int] = {}  # invoice number -> the row that has it

    def take(self, number: int, cells: Mapping[str, str]) -> None:
        """Read one row into its line, or note its faults."""
        values: dict[str, Any] = {}
        before = len(self.faults)
        for field, read in _READERS.items():
            with self._noting(number, field, cells.get(field, "")):
                values[field] = read(cells.get(field, ""))
        if len(self.faults) > before:
            return
        with self._noting(number, "due_on", cells.get("due_on", "")):
            due_on = _due_on(values["delivered_on"], values["term_days"], values["due_on"])
            row = PayableLine(
                line_no=values["line_no"],
                invoice_numbers=(values["invoice_number"],),
                contract_no=values["contract_no"],
                receipt_no=values["receipt_no"],
                delivered_on=values["delivered_on"],
                due_on=due_on,
            )
            self._join(number, row)

    def _join(self, number: int, row: PayableLine) -> None:
        """Add a row to its line, or note where it disagrees with the rows before it."""
        invoice = row.invoice_numbers[0]
        with self._noting(number, "invoice_number", invoice):
            if invoice in self._rows:
                raise _Wrong(f"发票重复，见第 {self._rows[invoice]} 行 in that row too")
            self._rows[invoice] = number
        known = self.lines.setdefault(row.line_no, row)
        if known is row:
            return
        for field in _AGREED:
            own = getattr(row, field)
            with self._noting(number, field, str(own or "")):
                if getattr(known, field) != own:
                    raise _Wrong("与同一行号的其他行不一致 differs from the line's other rows")
        joined = (*known.invoice_numbers, invoice)
        self.lines[row.line_no] = replace(known, invoice_numbers=joined)

    @contextmanager
    def _noting(self, number: int, field: str, value: str) -> Iterator[None]:
        """Note what goes wrong with a cell, and go on."""
        try:
            yield
        except _Wrong as wrong:
            self.faults.append(_fault(number, COLUMNS[field][0], value, str(wrong)))


_AGREED: Final = ("contract_no", "receipt_no", "delivered_on", "due_on")


def _decode(original: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return original.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _table(text: str) -> Iterator[tuple[int, list[str]]]:
    """Iterate over rows with their numbers, cells cleaned. Raises CompanionInvalid."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [_clean(cell) for cell in cells]
    except csv.Error as error:
        raise CompanionInvalid(faults=[_fault(number + 1, "", "", f"CSV: {error}")]) from None


def _header(cells: list[str]) -> list[str]:
    """Return the field of each column. Raises CompanionInvalid for a missing, double or unknown one."""
    fields = [_NAMES.get(cell.casefold(), "") for cell in cells]
    faults = [
        _fault(1, cell, cell, "未知列 unknown column")
        for cell, field in zip(cells, fields, strict=True)
        if cell and not field
    ]
    faults += [
        _fault(1, COLUMNS[field][0], "", "缺少此列 the column is missing")
        for field in REQUIRED
        if field not in fields
    ]
    named = [field for field in fields if field]
    faults += [
        _fault(1, COLUMNS[field][0], "", "列重复 the column is there twice")
        for field in sorted({field for field in named if named.count(field) > 1})
    ]
    if faults:
        raise CompanionInvalid(faults=faults[:FAULTS_MAX])
    return fields


def _due_on(delivered_on: date | None, term_days: int | None, due_on: date | None) -> date:
    computed = None
    if delivered_on is not None and term_days is not None:
        computed = delivered_on + timedelta(days=term_days)
    if due_on is None and computed is None:
        raise _Wrong("须填到期日，或收货日期和账期 give the due date, or delivery and days")
    if due_on is not None and computed is not None and due_on != computed:
        raise _Wrong(f"与收货日期加账期（{computed}）不一致 is not delivery plus days")
    final = due_on or computed
    assert final is not None
    if delivered_on is not None and final < delivered_on:
        raise _Wrong("早于收货日期 is before delivery")
    return final


def _clean(cell: str) -> str:
    """Return a cell without the wrappings that spreadsheets leave: white space, `="…"`, a leading quote."""
    text = cell.translate(_FULL_WIDTH).strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


def _read_required(text: str) -> str:
    if not text:
        raise _Wrong("不能为空 must not be empty")
    return _read_text(text) or ""


def _read_text(text: str) -> str | None:
    if len(text) > VALUE_LENGTH_MAX or not text.isprintable():
        raise _Wrong(f"最多 {VALUE_LENGTH_MAX} 个可见字符 at most that many printable characters")
    return text or None


def _read_invoice(text: str) -> str:
    if _SCIENTIFIC.fullmatch(text):
        raise _Wrong(
            "号码被表格软件改成了科学计数法，请将该列设为文本 the spreadsheet cut the number, format it as text"
        )
    if not _INVOICE.fullmatch(_read_required(text)):
        raise _Wrong("发票号码格式不正确 not an invoice number")
    return text


def _read_date(text: str) -> date | None:
    if not text:
        return None
    match = _DATE.fullmatch(text)
    with suppress(ValueError):
        if match is not None:
            return date(*(int(part) for part in match.groups() if part))
    raise _Wrong("日期应写作 2025-10-20 a date is written 2025-10-20")


def _read_days(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= TERM_DAYS_MAX):  # noqa: PLR2004 - digits
        raise _Wrong(f"账期为 0 至 {TERM_DAYS_MAX} 的整数 whole days, at most that many")
    return int(text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "line_no": _read_required,
    "invoice_number": _read_invoice,
    "contract_no": _read_text,
    "receipt_no": _read_text,
    "delivered_on": _read_date,
    "term_days": _read_days,
    "due_on": _read_date,
}


def _fault(row: int, column: str, value: str, rule: str) -> dict[str, Any]:
    return {"row": row, "column": column[:40], "value": value[:40], "rule": rule}
