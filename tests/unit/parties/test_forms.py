"""Rates, dates and values of other shapes, as the papers show them."""

import pytest

from scf.parties import forms
from scf.parties.forms import Names
from scf.parties.security_forms import VARIANTS, form_of
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


TELLING = {
    "receivable.split_agreed": {"parts": []},
    "control.acknowledged": {"keeper": "", "pledges": []},
    "consignment.agreed": {"carrier": ""},
    "consignment.delivered": {"carrier": ""},
    "receipt.divided": {"into": []},
    "pledge.part_released": {"released": {"quantity": "1.000", "unit": "TNE"}},
}
"""Event -> what in its content tells which paper of an act it is."""


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_act_has_a_paper_that_knows_what_is_signed(kind):
    """Every content key that the event of an act takes over has a labelled place on its paper."""
    for signing in EVENT_TYPES[kind].signings:
        form = form_of({"act": signing.act, "content": TELLING.get(kind, {})})
        known = {key for _, fields in form.sections for key in fields}
        assert {key.partition(".")[0] for key in signing.content} <= known


def test_every_act_is_signed_somewhere():
    assert {part.act for kind in EVENT_TYPES.values() for part in kind.signings} == ACTS


FACTORING = {"kind": "factoring", "recourse": False, "disclosed": True}


@pytest.mark.parametrize(
    ("act", "content", "title"),
    [
        ("pledge", {}, "应收账款质押合同要点"),
        ("pledge", {"security": FACTORING}, "保理合同要点"),
        ("pledge", {"security": {**FACTORING, "kind": "assignment"}}, "应收账款转让合同要点"),
        ("accept", {"security": FACTORING}, "接受应收账款转让通知书"),
        ("release", {"security": FACTORING}, "应收账款反转让通知书"),
        ("release", {"reason": "已清偿"}, "解除应收账款质押通知书"),
        ("acknowledge", {"security": FACTORING}, "应收账款转让通知书回执"),
        ("acknowledge", {"reason": "已清偿"}, "解除应收账款质押通知书回执"),
        ("acknowledge", {"reason": "回购", "security": FACTORING}, "应收账款反转让通知书回执"),
        ("account", {"parts": []}, "应收账款付款分割协议"),
        ("account", {}, "回款账户变更协议"),
        ("release", {"security": "factoring"}, "解除应收账款质押通知书"),
    ],
)
def test_a_paper_is_called_by_what_it_says(act, content, title):
    assert form_of({"act": act, "content": content}).title == title


def test_what_is_taken_is_shown_in_words():
    assert forms.security(NAMES, FACTORING) == "保理，无追索权，通知债务人（明）"
    undisclosed = {"kind": "assignment", "recourse": True, "disclosed": False}
    assert forms.security(NAMES, undisclosed) == "应收账款转让，有追索权，暂不通知债务人（暗）"
    assert forms.security(NAMES, {"kind": "x"}) == forms.plain(NAMES, {"kind": "x"})


def test_a_variant_shows_what_the_base_binds():
    """A variant of a signed paper has a labelled place for every key that its event takes over."""
    for (act, _), form in VARIANTS.items():
        known = {key for _, fields in form.sections for key in fields}
        wanted = {
            frozenset(key.partition(".")[0] for key in signing.content)
            for kind in EVENT_TYPES.values()
            for signing in kind.signings
            if signing.act == act
        }
        assert any(keys - {"security", "reason"} <= known for keys in wanted), (act, known)
