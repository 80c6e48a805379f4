"""Names by which things are told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.errors import ValueInvalid
from scf.kernel.text import distinct_name


@pytest.mark.parametrize(
    "written",
    [
        "gq-2025-1",
        " GQ-2025-1\t",
        "ＧＱ－２０２５－１",
        "GQ\u20112025\u20131",
        "GQ\u22122025-1".replace("\u2212", "\u2010"),
    ],
)
def test_one_name_is_written_one_way(written: str) -> None:
    assert distinct_name(written) == "GQ-2025-1"


@pytest.mark.parametrize(
    "written", ["", " ", "A B", "A\u200bB", "A\u00adB", "А1", "A" * 65, "A\x00", 7, None]
)
def test_what_nobody_can_tell_apart_is_refused(written: object) -> None:
    with pytest.raises(ValueInvalid):
        distinct_name(written, field="number")


@given(st.text(max_size=70))
def test_a_name_stays_what_it_is(text: str) -> None:
    try:
        name = distinct_name(text)
    except ValueInvalid:
        return
    assert distinct_name(name) == name
    assert distinct_name(f" {name.lower()} ") == name
