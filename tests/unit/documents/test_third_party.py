"""Every invoice file of third parties is read, or refused for a stated reason; a dozen to the cent."""

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from scf.documents.batch import Batch
from scf.documents.parsing import parse, ubl
from scf.documents.parsing.errors import FieldMissing, TotalsMismatch
from scf.documents.parsing.xml import Node
from scf.documents.rules import Content, identities
from scf.kernel.errors import Refused
from tests.support.invoices import third_party, third_party_file

OASIS = "ubl/ph-ubl-oasis"
CII = "ubl/en16931/cii/examples"
EXAMPLES = "ubl/en16931/ubl/examples"
CN = "cn-einvoice/xml-derived-cc0"
UNITS = "ubl/en16931/test/Invoice-unit-UBL"

REFUSED = {
    "UBL-CreditNote-2.0-Example.xml": "document.totals_mismatch",
    "CENBII-Invoice-maximal.xml": "document.field_invalid",
}
"""Invoices that are refused: lines of 100.00 with a net of 90.00 and no allowance; a date in 1967."""

EXPECTED = {
    f"{CN}/01-blue-special-13.xml": ("25320000000000000001", "91000000MA4JURQ20X", "442477.88", "57522.12", "500000.00", "CNY", 1),
    f"{CN}/02-multi-rate.xml": ("25320000000000000002", "91000000MA4JURQ20X", "45000.00", "5100.00", "50100.00", "CNY", 3),
    f"{CN}/03-discount-negative-line.xml": ("25320000000000000003", "91000000MA4JURQ20X", "11400.00", "1482.00", "12882.00", "CNY", 2),
    f"{CN}/06-tax-free.xml": ("25320000000000000006", "91000000MA7JH4BX0D", "80000.00", "0.00", "80000.00", "CNY", 1),
    "cn-einvoice/xml-mof-official/official-gd-special.xml": ("23440000000000100001", "91440000000000000X", "2.00", "0.12", "2.12", "CNY", 1),
    f"{EXAMPLES}/BIS3_Invoice_negativ.XML": ("12345", "DK12345678", "-625743.54", "-156435.89", "-782179.43", "DKK", 1),
    f"{EXAMPLES}/guide-example1.xml": ("12115118", "NL8200.98.395.B.01", "229.60", "20.73", "250.33", "EUR", 20),
    f"{EXAMPLES}/issue116.xml": ("2018210", "SE123456789001", "700.00", "130.00", "830.00", "SEK", 4),
    f"{EXAMPLES}/sample-discount-price.xml": ("test decimal 1", "HR46830600751", "12.12", "3.03", "15.15", "EUR", 1),
    f"{EXAMPLES}/ubl-tc434-creditnote1.xml": ("018304 / 28865", "BE0000000196", "100.11", "0.00", "100.11", "EUR", 1),
    f"{EXAMPLES}/ubl-tc434-example5.xml": ("TOSL110", "NL16356706", "4000.00", "675.00", "4675.00", "DKK", 3),
    f"{EXAMPLES}/ubl-tc434-example10.xml": ("12115118", "NL8200.98.395.B.01", "229.60", "20.73", "250.33", "EUR", 20),
    f"{OASIS}/invoice/UBL-Invoice-2.0-Example-NS3.xml": ("A00095678", "1752692355", "90.00", "17.50", "107.50", "GBP", 1),
    f"{OASIS}/invoice/UBL-Invoice-2.1-Example.xml": ("TOSL108", "DK12345", "1436.50", "292.20", "1729.00", "EUR", 5),
    f"{OASIS}/invoice/UBL-Invoice-2.1-Example-Trivial.xml": ("123", "Custom Cotter Pins", "100.00", "0.00", "100.00", "CAD", 1),
    f"{CII}/CII-BR-CO-10-RoundingIssue.xml": ("0", "DE123456789", "0.00", "0.00", "0.00", "EUR", 4),
    f"{CII}/CII_business_example_01.xml": ("TOSL108", "NO123456789MVA", "1436.50", "365.28", "1801.78", "NOK", 5),
    f"{CII}/CII_business_example_02.xml": ("INV000013", "DE1111111", "10.00", "1.90", "11.90", "EUR", 3),
    f"{CII}/CII_business_example_Z.xml": ("2016166", "DE37/302/30168", "11693.87", "0.00", "11693.87", "EUR", 3),
    f"{CII}/CII_example5.xml": ("TOSL110", "NL16356706", "4000.00", "675.00", "4675.00", "DKK", 3),
    f"{CII}/XRechnung-O.xml": ("150377292", "XX", "385544.60", "0.00", "385544.60", "EUR", 2),
    f"{CII}/huf_example_cii.xml": ("21/001003559/996", "HU30048650", "69180.00", "18679.00", "87859.00", "HUF", 3),
    f"{OASIS}/creditnote/UBL-CreditNote-2.1-Example.xml": ("TOSL108", "DK12345", "1436.50", "292.20", "1729.00", "EUR", 5),
}  # fmt: skip


