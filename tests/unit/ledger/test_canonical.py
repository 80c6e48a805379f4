import json

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from scf_ledger import canonical
from scf_ledger.errors import NotCanonical, TooLarge, Unencodable

ascii_keys = st.text(st.characters(max_codepoint=0x7F), max_size=8)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_keys, inner, max_size=4),
    max_leaves=12,
)


class TestEncode:
    @given(values)
    def test_is_what_another_implementation_writes(self, value):
        assert canonical.encode(value) == rfc8785.dumps(value)

    @given(st.lists(st.tuples(texts, ascii_keys, values), max_size=4))
    def test_each_of_several_arrays_as_one_alone(self, arrays):
        assert canonical.encode_each(arrays) == [canonical.encode(array) for array in arrays]

    @pytest.mark.parametrize(
        "value",
        [
            1.0,
            -0.0,
            float("nan"),
            2**53,
            -(2**53),
            {"\u00e9": 1},
            {1: 2},
            {"a": {"b": [1.5]}},
            "\ud800",
            {"a": "\udfff"},
            b"bytes",
            {1, 2},
            pytest,
        ],
    )
    def test_refuses_what_two_programs_would_write_differently(self, value):
        with pytest.raises(Unencodable):
            canonical.encode(value)
        with pytest.raises(Unencodable):
            canonical.encode_each([("salt", "name", value)])

    def test_refuses_a_subclass_that_has_its_own_idea_of_a_text(self):
        class Loud(str):
            __slots__ = ()

        with pytest.raises(Unencodable):
            canonical.encode(Loud("a"))

    def test_refuses_deep_nesting(self):
        value = []
        for _ in range(canonical.DEPTH_MAX):
            value = [value]
        with pytest.raises(Unencodable):
            canonical.encode(value)


class TestDecode:
    @given(values)
    def test_gives_the_value_back(self, value):
        assert canonical.decode(canonical.encode(value), max_bytes=100_000) == value

    @given(values, st.data())
    def test_refuses_every_other_spelling(self, value, data):
        other = data.draw(
            st.sampled_from(
                [
                    json.dumps(value, indent=1).encode(),
                    b" " + canonical.encode(value),
                    orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE),
                ]
            )
        )
        if other != canonical.encode(value):
            with pytest.raises(NotCanonical):
                canonical.decode(other, max_bytes=100_000)

    @pytest.mark.parametrize(
        "data",
        [
            b'{"a":1,"a":1}',
            b'{"a":1,"a":2}',
            b'{"b":1,"a":2}',
            b"1.0",
            b"1e2",
            b"9007199254740992",
            b"-0",
            b'"\\u0061"',
            b'"\\/"',
            b'"\xff"',
            b"[" * 40 + b"]" * 40,
            b"[" * 100_000,
            b"nul",
            b"",
            b"NaN",
        ],
    )
    def test_refuses(self, data):
        with pytest.raises(NotCanonical):
            canonical.decode(data, max_bytes=1_000_000)

    def test_refuses_what_is_too_large_before_reading_it(self):
        with pytest.raises(TooLarge) as caught:
            canonical.decode(b"[1,2]", max_bytes=4)
        assert caught.value.fields == {"size": 5, "limit": 4}
