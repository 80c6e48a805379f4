"""A portfolio under another version: what breaks, and for whom, to whoever may read it."""

from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from scf import cli
from scf.kernel.ids import new_id, public_id
from scf.rules import service
from scf.rules.book import Outcome, shipped
from tests.support.actors import Stage
from tests.support.receivables import confirm, submit

D = date(2026, 10, 1)
PATH = "/v1/rules/R77-03/replay"


def issue(stage: Stage, on: date, matures_on: str, parties: list[UUID], book=None) -> str:
    """Hold the issue of a voucher to the rules, as its feature would."""
    subject, issuer = public_id("vch", new_id()), stage.cast.anchor.uscc
    facts = {"issued_on": on, "matures_on": matures_on, "issuer": issuer, "debtor": issuer}
    now = datetime.fromisoformat(f"{on}T08:00:00Z")
    with stage.database.transaction() as session:
        service.evaluate(
            session, "voucher.issue", subject, facts, on=on, now=now, parties=parties, book=book
        )
    return subject


def replayed(stage: Stage, who, **parameters: object) -> dict:
    answer = stage.get(who, PATH, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestG6:
    def test_six_months_from_a_day(self, stage: Stage):
        """Before the day a WARN, from it on a BLOCK; replay lists what a version would have broken."""
        cast = stage.cast
        parties = [cast.anchor.party_id, cast.supplier.party_id]
        before = issue(stage, date(2026, 9, 15), "2027-04-15", parties)
        after = issue(stage, D, "2027-05-01", parties)
        issue(stage, D, "2027-04-01", parties)
        capped = shipped().amended("R77-03", version=2, effective_from=D)

        passed = issue(stage, date(2026, 9, 30), "2027-04-30", parties, capped)
        with pytest.raises(service.RuleBlocks) as raised:
            issue(stage, D, "2027-05-01", parties, capped)

        assert raised.value.fields["rule"] == "R77-03"
        assert raised.value.fields["version"] == 2
        assert raised.value.fields["figures"] == {"months": 7, "hard_months": 6}
        found = replayed(stage, None, version=2, effective_from=D.isoformat())
        assert [(c["subject"], c["before"], c["after"]) for c in found["changes"]] == [
            (after, "warn", "block")
        ]
        assert found["changes"][0]["breaks"]
        assert found["changes"][0]["whom"] == {
            "issuer": cast.anchor.uscc,
            "debtor": cast.anchor.uscc,
        }
        whole = replayed(stage, None, parameter="hard_months=6")
        assert {c["subject"] for c in whole["changes"]} == {before, after, passed}

    def test_a_party_replays_its_own(self, stage: Stage):
        cast = stage.cast
        own = issue(stage, D, "2027-05-01", [cast.second_supplier.party_id])

        found = replayed(stage, cast.second_supplier, parameter="hard_months=6")

        assert [change["subject"] for change in found["changes"]] == [own]
        assert found["examined"] == 1
        assert replayed(stage, cast.second_bank, parameter="hard_months=6")["examined"] == 0

    def test_pages_lead_through_the_whole_portfolio(self, stage: Stage):
        whole = replayed(stage, None, parameter="hard_months=6")
        found, cursor = [], {}
        while True:
            page = replayed(stage, None, parameter="hard_months=6", limit=1, **cursor)
            found += page["changes"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == whole["changes"]

    def test_the_version_in_force_changes_nothing(self, stage: Stage):
        assert replayed(stage, None, version=1)["changes"] == []

    def test_confirmations_are_replayed_too(self, stage: Stage):
        receivable = submit(stage)
        assert confirm(stage, receivable).is_success

        answer = stage.get(stage.cast.anchor, "/v1/rules/RPAY-02/replay", parameter="days=30")

        changes = {c["subject"]: c for c in answer.json()["changes"]}
        assert changes[receivable]["after"] == Outcome.WARN
        assert not changes[receivable]["breaks"]
        assert changes[receivable]["whom"] == {
            "debtor": stage.cast.anchor.uscc,
            "creditor": stage.cast.supplier.uscc,
        }

    @pytest.mark.parametrize("days", [4_000_000, 10**15 - 1])
    def test_days_beyond_any_calendar_are_refused(self, stage: Stage, days: int):
        assert confirm(stage, submit(stage)).is_success

        answer = stage.get(stage.cast.anchor, "/v1/rules/RPAY-02/replay", parameter=f"days={days}")

        assert (answer.status_code, answer.json()["code"]) == (422, "rules.facts_invalid")


class TestCommand:
    def test_lists_what_breaks_and_for_whom(
        self,
        stage: Stage,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        subject = issue(stage, D, "2027-05-01", [stage.cast.anchor.party_id])
        monkeypatch.setenv("SCF_DATA", str(tmp_path))
        monkeypatch.setenv("DATABASE_URL", stage.settings.database_url)
        arguments = ["rules", "replay", "R77-03", "--version", "2", "--from", D.isoformat()]
        options = cli.build_parser(arguments).parse_args(arguments)

        assert options.run(options) == 0

        said = capsys.readouterr().out
        line = next(line for line in said.splitlines() if subject in line)
        assert "warn → block" in line
        assert f"issuer {stage.cast.anchor.uscc}" in line
        assert "笔将被拒绝 would be refused" in said


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "parameters", "status", "code"),
        [
            ("/v1/rules/R99/replay", {}, 404, "rules.unknown"),
            ("/v1/rules/R99", {}, 404, "rules.unknown"),
            (PATH, {"version": 3}, 404, "rules.unknown"),
            (PATH, {"version": 0}, 422, "request.invalid"),
            (PATH, {"parameter": "hard_months"}, 422, "rules.parameter_unknown"),
            (PATH, {"parameter": "hard_months=six"}, 422, "rules.parameter_unknown"),
            (PATH, {"parameter": "soft=1"}, 422, "rules.parameter_unknown"),
            (PATH, {"effective_from": "2026-13-01"}, 422, "value.invalid"),
            (PATH, {"cursor": "rcv_x"}, 422, "id.invalid"),
            ("/v1/rule-results", {"outcome": "fine"}, 422, "request.invalid"),
            ("/v1/rule-results", {"subject": "a\x00b"}, 422, "request.invalid"),
        ],
    )
    def test_bad_input(self, stage: Stage, path: str, parameters: dict, status: int, code: str):
        answer = stage.get(None, path, **parameters)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


class TestBook:
    def test_is_shown_as_it_stands_on_a_day(self, stage: Stage):
        answer = stage.get(stage.cast.bank, "/v1/rules", on="2025-06-14").json()

        shown = {rule["id"]: rule for rule in answer["rules"]}
        assert shown["R77-03"]["in_force"] is None
        assert shown["RPAY-01"]["in_force"] == 2
        assert [v["dormant"] is None for v in shown["R77-03"]["versions"]] == [True, False]

    def test_is_narrowed_to_a_transition(self, stage: Stage):
        answer = stage.get(stage.cast.bank, "/v1/rules", transition="settlement.instruct").json()
        assert [rule["id"] for rule in answer["rules"]] == ["R77-01", "R77-08"]