def verdict(original: bytes) -> str:
    try:
        parse(original)
    except Refused as error:
        return error.code
    return "read"


@pytest.mark.parametrize("name", EXPECTED)
def test_to_the_cent(name):
    invoice = parse(third_party_file(name))

    assert (
        invoice.number,
        invoice.seller.identity,
        invoice.net.text,
        invoice.tax.text,
        invoice.total.text,
        invoice.currency,
        len(invoice.lines),
    ) == EXPECTED[name]


@pytest.mark.parametrize(
    "file",
    third_party(CN, "cn-einvoice/xml-mof-official", EXAMPLES, CII, OASIS),
    ids=lambda file: file and file.name,
)
def test_an_invoice_is_read_and_anything_else_refused_as_no_invoice(file):
    root = etree.QName(etree.parse(file).getroot()).localname
    wanted = (
        "read"
        if root in {"EInvoice", "Invoice", "CreditNote", "CrossIndustryInvoice"}
        else "document.unsupported_format"
    )

    assert verdict(file.read_bytes()) == REFUSED.get(file.name, wanted)


@pytest.mark.parametrize("file", third_party("ubl/en16931/test"), ids=lambda file: file and file.name)  # fmt: skip
def test_formats_that_are_not_read_are_named(file):
    assert verdict(file.read_bytes()) == "document.unsupported_format"


def test_an_ofd_with_data_is_read_and_a_picture_refused():
    folder = "cn-einvoice/ofd"

    assert verdict(third_party_file(f"{folder}/ofdrw-converter__999.ofd")) == "read"
    assert (
        verdict(third_party_file(f"{folder}/ofdrw-layout__fptpl.ofd")) == "document.package_invalid"
    )


