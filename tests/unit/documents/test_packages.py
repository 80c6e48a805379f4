"""A ZIP as downloaded: every member on its own, nested once, and nothing that harms."""

import io
import tracemalloc

import pytest

from scf.documents.parsing import parse, parse_many
from scf.kernel.errors import Refused
from tests.support.invoices import cn_einvoice, refusal, ubl
from tests.support.lists import export, exported, far_workbook, text_list, zipped

LIST = text_list(
    "发票号码,销售方识别号,购买方名称,开票日期,税额,价税合计",
    "A1,91500118MAYYC0B218,买方,2025-10-22,13.00,113.00",
)


def outcomes(members: dict[str, bytes]) -> dict[str, str]:
    return {
        part.place: part.outcome.code if isinstance(part.outcome, Refused) else part.outcome.number
        for part in parse_many(zipped(members))
    }


def test_every_member_is_told_of_on_its_own():
    members = {
        "2025-10/数电票/1.xml": cn_einvoice(),
        "2025-10/1.pdf": b"%PDF-1.7",
        "2025-10/broken.xml": b"<x",
        "2025-10/empty.txt": b"",
        "出口/a.xml": ubl(number="E-1"),
        "全量发票.xlsx": export(exported(), exported(价税合计=1)),
        "清单.csv": LIST,
        "again.zip": zipped({"b.xml": ubl(number="E-2")}),
        "__MACOSX/2025-10/1.xml": b"x",
        ".DS_Store": b"x",
    }

    assert outcomes(members) == {
        "!2025-10/数电票/1.xml": "25500000000000000001",
        "!2025-10/1.pdf": "document.unsupported_format",
        "!2025-10/broken.xml": "document.xml_malformed",
        "!2025-10/empty.txt": "document.empty",
        "!出口/a.xml": "E-1",
        "!全量发票.xlsx!发票基础信息:2": "25500000000000000001",
        "!全量发票.xlsx!发票基础信息:3": "document.totals_mismatch",
        "!清单.csv:2": "A1",
        "!again.zip!b.xml": "E-2",
    }


def test_packages_are_nested_once():
    inner = zipped({"a.xml": ubl()})
    deep = zipped({"third.zip": inner, "b.xml": ubl(number="B")})

    assert outcomes({"second.zip": deep}) == {
        "!second.zip!third.zip": "document.package_unsafe",
        "!second.zip!b.xml": "B",
    }


def test_a_bomb_within_is_refused_and_the_rest_goes_on():
    bomb = zipped({"zeros": bytes(30_000_000)})

    assert outcomes({"bomb.zip": bomb, "far.xlsx": far_workbook(), "a.xml": ubl(number="A")}) == {
        "!bomb.zip": "document.package_unsafe",
        "!far.xlsx": "document.too_large",
        "!a.xml": "A",
    }


def test_a_package_that_lies_about_a_member_is_damaged():
    whole = zipped({"a.xml": ubl(number="A")})
    torn = whole.replace(b"\x50\x4b\x01\x02", b"\x50\x4b\x01\x03")

    assert [part.outcome.code for part in parse_many(torn)] == ["document.package_invalid"]


def test_a_member_unpacks_to_no_more_than_it_declares():
    """The bounds are held against declared sizes: one that lies is not unpacked beyond its own."""
    bomb = bytearray(zipped({"a.xml": bytes(30_000_000)}))
    directory = bomb.index(b"PK\x01\x02")
    bomb[directory + 24 : directory + 28] = (10).to_bytes(4, "little")

    tracemalloc.start()
    try:
        (part,) = parse_many(bytes(bomb))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert part.outcome.code == "document.package_invalid"
    assert peak < 3_000_000


def test_an_encrypted_member_refuses_the_package():
    whole = bytearray(zipped({"a.xml": ubl()}))
    directory = whole.index(b"PK\x01\x02")
    whole[directory + 8] |= 1

    assert [part.outcome.code for part in parse_many(bytes(whole))] == ["document.package_invalid"]


@pytest.mark.parametrize("name", ["../a.xml", "/etc/passwd", "C:\\a.xml", "a/../../b", "..\\x"])
def test_a_name_that_leads_out_refuses_the_package(name):
    assert list(outcomes({name: b"x"}).values()) == ["document.package_unsafe"]


def test_a_package_is_no_single_document():
    error = refusal(parse, zipped({"a.xml": ubl()}))

    assert (error.code, error.fields) == ("document.several", {"format": "zip"})


def test_a_file_is_read_from_where_it_is():
    """Lists and packages are read from the open file, not from memory."""
    file = io.BytesIO(zipped({"清单.csv": LIST}))

    assert [part.place for part in parse_many(file)] == ["!清单.csv:2"]
