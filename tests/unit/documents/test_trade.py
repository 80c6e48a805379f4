"""Orders, despatch advices and receipt notes are read, or refused for a stated reason."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.documents.parsing.trade import TradeKind, parse
from scf.kernel.errors import Refused
from scf.kernel.money import Money
from tests.support.invoices import BUYER, SELLER, refusal, third_party, third_party_file
from tests.support.trade import receipt_csv, ubl_moved, ubl_order

OASIS = "ubl/ph-ubl-oasis"
PAPERS = ("order", "despatchadvice")
REFUSED = {
    "CENBII-Order-maximal.xml": "document.currency_mixed",  # net in EUR, tax in AED
    "CENBII-Order-minimal.xml": "document.field_missing",  # no number
}


@pytest.mark.parametrize("file", third_party(OASIS), ids=lambda path: getattr(path, "name", None))
def test_every_file_of_others_is_read_or_refused_for_a_reason(file: Path):
    if file.name in REFUSED:
        assert refusal(parse, file.read_bytes()).code == REFUSED[file.name]
    elif file.parent.name in PAPERS:
        (paper,) = parse(file.read_bytes())
        assert paper.lines
        assert all(line.quantity > 0 for line in paper.lines)
    else:
        assert refusal(parse, file.read_bytes()).code == "document.unsupported_format"


def test_an_order_of_others_says_what_it_says():
    (paper,) = parse(third_party_file(f"{OASIS}/order/UBL-Order-2.1-Example.xml"))

    assert (paper.kind, paper.number, len(paper.lines)) == (TradeKind.ORDER, "34", 2)
    assert [(line.quantity, line.amount) for line in paper.lines] == [
        (Decimal(120), Money(601_000, "SEK")),
        (Decimal(15), Money(23_500, "SEK")),
    ]


def test_tax_of_the_whole_order_is_shared_by_its_lines():
    tax = '<cac:TaxTotal><cbc:TaxAmount currencyID="CNY">13.00</cbc:TaxAmount></cac:TaxTotal>'
    lines = [("1", "10", "75.00", ""), ("2", "1", "25.00", "")]

    (paper,) = parse(ubl_order(BUYER, SELLER, "PO-1", lines, extra=tax))

    assert [line.amount for line in paper.lines] == [Money(8_475), Money(2_825)]


def test_without_tax_an_order_says_no_amount():
    (paper,) = parse(ubl_order(BUYER, SELLER, "PO-1", [("1", "10", "75.00", "")]))

    assert paper.lines[0].amount is None


def test_what_was_sent_back_was_not_received():
    (paper,) = parse(
        ubl_moved("ReceiptAdvice", BUYER, SELLER, "RK-1", [("PO-1", "1", "10", "2.5")])
    )

    assert (paper.kind, paper.buyer, paper.seller) == (TradeKind.RECEIPT, BUYER, SELLER)
    assert (paper.lines[0].order_no, paper.lines[0].quantity) == ("PO-1", Decimal("7.5"))


def test_a_csv_holds_many_papers():
    rows = [
        ("RK-1", "PO-1", "1", "10", "113.00"),
        ("RK-1", "PO-1", "2", "3", ""),
        ("RK-2", "", "", "1", "5"),
    ]

    papers = parse(receipt_csv(BUYER, SELLER, rows))

    assert [(paper.number, len(paper.lines)) for paper in papers] == [("RK-1", 2), ("RK-2", 1)]
    assert papers[0].lines[0].amount == Money(11_300)
    assert papers[0].lines[1].amount is None
    assert papers[1].lines[0].order_no is None


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (("RK-1", "PO-1", "1", "-1", "5.00"), "数量", "-1"),
        (("RK-1", "PO-1", "1", "1e3", "5.00"), "数量", "1e3"),
        (("RK-1", "PO-1", "1", "", "5.00"), "数量", ""),
        (("", "PO-1", "1", "1", "5.00"), "单据编号", ""),
        (("RK-1", "PO-1", "1", "1", "5.005"), "含税金额", "5.005"),
        (("RK-1", "PO-1", "1", "1", "-5.00"), "含税金额", "-5.00"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_column(row, column, value):
    found = refusal(parse, receipt_csv(BUYER, SELLER, [("RK-0", "", "", "1", "1.00"), row]))

    assert found.code == "document.row_invalid"
    assert found.fields["row"] == 3
    assert (found.fields["faults"][0]["column"], found.fields["faults"][0]["value"]) == (
        column,
        value,
    )


def test_an_unknown_kind_and_missing_columns_are_refused():
    other = receipt_csv(BUYER, SELLER, [("RK-1", "", "", "1", "1.00")], kind="发票")
    assert refusal(parse, other).fields["faults"][0]["column"] == "单据类型"
    assert refusal(parse, "数量,物料\n1,a\n".encode()).code == "document.columns_unknown"


SEEDS = [
    ubl_order(BUYER, SELLER, "PO-1", [("1", "10", "75.00", "9.75")]),
    ubl_moved("ReceiptAdvice", BUYER, SELLER, "RK-1", [("PO-1", "1", "10", "2")]),
    receipt_csv(BUYER, SELLER, [("RK-1", "PO-1", "1", "10", "113.00")]),
]


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    cut=st.floats(0.3, 1),
)
def test_whatever_comes_is_read_or_refused(seed, changes, cut):
    content = bytearray(seed)
    for place, byte in changes:
        content[int(place * len(content))] = byte
    with suppress(Refused):
        parse(bytes(content[: int(len(content) * cut)]))