U, A = "unsupported_format", "accepted"
FLAGGED = "flagged payee_differs"
FOLDERS = {
    "cn-einvoice/ofd": {A: 1, "refused package_invalid": 1},
    CN: {A: 4},
    "cn-einvoice/xml-mof-official": {A: 1},
    CII: {A: 12, FLAGGED: 2, "duplicate duplicate": 1},
    EXAMPLES: {A: 9, FLAGGED: 2, "duplicate duplicate": 3, "conflict conflict": 2, "reverses": 2},
    UNITS: {f"refused {U}": 206},
    "ubl/en16931/test/cii": {f"refused {U}": 2},
    f"{OASIS}/invoice": {
        A: 5,
        FLAGGED: 1,
        "duplicate duplicate": 7,
        "conflict conflict": 1,
        "refused field_invalid": 1,
        f"refused {U}": 1,
    },
    f"{OASIS}/creditnote": {"reverses payee_differs": 2, "refused totals_mismatch": 1},
    **{
        f"{OASIS}/{kind}": {f"refused {U}": count}
        for kind, count in {
            "despatchadvice": 1, "forwardinginstructions": 1, "inventoryreport": 1, "order": 6,
            "ordercancellation": 1, "orderchange": 1, "orderresponse": 1,
            "orderresponsesimple": 6, "reminder": 1, "stockavailabilityreport": 1, "waybill": 1,
        }.items()
    },
}  # fmt: skip
"""Folder -> what becomes of its files, shown one after the other: the verdict, and the code's last part."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_its_verdicts(folder):
    """Some folders tell one invoice several times, or use a number twice: that is seen."""
    batch, found = Batch(), Counter()
    for file in third_party(folder):
        if not isinstance(file, Path):
            pytest.skip(f"../shared/data/{folder} is absent")
        finding = batch.examine(file.read_bytes(), source=file.name)
        code = (finding.code or "").removeprefix("document.")
        found[f"{finding.verdict} {code}".strip()] += 1

    assert found == FOLDERS[folder]


def test_the_folders_are_all_there_are():
    files = third_party("ubl", "cn-einvoice")
    if not isinstance(files[0], Path):
        pytest.skip("../shared/data is absent")

    assert len(files) == sum(sum(found.values()) for found in FOLDERS.values())


def test_the_official_sample_has_a_time_and_six_decimals():
    invoice = parse(third_party_file("cn-einvoice/xml-mof-official/official-gd-special.xml"))

    assert invoice.issued_on == date(2023, 2, 23)
    assert str(invoice.lines[0].rate) == "0.060000"
    assert invoice.buyer.name == "示例商贸有限公司"


@pytest.mark.parametrize("variant", ["Detached", "Enveloped", "Example-NS1", "Example-NS2", "Example-NS4", "Example"])  # fmt: skip
def test_prefixes_and_signatures_do_not_matter(variant):
    folder = f"{OASIS}/invoice/UBL-Invoice-2.0-"
    one = parse(third_party_file(f"{folder}Example-NS3.xml"))

    assert parse(third_party_file(f"{folder}{variant}.xml")) == one


@pytest.mark.parametrize("number", [1, 2, 4, 5, 6, 8, 9])
def test_the_same_invoice_in_cii_and_in_ubl(number):
    """The committee's examples in both syntaxes; 3 and 7 differ in what they say."""
    cii = parse(third_party_file(f"{CII}/CII_example{number}.xml"))
    ubl = parse(third_party_file(f"{EXAMPLES}/ubl-tc434-example{number}.xml"))

    assert Content.of(ubl).differences(Content.of(cii)) == {}
    assert identities(ubl) == identities(cii)


RULE_FIELDS = {
    "BR-CO-10": "LineExtensionAmount",
    "BR-CO-11": "AllowanceTotalAmount",
    "BR-CO-12": "ChargeTotalAmount",
    "BR-CO-13": "TaxExclusiveAmount",
    "BR-CO-14": "TaxAmount",
    "BR-CO-15": "TaxInclusiveAmount",
    "BR-CO-15-2": "TaxInclusiveAmount",
    "BR-CO-16": "PayableAmount",
}


def fragments(rule: str) -> list[tuple[bool, Node]]:
    """EN 16931's own cases of one rule: whether it holds, and a piece of an invoice."""
    tree = etree.fromstring(third_party_file(f"{UNITS}/{rule}.xml"))
    found = []
    for case in tree.iterfind("{*}test"):
        piece = next(child for child in case if etree.QName(child).localname != "assert")
        kind = etree.QName(piece).localname
        found.append((case.find("{*}assert/{*}success") is not None, Node(piece, kind)))
    return found


@pytest.mark.parametrize("rule", RULE_FIELDS)
def test_the_rules_of_sums_agree_with_the_standards_own_cases(rule):
    """A success case may break another rule; an error case must break this one."""
    outcomes = Counter()
    for holds, piece in fragments(rule):
        currency = piece.text_of("DocumentCurrencyCode") or "NOK"
        for element in piece.element.iter():
            if element.get("currencyID") and rule != "BR-CO-15-2":
                element.set("currencyID", currency)
        broken = None
        try:
            lines = tuple(
                ubl._line(line, currency)
                for name in ("InvoiceLine", "CreditNoteLine")
                for line in piece.all(name)
            )
            ubl.read_totals(piece, currency, lines)
        except FieldMissing:
            pass
        except TotalsMismatch as error:
            broken = re.split("/", error.field or "")[-1]
        outcomes[holds, broken == RULE_FIELDS[rule]] += 1
        assert (broken == RULE_FIELDS[rule]) is not holds, etree.tostring(piece.element).decode()
    assert outcomes[True, False] > 0
    assert outcomes[False, True] > 0
