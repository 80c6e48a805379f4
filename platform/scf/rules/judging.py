"""Judging facts by rules: pure, deterministic, and shown in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scf.kernel.money import Money
from scf.rules.book import Book, Outcome, Rule, Severity, Version, shipped
from scf.rules.verdicts import Figure, Grade

_BROKEN: Final = {
    Severity.BLOCK: Outcome.BLOCK,
    Severity.WARN: Outcome.WARN,
    Severity.REPORT: Outcome.REPORT,
}
_OTHERWISE: Final = {
    Grade.HOLDS: Outcome.PASS,
    Grade.STRAINED: Outcome.WARN,
    Grade.NOT_APPLICABLE: Outcome.NOT_APPLICABLE,
}
_ORDER: Final = (
    Outcome.BLOCK,
    Outcome.WARN,
    Outcome.REPORT,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one version of one rule came to, and the figures it rests on."""

    rule: str
    version: int
    outcome: Outcome
    figures: Mapping[str, Figure]

    @property
    def is_finding(self) -> bool:
        """Whether somebody is to be told."""
        return self.outcome in (Outcome.BLOCK, Outcome.WARN, Outcome.REPORT)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "rule": self.rule,
            "version": self.version,
            "outcome": self.outcome.value,
            "figures": dict(self.figures),
        }


def judge(rule: Rule, version: Version, facts: Mapping[str, Any]) -> RuleResult:
    """Judge facts by one version of a rule. Raises FactsInvalid."""
    verdict = rule.judge(facts, version.parameters)
    broken = verdict.grade is Grade.BROKEN
    outcome = _BROKEN[version.severity] if broken else _OTHERWISE[verdict.grade]
    return RuleResult(rule.id, version.version, outcome, verdict.figures)


def consider(
    transition: str, facts: Mapping[str, Any], *, on: date, book: Book | None = None
) -> list[RuleResult]:
    """Judge facts by every rule of a transition that is in force on a day; store nothing.

    Facts are JSON values: dates as ISO text, amounts in fen. The day itself is the fact `on`.
    Raises FactsInvalid.
    """
    known = {**facts, "on": on.isoformat()}
    found = (book or shipped()).on(transition, on)
    return [judge(rule, version, known) for rule, version in found]


def worst(results: list[RuleResult]) -> Outcome:
    """Return the gravest outcome; not_applicable where there is none at all."""
    outcomes = {result.outcome for result in results}
    return next((o for o in _ORDER if o in outcomes), Outcome.NOT_APPLICABLE)


def message(version: Version, figures: Mapping[str, Figure], currency: str) -> tuple[str, str]:
    """Return what a version says of its figures, in Chinese and in English."""
    values = {
        name: _shown(name, value, currency)
        for name, value in {**version.parameters, **figures}.items()
    }
    return version.message_zh.format_map(values), version.message_en.format_map(values)


def _shown(name: str, value: Any, currency: str) -> Any:
    if name.endswith("_minor") and isinstance(value, int):
        return Money(value, currency)
    return "—" if value is None else value
