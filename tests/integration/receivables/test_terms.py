"""The calculator at its endpoint: when is it due, by which article, what would being late cost."""

import pytest

from tests.support.actors import Stage
from tests.support.receivables import money

PATH = "/v1/terms"


class TestTerms:
    def test_g25_and_g4_in_one_question(self, stage: Stage):
        answer = stage.get(
            stage.cast.supplier,
            PATH,
            delivered_on="2026-03-01",
            debtor_size="public_body",
            creditor_size="small",
            agreed_days=90,
            amount="500000.00",
            until="2026-05-20",
        )

        found = answer.json()
        assert answer.status_code == 200, answer.text
        assert (found["due_on"], found["agreed_on"]) == ("2026-04-30", "2026-05-30")
        assert (found["basis"], found["article"]) == ("RPAY-01", "第九条第一款")
        assert found["parts"] == [
            {
                "amount": money("500000.00"),
                "due_on": "2026-04-30",
                "retention": False,
                "late_days": 20,
                "late_interest": money("5000.00"),
                "daily_rate": "0.0005",
                "late_basis": "RPAY-10",
            }
        ]
        told = [result for result in found["results"] if result["message_zh"]]
        assert [(result["rule"], result["outcome"]) for result in told] == [("RPAY-01", "warn")]

    def test_a_retention_is_late_on_its_own(self, stage: Stage):
        answer = stage.get(
            stage.cast.anchor,
            PATH,
            delivered_on="2025-03-01",
            agreed_days=60,
            amount="1000.00",
            retention="50.00",
            retention_due_on="2026-03-01",
            until="2026-03-11",
            agreed_rate="0.0360",
            contract_on="2025-03-01",
        )

        parts = answer.json()["parts"]
        assert [(p["amount"]["amount"], p["due_on"], p["late_days"]) for p in parts] == [
            ("950.00", "2025-04-30", 315),
            ("50.00", "2026-03-01", 10),
        ]
        assert [p["late_interest"]["amount"] for p in parts] == ["29.93", "0.05"]

    @pytest.mark.parametrize(
        ("parameters", "code", "field"),
        [
            ({"delivered_on": "2026-02-30"}, "value.invalid", "delivered_on"),
            ({"debtor_size": "huge"}, "request.invalid", "debtor_size"),
            ({"agreed_days": 3661}, "request.invalid", "agreed_days"),
            (
                {"agreed_days": 3, "agreed_due_on": "2026-04-01"},
                "terms.agreed_twice",
                "agreed_days",
            ),
            ({"agreed_due_on": "2026-02-28"}, "receivable.due_before_delivery", "agreed_due_on"),
            ({"accepted_on": "2026-02-28"}, "terms.accepted_before_delivery", "accepted_on"),
            ({"amount": "1e5"}, "money.invalid", "amount"),
            ({"amount": "-1.00"}, "money.invalid", "amount"),
            ({"amount": "1.00", "currency": "XXX"}, "money.invalid", "currency"),
            ({"amount": "9.00", "retention": "9.00"}, "receivable.retention_wrong", "retention"),
            (
                {"amount": "9.00", "until": "2026-05-01", "agreed_rate": "x"},
                "money.invalid",
                "agreed_rate",
            ),
            (
                {
                    "amount": "9.00",
                    "until": "2026-05-01",
                    "agreed_rate": "0.05",
                    "contract_on": "2026-04-01",
                },
                "rules.lpr_not_on_file",
                "contract_on",
            ),
            ({"unknown": "1"}, "request.invalid", "unknown"),
        ],
    )
    def test_bad_input(self, stage: Stage, parameters: dict, code: str, field: str):
        answer = stage.get(
            stage.cast.supplier, PATH, **{"delivered_on": "2026-03-01", **parameters}
        )

        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, code, field)

    def test_amounts_beyond_the_bound_are_refused(self, stage: Stage):
        answer = stage.get(
            None,
            PATH,
            delivered_on="2021-01-01",
            amount="9999999999999.99",
            until="2099-12-31",
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "money.invalid")
