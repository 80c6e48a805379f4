"""What a machine answers before money moves, condition by condition."""

from dataclasses import replace
from datetime import date

import pytest

from scf.approvals.conditions import CATALOGUE, Facts
from scf.kernel.money import Money

BANK = "91500118MA5U0AAA0X"
PAY_TO = {"account": "6217", "bank_uscc": BANK}
GOOD = Facts(
    today=date(2025, 11, 3),
    loan=Money.parse("996000.00"),
    outstanding=Money.parse("1245000.00"),
    shortfall=Money.parse("0.00"),
    reg_no="20251103",
    registered_on=date(2025, 11, 3),
    registered_until=date(2026, 11, 3),
    due_on=date(2025, 12, 23),
    lock_final=True,
    second_search_clean=True,
    searched_on=date(2025, 11, 3),
    notified_on=date(2025, 11, 2),
    checked={"1": (date(2025, 11, 1), True)},
    pay_to=PAY_TO,
    notified_pay_to=PAY_TO,
    bank=BANK,
)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_holds_of_a_sound_loan(code):
    assert CATALOGUE[code].answer(GOOD, 7 if CATALOGUE[code].takes_days else 0).holds is True


@pytest.mark.parametrize(
    ("code", "days", "other"),
    [
        ("registered", 0, {"reg_no": None}),
        ("registered_long_enough", 30, {"registered_until": date(2026, 1, 21)}),
        ("registered_long_enough", 30, {"registered_until": None}),
        ("lock_final", 0, {"lock_final": False}),
        ("second_search_clean", 7, {"second_search_clean": False}),
        ("second_search_clean", 7, {"second_search_clean": None, "searched_on": None}),
        ("second_search_clean", 7, {"searched_on": date(2025, 10, 26)}),
        ("debtor_notified", 0, {"notified_on": None}),
        ("invoices_fresh", 7, {"checked": {"1": None}}),
        ("invoices_fresh", 7, {"checked": {"1": (date(2025, 11, 3), False)}}),
        ("invoices_fresh", 7, {"checked": {"1": (date(2025, 10, 26), True)}}),
        ("account_named", 0, {"pay_to": {}}),
        ("account_named", 0, {"notified_pay_to": {**PAY_TO, "account": "1"}}),
        ("account_here", 0, {"bank": "91500118MA5U0AAA1X"}),
        ("claim_covers", 0, {"outstanding": Money.parse("995999.99")}),
        ("claim_covers", 0, {"shortfall": Money.parse("0.01")}),
    ],
)
def test_each_fails_alone(code, days, other):
    assert CATALOGUE[code].answer(replace(GOOD, **other), days).holds is False


def test_a_limit_day_still_counts():
    fresh = {"1": (date(2025, 10, 27), True)}

    assert CATALOGUE["invoices_fresh"].answer(replace(GOOD, checked=fresh), 7).holds is True
    until = replace(GOOD, registered_until=date(2026, 1, 22))
    assert CATALOGUE["registered_long_enough"].answer(until, 30).holds is True


def test_which_invoices_are_not_fresh_is_said():
    checked = {"2": None, "1": (date(2025, 11, 1), True), "3": (date(2025, 11, 1), False)}

    answer = CATALOGUE["invoices_fresh"].answer(replace(GOOD, checked=checked), 7)

    assert answer.seen == {"invoices": 3, "not_fresh": ["2", "3"], "days": 7}


def test_a_notice_does_not_apply_to_what_is_undisclosed():
    quiet = replace(GOOD, disclosed=False, notified_on=None)

    assert CATALOGUE["debtor_notified"].answer(quiet, 0).holds is None
    assert CATALOGUE["debtor_notified"].answer(replace(GOOD, disclosed=False), 0).holds is True


def test_nothing_is_asked_that_nobody_here_knows():
    """Of the insurance of a claim the platform knows nothing: a policy has a person tick it."""
    assert "insurance" not in CATALOGUE
