"""The business's own worked examples, by their numbers, through the real endpoints; exact values.

Of a voucher (G5) and of one value at two banks or stages (G7, G13, G14) the tests of those features hold them.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from scf.kernel.ids import new_id, public_id
from scf.rules import service
from scf.rules.book import shipped
from scf_ledger import uscc
from tests.support.actors import STORY_BEGINS, Stage, set_stage
from tests.support.clock import act, asked, dues, move_to, refuse, seen, turn
from tests.support.parties import ENTERPRISE
from tests.support.pdf import text_of
from tests.support.problems import refusal
from tests.support.receivables import money
from tests.support.services import Servers, fresh_database

WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
"""GB 32100-2015, as printed."""


@pytest.fixture(scope="module")
def shared(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture
def stage(shared: Stage) -> Stage:
    shared.clock.set(STORY_BEGINS)
    return shared


def terms(stage: Stage, **asked_for: Any) -> dict[str, Any]:
    answer = stage.get(stage.cast.supplier, "/v1/terms", **asked_for)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_g1_a_code_with_a_wrong_check_digit_is_no_code(stage: Stage):
    good = stage.post(None, "/v1/parties", ENTERPRISE | {"uscc": "91350100M000100Y43"})
    bad = stage.post(None, "/v1/parties", ENTERPRISE | {"uscc": "91350100M000100Y4Z"})

    assert (good.status_code, good.json()["uscc"]) == (201, "91350100M000100Y43")
    refusal(bad, 422, "uscc.invalid", "uscc")


def test_g2_a_sum_of_zero_has_the_check_digit_zero(stage: Stage):
    prefix = "91500118MA5U00028"
    weighted = zip(prefix, WEIGHTS, strict=True)
    assert sum(uscc.ALPHABET.index(symbol) * weight for symbol, weight in weighted) % 31 == 0

    answer = stage.post(None, "/v1/parties", ENTERPRISE | {"uscc": f"{prefix}0"})

    assert uscc.check_digit(prefix) == "0"
    assert (answer.status_code, answer.json()["uscc"]) == (201, f"{prefix}0")


def test_g4_twenty_days_late_without_an_agreed_rate(stage: Stage):
    found = terms(
        stage,
        delivered_on="2026-03-01",
        debtor_size="large",
        creditor_size="small",
        amount="500000.00",
        until="2026-05-20",
    )

    (part,) = found["parts"]
    assert (part["due_on"], part["late_days"]) == ("2026-04-30", 20)
    assert (part["late_interest"], part["daily_rate"]) == (money("5000.00"), "0.0005")


def test_g6_a_cap_of_six_months_from_a_day_on(stage: Stage):
    """Seven months: told before the day, refused from it on; replay lists what it would have broken."""
    first_day = date(2026, 10, 1)
    capped = shipped().amended("R77-03", version=2, effective_from=first_day)
    issuer = stage.cast.anchor

    def issue(on: date, matures_on: date, *, book: Any = None) -> str:
        subject = public_id("vch", new_id())
        facts = {"issued_on": on, "matures_on": matures_on, "issuer": issuer.uscc}
        with stage.database.transaction() as session:
            service.evaluate(
                session,
                "voucher.issue",
                subject,
                {**facts, "debtor": issuer.uscc},
                on=on,
                now=datetime.fromisoformat(f"{on}T08:00:00Z"),
                parties=[issuer.party_id],
                book=book,
            )
        return subject

    before = issue(date(2026, 9, 30), date(2027, 4, 30), book=capped)
    allowed = issue(first_day, date(2027, 5, 1))
    with pytest.raises(service.RuleBlocks) as refused:
        issue(first_day, date(2027, 5, 1), book=capped)

    assert refused.value.fields["rule"] == "R77-03"
    assert refused.value.fields["figures"] == {"months": 7, "hard_months": 6}
    kept = stage.get(issuer, "/v1/rule-results", subject=before).json()["items"][0]
    capping = next(result for result in kept["results"] if result["rule"] == "R77-03")
    assert (capping["outcome"], capping["figures"]) == ("warn", {"months": 7, "soft_months": 6})
    found = stage.get(
        issuer, "/v1/rules/R77-03/replay", version=2, effective_from=first_day.isoformat()
    ).json()
    listed = [(c["subject"], c["before"], c["after"], c["breaks"]) for c in found["changes"]]
    assert listed == [(allowed, "warn", "block", True)]


def test_g15_silence_is_reminded_of_and_overdue_on_day_31(stage: Stage):
    request = asked(stage)
    for day in (7, 15, 25, 30):
        move_to(stage, day)
        turn(stage)
        assert seen(stage, request)["state"] == "OPEN"
    move_to(stage, 31)
    turn(stage)

    overdue = seen(stage, request)
    escalated = act(stage, stage.cast.supplier, request, "escalate").json()

    assert overdue["state"] == "OVERDUE"
    assert dues(overdue) == [
        ("REMINDER", 7, "2025-11-10"),
        ("REMINDER", 15, "2025-11-18"),
        ("REMINDER", 25, "2025-11-28"),
        ("CONFIRM_OVERDUE", 31, "2025-12-04"),
    ]
    assert escalated["state"] == "ESCALATED"
    letter = stage.get(stage.cast.supplier, f"/v1/confirmation-requests/{request['id']}/notice.pdf")
    assert "第十六条" in text_of(letter.content)


@pytest.mark.parametrize("how", ["dispute", "reject"])
def test_g16_waiting_for_ones_own_customer_is_no_reason(stage: Stage, how: str):
    """It can be said, is marked, found by its rule, and the time to confirm keeps running."""
    request = asked(stage)

    answer = refuse(stage, request, "等待业主付款", how)

    assert answer.status_code == 200, answer.text
    assert answer.json()["reason_compliant"] is False
    subject = request["receivable"]
    (kept,) = stage.get(
        stage.cast.supplier, "/v1/rule-results", subject=subject, rule="RPAY-03", outcome="warn"
    ).json()["items"]
    found = next(result for result in kept["results"] if result["rule"] == "RPAY-03")
    assert found["figures"] == {"reason": "等待业主付款", "phrase": "等待业主付款"}
    turn(stage)
    assert seen(stage, request)["state"] == "OPEN"


def test_g25_a_public_bodys_ninety_days_are_cut_to_sixty(stage: Stage):
    found = terms(
        stage,
        delivered_on="2026-03-01",
        debtor_size="public_body",
        creditor_size="small",
        agreed_days=90,
    )

    assert (found["due_on"], found["agreed_on"]) == ("2026-04-30", "2026-05-30")
    (finding,) = (result for result in found["results"] if result["message_zh"])
    assert (finding["rule"], finding["outcome"]) == ("RPAY-01", "warn")
    assert finding["figures"] == {"days": 90, "latest_on": "2026-04-30", "default_days": 30}
