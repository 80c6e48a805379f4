"""Collateral in words: whoever reads it finds the claim, and a search finds its invoices."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from scf.kernel.money import Money
from scf.registry.form import fields_of, form_paper
from scf.registry.port import Business, Enrolled, Filing
from scf.registry.rules import covers
from scf.registry.texts import (
    DESCRIPTION_MAX,
    Collateral,
    WarehouseReceipt,
    collateral_text,
    receipts_text,
)

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

    assert "见附件《发票清单》（共200张）" in text
    assert len(text) <= DESCRIPTION_MAX


RECEIPT = WarehouseReceipt(
    number="CD-2025-000123",
    keeper="果园港仓储(示例)",
    goods="电解铜",
    specification="Cu-CATH-1 GB/T 467-2010",
    quantity=Decimal("500.250"),
    unit="吨",
    location="重庆市江北区果园港3号库2区",
    issued_on=date(2025, 11, 3),
)


def test_pledged_receipts_are_told_from_any_other():
    assert receipts_text("永川兴锐冲压件(示例)", [RECEIPT]) == (
        "出质人（存货人）永川兴锐冲压件(示例)以其持有的下列仓单（共1张）出质；"
        "仓单编号：CD-2025-000123，保管人：果园港仓储(示例)，仓储物：电解铜，规格：Cu-CATH-1 GB/T 467-2010，"
        "数量：500.250吨，仓储场所：重庆市江北区果园港3号库2区，填发日期：2025-11-03。"
    )


def test_a_search_finds_the_receipt_that_is_named_and_no_longer_one():
    text = receipts_text(
        "永川兴锐冲压件(示例)", [RECEIPT, replace(RECEIPT, number="CD-2025-000124")]
    )

    assert covers(text, ["CD-2025-000124"])
    assert not covers(text, ["CD-2025-00012"])
    assert "（共2张）" in text


def test_receipts_too_many_for_the_field_go_into_a_list():
    many = [replace(RECEIPT, number=f"CD-2025-{number:06}") for number in range(40)]
    text = receipts_text("永川兴锐冲压件(示例)", many)

    assert "见附件《仓单清单》" in text
    assert "（共40张）" in text
    assert len(text) <= DESCRIPTION_MAX


def test_a_quantity_is_written_without_an_exponent():
    assert "数量：1000吨" in receipts_text("甲", [replace(RECEIPT, quantity=Decimal("1E+3"))])


def test_the_form_asks_for_the_numbers_of_receipts():
    party = Enrolled("示例农商行", "91500118MA5U00002X")
    filing = Filing(
        reference="plg_1",
        secured_party=party,
        grantor=party,
        description=receipts_text("甲", [RECEIPT]),
        items=(RECEIPT.number,),
        amount=Money.parse("1000000.00"),
        contract_no="HT-1",
        term_months=12,
        business=Business.WAREHOUSE_RECEIPT_PLEDGE,
    )
    fields = {one.label: one.value for one in fields_of(filing)}
    paper = form_paper(filing, at=datetime(2025, 11, 3, tzinfo=UTC))

    assert fields["交易业务类型"] == "仓单质押"
    assert fields["仓单编号"] == "CD-2025-000123"
    assert "发票号码" not in fields
    assert [one.name for one in paper.attachments] == ["仓单清单.csv"]
