"""What the project ships: a cast that does not exist, and its month of October."""

import csv
import json
from datetime import date
from decimal import Decimal

from scf.documents import companion
from scf.documents.batch import Batch
from scf.documents.parsing import Kind, parse
from scf.kernel.money import Money, zero
from scf_ledger import uscc
from tests.support.invoices import SAMPLES

CAST = json.loads((SAMPLES / "cast.json").read_text())
INVOICES = [file.read_bytes() for file in sorted((SAMPLES / "invoices").glob("*.xml"))]
WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def organisation_check(code: str) -> str:
    """GB 11714: the check character of the eight before it."""
    value = 11 - sum(int(c, 36) * w for c, w in zip(code, WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(value, str(value))


def test_the_cast_has_valid_codes_of_yongchuan_and_is_marked_as_fictional():
    for entry in CAST.values():
        code = entry["uscc"]
        assert uscc.is_valid(code)
        assert code[2:8] == "500118"
        assert organisation_check(code[8:16]) == code[16]
        assert "示例" in entry["name"]
    assert len({entry["uscc"] for entry in CAST.values()}) == len(CAST)


def test_three_invoices_make_the_month():
    invoices = [parse(original) for original in INVOICES]

    assert len(invoices) == 3
    assert sum((one.total for one in invoices), zero()) == Money.parse("1286400.00")
    for one in invoices:
        assert one.kind is Kind.CN_EINVOICE
        assert (one.seller.id, one.seller.name) == (
            CAST["supplier"]["uscc"],
            CAST["supplier"]["name"],
        )
        assert (one.buyer.id, one.buyer.name) == (CAST["anchor"]["uscc"], CAST["anchor"]["name"])
        assert date(2025, 10, 20) <= one.issued_on <= date(2025, 10, 31)
        assert {line.rate for line in one.lines} == {Decimal("0.13")}
        assert abs(Decimal(one.net.text) * Decimal("0.13") - Decimal(one.tax.text)) <= Decimal(
            "0.01"
        )


def test_they_are_accepted_together():
    batch = Batch()

    assert {batch.examine(original, source="x").verdict for original in INVOICES} == {"accepted"}


def test_the_companion_makes_one_line_of_them():
    (line,) = companion.parse((SAMPLES / "companion.csv").read_bytes())

    assert line.invoice_numbers == tuple(parse(original).number for original in INVOICES)
    assert (line.delivered_on, line.due_on) == (date(2025, 10, 20), date(2025, 12, 19))
    assert line.contract_no
    assert line.receipt_no


def test_the_statement_says_the_same_item_by_item():
    text = (SAMPLES / "statement.csv").read_text(encoding="utf-8-sig")
    *rows, foot = csv.DictReader(text.splitlines())
    columns = ("不含税金额", "税额", "价税合计")

    for column in columns:
        assert sum(Decimal(row[column]) for row in rows) == Decimal(foot[column])
    assert foot["价税合计"] == "1286400.00"
    items = [
        (one.number, line.name.rpartition("*")[2], line.amount, line.tax)
        for one in map(parse, INVOICES)
        for line in one.lines
    ]
    assert items == [
        (row["发票号码"], row["品名"], Decimal(row["不含税金额"]), Decimal(row["税额"]))
        for row in rows
    ]
