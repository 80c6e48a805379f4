"""The book: read strictly, versions by their dates, and the tests that rules carry."""

import re
import string
from datetime import date

import pytest

from scf.kernel.calendar import add_months, months_begun
from scf.rules.book import (
    FILES,
    Known,
    LprNotOnFile,
    Outcome,
    ParameterUnknown,
    RuleUnknown,
    Severity,
    read_rules,
    shipped,
)
from scf.rules.cases import run_cases
from scf.rules.judging import consider, judge, message
from scf.rules.predicates import PREDICATES
from scf.rules.verdicts import FactsInvalid

BOOK = shipped()
D = date(2026, 10, 1)


def voucher(issued_on: str, matures_on: str, **other: object) -> dict[str, object]:
    return {"issued_on": issued_on, "matures_on": matures_on, **other}


def outcome(book, rule: str, facts: dict[str, object], on: date) -> Outcome:
    version = book.rule(rule).in_force(on)
    return judge(book.rule(rule), version, facts).outcome


class TestShipped:
    def test_every_case_of_every_rule_comes_out(self):
        count, failed = run_cases(BOOK)

        assert [one.line() for one in failed] == []
        assert count >= 80

    def test_every_version_is_tested(self):
        for rule in BOOK.rules.values():
            tested = {case.version for case in rule.cases}
            assert tested == {version.version for version in rule.versions}, rule.id

    def test_every_predicate_is_used(self):
        assert {rule.predicate for rule in BOOK.rules.values()} == set(PREDICATES)

    def test_what_nobody_has_read_never_blocks(self):
        for rule in BOOK.rules.values():
            for version in rule.versions:
                if version.dormant is None and version.severity is Severity.BLOCK:
                    read = (Known.FULL_TEXT, Known.SECONDARY, Known.POLICY)
                    assert version.known in read, rule.id

    def test_messages_name_only_figures_and_parameters(self):
        """Every placeholder is filled by some case that finds something."""
        for rule in BOOK.rules.values():
            found = [judge(rule, rule.at(c.version), c.facts) for c in rule.cases]
            said = [message(rule.at(r.version), r.figures, "CNY")[0] for r in found if r.is_finding]
            assert said, rule.id
            assert not any(re.search(r"\{\w+\}", text) for text in said)
            fields = {f for _, f, _, _ in string.Formatter().parse(rule.at(1).message_en) if f}
            known = {n for r in found for n in r.figures} | set(rule.at(1).parameters)
            assert fields <= known, rule.id

    def test_the_six_months_cap_sleeps(self):
        """One weak source: in the book, judging nothing."""
        capped = BOOK.rule("R77-03").at(2)

        assert capped.known is Known.SINGLE_SOURCE
        assert capped.dormant is not None
        assert BOOK.rule("R77-03").in_force(date(2099, 1, 1)).version == 1

    def test_the_version_of_a_day(self):
        rule = BOOK.rule("RPAY-01")

        assert rule.in_force(date(2020, 8, 31)) is None
        assert rule.in_force(date(2025, 5, 31)).version == 1
        assert rule.in_force(date(2025, 6, 1)).version == 2
        assert "728" in rule.in_force(date(2025, 5, 31)).article

    def test_the_large_enterprises_sixty_days_began_with_the_decree_of_2025(self):
        facts = {"debtor_size": "large", "creditor_size": "small"}
        facts |= {"base_on": "2025-05-01", "due_on": "2025-12-31"}

        asked = consider("receivable.confirm", facts, on=date(2025, 5, 31))

        assert "RPAY-02" not in [result.rule for result in asked]

    def test_unknown_rules_and_versions_are_refused(self):
        with pytest.raises(RuleUnknown):
            BOOK.rule("R99")
        with pytest.raises(RuleUnknown):
            BOOK.rule("R77-03").at(3)


class TestGolden:
    def test_g5_a_voucher_of_seven_months_without_a_memo_is_not_financed(self):
        facts = voucher("2026-01-15", "2026-08-15")
        facts |= {"registered_on": "2026-01-20", "disbursed_on": "2026-01-20"}

        found = {r.rule: r for r in consider("voucher.finance", facts, on=date(2026, 1, 20))}

        assert found["R77-04"].outcome is Outcome.BLOCK
        assert found["R77-04"].figures == {"months": 7, "months_without_memo": 6}
        assert found["R77-07"].outcome is Outcome.PASS

    def test_g5_a_voucher_of_thirteen_months_is_not_issued(self):
        facts = voucher("2026-01-15", "2027-02-15")

        found = {r.rule: r for r in consider("voucher.issue", facts, on=date(2026, 1, 15))}

        assert found["R77-03"].outcome is Outcome.BLOCK
        assert found["R77-03"].figures == {"months": 13, "hard_months": 12}

    @pytest.mark.parametrize("how", [{"version": 2}, {"parameters": {"hard_months": 6}}])
    def test_g6_six_months_from_a_day(self, how: dict):
        book = BOOK.amended("R77-03", effective_from=D, **how)
        seven = voucher("2026-01-15", "2026-08-15")

        assert outcome(book, "R77-03", seven, date(2026, 9, 30)) is Outcome.WARN
        assert outcome(book, "R77-03", seven, D) is Outcome.BLOCK
        assert outcome(BOOK, "R77-03", seven, D) is Outcome.WARN


