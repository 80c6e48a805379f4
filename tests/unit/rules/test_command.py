"""`scf rules`: what a clerk asks at the terminal, without a server."""

import json

import pytest

from scf import cli
from scf.kernel.errors import SCFError


def scf(*arguments: str) -> int:
    options = cli.build_parser(["rules"]).parse_args(["rules", *arguments])
    code: int = options.run(options)
    return code


class TestRules:
    def test_lists_the_book(self, capsys: pytest.CaptureFixture[str]):
        assert scf("list", "--on", "2026-01-01") == 0

        lines = capsys.readouterr().out.splitlines()
        assert any(line.startswith("R77-03    v1 BLOCK") for line in lines)
        assert any(line.startswith("RCC-766   v1 WARN") for line in lines)

    def test_lists_it_for_programs(self, capsys: pytest.CaptureFixture[str]):
        assert scf("list", "--json") == 0
        assert "R77-03" in [rule["id"] for rule in json.loads(capsys.readouterr().out)]

    def test_runs_the_rules_own_tests(self, capsys: pytest.CaptureFixture[str]):
        assert scf("test") == 0
        assert "，0 个失败 failed" in capsys.readouterr().out

    def test_reckons_a_due_date(self, capsys: pytest.CaptureFixture[str]):
        asked = "--delivered-on 2026-03-01 --debtor-size public_body --creditor-size small"
        asked += " --agreed-days 90 --amount 500000.00 --until 2026-05-20"

        assert scf("due", *asked.split()) == 0

        said = capsys.readouterr().out
        assert "2026-04-30  依据 basis  RPAY-01 第九条第一款" in said
        assert "逾期 20 日 利息 late interest 5,000.00" in said
        assert "RPAY-01  机关、事业单位付款期限最长60日" in said

    @pytest.mark.parametrize(
        ("arguments", "code", "field"),
        [
            ("due --delivered-on 2026-02-30", "value.invalid", "delivered_on"),
            ("due --delivered-on 2026-03-01 --agreed-days x", "value.invalid", "agreed_days"),
            ("due --delivered-on 2026-03-01 --amount 1e5", "money.invalid", "amount"),
            ("list --on 2026", "value.invalid", "on"),
            ("replay R99", "rules.unknown", None),
            ("replay R77-03 --set hard_months", "rules.parameter_unknown", "set"),
            ("replay R77-03 --set hard=6", "rules.parameter_unknown", "hard"),
        ],
    )
    def test_refuses_in_words(self, arguments: str, code: str, field: str | None):
        with pytest.raises(SCFError) as raised:
            scf(*arguments.split())
        assert (raised.value.code, raised.value.field) == (code, field)
