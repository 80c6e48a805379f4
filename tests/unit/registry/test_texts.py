"""Collateral in words: whoever reads it finds the claim, and a search finds its invoices."""

from dataclasses import replace
from datetime import date

import pytest

from scf.kernel.money import Money
from scf.registry.port import Business
from scf.registry.rules import covers
from scf.registry.texts import DESCRIPTION_MAX, Collateral, collateral_text, needs_attachment

INVOICES = ("25502000000000000001", "25502000000000000002")
CLAIM = Collateral(
    business=Business.RECEIVABLE_PLEDGE,
    creditor="永川兴锐冲压件(示例)",
    debtor="渝川汽车(示例)",
    contract_no="HT-2025-08",
    invoices=INVOICES,
    amount=Money.parse("1245000.00"),
    taken=Money.parse("1245000.00"),
    due_on=date(2025, 12, 19),
)


def test_a_pledged_claim_is_told_from_any_other():
    assert collateral_text(CLAIM) == (
        "出质人（应收账款债权人）永川兴锐冲压件(示例)以其对应收账款债务人渝川汽车(示例)享有的应收账款出质；"
        "基础合同号：HT-2025-08；"
        "发票号码：25502000000000000001、25502000000000000002（共2张）；"
        "应收账款金额：人民币1245000.00元（大写：壹佰贰拾肆万伍仟元整）；"
        "应收账款到期日：2025-12-19。"
    )


def test_a_part_names_both_amounts():
    text = collateral_text(replace(CLAIM, taken=Money.parse("600000.00")))

    assert "应收账款金额：人民币1245000.00元" in text
    assert "其中出质：人民币600000.00元（大写：陆拾万元整）" in text


@pytest.mark.parametrize(
    ("business", "words"),
    [
        (Business.RECEIVABLE_ASSIGNMENT, "转让人（应收账款债权人）永川兴锐冲压件(示例)转让其对"),
        (Business.FACTORING, "为办理保理业务转让其对应收账款债务人渝川汽车(示例)享有的应收账款"),
    ],
)
def test_each_business_has_its_own_words(business, words):
    assert words in collateral_text(replace(CLAIM, business=business))


def test_a_claim_without_a_contract_number_says_none():
    assert "基础合同号" not in collateral_text(replace(CLAIM, contract_no=None))


def test_a_search_finds_the_invoices_that_are_named():
    text = collateral_text(CLAIM)

    assert covers(text, INVOICES)
    assert not covers(text, ["25502000000000000009"])


def test_a_list_too_long_for_the_field_goes_into_an_attachment():
    many = tuple(f"2550200000{number:010}" for number in range(200))
    text = collateral_text(replace(CLAIM, invoices=many))

    assert needs_attachment(replace(CLAIM, invoices=many))
    assert not needs_attachment(CLAIM)
    assert "见附件《发票清单》（共200张）" in text
    assert len(text) <= DESCRIPTION_MAX
