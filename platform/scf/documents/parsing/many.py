"""What is handed in, taken apart: a list has rows, a ZIP has members, nested once; each document stands alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import BinaryIO, Final

from scf.documents.files import BYTES_MAX
from scf.documents.parsing import detection, excel, listed
from scf.documents.parsing.errors import (
    ColumnsUnknown,
    Contradiction,
    FieldInvalid,
    FieldMissing,
    PackageUnsafe,
    RowInvalid,
)
from scf.documents.parsing.listed import Fields
from scf.documents.parsing.mapping import EXPORT, LIST, Cell, ListMapping
from scf.documents.parsing.model import Invoice
from scf.documents.parsing.packages import Package
from scf.documents.parsing.sheets import (
    Source,
    Table,
    csv_table,
    looks_like_csv,
    plain,
    survey,
)
from scf.documents.parsing.totals import require_sum
from scf.documents.parsing.values import decimal_value
from scf.documents.parsing.xml import looks_like_xml
from scf.kernel.errors import Refused

HEAD: Final = 4096
DEPTH_MAX: Final = 2  # packages within each other
HEADER_ROWS_MAX: Final = 10  # above a header, people write titles
_SUMS: Final = frozenset({"合计", "总计", "小计", "本页小计", "total"})
_NUMBERS: Final = ("einvoice_number", "invoice_code", "number")
_ALIKE: Final = ("seller_id", "buyer_id", "issued_on", "currency")
"""What the items of one invoice agree on."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list as it came, to be handed back."""

    header: list[str]
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A document found in what was handed in: where, what it says or why it is refused, and its bytes.

    `place` is empty for the file itself, `!folder/a.xml` for a member, `!sheet:12` or `:12` for a row.
    """

    place: str
    outcome: Invoice | Refused
    encode: Callable[[], bytes]
    row: Row | None = None

    @property
    def original(self) -> bytes:
        """The bytes to keep: as they came, or a row in its canonical form."""
        return self.encode()


def parse_many(source: bytes | BinaryIO, mapping: ListMapping | None = None) -> Iterator[Part]:
    """Iterate over the documents in a file, reading a list row by row. Raises nothing of what it reads.

    A list is read by `mapping`, else as the tax portal's export, else as the template. The file is seekable.
    """
    file = BytesIO(source) if isinstance(source, bytes) else source
    mappings = [mapping, EXPORT, LIST] if mapping else [EXPORT, LIST]
    yield from _parts(file, "", mappings, within=())


def _parts(
    file: BinaryIO, place: str, mappings: Sequence[ListMapping], within: tuple[Package, ...]
) -> Iterator[Part]:
    try:
        head = file.read(HEAD)
        file.seek(0)
        if head.startswith(detection.ZIP):
            package = Package(file, within=within[-1] if within else None)
            kind = detection.package_kind(package)
            if kind == "xlsx":
                yield from _workbook(file, package, place, mappings)
                return
            if kind == "zip":
                yield from _members(package, place, mappings, within)
                return
        elif not looks_like_xml(head) and not head.startswith(b"{") and looks_like_csv(head):
            yield from _csv(file, place, mappings)
            return
        original = file.read(BYTES_MAX + 1)
    except Refused as error:
        yield Part(place, error, lambda: b"")
        return
    yield _single(original, place)


def _single(original: bytes, place: str) -> Part:
    try:
        return Part(place, detection.parse(original), lambda: original)
    except Refused as error:
        return Part(place, error, lambda: original)


def _members(
    package: Package,
    place: str,
    mappings: Sequence[ListMapping],
    within: tuple[Package, ...],
) -> Iterator[Part]:
    """Iterate over a ZIP's members. Raises PackageUnsafe where packages are nested deeper than once."""
    if len(within) >= DEPTH_MAX:
        raise PackageUnsafe(what="depth", count=len(within) + 1, count_max=DEPTH_MAX)
    for name in package:
        if any(step.startswith((".", "__MACOSX")) for step in name.split("/")):
            continue
        member = f"{place}!{name}"
        try:
            content = package.read(name)
        except Refused as error:
            yield Part(member, error, lambda: b"")
            continue
        yield from _parts(BytesIO(content), member, mappings, (*within, package))


# --- lists ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _List:
    """A table whose header is understood."""

    mapping: ListMapping
    header: list[str]
    places: Mapping[str, int]
    table: Table
    source: Source
    place: str

    def at(self, number: int) -> str:
        """Return where a row is."""
        return (
            f"{self.place}!{self.table.name}:{number}"
            if self.table.name
            else f"{self.place}:{number}"
        )

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Iterate over the rows that say something; sums at the foot do not."""
        for number, cells in self.table.rows:
            first = next((cell for cell in cells if cell != ""), None)
            if first is not None and str(first).replace(" ", "").casefold() not in _SUMS:
                yield number, cells

    def part(self, number: int, cells: list[Cell], read: Callable[[], Fields]) -> Part:
        """Return the document of a row."""
        row = Row(self.header, plain(cells))
        try:
            fields = read()
            invoice = self._invoice(fields)
        except Refused as error:
            return Part(self.at(number), error, lambda: b"", row)

        def encode() -> bytes:
            return listed.to_json(
                fields, sha256=self.source.sha256, sheet=self.table.name, row=number
            )

        return Part(self.at(number), invoice, encode, row)

    def _invoice(self, fields: Fields) -> Invoice:
        """Read a row's fields; what is wrong with one is told by its column. Raises Refused."""
        try:
            return detection.bounded(listed.to_invoice, fields)
        except Refused as error:
            name = error.field or ""
            if not isinstance(error, FieldInvalid | FieldMissing) or name not in listed.FIELDS:
                raise
            rule = f"{error.title} {error.title_en}"
            fault = self.mapping.fault(name, fields.get(name, ""), rule)
            raise RowInvalid(faults=[fault]) from None


