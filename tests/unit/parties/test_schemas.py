"""Inputs become kernel values, outputs the wire form again; errors name the field."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scf.http.schemas import (
    DateText,
    DigestText,
    In,
    InstantText,
    Line,
    MoneyIn,
    MoneyText,
    PartyId,
    PositiveMoney,
    Prose,
    RateText,
    UsccInvalid,
    UsccText,
)
from scf.kernel.errors import ValueInvalid
from scf.kernel.ids import IdInvalid, new_id
from scf.kernel.money import AmountInvalid, Money

EMPTY_DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


class Everything(In):
    party: PartyId
    any_money: MoneyText
    money: MoneyIn
    positive: PositiveMoney
    on: DateText
    at: InstantText
    uscc: UsccText
    rate: RateText
    digest: DigestText
    line: Line
    prose: Prose


GOOD = {
    "party": "pty_01k3e5m8q2x7v9b4c6d8f0g1h2",
    "any_money": {"amount": "-1.00", "currency": "CNY"},
    "money": {"amount": "0.00", "currency": "CNY"},
    "positive": {"amount": "1245000.00", "currency": "CNY"},
    "on": "2025-12-19",
    "at": "2025-11-03T02:15:00Z",
    "uscc": "91350100M000100Y43",
    "rate": "0.0385",
    "digest": EMPTY_DIGEST,
    "line": "对账单",
    "prose": "第一行\n第二行",
}


def test_values_come_in_as_the_kernel_knows_them_and_go_out_as_they_came():
    body = Everything.model_validate(GOOD)

    assert body.positive == Money(124500000)
    assert body.on == date(2025, 12, 19)
    assert body.at == datetime(2025, 11, 3, 2, 15, tzinfo=UTC)
    assert json.loads(body.model_dump_json()) == GOOD


@given(st.integers(1 - 10**15, 10**15 - 1))
def test_money_and_ids_survive_the_way_out_and_in(minor):
    body = Everything.model_construct(
        **(
            Everything.model_validate(GOOD).__dict__
            | {"any_money": Money(minor), "party": new_id()}
        )
    )

    assert Everything.model_validate_json(body.model_dump_json()) == body


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("party", "rcv_01k3e5m8q2x7v9b4c6d8f0g1h2", IdInvalid),
        ("party", 12, ValueInvalid),
        ("party", None, ValueInvalid),
        ("money", {"amount": "-0.01", "currency": "CNY"}, AmountInvalid),
        ("money", {"amount": 12.34, "currency": "CNY"}, AmountInvalid),
        ("money", {"amount": "12.345", "currency": "CNY"}, AmountInvalid),
        ("money", {"amount": "1", "currency": ["CNY"]}, AmountInvalid),
        ("money", "12.34", AmountInvalid),
        ("positive", {"amount": "0.00", "currency": "CNY"}, AmountInvalid),
        ("on", "2025-02-30", ValueInvalid),
        ("on", 20251219, ValueInvalid),
        ("at", "2025-11-03T02:15:00", ValueInvalid),
        ("at", "yesterday", ValueInvalid),
        ("uscc", "91350100M000100Y4Z", UsccInvalid),
        ("rate", "3.85%", AmountInvalid),
        ("digest", "short", ValueInvalid),
    ],
)
def test_a_malformed_value_is_refused_by_name(field, value, error):
    with pytest.raises(error) as refused:
        Everything.model_validate(GOOD | {field: value})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line", ""),
        ("line", "   "),
        ("line", "a\nb"),
        ("line", "a\x00b"),
        ("line", "x" * 201),
        ("prose", "a\x00b"),
        ("prose", "x" * 1001),
    ],
)
def test_texts_are_bounded_and_printable(field, value):
    with pytest.raises(ValidationError):
        Everything.model_validate(GOOD | {field: value})


def test_nothing_undeclared_comes_in():
    with pytest.raises(ValidationError):
        Everything.model_validate(GOOD | {"operator": True})
