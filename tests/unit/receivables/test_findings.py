"""A claim held to its documents: what does not fit is named, with its figures."""

from dataclasses import replace
from datetime import date

import pytest

from scf.documents.parsing.model import Flag
from scf.kernel.money import Money
from scf.receivables.findings import Invoice, Line, look

DEBTOR = "91500118MAYYC0A174"
INVOICE = Invoice("1", date(2025, 9, 20), DEBTOR, None, (), None, None)
LINE = Line(
    debtor=DEBTOR,
    contract_no="HT-1",
    delivered_on=date(2025, 10, 20),
    due_on=date(2025, 12, 19),
    claimed=Money(10_000),
    rest=Money(10_000),
    invoices=[INVOICE],
    alike=(),
)
WRONG = {
    "invoice.before_delivery": {"issued_on": date(2025, 9, 19)},
    "invoice.buyer_by_name": {"buyer": "渝川汽车(示例)"},
    "invoice.contract_differs": {"contract_no": "HT-2"},
    "invoice.due_date_differs": {"due_on": date(2025, 12, 20)},
    "invoice.payee_differs": {"payee": "示例保理"},
    "invoice.assigned": {"flags": [Flag.FACTORED]},
}


def codes(line: Line) -> list[str]:
    return [finding.code for finding in look(line)]


def test_what_fits_is_not_mentioned():
    """Thirty days before the delivery are still in order."""
    assert look(LINE) == []
    assert look(replace(LINE, delivered_on=None)) == []
    said = replace(INVOICE, contract_no="HT-1", due_on=LINE.due_on)
    assert look(replace(LINE, invoices=[said])) == []


@pytest.mark.parametrize("code", WRONG)
def test_each_misfit_is_named_with_its_invoice(code: str):
    (finding,) = look(
        replace(LINE, invoices=[INVOICE, replace(INVOICE, number="2", **WRONG[code])])
    )

    assert finding.code == code
    assert finding.figures["number"] == "2"
    assert finding.title
    assert finding.title_en


def test_what_notes_have_taken_and_what_is_alike():
    line = replace(LINE, rest=Money(9_999), alike=["rcv_1"])

    assert codes(line) == ["documents.taken_back", "line.alike"]
    assert look(line)[0].figures == {
        "claimed": {"amount": "100.00", "currency": "CNY"},
        "rest": {"amount": "99.99", "currency": "CNY"},
    }
