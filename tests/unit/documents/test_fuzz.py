"""Whatever the bytes: an invoice, or a refusal with a stable code and numbers that JSON can carry."""

import copy
import csv
import io
import random
import zipfile
from collections.abc import Callable
from math import isfinite
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from scf.documents import companion
from scf.documents.batch import Batch
from scf.documents.parsing import Invoice, mapping, parse, parse_many
from scf.documents.parsing.mapping import ListMapping, list_template
from scf.http.problems import render
from scf.kernel.errors import Refused
from tests.support.invoices import SAMPLES, THIRD_PARTY, cn_einvoice, ubl
from tests.support.lists import EXPORT, ITEMS, export, exported, unsigned_ofd, zipped

OWN = [
    cn_einvoice(),
    ubl(),
    ubl(kind="CreditNote"),
    *(f.read_bytes() for f in SAMPLES.rglob("*.xml")),
]
OTHERS = [
    file.read_bytes()
    for folder in ("cn-einvoice", "ubl/en16931/ubl", "ubl/en16931/cii", "ubl/ph-ubl-oasis")
    for file in sorted((THIRD_PARTY / folder).rglob("*"))
    if file.is_file()
]
LISTS = [
    export(exported(), exported(价税合计=1), 信息汇总表=[ITEMS, exported(ITEMS)]),
    list_template(),
    zipped({"a.xml": cn_einvoice(), "b/c.zip": zipped({"d.xml": ubl()}), "e.csv": list_template()}),
    next(parse_many(list_template())).original,
]
UNSIGNED = [unsigned_ofd(seed) for seed in OTHERS if seed.startswith(b"PK")]
SEEDS = OWN + OTHERS + LISTS + UNSIGNED
PACKAGES = [seed for seed in SEEDS if seed.startswith(b"PK")]
WELL_FORMED = [seed for seed in SEEDS if b"Invoice" in seed and seed.startswith(b"<?xml")]
TOKENS = [
    b"<", b">", b"/>", b"</", b"&", b"&#0;", b"&#xFFFFFFFF;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?",
    b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xed\xa0\x80", b"-", b"1e9999", b"NaN", b"9" * 50, b"0." + b"0" * 50, b"\xe2\x80\xa8", b"%n",
    b' encoding="utf-16"', b' xmlns="urn:x"', "Ⅷ٣".encode(), b"<a>" * 300, b"currencyID=", b"",
]  # fmt: skip


def outcome(read: Callable[[bytes], Any], original: bytes) -> Any:
    """What is read, or the refusal, which is of the family that this reader refuses by."""
    try:
        return read(original)
    except Refused as error:
        refused = error
    assert refused.code.split(".")[0] == FAMILY[read]
    assert b'"code"' in render(refused).body
    assert "\n" not in refused.line()
    return refused


FAMILY = {
    parse: "document",
    companion.parse: "companion",
    ListMapping.parse: "mapping",
}


def everything(original: bytes) -> None:
    """Take a file apart: each document is an invoice that can be read again, or a refusal."""
    for part in parse_many(original):
        if isinstance(part.outcome, Refused):
            assert part.outcome.code.startswith("document.")
            assert b'"code"' in render(part.outcome).body
            assert "\n" not in part.outcome.line()
        elif part.row is not None:
            assert parse(part.original) == part.outcome


@st.composite
def mutated(draw) -> bytes:
    original = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(original)))
        end = min(len(original), start + draw(st.integers(0, 80)))
        match draw(st.sampled_from(["flip", "cut", "insert", "double", "number", "swap"])):
            case "flip" if start < len(original):
                original[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del original[start:end]
            case "double":
                original[start:start] = original[start:end]
            case "number" if digits := [i for i, byte in enumerate(original) if 48 <= byte <= 57]:
                original[draw(st.sampled_from(digits))] = draw(st.integers(48, 57))
            case "swap":
                other = draw(st.sampled_from(SEEDS))
                original[start:end] = other[start:end]
            case _:
                original[start:end] = draw(st.sampled_from(TOKENS))
    return bytes(original)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_mutated_invoices(original):
    everything(original)
    result = outcome(parse, original)

    if isinstance(result, Invoice):
        assert result.number
        assert result.total.currency == result.net.currency == result.tax.currency
        assert Batch().examine(original, source="x").invoice == result
    else:
        assert Batch().examine(original, source="x").code == result.code


VALUES = [
    "", " ", "-1", "0", "0.00", "100.00", "-113.00", "1e5", "9" * 21, "99999999999999.99", "0.005", "免税", "6%",
    "2025-02-30", "0001-01-01", "2025-10-22T24:00:00", "N", "Y", "393", "USD", "XXX", "cny", "x" * 301, "\u2028",
    "91500118MAYYC0B218", "25500000000000000001", "true", "\ud7ff", "١٢٣",
]  # fmt: skip


@st.composite
def rewritten(draw) -> bytes:
    """A well-formed document, some of its elements changed, doubled, moved or gone."""
    root = etree.fromstring(draw(st.sampled_from(WELL_FORMED)))
    for _ in range(draw(st.integers(1, 4))):
        elements = [e for e in root.iter() if isinstance(e.tag, str) and e is not root]
        element = draw(st.sampled_from(elements))
        parent = element.getparent()
        match draw(st.sampled_from(["value", "double", "drop", "attribute", "nest"])):
            case "value":
                element.text = draw(st.sampled_from(VALUES))
            case "double":
                parent.append(copy.deepcopy(element))
            case "drop":
                parent.remove(element)
            case "attribute":
                element.set("currencyID", draw(st.sampled_from(VALUES)))
            case _:
                element.append(copy.deepcopy(draw(st.sampled_from(elements))))
    return etree.tostring(root)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(rewritten())
def test_rewritten_invoices(original):
    outcome(parse, original)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"PK\x03\x04" + bytes(100))
