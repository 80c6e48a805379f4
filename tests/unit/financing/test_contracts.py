import dataclasses
from datetime import date

from scf.financing import contracts, rules
from scf.financing.contracts import Named, Terms
from scf.kernel.money import Money, parse_rate

AMOUNT = Money.parse("996000.00")
TERMS = Terms(
    financing="fin_01k3e5m8q2x7v9b4c6d8f0g1h2",
    lender=Named("示例农商行", "91500118MAYYC0D40J"),
    borrower=Named("永川兴锐冲压件(示例)", "91500118MAYYC0B218"),
    debtor=Named("渝川汽车(示例)", "91500118MAYYC0A174"),
    amount=AMOUNT,
    rate="0.0385",
    day_count=rules.ACT_360,
    days=50,
    starts_on=date(2025, 10, 30),
    due_on=date(2025, 12, 19),
    quote=rules.quote(AMOUNT, parse_rate("0.0385"), 50),
    receivable="rcv_01k3e5m8q2x7v9b4c6d8f0g1h2",
    receivable_event="47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    receivable_confirmed=Money.parse("1245000.00"),
    receivable_due_on=date(2025, 12, 19),
    contract_no="HT-2025-018",
    invoices=["25502000000000000101", "25502000000000000102"],
    pay_to={"name": "永川兴锐冲压件(示例)", "account": "6222", "bank": "示例农商行永川支行"},
)


def test_the_same_terms_make_the_same_bytes():
    assert contracts.render(TERMS) == contracts.render(dataclasses.replace(TERMS))
    assert len(contracts.sha256(contracts.render(TERMS))) == 32


def test_every_term_changes_the_hash():
    before = contracts.sha256(contracts.render(TERMS))
    changes = {
        "financing": "fin_x",
        "lender": Named("另一家银行", "X"),
        "amount": Money.parse("996000.01"),
        "rate": "0.053",
        "day_count": "ACT/365F",
        "days": 51,
        "due_on": date(2025, 12, 20),
        "receivable": "rcv_x",
        "receivable_event": "x",
        "contract_no": None,
        "invoices": ["1"],
        "pay_to": {"account": "6223"},
    }
    for field, value in changes.items():
        after = contracts.render(dataclasses.replace(TERMS, **{field: value}))
        assert contracts.sha256(after) != before, field


def test_it_says_amounts_in_figures_and_in_words():
    text = contracts.render(TERMS).decode()

    assert "人民币 996,000.00 元（大写：人民币玖拾玖万陆仟元整）" in text
    assert "人民币 5,325.83 元（大写：人民币伍仟叁佰贰拾伍元捌角叁分）" in text
    assert "人民币 1,001,325.83 元" in text
    assert "年利率 3.85%" in text
    assert "2025年10月30日 至 2025年12月19日" in text
    assert "25502000000000000101、25502000000000000102" in text
