"""Identifiers read back, sort by time, and refuse what is not theirs."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.kernel.ids import PREFIXES, IdInvalid, new_id, parse_id, public_id


@given(st.uuids(), st.sampled_from(sorted(PREFIXES.values())))
def test_text_reads_back(value, prefix):
    assert parse_id(prefix, public_id(prefix, value)) == value


def test_made_ids_are_version_seven_and_in_order_of_text():
    made = [new_id() for _ in range(1000)]

    assert {identity.version for identity in made} == {7}
    assert len(set(made)) == 1000
    assert [m.int >> 80 for m in made] == sorted(m.int >> 80 for m in made)


@given(st.uuids(), st.uuids())
def test_text_sorts_as_the_number(one, other):
    assert (one < other) == (public_id("rcv", one) < public_id("rcv", other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rcv_",
        "plg_" + "0" * 26,
        "rcv_" + "z" * 26,
        "rcv_" + "0" * 25,
        "rcv_" + "u" * 26,
        "rcv_" + "A" * 26,
    ],
)
def test_others_are_refused_by_name(text):
    with pytest.raises(IdInvalid) as refused:
        parse_id("rcv", text, field="receivable")
    assert refused.value.field == "receivable"
    assert refused.value.fields["expected"] == "rcv_…"


def test_the_largest_fits():
    assert parse_id("evt", public_id("evt", UUID(int=2**128 - 1))) == UUID(int=2**128 - 1)