def _csv(file: BinaryIO, place: str, mappings: Sequence[ListMapping]) -> Iterator[Part]:
    source = survey(file)
    own = mappings[0]
    table = csv_table(file, source, own.encoding, own.delimiter)
    known = _understood(table, mappings, source, place)
    if isinstance(known, ColumnsUnknown):
        file.seek(0)
        original = file.read(BYTES_MAX + 1)
        yield Part(place, known, lambda: original)
        return
    yield from _documents(known, {})


def _workbook(
    file: BinaryIO, package: Package, place: str, mappings: Sequence[ListMapping]
) -> Iterator[Part]:
    """Iterate over a workbook's invoices: the sheets that list invoices, else those that list their items."""
    source = survey(file)
    wanted = mappings[0].sheet
    tables = [table for table in excel.workbook(package) if wanted in {None, table.name}]
    understood = [_understood(table, mappings, source, place) for table in tables]
    lists = [one for one in understood if isinstance(one, _List)]
    if not lists:
        unknown = next((one for one in understood if isinstance(one, ColumnsUnknown)), None)
        yield Part(place, unknown or ColumnsUnknown(sheet=wanted), lambda: b"")
        return
    by_invoice = [one for one in lists if "item" not in one.places]
    by_item = [one for one in lists if "item" in one.places]
    if not by_invoice:
        for one in by_item:
            yield from _documents(one, {})
        return
    items = _items(by_item)
    for one in by_invoice:
        yield from _documents(one, items)


def _understood(
    table: Table, mappings: Sequence[ListMapping], source: Source, place: str
) -> "_List | ColumnsUnknown":
    """Return a table as a list, by the first mapping that fits one of its first rows. Raises TableInvalid."""
    first: list[str] = []
    for count, (_, cells) in enumerate(table.rows, start=1):
        header = plain(cells)
        for mapping in mappings:
            places = mapping.fit(header)
            if places is not None:
                return _List(mapping, header, places, table, source, place)
        first = first or header
        if count == HEADER_ROWS_MAX:
            break
    return ColumnsUnknown(sheet=table.name, missing=mappings[0].missing(first))


def _documents(known: _List, items: Mapping[Key, list[Fields]]) -> Iterator[Part]:
    """Iterate over a list's invoices, each held against its items where they are known."""
    if "item" in known.places:
        yield from _gathered(known)
        return
    for number, cells in known.rows():

        def read(cells: list[Cell] = cells) -> Fields:
            fields = known.mapping.read(known.places, cells)
            _require_items(fields, items.get(_key(fields), []))
            return fields

        yield known.part(number, cells, read)


def _gathered(known: _List) -> Iterator[Part]:
    """Iterate over the invoices of a list that has a row an item: the first row stands for all of them."""
    found: dict[Key, list[Fields]] = {}
    rows: dict[Key, tuple[int, list[Cell]]] = {}
    for number, cells in known.rows():
        try:
            fields = known.mapping.read(known.places, cells)
        except Refused as error:
            yield Part(known.at(number), error, lambda: b"", Row(known.header, plain(cells)))
            continue
        key = _key(fields) or (str(number),)  # without a number it is refused on its own
        rows.setdefault(key, (number, cells))
        found.setdefault(key, []).append(fields)
    for key, items in found.items():
        yield known.part(*rows[key], partial(_joined, items))


def _items(lists: Iterable[_List]) -> dict[Key, list[Fields]]:
    """Return the items of each invoice, as far as they can be read."""
    items: dict[Key, list[Fields]] = {}
    for one in lists:
        for _, cells in one.rows():
            try:
                fields = one.mapping.read(one.places, cells)
            except RowInvalid:
                continue
            if key := _key(fields):
                items.setdefault(key, []).append(fields)
    return items


def _joined(items: Sequence[Fields]) -> Fields:
    """Return an invoice from its items: sums of their amounts, and what else the first says.

    Raises Contradiction where they do not agree.
    """
    for name in _ALIKE:
        said = sorted({item.get(name, "") for item in items})
        if len(said) > 1:
            raise Contradiction(field=name, values=said[:5])
    joined = {name: value for name, value in items[0].items() if name != "item"}
    for name in listed.AMOUNTS:
        amounts = [decimal_value(item[name], field=name) for item in items if item.get(name)]
        if len(amounts) == len(items):
            joined[name] = f"{sum(amounts):f}"
        else:
            joined.pop(name, None)
    return joined


def _require_items(fields: Fields, items: Sequence[Fields]) -> None:
    """Raise TotalsMismatch where an invoice's items do not add up to it."""
    if items:
        invoice = listed.to_invoice(fields)
        joined = _joined(items)
        for name, declared in (("net", invoice.net), ("tax", invoice.tax)):
            if joined.get(name):
                require_sum(declared, [decimal_value(joined[name], field=name)], field=name)


def _key(fields: Fields) -> Key:
    """Return what the items of one invoice have in common, empty without a number."""
    numbers = tuple(fields.get(name, "") for name in _NUMBERS)
    return (fields.get("seller_id", ""), *numbers) if any(numbers) else ()
