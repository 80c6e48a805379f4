"""A refusal can be written whatever it quotes."""

import json

import pytest

from scf.http import problems
from scf.kernel.errors import ValueInvalid
from scf.kernel.money import Money


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(10**400), "-1" + "0" * 400),
        (True, True),
        (None, None),
        (0.5, "0.5"),
        ("half \ud800", "half ?"),
        ([2**64, {"a": "\udfff"}], ["18446744073709551616", {"a": "?"}]),
        (Money(100), {"amount": "1.00", "currency": "CNY"}),
    ],
)
def test_quotes_any_value(value, shown):
    answer = problems.render(ValueInvalid(field="a\ud800", value=value))
    body = json.loads(answer.body)
    assert (body["field"], body["fields"]["value"]) == ("a?", shown)