class TestAmending:
    def test_changes_nothing_else(self):
        book = BOOK.amended("R77-03", effective_from=D, parameters={"hard_months": 6})

        assert {i: r for i, r in book.rules.items() if i != "R77-03"} == {
            i: r for i, r in BOOK.rules.items() if i != "R77-03"
        }
        assert BOOK.rule("R77-03").in_force(D).parameters["hard_months"] == 12

    def test_an_earlier_day_replaces_what_came_after(self):
        book = BOOK.amended(
            "RPAY-01", effective_from=date(2021, 1, 1), parameters={"longest_days": 45}
        )

        at = [book.rule("RPAY-01").in_force(d) for d in (date(2020, 12, 31), date(2026, 1, 1))]
        assert [version.parameters["longest_days"] for version in at] == [60, 45]

    @pytest.mark.parametrize(
        "parameters", [{"hard": 6}, {"hard_months": "6"}, {"hard_months": True}]
    )
    def test_refuses_other_parameters_and_kinds(self, parameters: dict):
        with pytest.raises(ParameterUnknown):
            BOOK.amended("R77-03", effective_from=D, parameters=parameters)


GOOD = """
title_zh = "x"
title_en = "x"
[[rules]]
id = "X-1"
title_zh = "x"
title_en = "x"
scope = ["x.y"]
predicate = "within_limit"
evidence = ["exposure_minor", "asked_minor"]
article = "1"
source = "x"
known = "secondary"
severity = "BLOCK"
message_zh = "{over_minor}"
message_en = "{over_minor}"
cases = [
  { version = 1, facts = {}, outcome = "not_applicable" },
  { version = 1, facts = {}, outcome = "not_applicable" },
]
[[rules.versions]]
version = 1
effective_from = 2025-01-01
parameters = { limit_minor = 5 }
"""


class TestReading:
    def test_takes_a_good_file(self):
        assert read_rules(GOOD)[0].at(1).severity is Severity.BLOCK

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('known = "secondary"', 'known = "unverified"'),
            ('known = "secondary"', 'known = "single_source"'),
            ('severity = "BLOCK"', 'severity = "STOP"'),
            ("limit_minor = 5", "limit = 5"),
            ('evidence = ["exposure_minor", "asked_minor"]', 'evidence = ["asked_minor"]'),
            ("effective_from = 2025-01-01", ""),
            ("effective_from = 2025-01-01", 'effective_from = 2025-01-01\ndormant = "x"'),
            ("version = 1\neffective", "version = 2\neffective"),
            ('title_zh = "x"\ntitle_en = "x"\nscope', 'title_zh = "x"\nscope'),
            ('scope = ["x.y"]', "scope = []"),
            (
                "article =",
                'as_if = { "x.y" = { exposure_minor = "a", asked_minor = "b" } }\narticle =',
            ),
            ("article =", 'as_if = { "x.z" = { asked_minor = "b" } }\narticle ='),
        ],
    )
    def test_refuses_one_that_does_not_hold_together(self, old: str, new: str):
        assert old in GOOD
        with pytest.raises(ValueError):
            read_rules(GOOD.replace(old, new))

    def test_refuses_versions_that_overlap(self):
        second = "\n[[rules.versions]]\nversion = 2\neffective_from = 2026-01-01\n"
        second += "parameters = { limit_minor = 6 }\n"
        with pytest.raises(ValueError, match="two versions at once"):
            read_rules(GOOD + second)

    def test_every_file_ships(self):
        names = {file.name for file in FILES.iterdir() if file.name.endswith(".toml")}
        assert {"civil_code.toml", "payment_regulation.toml", "voucher_notice.toml"} <= names


class TestFacts:
    def test_a_fact_that_is_not_known_makes_a_rule_not_applicable(self):
        rule = BOOK.rule("R77-03")
        assert judge(rule, rule.at(1), {}).outcome is Outcome.NOT_APPLICABLE

    @pytest.mark.parametrize("months", ["2026-02-30", 20260101, "20260101"])
    def test_a_fact_of_another_kind_is_refused(self, months: object):
        rule = BOOK.rule("R77-03")
        with pytest.raises(FactsInvalid) as raised:
            judge(rule, rule.at(1), {"issued_on": months, "matures_on": "2026-08-15"})
        assert raised.value.field == "issued_on"

    @pytest.mark.parametrize(
        ("start", "end", "months"),
        [
            ("2026-01-15", "2026-07-15", 6),
            ("2026-01-15", "2026-07-16", 7),
            ("2026-08-31", "2027-02-28", 6),
            ("2026-08-31", "2027-03-01", 7),
            ("2024-02-29", "2025-02-28", 12),
            ("2026-01-15", "2026-01-15", 0),
        ],
    )
    def test_months_begun(self, start: str, end: str, months: int):
        first, last = date.fromisoformat(start), date.fromisoformat(end)
        assert months_begun(first, last) == months
        assert add_months(first, months) >= last


class TestLpr:
    @pytest.mark.parametrize(
        ("on", "rate"),
        [("2025-05-19", "0.0310"), ("2025-05-20", "0.0300"), ("2020-04-20", "0.0385")],
    )
    def test_is_that_of_the_day(self, on: str, rate: str):
        assert BOOK.lpr_on(date.fromisoformat(on)) == rate

    @pytest.mark.parametrize("on", ["2019-08-19", "2026-06-01"])
    def test_is_never_guessed(self, on: str):
        with pytest.raises(LprNotOnFile):
            BOOK.lpr_on(date.fromisoformat(on))
