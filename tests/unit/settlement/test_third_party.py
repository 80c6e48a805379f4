"""Every bank message of third parties has its verdict, as a bank's report and as an invoice; none crashes."""

import copy
import random
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from scf.documents.parsing import parse_many
from scf.kernel.errors import Refused
from scf.settlement import camt
from tests.support.invoices import THIRD_PARTY, third_party

FOLDER = "iso20022"
NO_XML, NO_REPORT = "refused document.xml_malformed", "refused document.unsupported_format"
READ = {
    "camt052.v1": "camt.052.001.01, 1",
    "camt052.v2": "camt.052.001.02, 1",
    "camt052.v2.other-account": "camt.052.001.02, 1",
    "camt052.v2.with-account-name": "camt.052.001.02, 1",
    "camt052.v6": "camt.052.001.06, 1",
    "camt052.v6.Amt-zero": "camt.052.001.06, 1",
    "camt053.v2.all-balance-types": "camt.053.001.02, 1",
    "camt053.v2.minimal": "camt.053.001.02, 1",
    "camt053.v2.minimal.ultimate": "camt.053.001.02, 1",
    "camt053.v2.with-account-name": "camt.053.001.02, 1",
    "camt053.v2.with-party-ids": "camt.053.001.02, 1",
    "camt053.v3": "camt.053.001.03, 1",
    "camt054.v2": "camt.054.001.02, 1",
    "camt054.v2.with-account-name": "camt.054.001.02, 1",
    "camt53.only-Dt-with-DtTm": "camt.053.001.02, 0",
}
"""Messages that are read: which, and how many entries. Beside each, another reader's answers as JSON."""
REPORTS = "genkgo-camt/test/data"
TEMPLATES = [f"pain001/pain001/templates/pain.001.001.0{version}" for version in range(3, 10)]
TESTS = "pain001/tests/data"
VERDICTS = {
    **{f"{REPORTS}/{name}.xml": told for name, told in READ.items()},
    **{f"{REPORTS}/{name}.json": NO_XML for name in READ},
    **{f"{folder}/{folder[-15:]}.xml": NO_REPORT for folder in TEMPLATES},
    **{f"{folder}/template.csv": NO_XML for folder in TEMPLATES},
    **{f"{TESTS}/{name}": NO_REPORT for name in ("pain.001.001.03.xml", "template.xml")},
    **{f"{TESTS}/{name}.csv": NO_XML for name in ("existing_file", "invalid", "template")},
}
"""File -> what becomes of it as a bank's report. An order to a bank (pain.001) is no report of one."""
IMPORTED = {".xml": "unsupported_format", ".json": "field_invalid", ".csv": "columns_unknown"}
"""What is said where such a file comes as an invoice, by what it looks like."""


def name_of(file: Path) -> str:
    return file.relative_to(THIRD_PARTY / FOLDER).as_posix()


def verdict(original: bytes) -> str:
    try:
        message = camt.parse(original)
    except camt.ReportUnreadable as error:
        return f"refused {error.fields['rule']}"
    return f"{message.kind}, {sum(len(report.entries) for report in message.reports)}"


def refused_as_invoices(original: bytes) -> list[str]:
    """The codes of all that a file holds; a bank message holds no invoice."""
    outcomes = [part.outcome for part in parse_many(original)]
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    return [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]


FILES = third_party(FOLDER)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file and name_of(file))
def test_every_file_has_its_verdict(file: Path):
    """A file that is new has none, and fails here."""
    assert verdict(file.read_bytes()) == VERDICTS.get(name_of(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file and name_of(file))
def test_none_is_taken_for_an_invoice(file: Path):
    odd = {f"{TESTS}/invalid.csv": "unsupported_format"}
    wanted = odd.get(name_of(file), IMPORTED[file.suffix])

    assert refused_as_invoices(file.read_bytes()) == [f"document.{wanted}"]


def test_no_verdict_is_without_its_file():
    if not isinstance(FILES[0], Path):
        pytest.skip(f"../shared/data/{FOLDER} is absent")
    assert {name_of(file) for file in FILES} == set(VERDICTS)
    assert Counter(told.startswith("refused") for told in VERDICTS.values()) == {
        True: 34,
        False: 15,
    }


def mutilated(original: bytes, seed: int) -> bytes:
    """A copy with some bytes flipped, cut out, doubled or put elsewhere; the same for the same seed."""
    chance, changed = random.Random(seed), bytearray(original)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(changed) + 1)
        end = min(start + chance.randint(1, 60), len(changed))
        match chance.randrange(4):
            case 0:
                changed[start:end] = bytes(
                    byte ^ 1 << chance.randrange(8) for byte in changed[start:end]
                )
            case 1:
                del changed[start:end]
            case 2:
                changed[start:start] = changed[start:end] * chance.randint(1, 3)
            case _:
                piece = bytes(changed[start:end])
                del changed[start:end]
                place = chance.randrange(len(changed) + 1)
                changed[place:place] = piece
    return bytes(changed)


VALUES = [
    "",
    "-1",
    "0",
    "12.305",
    "1e9999",
    "9" * 40,
    "٣",
    "2025-02-30",
    "0001-01-01",
    "XXX",
    "<",
    "x" * 3_000,
]


def rewritten(original: bytes, seed: int) -> bytes:
    """A well-formed copy, some of its elements changed, doubled, moved or gone."""
    chance, root = random.Random(seed), etree.fromstring(original)
    for _ in range(chance.randint(1, 4)):
        elements = [one for one in root.iter() if isinstance(one.tag, str) and one is not root]
        one = chance.choice(elements)
        match chance.randrange(4):
            case 0:
                one.text = chance.choice(VALUES)
            case 1:
                one.getparent().append(copy.deepcopy(one))
            case 2:
                one.getparent().remove(one)
            case _:
                one.append(copy.deepcopy(chance.choice(elements)))
        if len(root) == 0:
            break
    return etree.tostring(root)


@pytest.mark.parametrize("folder", ["ubl", "cn-einvoice", FOLDER])
def test_mutilated_copies_of_every_file_are_read_or_refused(folder: str):
    """By both readers, whatever the file was: an answer, or a refusal of its family."""
    for file in third_party(folder):
        if not isinstance(file, Path):
            pytest.skip(f"../shared/data/{folder} is absent")
        original, is_xml = file.read_bytes(), file.suffix.lower() == ".xml"
        copies = [mutilated(original, seed) for seed in range(6)]
        copies += [rewritten(original, seed) for seed in range(6) if is_xml]
        for place, changed in enumerate(copies):
            assert verdict(changed)
            for part in parse_many(changed):
                refusal = part.outcome if isinstance(part.outcome, Refused) else None
                assert refusal is None or refusal.code.startswith("document."), (file, place)
