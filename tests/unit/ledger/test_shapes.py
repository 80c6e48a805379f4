import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf_ledger import shapes, uscc
from scf_ledger.event_types import EVENT_TYPES
from tests.golden import formats as f

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


class TestShapes:
    @given(anything)
    def test_answer_for_anything(self, value):
        for row in EVENT_TYPES.values():
            for shape in row.fields.values():
                assert shape(value) in (True, False)

    @pytest.mark.parametrize("amount", ["0.00", "12.34", "-0.01", "9999999999999.99"])
    def test_money(self, amount):
        assert shapes.is_money(f.cny(amount))
        assert shapes.minor(f.cny(amount)) == round(float(amount) * 100)

    @pytest.mark.parametrize(
        "value",
        [
            "12.34",
            12.34,
            {"amount": "12.34"},
            {"amount": "12.34", "currency": "JPY"},
            {"amount": "12.34", "currency": "CNY", "x": 1},
            *map(
                f.cny,
                ["-0.00", "1.2", "1", ".50", "01.00", "+1.00", "1e2", "1.000", " 1.00", "1.00\n"],
            ),
            f.cny("\u0661.00"),
            f.cny("99999999999999.99"),
            f.cny(100),
        ],
    )
    def test_not_money(self, value):
        assert not shapes.is_money(value)

    @pytest.mark.parametrize("text", ["2025-02-28", "2024-02-29"])
    def test_dates(self, text):
        assert shapes.is_date(text)

    @pytest.mark.parametrize(
        "value", ["2025-02-29", "2025-13-01", "20250228", "2025-2-28", 5, None]
    )
    def test_not_dates(self, value):
        assert not shapes.is_date(value)

    @pytest.mark.parametrize("text", ["0.0385", "0.053", "0", "1.5", "24"])
    def test_rates(self, text):
        assert shapes.is_rate(text)

    @pytest.mark.parametrize("value", ["3.85%", "-0.01", "100", ".05", 0.0385, "0.123456789"])
    def test_not_rates(self, value):
        assert not shapes.is_rate(value)


class TestUscc:
    @given(st.text(st.sampled_from(uscc.ALPHABET), min_size=17, max_size=17))
    def test_check_digit_is_the_one_of_the_other_maker(self, first_17):
        assert first_17 + uscc.check_digit(first_17) == f.make_uscc(first_17)

    @given(
        st.text(st.sampled_from(uscc.ALPHABET), min_size=17, max_size=17),
        st.integers(0, 17),
        st.sampled_from(uscc.ALPHABET),
    )
    def test_notices_one_wrong_symbol(self, first_17, place, symbol):
        code = f.make_uscc(first_17)
        wrong = code[:place] + symbol + code[place + 1 :]
        assert uscc.is_valid(wrong) == (wrong == code)

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "91350100M000100Y4",
            "91350100M000100Y433",
            "91350100m000100y43",
            "9135010\u00300M00100Y43",
        ],
    )
    def test_refuses_other_forms(self, code):
        assert not uscc.is_valid(code)
