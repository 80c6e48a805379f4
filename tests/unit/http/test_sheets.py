"""Lists as files: an amount is the same amount again, a text is never a formula."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from scf.http.sheets import FORMULA, Sheet, write_csv, write_workbook, write_xlsx
from scf.kernel.money import MINOR_MAX, Money


def read(content: bytes, sheet: int = 0) -> list[list]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(sheet).to_python()


@given(st.lists(st.integers(-MINOR_MAX, MINOR_MAX), min_size=1, max_size=20))
def test_amounts_are_numbers_and_exact(minors: list[int]):
    rows = read(write_xlsx([["金额"], *([Money(minor)] for minor in minors)]))
    assert [Money.parse(f"{row[0]:.2f}").minor for row in rows[1:]] == minors


def test_a_currency_without_decimals_has_none():
    rows = read(write_xlsx([["金额"], [Money(MINOR_MAX, "JPY")]]))
    assert rows[1] == [float(MINOR_MAX)]


@pytest.mark.parametrize("begin", FORMULA)
def test_no_text_is_a_formula(begin: str):
    text = f"{begin}1+1"
    assert write_csv([[text]]).decode("utf-8-sig").strip().strip('"').startswith("'")
    assert read(write_xlsx([["列"], [text]]))[1] == [text]


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\u200b", "\x00", "\t", "\r"])
def test_nothing_turns_a_text_around(hidden: str):
    r"""A name like `gnp.\u202eexe` reads as it is written, in both kinds of file."""
    text, shown = f"甲{hidden}乙\n丙　丁", f"甲\\u{{{ord(hidden):x}}}乙\n丙　丁"
    assert shown in write_csv([[text]]).decode("utf-8-sig")
    assert read(write_xlsx([["列"], [text]]))[1] == [shown]
    assert write_csv([[f"{hidden}=1+1"]]).decode("utf-8-sig").startswith("\\u{")


def test_sheets_stand_under_their_titles():
    content = write_workbook([Sheet("清单", [["a"], [1]]), Sheet("汇总", [["b"], ["2"]])])
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names == ["清单", "汇总"]
    assert (read(content)[1], read(content, 1)[1]) == ([1.0], ["2"])
