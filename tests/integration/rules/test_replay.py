"""A portfolio under another version: what breaks, and for whom, to whoever may read it."""

import csv
import io
import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from scf import cli
from scf.kernel.errors import ValueInvalid
from scf.kernel.ids import new_id, public_id
from scf.rules import queries, service
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


class TestAsIf:
    def test_confirmed_claims_are_read_as_vouchers_to_be_issued(self, stage: Stage):
        """Nobody issues vouchers here yet: what a cap would do is seen on the claims behind them."""
        cast = stage.cast
        receivable = submit(stage, due_on="2026-05-04")
        assert confirm(stage, receivable, due_on="2026-05-04").is_success

        found = replayed(stage, cast.supplier, version=2)
        same = replayed(stage, cast.supplier, version=1)

        change = next(c for c in found["changes"] if c["subject"] == receivable)
        assert (change["transition"], change["as_if"]) == ("receivable.confirm", "voucher.issue")
        assert (change["before"], change["after"], change["breaks"]) == ("warn", "block", True)
        assert change["figures"] == {"months": 7, "hard_months": 6}
        assert change["amount"] == {"amount": "100.00", "currency": "CNY"}
        assert receivable not in [c["subject"] for c in same["changes"]]

    def test_one_core_enterprise_alone(self, stage: Stage):
        receivable = submit(stage, due_on="2026-05-04")
        assert confirm(stage, receivable, due_on="2026-05-04").is_success

        own = replayed(stage, None, version=2, enterprise=stage.cast.anchor.uscc)
        other = replayed(stage, None, version=2, enterprise=stage.cast.bank.uscc)

        assert receivable in [change["subject"] for change in own["changes"]]
        assert other["changes"] == []
        assert other["examined"] == own["examined"]


@pytest.fixture
def command(
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Run `scf rules replay` on the platform's machine; return what it prints."""
    monkeypatch.setenv("SCF_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", stage.settings.database_url)

    def run(*given: str) -> str:
        arguments = ["rules", "replay", *given]
        options = cli.build_parser(arguments).parse_args(arguments)
        assert options.run(options) == 0
        return capsys.readouterr().out

    return run


CAP = ("R77-03", "--version", "2", "--from", D.isoformat())


class TestCommand:
    def test_lists_what_breaks_for_whom_and_sums_up(
        self, stage: Stage, command: Callable[..., str]
    ):
        anchor = stage.cast.anchor
        subject = issue(stage, D, "2027-05-01", [anchor.party_id])

        said = command(*CAP)

        line = next(line for line in said.splitlines() if subject in line)
        assert "warn → block" in line
        assert f"issuer {anchor.uscc}" in line
        summary = next(line for line in said.splitlines() if line.startswith(anchor.uscc))
        assert f"{anchor.uscc} {anchor.name}：回放" in summary
        assert said.splitlines()[-1].endswith("笔将被拒绝 would be refused")

    @pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
    def test_hands_the_list_out(
        self, stage: Stage, command: Callable[..., str], tmp_path: Path, form: str
    ):
        subject = issue(stage, D, "2027-05-01", [stage.cast.anchor.party_id])
        file = tmp_path / f"breaks.{form}"

        said = command(*CAP, "--output", str(file))

        assert said.endswith(f"清单 list: {file}\n")
        whole = json.loads(command(*CAP, "--json"))
        (ours,) = (change for change in whole["changes"] if change["subject"] == subject)
        assert (ours["before"], ours["after"], ours["breaks"]) == ("warn", "block", True)
        if form == "json":
            assert json.loads(file.read_text("utf-8")) == whole
        if form == "csv":
            rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
            (row,) = (row for row in rows if row["对象 subject"] == subject)
            assert len(rows) == len(whole["changes"])
            assert row["核心企业 enterprise"] == stage.cast.anchor.uscc
            assert row["核心企业名称 enterprise_name"] == stage.cast.anchor.name
            assert (row["原结果 before"], row["新结果 after"]) == ("warn", "block")
            assert row["将被拒绝 breaks"] == "是 yes"

    def test_sums_add_up(self, stage: Stage, command: Callable[..., str]):
        issue(stage, D, "2027-05-01", [stage.cast.anchor.party_id])

        whole = json.loads(command(*CAP, "--json"))

        by = whole["by_enterprise"]
        assert sum(one["examined"] for one in by) == whole["examined"]
        assert sum(one["differ"] for one in by) == len(whole["changes"])
        assert sum(one["breaks"] for one in by) == sum(c["breaks"] for c in whole["changes"])

    def test_says_that_nothing_breaks(self, stage: Stage, command: Callable[..., str]):
        issue(stage, D, "2027-01-01", [stage.cast.anchor.party_id])

        said = command("R77-03", "--version", "1")

        assert "结果均不变，现有业务不受影响" in said.splitlines()[-1]

    def test_says_why_there_is_nothing_to_replay(self, command: Callable[..., str]):
        said = command("R77-13")

        assert said.startswith("没有可回放的评估，未发现受影响的业务")
        assert "limit.block：银行授信额度由银行自管" in said

    def test_tells_how_far_it_is(
        self,
        stage: Stage,
        command: Callable[..., str],
        monkeypatch: pytest.MonkeyPatch,
    ):
        for _ in range(3):
            issue(stage, D, "2027-05-01", [stage.cast.anchor.party_id])
        told: list[str] = []
        monkeypatch.setattr(queries, "BATCH", 2)
        monkeypatch.setattr(sys.stderr, "write", told.append)

        total = json.loads(command(*CAP, "--json"))["examined"]

        assert told[0] == f"\r已回放 replayed 2 / {total}"
        assert told[-1] == f"\r已回放 replayed {total} / {total}\n"

    def test_refuses_a_list_of_another_form(self, command: Callable[..., str], tmp_path: Path):
        with pytest.raises(ValueInvalid) as raised:
            command(*CAP, "--output", str(tmp_path / "breaks.pdf"))
        assert raised.value.field == "output"
        assert list(tmp_path.glob("breaks*")) == []


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
