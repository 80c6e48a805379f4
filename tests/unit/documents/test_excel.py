"""Workbooks read row by row: what another reader reads, and nothing that ends the process."""

import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from scf.documents.parsing import parse_many
from scf.documents.parsing.excel import workbook
from scf.documents.parsing.packages import Package
from scf.kernel.errors import Refused
from tests.support import lists
from tests.support.lists import export, exported, zipped

SHEET = "xl/worksheets/sheet1.xml"


def rows(book: bytes) -> dict[str, list[list[object]]]:
    tables = workbook(Package(io.BytesIO(book)))
    return {table.name: [cells for _, cells in table.rows] for table in tables}


def changed(part: str, old: bytes, new: bytes) -> bytes:
    """An export with one part rewritten."""
    with zipfile.ZipFile(io.BytesIO(export(exported()))) as package:
        members = {name: package.read(name) for name in package.namelist()}
    members[part], count = re.subn(old, new, members[part], count=1)
    assert count == 1
    return zipped(members)


MOMENT = datetime.fromisoformat("2025-10-22 09:31:07")


def test_cells_of_every_kind():
    cells = ["文本", 12, -0.5, 0.1 + 0.2, 1e20, True, date(2025, 10, 22), MOMENT, "", " ='x ", "'0123"]  # fmt: skip

    assert rows(lists.workbook(表=[cells])) == {
        "表": [
            [
                "文本", Decimal(12), Decimal("-0.5"), Decimal("0.3"), Decimal("1E+20"), "TRUE",
                "2025-10-22", "2025-10-22 09:31:07", "", "='x", "0123",
            ]
        ]
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1),
                st.integers(-(10**14), 10**14),
                st.booleans(),
                st.dates(date(1950, 1, 1), date(2099, 12, 31)),
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_another_reader_reads_the_same(table):
    width = max(map(len, table))
    table = [row + ["end"] * (width - len(row)) for row in table]
    book = lists.workbook(a=table)
    sheet = python_calamine.load_workbook(io.BytesIO(book)).get_sheet_by_index(0)

    assert [list(map(str, row)) for row in rows(book)["a"]] == [
        [spelled(cell) for cell in row] for row in sheet.iter_rows()
    ]


def spelled(cell: object) -> str:
    """A cell of the other reader, in our spelling."""
    match cell:
        case bool():
            return str(cell).upper()
        case float():
            return f"{cell:.0f}"
    return str(cell)


@pytest.mark.parametrize(
    ("part", "old", "new", "code"),
    [
        ("xl/sharedStrings.xml", rb'uniqueCount="\d+"', b'uniqueCount="4000000000"', None),
        (SHEET, rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', None),
        (SHEET, rb'<c r="D2"', b'<c r="XFD2"', "document.too_large"),
        (SHEET, rb'<row r="2"', b'<row r="99999999999999999999"', "document.too_large"),
        (SHEET, rb'<row r="2"', b'<row r="1"', "document.table_invalid"),
        (SHEET, rb'<c r="E2"', b'<c r="A2"', "document.table_invalid"),
        (SHEET, rb'<c r="D2"', b'<c r="ZZZZ2"', "document.table_invalid"),
        (SHEET, rb"<v>19</v>", b"<v>4294967295</v>", "document.table_invalid"),
        (SHEET, rb"<v>19</v>", b"<v>-1</v>", "document.table_invalid"),
        (SHEET, rb"</row>", b"</raw>", "document.table_invalid"),
        (SHEET, rb"<worksheet", b"<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet", "document.xml_unsafe"),
        ("xl/_rels/workbook.xml.rels", rb'Target="worksheets', b'Target="../../../etc', "document.package_unsafe"),
        ("xl/_rels/workbook.xml.rels", rb'Target="sharedStrings.xml', b'Target="gone.xml', "document.package_invalid"),
        ("xl/workbook.xml", rb"<sheets>.*</sheets>", b"", "document.field_missing"),
    ],
)  # fmt: skip
def test_hostile_workbooks(part, old, new, code):
    outcomes = [part.outcome for part in parse_many(changed(part, old, new))]

    if code is None:
        assert [invoice.number for invoice in outcomes] == ["25500000000000000001"]
    else:
        assert [error.code for error in outcomes if isinstance(error, Refused)] == [code]


def recoded(encoding: str, declared: str, doctype: bool) -> bytes:
    """An export whose sheet is in another encoding, with an entity if asked."""
    with zipfile.ZipFile(io.BytesIO(export(exported()))) as package:
        members = {name: package.read(name) for name in package.namelist()}
    text = members[SHEET].decode().split("?>", 1)[-1]
    if doctype:
        text = f"<!DOCTYPE x [<!ENTITY a 'b'>]>{text}"
    members[SHEET] = f'<?xml version="1.0" encoding="{declared}"?>{text}'.encode(encoding)
    return zipped(members)


@pytest.mark.parametrize("doctype", [True, False])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-32-le", "UTF-32"),
        ("cp037", "IBM037"),
    ],
)
def test_a_sheet_is_in_utf_8(encoding: str, declared: str, doctype: bool):
    """What is parsed is what was looked through: no declaration of a document type slips past."""
    (outcome,) = [part.outcome for part in parse_many(recoded(encoding, declared, doctype))]
    assert isinstance(outcome, Refused)
    assert outcome.code in {"document.table_invalid", "document.xml_unsafe"}


def test_rows_of_a_sheet_need_not_name_their_cells():
    bare = changed(SHEET, rb'<row r="2"[^>]*>', b"<row>")

    assert [part.place for part in parse_many(bare)] == ["!发票基础信息:2"]
