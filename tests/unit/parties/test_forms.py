"""Rates, dates and values of other shapes, as the papers show them."""

import pytest

from scf.parties import forms
from scf.parties.forms import FORMS, Names
from scf_ledger.event_types import ACTS, EVENT_TYPES

NAMES = Names({"91500118MAYYC0A174": "渝川汽车(示例)"})


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("0.0385", "年利率 3.85%"),
        ("0.053", "年利率 5.30%"),
        ("0.04", "年利率 4.00%"),
        ("0.0412345", "年利率 4.12345%"),
        ("1", "年利率 100.00%"),
        ("0", "年利率 0.00%"),
    ],
)
def test_a_rate_is_shown_in_per_cent(rate, text):
    assert forms.rate(NAMES, rate) == text


@pytest.mark.parametrize("show", [forms.money, forms.day, forms.rate, forms.documents])
@pytest.mark.parametrize("value", [None, 12, [1], {"amount": 1}, "x", "1.2.3", "²", True])
def test_a_value_of_another_shape_is_shown_as_it_stands(show, value):
    assert show(NAMES, value) == forms.plain(NAMES, value)


def test_every_act_has_a_paper_that_knows_what_is_signed():
    """Every content key that the event of an act takes over has a labelled place on its paper."""
    assert set(FORMS) == ACTS
    for kind in EVENT_TYPES.values():
        for signing in kind.signings:
            known = {key for _, fields in FORMS[signing.act].sections for key in fields}
            assert {key.partition(".")[0] for key in signing.content} <= known, kind.name
