"""Which column of a list says what: a TOML file that a person can write, and the two that come with the platform."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from scf.documents.parsing.errors import MappingInvalid, RowInvalid
from scf.documents.parsing.listed import (
    AMOUNTS,
    ANSWERS,
    DATES,
    FIELDS,
    IDS,
    TEXTS,
    VALUE_LENGTH_MAX,
    Fields,
)
from scf.documents.parsing.values import TEXT_LENGTH_MAX, excerpt
from scf.kernel.text import one_line

BYTES_MAX: Final = 64 * 1024
ENCODINGS: Final = frozenset({"utf-8", "gb18030", "gbk", "gb2312", "utf-16", "iso-8859-1", "windows-1252"})  # fmt: skip
DELIMITERS: Final = frozenset({",", ";", "\t", "|"})
YES: Final = frozenset({"是", "y", "yes", "true", "1"})
NO: Final = frozenset({"否", "n", "no", "false", "0"})

_NUMBERS: Final = ("number", "invoice_code", "einvoice_number")
_UNCUT: Final = frozenset({*_NUMBERS, *IDS, "reverses"})
_SETTINGS: Final = {"date", "number", "encoding", "delimiter", "sheet"}
_TABLES: Final = {"columns", "constants", "optional"}
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)
_DATE = re.compile(
    r"(?:([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{4})([0-9]{2})([0-9]{2}))"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?",
    re.ASCII,
)
_DATE_PARTS = {"YYYY": "(?P<year>[0-9]{4})", "MM": "(?P<month>[0-9]{1,2})", "DD": "(?P<day>[0-9]{1,2})"}  # fmt: skip
_NUMBER_FORM = re.compile(r"1(?P<group>[,.' ]?)234(?P<mark>[.,])56")
_DIGITS_CUT: Final = 10**15  # a number cell keeps fifteen digits
_CUT: Final = (
    "号码被表格软件截断，请将该列设为文本 the spreadsheet cut the number, format the column as text"
)
_FULL_WIDTH = str.maketrans("（）　", "() ")


Cell = str | Decimal
"""A cell as a spreadsheet holds it: text, or a number; dates come as text in ISO form."""


class _Wrong(Exception):
    """What is wrong with one cell, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class ListMapping:
    """The columns, constants and forms of a list. `columns` are the headers by which a field is found."""

    columns: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    read_date: Callable[[str], str] = lambda text: _date(_DATE, text)
    read_amount: Callable[[str], str] = lambda text: _amount("", ".", text)
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    @classmethod
    def parse(cls, original: bytes) -> Self:
        """Read a mapping file. Raises MappingInvalid that says every fault."""
        if len(original) > BYTES_MAX:
            raise MappingInvalid(size=len(original), size_max=BYTES_MAX)
        try:
            content = tomllib.loads(original.decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MappingInvalid(reason=excerpt(str(error))) from None
        faults = [*_faults(content)]
        if faults:
            raise MappingInvalid(faults=faults)
        forms: dict[str, Any] = {}
        if "date" in content:
            forms["read_date"] = partial(_date, _date_form(content["date"]))
        if match := _NUMBER_FORM.fullmatch(content.get("number", "")):
            forms["read_amount"] = partial(_amount, match["group"], match["mark"])
        columns = cls(
            columns={
                name: (names,) if isinstance(names, str) else tuple(names)
                for name, names in content["columns"].items()
            },
            optional=frozenset(content.get("optional", {}).get("fields", ())),
            encoding=content.get("encoding"),
            delimiter=content.get("delimiter"),
            sheet=content.get("sheet"),
            **forms,
        )
        return replace(columns, constants=columns._constants(content.get("constants", {})))

    def _constants(self, texts: Mapping[str, str]) -> Fields:
        """Return what every row has alike, in canonical text. Raises MappingInvalid."""
        try:
            return {name: self._value(name, text) for name, text in texts.items()}
        except _Wrong as wrong:
            raise MappingInvalid(faults=[f"constants: {wrong}"]) from None

    def fit(self, header: Sequence[str]) -> dict[str, int] | None:
        """Return the place of each field in a header, None where a required column is not there."""
        places = {folded(cell): place for place, cell in reversed([*enumerate(header)])}
        found = {
            name: next((places[one] for one in map(folded, headers) if one in places), None)
            for name, headers in self.columns.items()
        }
        if any(found[name] is None for name in found if name not in self.optional):
            return None
        return {name: place for name, place in found.items() if place is not None}

    def missing(self, header: Iterable[str]) -> list[str]:
        """Return the required columns that a header lacks."""
        there = set(map(folded, header))
        return [
            headers[0]
            for name, headers in self.columns.items()
            if name not in self.optional and there.isdisjoint(map(folded, headers))
        ]

    def read(self, places: Mapping[str, int], cells: Sequence[Cell]) -> Fields:
        """Return what a row says, in canonical text. Raises RowInvalid with every fault of its cells."""
        fields = dict(self.constants)
        faults = []
        for name, place in places.items():
            cell = cells[place] if place < len(cells) else ""
            if cell == "":
                continue
            try:
                fields[name] = self._value(name, cell)
            except _Wrong as wrong:
                faults.append(self.fault(name, str(cell), str(wrong)))
        if faults:
            raise RowInvalid(faults=faults)
        return fields

    def fault(self, name: str, value: str, rule: str) -> dict[str, str]:
        """Return a fault of a cell, by the column's header."""
        headers = self.columns.get(name)
        return {"column": headers[0] if headers else name, "value": excerpt(value), "rule": rule}

    def _value(self, name: str, cell: Cell) -> str:
        if isinstance(cell, Decimal):
            if name in AMOUNTS:
                return f"{cell:f}"
            if name in _UNCUT and abs(cell) >= _DIGITS_CUT:
                raise _Wrong(_CUT)
        text = f"{cell:f}" if isinstance(cell, Decimal) else cell
        if name in AMOUNTS:
            return self.read_amount(text)
        if name in DATES:
            return self.read_date(text)
        return _READERS[name](text)


def folded(header: str) -> str:
    """Return a header as headers are compared: `金额*` and `金额` name one column."""
    return one_line(header.translate(_FULL_WIDTH)).rstrip("* ").casefold()


def _faults(content: dict[str, Any]) -> Iterable[str]:
    """Iterate over what is wrong with a mapping file."""
    columns, constants = content.get("columns"), content.get("constants", {})
    optional = content.get("optional", {})
    if not (
        isinstance(columns, dict) and isinstance(constants, dict) and isinstance(optional, dict)
    ):
        yield "须有 [columns] 表 there must be a table [columns]"
        return
    yield from (
        f"未知设置 unknown: {excerpt(name)}" for name in content if name not in _SETTINGS | _TABLES
    )
    for name, headers in columns.items():
        names = [headers] if isinstance(headers, str) else headers
        if not isinstance(names, list) or not names or not all(isinstance(n, str) and folded(n) for n in names):  # fmt: skip
            yield f"columns.{excerpt(name)}: 须为表头 must be a header, or several"
    known = [*columns, *constants, *optional.get("fields", ())]
    yield from (f"未知字段 unknown field: {excerpt(str(n))}" for n in known if n not in FIELDS)
    yield from (f"constants.{excerpt(name)}: 须为文本 must be text" for name, v in constants.items() if not isinstance(v, str) or len(v) > TEXT_LENGTH_MAX)  # fmt: skip
    if not {"number", "einvoice_number"} & columns.keys():
        yield "须有 number 或 einvoice_number 列 there must be a column of numbers"
    for name in _SETTINGS & content.keys():
        if not isinstance(content[name], str) or not _FORMS[name](content[name]):
            yield f"{name}: {excerpt(str(content[name]))}"


_FORMS: Final[Mapping[str, Callable[[str], Any]]] = {
    "date": lambda text: all(text.count(part) == 1 for part in _DATE_PARTS),
    "number": _NUMBER_FORM.fullmatch,
    "encoding": lambda text: text.lower() in ENCODINGS,
    "delimiter": DELIMITERS.__contains__,
    "sheet": bool,
}
"""Setting -> whether a text is one."""


def _date_form(form: str) -> re.Pattern[str]:
    pieces = re.split("(YYYY|MM|DD)", form)
    return re.compile(
        "".join(_DATE_PARTS.get(piece, re.escape(piece)) for piece in pieces), re.ASCII
    )


# --- cells ---------------------------------------------------------------------------------------


def _date(form: re.Pattern[str], text: str) -> str:
    match = form.fullmatch(text) or _ISO.fullmatch(text)
    if match is not None:
        named = match.groupdict()
        parts = (
            [named["year"], named["month"], named["day"]] if named else filter(None, match.groups())
        )
        with suppress(ValueError):
            return date(*map(int, parts)).isoformat()
    raise _Wrong("日期写法不符 not a date of the form expected")


def _amount(group: str, mark: str, text: str) -> str:
    """Return a plain decimal; without a form of its own (`group` empty), commas may group thousands."""
    digits = text.strip("¥￥ ").replace("\u2212", "-")
    separator = group or ("," if mark == "." else ".")
    grouped = rf"-?[0-9]{{1,3}}({re.escape(separator)}[0-9]{{3}})+({re.escape(mark)}[0-9]{{1,20}})?"
    whole = rf"-?[0-9]{{1,20}}({re.escape(mark)}[0-9]{{1,20}})?"
    if re.fullmatch(whole, digits) or re.fullmatch(grouped, digits):
        return digits.replace(separator, "").replace(mark, ".")
    raise _Wrong("金额写法不符 not an amount of the form expected")


def _text(text: str) -> str:
    clean = one_line(text)
    if len(clean) > TEXT_LENGTH_MAX:
        raise _Wrong(f"最多 {TEXT_LENGTH_MAX} 个字符 at most that many characters")
    return clean


def _number(text: str) -> str:
    if _SCIENTIFIC.fullmatch(text):
        raise _Wrong(_CUT)
    return _text(text)


def _id(text: str) -> str:
    return _number(text).replace(" ", "").upper()


def _remark(text: str) -> str:
    return one_line(text)[:VALUE_LENGTH_MAX]


def _answer(text: str) -> str:
    if text.casefold() in YES:
        return "yes"
    if text.casefold() in NO:
        return "no"
    raise _Wrong("须填 是 或 否 yes or no")


_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?: 00:00:00)?", re.ASCII)  # fmt: skip
_READERS: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(IDS, _id),
    **dict.fromkeys(ANSWERS, _answer),
    "remark": _remark,
}


def _built_in(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


TEMPLATE: Final = _built_in("list.toml")
"""The mapping file to begin with; it is also how a list with the template's columns is read."""
EXPORT: Final = ListMapping.parse(_built_in("cn_export.toml"))
LIST: Final = ListMapping.parse(TEMPLATE)


def list_template() -> bytes:
    """Return an empty list with an example row, as spreadsheets in Chinese Windows open it."""
    header = [headers[0] for headers in LIST.columns.values()]
    row = [_EXAMPLE.get(name, "") for name in LIST.columns]
    return "".join(f"{','.join(cells)}\r\n" for cells in (header, row)).encode("utf-8-sig")


_EXAMPLE: Final = {
    "number": "25500000000000010101",
    "seller_id": "91500118MAYYC0B218",
    "seller_name": "永川兴锐冲压件(示例)",
    "buyer_id": "91500118MAYYC0A174",
    "buyer_name": "渝川汽车(示例)",
    "issued_on": "2025-10-22",
    "net": "1000.00",
    "tax": "130.00",
    "total": "1130.00",
    "currency": "CNY",
    "assigned": "否",
    "contract_no": "HT-2025-0001",
    "due_on": "2025-12-19",
}
