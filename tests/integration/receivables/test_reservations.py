"""What a debtor reserves beside amounts, and lines that their creditor takes back."""

from typing import Any

import pytest
from sqlalchemy import func, select

from scf.evidence.models import Event
from scf.receivables.models import Receivable
from tests.support.actors import Stage
from tests.support.receivables import (
    confirm,
    confirmation,
    identity,
    line,
    money,
    pay_to,
    register_invoice,
    submit,
)

RETENTION = {"amount": money("5.00"), "due_on": "2026-12-19"}
CLAIMS = [
    {"reason": "质量扣款", "amount": money("7.50")},
    {"reason": "预付款", "amount": money("2.50")},
]


def event_count(stage: Stage) -> int:
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Event)) or 0


class TestReservations:
    def test_they_are_signed_kept_and_shown_to_the_bank(self, stage: Stage):
        reserved = {
            "retention": RETENTION,
            "counterclaims": CLAIMS,
            "assignment_banned": True,
            "no_setoff": False,
        }
        receivable = submit(stage)

        assert confirm(stage, receivable, **reserved).is_success

        shown = stage.get(stage.cast.bank, f"/v1/receivables/{receivable}").json()
        assert shown["retention"] == RETENTION
        assert shown["counterclaims"] == CLAIMS
        assert shown["assignment_banned"] is True
        assert (shown["confirmed"], shown["free_of_defence"]) == (money("100.00"), money("90.00"))

    def test_a_retention_falls_due_on_its_own_date(self, stage: Stage):
        receivable = submit(stage)
        assert confirm(stage, receivable, retention=RETENTION).is_success

        with stage.database.reading() as session:
            found = session.get_one(Receivable, identity(receivable)).maturities

        assert [(day.isoformat(), amount.text) for day, amount in found] == [
            ("2025-12-19", "95.00"),
            ("2026-12-19", "5.00"),
        ]

    def test_the_paper_shows_them(self, stage: Stage):
        body = confirmation(stage, retention=RETENTION, assignment_banned=True)
        path = f"/v1/receivables/{submit(stage)}/confirmation-draft"

        text = stage.post(stage.cast.anchor, path, body).json()["statements"][0]["text"]

        assert "其中质保金" in text
        assert "2026年12月19日" in text
        assert "民法典第五百四十五条" in text
        assert "其他内容" not in text

    def test_in_a_basket_each_line_has_its_own(self, stage: Stage):
        anchor, kept, plain = stage.cast.anchor, submit(stage), submit(stage)
        terms = {key: confirmation(stage)[key] for key in ("no_setoff", "consents", "signers")}
        items = [
            {"receivable": kept, "confirmed": money("100.00"), "retention": RETENTION},
            {"receivable": plain, "confirmed": money("100.00")},
        ]
        body = {"items": items, "pay_to": pay_to(stage.cast.bank), **terms}
        drafted = stage.post(anchor, "/v1/receivables/confirmation-drafts", body).json()
        signed = {"authorizations": anchor.sign_all(drafted["draft"])}

        assert stage.post(anchor, "/v1/receivables/confirmations", signed).is_success

        found = [stage.get(anchor, f"/v1/receivables/{one}").json() for one in (kept, plain)]
        assert [one["retention"] for one in found] == [RETENTION, None]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"retention": RETENTION | {"amount": money("100.01")}}, "retention_wrong"),
            ({"retention": RETENTION | {"due_on": "2025-12-18"}}, "retention_wrong"),
            ({"counterclaims": CLAIMS}, "counterclaims_wrong"),
            (
                {
                    "no_setoff": False,
                    "counterclaims": [{"reason": "扣款", "amount": money("100.01")}],
                },
                "counterclaims_wrong",
            ),
        ],
    )
    def test_wrong_ones_are_refused_and_change_nothing(
        self, stage: Stage, change: dict[str, Any], code: str
    ):
        path = f"/v1/receivables/{submit(stage)}/confirmation-draft"
        before = event_count(stage)

        answer = stage.post(stage.cast.anchor, path, confirmation(stage, **change))

        assert (answer.status_code, answer.json()["code"]) == (422, f"receivable.{code}")
        assert event_count(stage) == before


class TestWithdrawing:
    def test_frees_documents_and_line_number(self, stage: Stage):
        supplier = stage.cast.supplier
        body = line(stage, [register_invoice(stage, supplier)])
        first = stage.post(supplier, "/v1/receivables", body).json()["id"]

        answer = stage.post(supplier, f"/v1/receivables/{first}/withdraw", {"reason": "金额有误"})

        assert (answer.json()["state"], answer.json()["version"]) == ("WITHDRAWN", 2)
        assert answer.json()["waiting_for"] is None
        again = stage.post(supplier, "/v1/receivables", body)
        assert again.status_code == 201, again.text

    def test_a_withdrawn_line_is_not_confirmed(self, stage: Stage):
        receivable = submit(stage)
        path = f"/v1/receivables/{receivable}"
        draft = stage.post(
            stage.cast.anchor, f"{path}/confirmation-draft", confirmation(stage)
        ).json()
        stage.post(stage.cast.supplier, f"{path}/withdraw", {"reason": "金额有误"})

        late = stage.post(
            stage.cast.anchor,
            f"{path}/confirm",
            {"authorizations": stage.cast.anchor.sign_all(draft)},
        )

        assert (late.status_code, late.json()["code"]) == (409, "subject.version_moved")

    def test_only_its_creditor_and_only_before_an_answer(self, stage: Stage):
        receivable = submit(stage)
        path, body = f"/v1/receivables/{receivable}/withdraw", {"reason": "金额有误"}

        by_debtor = stage.post(stage.cast.anchor, path, body)
        assert confirm(stage, receivable).is_success
        too_late = stage.post(stage.cast.supplier, path, body)

        assert (by_debtor.status_code, by_debtor.json()["code"]) == (403, "receivable.not_allowed")
        assert (too_late.status_code, too_late.json()["code"]) == (409, "receivable.state_forbids")
        assert too_late.json()["fields"] == {"state": "CONFIRMED", "asked": "WITHDRAWN"}


class TestFindings:
    def test_the_debtor_sees_what_does_not_fit(self, stage: Stage):
        first = submit(stage, receipt_no="RK-ALIKE", delivered_on="2025-12-01")
        second = submit(stage, receipt_no="RK-ALIKE", contract_no="HT-9")

        found = stage.get(stage.cast.anchor, f"/v1/receivables/{first}/findings").json()

        by_code = {one["code"]: one["figures"] for one in found}
        assert by_code["line.alike"] == {"receivables": [second]}
        assert by_code["invoice.before_delivery"]["delivered_on"] == "2025-12-01"

    def test_a_due_date_beyond_the_law_is_one(self, stage: Stage):
        late = submit(stage, receipt_no="RK-LATE", due_on="2026-06-30")

        found = stage.get(stage.cast.supplier, f"/v1/receivables/{late}/findings").json()

        assert "rule.RPAY-02" in [one["code"] for one in found]

    def test_a_bank_is_not_shown_them(self, stage: Stage):
        receivable = submit(stage)
        assert confirm(stage, receivable).is_success

        answer = stage.get(stage.cast.bank, f"/v1/receivables/{receivable}/findings")

        assert (answer.status_code, answer.json()["code"]) == (403, "receivable.not_allowed")
