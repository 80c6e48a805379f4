"""One reader of cells: what people and spreadsheets write is the same day, amount, code or account."""

from datetime import date

import pytest

from scf.kernel.errors import Refused
from scf.kernel.money import Money
from scf.receivables import cells

USCC = "91500118MAYYC0D40J"
ACCOUNT = dict(zip(cells.ACCOUNT_COLUMNS, ("户名", "6222", "开户行", USCC), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-09",
        "2025/12/9",
        "2025.12.9",
        "2025-12-9",
        "2025年12月9日",
        "2025年12月9",
        "20251209",
    ],
)
def test_a_day_in_the_forms_that_spreadsheets_give_it(text: str):
    assert cells.day(text) == date(2025, 12, 9)


@pytest.mark.parametrize("text", ["2025-13-01", "soon", "45000", "2025-02-30", "１９９９-01-01"])
def test_no_other_day(text: str):
    with pytest.raises(Refused) as found:
        cells.day(text)
    assert found.value.code == "value.invalid"


@pytest.mark.parametrize("text", ["1245000", "1,245,000.00", "¥1，245，000元", " 1 245 000.0 "])
def test_an_amount_with_its_decoration(text: str):
    assert cells.money(text, "CNY") == Money(124_500_000)


def test_an_amount_is_not_below_zero():
    assert cells.money("0", "CNY") == Money(0)
    with pytest.raises(cells.CellInvalid):
        cells.money("-0.01", "CNY")


@pytest.mark.parametrize("text", ["x" * 21, "a\u202eb", "a\u200bb", "a\x00b"])
def test_words_are_short_and_hide_nothing(text: str):
    with pytest.raises(cells.CellInvalid):
        cells.words(text, length_max=20)


def test_a_code_has_its_check_digit():
    assert cells.code(USCC) == USCC
    with pytest.raises(cells.CellInvalid):
        cells.code(USCC[:-1] + "K")


@pytest.mark.parametrize("missing", cells.ACCOUNT_COLUMNS)
def test_an_account_is_whole_or_absent(missing: str):
    whole = cells.account(ACCOUNT)
    assert whole is not None
    assert whole.to_json()["bank_uscc"] == USCC
    assert cells.account(dict.fromkeys(ACCOUNT)) is None
    with pytest.raises(Refused) as found:
        cells.account({**ACCOUNT, missing: None})
    assert (found.value.code, found.value.field) == ("receivable.account_missing", missing)


def test_a_workbook_and_a_csv_are_the_same_table():
    rows = [row for _, row in cells.tables("编号,金额\n1,2\n".encode("gb18030"))[0].rows]
    assert rows == [["编号", "金额"], ["1", "2"]]
