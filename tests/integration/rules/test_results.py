"""What answers, offers and disbursements were held to: stored with its inputs, read by its parties alone."""

import hashlib
import json
import uuid
from datetime import date

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from scf.evidence.models import Event
from scf.rules import service
from scf.rules.book import shipped
from scf.rules.models import RuleEvaluation
from scf.rules.replay import reproduced
from scf_ledger.encoding import b64url
from tests.support.actors import Company, Stage
from tests.support.lending import Desk
from tests.support.receivables import confirm, confirmation, money, submit


def evaluations(stage: Stage, who: Company | None, **parameters: str) -> list[dict]:
    answer = stage.get(who, "/v1/rule-results", **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def outcomes(evaluation: dict) -> dict[str, str]:
    return {result["rule"]: result["outcome"] for result in evaluation["results"]}


def confirmed(stage: Stage, **other: object) -> str:
    found = submit(stage)
    answer = confirm(stage, found, **other)
    assert answer.status_code == 200, answer.text
    return found


class TestConfirmation:
    def test_is_stored_with_its_inputs_and_every_outcome(self, stage: Stage):
        found = confirmed(stage)

        (kept,) = evaluations(stage, stage.cast.supplier, subject=found)

        assert (kept["transition"], kept["on"]) == ("receivable.confirm", "2025-11-03")
        assert outcomes(kept) == {
            "RCC-545": "pass",
            "RCC-549": "pass",
            "RPAY-01": "not_applicable",
            "RPAY-02": "pass",
            "RPAY-03": "not_applicable",
            "RPAY-05": "not_applicable",
            "RPAY-06": "not_applicable",
            "RPAY-07": "not_applicable",
            "RPAY-13": "pass",
            "PLT-01": "not_applicable",
            "R77-01": "pass",
        }
        assert kept["worst"] == "pass"
        assert b64url(hashlib.sha256(kept["inputs"].encode()).digest()) == kept["inputs_sha256"]
        inputs = json.loads(kept["inputs"])
        assert (inputs["subject"], inputs["facts"]["confirmed_minor"]) == (found, 100_00)

    def test_a_long_term_and_a_reserved_set_off_are_told(self, stage: Stage):
        found = confirmed(stage, due_on="2026-06-30", no_setoff=False)

        (kept,) = evaluations(stage, stage.cast.anchor, subject=found)

        assert kept["worst"] == "warn"
        late = next(r for r in kept["results"] if r["rule"] == "RPAY-02")
        assert late["outcome"] == "warn"
        assert late["figures"]["latest_on"] == "2025-12-19"
        assert late["article"] == "第九条第二款"
        assert "60日" in late["message_zh"]
        assert outcomes(kept)["RCC-549"] == "warn"

    def test_is_read_by_its_parties_and_the_operator_alone(self, stage: Stage):
        cast = stage.cast
        found = confirmed(stage)

        readers = (cast.supplier, cast.anchor, cast.bank, None)
        assert [len(evaluations(stage, who, subject=found)) for who in readers] == [1, 1, 1, 1]
        for stranger in (cast.second_supplier, cast.second_bank):
            assert evaluations(stage, stranger, subject=found) == []

    def test_is_found_by_rule_and_outcome(self, stage: Stage):
        found = confirmed(stage, due_on="2026-06-30")

        def subjects(**parameters: str) -> list[str]:
            return [e["subject"] for e in evaluations(stage, stage.cast.anchor, **parameters)]

        assert found in subjects(rule="RPAY-02", outcome="warn")
        assert found not in subjects(rule="RPAY-02", outcome="pass")
        assert found in subjects(outcome="warn")
        assert subjects(rule="R99") == []

    def test_is_never_rewritten(self, stage: Stage):
        confirmed(stage)
        for statement in (
            "UPDATE rule_evaluations SET worst = 'pass'",
            "DELETE FROM rule_evaluations",
        ):
            with (
                pytest.raises(DBAPIError, match="append-only"),
                stage.database.transaction() as session,
            ):
                session.execute(text(statement))


class TestRefusal:
    @pytest.mark.parametrize(
        ("reason", "found"),
        [
            ("数量不符：少12件", {}),
            ("等待业主付款", {"PLT-01": "warn", "RPAY-03": "warn"}),
            ("金额不符（内部流程）", {"RPAY-07": "warn"}),
            ("其他：保证金须为现金", {"RPAY-06": "report"}),
            ("金额不符：以审计为准", {"RPAY-05": "warn"}),
        ],
    )
    def test_g16_a_reason_that_the_law_does_not_accept_is_told(
        self, desk: Desk, reason: str, found: dict
    ):
        stage, anchor = desk.stage, desk.stage.cast.anchor
        path = f"/v1/receivables/{(receivable := submit(stage))}"
        body = {"signers": anchor.signers("dispute"), "reason": reason, "amount": money("40.00")}

        shown = desk.signed(anchor, f"{path}/dispute-draft", body, f"{path}/dispute")

        (kept,) = evaluations(stage, stage.cast.supplier, subject=receivable)
        reasons = ("PLT-01", "RPAY-03", "RPAY-05", "RPAY-06", "RPAY-07")
        assert outcomes(kept) == {**dict.fromkeys(reasons, "pass"), **found, "RPAY-08": "warn"}
        undisputed = next(r for r in kept["results"] if r["rule"] == "RPAY-08")
        assert undisputed["figures"] == {"undisputed_minor": 60_00}
        assert shown["reason_compliant"] is found.keys().isdisjoint(
            {"PLT-01", "RPAY-03", "RPAY-07"}
        )


class TestFinancing:
    def test_an_offer_and_its_disbursement_are_held_to_registration(self, desk: Desk):
        cast = desk.stage.cast
        receivable = desk.receivable(8101)
        financing = desk.request(receivable)
        desk.approve(financing)
        pledge = desk.propose(financing)
        desk.contract(financing)
        desk.accept(pledge)
        desk.work()
        desk.mine()
        desk.work()
        body = {"receipt_no": "FK-R1", "amount": money("996000.00"), "disbursed_on": "2025-11-03"}
        desk.did(cast.bank, f"/v1/financings/{financing}/disbursement", body)

        approved, paid = evaluations(desk.stage, cast.supplier, subject=financing)

        assert outcomes(approved) == {
            "RCC-545": "pass",
            "RCC-549": "pass",
            "RCC-763": "pass",
            "RGI-61": "pass",
            "R77-11": "pass",
            "R77-12": "pass",
            "BFG-01": "not_applicable",
        }
        assert outcomes(paid) == {
            "BFG-02": "not_applicable",
            "BFG-03": "not_applicable",
            "RCC-414": "pass",
            "RGI-66": "pass",
            "RCC-445": "pass",
            "RCC-546": "pass",
            "RCC-768": "pass",
            "R77-07": "pass",
        }
        assert evaluations(desk.stage, cast.anchor, subject=financing) == []


class TestBlocked:
    def test_names_rule_article_and_numbers_and_outlives_the_refusal(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ):
        strict = shipped().amended(
            "R77-01",
            effective_from=date(2025, 6, 15),
            parameters={"platform_holds_funds": True},
        )
        receivable, anchor = submit(stage), stage.cast.anchor
        path = f"/v1/receivables/{receivable}"
        drafted = stage.post(anchor, f"{path}/confirmation-draft", confirmation(stage, "100.00"))
        body = {"authorizations": anchor.sign_all(drafted.json())}
        before = self.events(stage)
        monkeypatch.setattr(service, "shipped", lambda: strict)
        key = uuid.uuid4().hex

        answers = [stage.post(anchor, f"{path}/confirm", body, key=key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [409, 409]
        assert answers[0].json() == answers[1].json()
        problem = answers[0].json()
        assert problem["code"] == "rules.blocked"
        assert problem["fields"]["rule"] == "R77-01"
        assert problem["fields"]["article"] == "第四条"
        assert problem["fields"]["figures"] == {"bank_uscc": stage.cast.bank.uscc}
        assert self.events(stage) == before
        assert stage.get(anchor, path).json()["state"] == "SUBMITTED"
        (kept,) = evaluations(stage, stage.cast.supplier, subject=receivable)
        assert kept["worst"] == "block"

    def events(self, stage: Stage) -> int:
        with stage.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Event)) or 0


class TestStored:
    def test_every_stored_outcome_comes_out_the_same_again(self, stage: Stage):
        confirmed(stage)
        with stage.database.reading() as session:
            kept = session.scalars(
                select(RuleEvaluation).where(RuleEvaluation.worst != "block")
            ).all()
            assert kept
            assert all(reproduced(one, shipped()) == one.outcomes for one in kept)