@example(b"<" * 1000)
def test_any_bytes(original):
    assert isinstance(outcome(parse, original), Refused)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_in_any_field(text):
    for original in (cn_einvoice(remark=text), cn_einvoice(issued="2025-10-22", net=repr(text))):
        outcome(parse, original)


@pytest.mark.parametrize("seed", range(40))
def test_truncated_and_shuffled(seed):
    chance = random.Random(seed)
    original = chance.choice(SEEDS)
    outcome(parse, original[: chance.randrange(len(original) + 1)])
    pieces = original.split(b"<")
    chance.shuffle(pieces)
    outcome(parse, b"<".join(pieces))


@st.composite
def repacked(draw) -> bytes:
    """A package, some of its members changed, swapped, renamed or gone."""
    with zipfile.ZipFile(io.BytesIO(draw(st.sampled_from(PACKAGES)))) as package:
        members = {name: package.read(name) for name in package.namelist()}
    for _ in range(draw(st.integers(1, 4))):
        name, other = (draw(st.sampled_from(sorted(members))) for _ in range(2))
        match draw(st.sampled_from(["content", "tag", "swap", "drop", "rename", "nest"])):
            case "content":
                content = bytearray(members[name])
                start = draw(st.integers(0, len(content)))
                content[start : start + draw(st.integers(0, 9))] = draw(st.sampled_from(TOKENS))
                members[name] = bytes(content)
            case "tag":
                pieces = members[name].split(b"<")
                one, two = (draw(st.integers(0, len(pieces) - 1)) for _ in range(2))
                pieces[one], pieces[two] = pieces[two], pieces[one]
                members[name] = b"<".join(pieces)
            case "swap":
                members[name], members[other] = members[other], members[name]
            case "drop" if len(members) > 1:
                del members[name]
            case "rename":
                members[draw(st.sampled_from(["OFD.xml", "xl/workbook.xml", "a", other]))] = (
                    members.pop(name)
                )
            case _:
                members[name] = draw(st.sampled_from(PACKAGES))
    return zipped(members)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(repacked())
def test_repacked_packages(original):
    everything(original)
    outcome(parse, original)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(0, len(mapping.TEMPLATE)), st.sampled_from([*TOKENS, b'"', b"=", b"[", b"\n"])),
        max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
def test_mutated_mappings(changes, cut):
    original = bytearray(mapping.TEMPLATE)
    for position, token in changes:
        original[position : position + cut] = token
    columns = outcome(ListMapping.parse, bytes(original))

    if not isinstance(columns, Refused):
        assert all(part.outcome for part in parse_many(list_template(), columns))


CELLS = st.one_of(
    st.sampled_from(VALUES), st.text(max_size=8), st.floats(), st.integers(), st.booleans(), st.dates()
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(EXPORT), CELLS, max_size=4))
def test_any_cell_in_any_column(values):
    values = {name: v for name, v in values.items() if not isinstance(v, float) or isfinite(v)}
    everything(export(exported(**values)))
    cells = [str(cell) for cell in exported(**values)]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([EXPORT, cells])
    everything(file.getvalue().encode("utf-8", "replace"))


TEMPLATE = companion.template()


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TEMPLATE)), st.sampled_from([*TOKENS, b'"', b",", b"\r", b"\n"])
        )
    ),
    st.booleans(),
)
def test_mutated_companions(changes, cut):
    original = bytearray(TEMPLATE)
    for position, token in changes:
        original[position : position + cut] = token
    companion.is_companion(bytes(original))
    result = outcome(companion.parse, bytes(original))

    if not isinstance(result, Refused):
        assert all(line.invoice_numbers and line.due_on for line in result)


@given(st.binary(max_size=300))
def test_any_bytes_as_companion(original):
    companion.is_companion(original)
    outcome(companion.parse, original)


def test_a_cell_beyond_the_readers_limit_is_a_fault():
    original = TEMPLATE + b"1," + b"9" * (csv.field_size_limit() + 1)

    with pytest.raises(companion.CompanionInvalid):
        companion.parse(original)
