"""Facts are held to the rules too: a registration, a notice, a payment, a change of what is owed."""

from datetime import date
from typing import Any

import pytest

from scf.rules.book import shipped
from scf.rules.judging import consider
from tests.integration.receivables.test_red_notes import (
    PATH,
    document_of,
    encumbered,
    entered,
    take_back,
)
from tests.support.actors import Company, Stage
from tests.support.lending import Desk
from tests.support.receivables import NUMBERS, confirm, money, pay, submit


def kept(stage: Stage, who: Company | None, subject: str, transition: str) -> list[dict[str, Any]]:
    answer = stage.get(who, "/v1/rule-results", subject=subject)
    return [one for one in answer.json()["items"] if one["transition"] == transition]


def outcomes(evaluation: dict[str, Any]) -> dict[str, str]:
    return {result["rule"]: result["outcome"] for result in evaluation["results"]}


class TestPledges:
    def test_a_registration_and_its_notice(self, desk: Desk):
        stage, cast = desk.stage, desk.stage.cast
        pledge = desk.ready_pledge(desk.receivable(8201))
        notice = desk.did(cast.bank, f"/v1/pledges/{pledge}/notify-debtor", {})

        (registered,) = kept(stage, cast.bank, pledge, "pledge.register")
        (told,) = kept(stage, cast.anchor, notice["id"], "assignment.notify")

        assert outcomes(registered) == {"RCC-440": "pass", "RCC-442": "not_applicable"}
        assert outcomes(told) == {"RCC-764": "pass"}
        assert kept(stage, cast.anchor, pledge, "pledge.register") == []

    def test_a_description_by_parts_is_asked_for_from_2026_on(self):
        facts = {"described": ["creditor", "debtor", "amount", "due_on", "invoices"]}

        before, after = (
            [result.rule for result in consider("pledge.register", facts, on=day)]
            for day in (date(2026, 1, 7), date(2026, 1, 8))
        )

        assert (before, after) == (
            ["RCC-440", "RCC-442"],
            ["RCC-440", "RCC-442", "R77-16"],
        )

    def test_a_claim_without_a_delivery_is_told_as_a_future_one(self, desk: Desk):
        stage = desk.stage
        receivable = submit(stage, 8202, "1245000.00", delivered_on=None)
        assert confirm(stage, receivable, "1245000.00").is_success

        pledge = desk.ready_pledge(receivable)

        (registered,) = kept(stage, None, pledge, "pledge.register")
        assert outcomes(registered) == {"RCC-440": "report", "RCC-442": "not_applicable"}


class TestPayments:
    @pytest.mark.parametrize(
        ("due_on", "found"), [("2025-11-03", "pass"), ("2025-11-02", "report")]
    )
    def test_what_an_sme_was_paid_late_is_reported(self, stage: Stage, due_on: str, found: str):
        receivable = submit(stage, due_on=due_on)
        assert confirm(stage, receivable, due_on=due_on).is_success

        assert pay(stage, receivable, "100.00", f"HD-{receivable}").is_success

        (paid,) = kept(stage, stage.cast.supplier, receivable, "receivable.pay")
        assert outcomes(paid) == {"RPAY-12": found}
        figures = {"due_on": due_on, "late_days": 1, "paid_minor": 100_00}
        if found == "report":
            assert paid["results"][0]["figures"] == figures

    def test_a_retention_is_late_by_its_own_day(self, stage: Stage):
        receivable = submit(stage, due_on="2025-11-02")
        retention = {"amount": money("10.00"), "due_on": "2025-12-31"}
        confirmed = confirm(stage, receivable, due_on="2025-11-02", retention=retention)
        assert confirmed.is_success, confirmed.text

        for amount in ("90.00", "10.00"):
            assert pay(stage, receivable, amount, f"HD-{receivable}-{amount}").is_success

        found = kept(stage, None, receivable, "receivable.pay")
        assert [outcomes(paid) for paid in found] == [{"RPAY-12": "report"}, {"RPAY-12": "pass"}]

    def test_the_same_receipt_again_is_judged_once(self, stage: Stage):
        receivable = submit(stage)
        assert confirm(stage, receivable).is_success

        for _ in range(2):
            assert pay(stage, receivable, "40.00", f"HD-{receivable}").is_success

        assert len(kept(stage, None, receivable, "receivable.pay")) == 1


class TestChanges:
    @pytest.mark.parametrize(
        ("consent", "found"), [(True, "pass"), (False, "warn"), (None, "warn")]
    )
    def test_a_red_invoice_over_a_pledged_claim(
        self, stage: Stage, consent: bool | None, found: str
    ):
        cast, number = stage.cast, next(NUMBERS)
        value = encumbered(stage, number)
        note = entered(stage, cast.supplier, document_of(stage, number), net="30.00")["id"]
        if consent is not None:
            answer = stage.post(cast.bank, f"{PATH}/{note}/consent", {"given": consent})
            assert answer.is_success

        take_back(stage, number, "30.00")

        assert value.numbers == (7_000, 8_000, 0, 1_000)  # recorded, whatever the rule says
        items = stage.get(cast.anchor, "/v1/rule-results", rule="RCC-765").json()["items"]
        assert outcomes(items[-1]) == {"RCC-765": found}

    def test_a_claim_that_nobody_holds_asks_nobody(self, stage: Stage):
        number = next(NUMBERS)
        receivable = submit(stage, number)
        assert confirm(stage, receivable).is_success

        take_back(stage, number, "30.00")

        (changed,) = kept(stage, stage.cast.supplier, receivable, "receivable.change")
        assert outcomes(changed) == {"RCC-765": "not_applicable"}


def test_an_answer_names_the_rules_of_its_day(stage: Stage):
    """The regulation's rules of a confirmation are all there, and each names its article."""
    receivable = submit(stage)
    assert confirm(stage, receivable).is_success

    (answered,) = kept(stage, stage.cast.supplier, receivable, "receivable.confirm")

    on = date(2025, 11, 3)
    wanted = {
        rule.id: rule.in_force(on).article
        for rule in shipped().rules.values()
        if "receivable.confirm" in rule.scope
    }
    assert {result["rule"]: result["article"] for result in answered["results"]} == wanted
