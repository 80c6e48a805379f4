"""The book of rules: read from the files that ship with the package, checked as it is read, never changed.

A rule names one predicate; what it says may differ by version: article, source, severity, parameters,
words, dates. A version is in force from its first day on, and no longer from the day it ends. Dormant
versions are in the book to be read and replayed; they judge nothing.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from importlib import resources
from itertools import pairwise
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scf.kernel.errors import Invalid, NotFound
from scf.rules import billing, watching  # noqa: F401 - their predicates enter the table
from scf.rules.collateral_predicates import PREDICATES
from scf.rules.verdicts import Figure, Predicate

FILES: Final = resources.files("scf.rules") / "data"
LPR: Final = "lpr.toml"
PROVISIONS: Final = "provisions.toml"


class RuleUnknown(NotFound):
    """A rule, and a version of it, is named as the book names it."""

    code = "rules.unknown"
    title = "没有这条规则或该版本"
    title_en = "There is no such rule or version"


class ParameterUnknown(Invalid):
    """A what-if changes parameters that the rule has, to values of their kind."""

    code = "rules.parameter_unknown"
    title = "规则没有这个参数，或参数类型不符"
    title_en = "The rule has no such parameter, or not of that kind"


class LprNotOnFile(Invalid):
    """The LPR is compared for days whose publication is on file; others are not guessed."""

    code = "rules.lpr_not_on_file"
    title = "合同日期的一年期LPR未收录"
    title_en = "The one-year LPR of that day is not on file"


class Severity(StrEnum):
    """What follows where a rule is broken."""

    BLOCK = "BLOCK"
    WARN = "WARN"
    REPORT = "REPORT"


class Known(StrEnum):
    """How well the source of a rule is known."""

    FULL_TEXT = "full_text"  # the article was read
    SECONDARY = "secondary"  # a guide or the press quotes it
    UNVERIFIED = "unverified"  # remembered, not read again
    SINGLE_SOURCE = "single_source"  # one weak source
    POLICY = "policy"  # the platform's own choice of numbers


class Outcome(StrEnum):
    """What became of one rule in one evaluation."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    BLOCK = "block"
    REPORT = "report"
    NOT_APPLICABLE = "not_applicable"


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Read):
    """What a rule says from one day on. `dormant` says why it judges nothing."""

    version: int = Field(ge=1)
    article: str
    source: str
    known: Known
    severity: Severity
    message_zh: str
    message_en: str
    parameters: dict[str, Any] = {}
    effective_from: date | None = None
    effective_to: date | None = None
    dormant: str | None = None

    def in_force(self, on: date) -> bool:
        """Say whether it judges on a day."""
        if self.dormant is not None or self.effective_from is None or on < self.effective_from:
            return False
        return self.effective_to is None or on < self.effective_to

    @model_validator(mode="after")
    def _fits(self) -> Self:
        assert (self.dormant is None) == (self.effective_from is not None), "dormant xor a date"
        if self.dormant is None:
            assert self.known is not Known.SINGLE_SOURCE, "one weak source only sleeps"
            weak = self.known is Known.UNVERIFIED and self.severity is Severity.BLOCK
            assert not weak, "what nobody has read blocks nothing"
        return self


class Case(_Read):
    """A rule's own test: facts in, outcome out."""

    version: int
    facts: dict[str, Any]
    outcome: Outcome
    figures: dict[str, Figure] = {}


class Rule(_Read):
    """A rule with its versions and tests. `evidence` names the facts it needs.

    `as_if` says which other transitions a replay may read as one of its scope, and from which of their facts
    it then takes its evidence.
    """

    id: str
    title_zh: str
    title_en: str
    scope: tuple[str, ...] = Field(min_length=1)
    predicate: str
    evidence: tuple[str, ...]
    as_if: Mapping[str, Mapping[str, str]] = {}
    versions: tuple[Version, ...] = Field(min_length=1)
    cases: tuple[Case, ...] = Field(min_length=2)

    @property
    def judge(self) -> Predicate:
        """The predicate that it names."""
        return PREDICATES[self.predicate]

    @property
    def replayed(self) -> tuple[str, ...]:
        """The transitions that a replay of it looks at."""
        return *self.scope, *self.as_if

    def at(self, number: int) -> Version:
        """Return a version. Raises RuleUnknown."""
        for version in self.versions:
            if version.version == number:
                return version
        raise RuleUnknown(rule=self.id, version=number)

    def in_force(self, on: date) -> Version | None:
        """Return the version that judges on a day, if any."""
        return next((version for version in self.versions if version.in_force(on)), None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        numbers = [version.version for version in self.versions]
        assert numbers == list(range(1, len(numbers) + 1)), "versions count from one"
        names = self.judge.names
        for transition, taken in self.as_if.items():
            assert transition not in self.scope, f"{self.id} judges {transition} itself"
            assert set(taken) == set(self.evidence), f"{self.id} as if: {sorted(taken)}"
        for version in self.versions:
            both = [*self.evidence, *version.parameters]
            assert sorted(both) == sorted(names), f"{self.id} gives {both}, is asked for {names}"
        awake = [v for v in self.versions if v.effective_from is not None]
        for earlier, later in pairwise(awake):
            assert earlier.effective_to is not None, f"{self.id}: two versions at once"
            assert later.effective_from is not None
            assert earlier.effective_to <= later.effective_from, f"{self.id}: versions overlap"
        return self


class _File(_Read):
    title_zh: str
    title_en: str
    rules: tuple[Rule, ...]


class _Rate(_Read):
    on: date
    one_year: str


class _Series(_Read):
    title_zh: str
    title_en: str
    source: str
    known: Known
    known_through: date
    published: tuple[_Rate, ...]


@dataclass(frozen=True)
class Book:
    """Every rule by id, and the published LPR."""

    rules: Mapping[str, Rule]
    lpr: _Series

    @cached_property
    def _by_transition(self) -> Mapping[str, Sequence[Rule]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            for transition in rule.scope:
                found.setdefault(transition, []).append(rule)
        return found

    def rule(self, identity: str) -> Rule:
        """Return a rule. Raises RuleUnknown."""
        if identity not in self.rules:
            raise RuleUnknown(rule=identity[:40])
        return self.rules[identity]

    def on(self, transition: str, on: date) -> Iterator[tuple[Rule, Version]]:
        """Give the rules of a transition with the versions in force on a day."""
        for rule in self._by_transition.get(transition, ()):
            version = rule.in_force(on)
            if version is not None:
                yield rule, version

    def parameters(self, identity: str, on: date) -> Mapping[str, Any] | None:
        """Return a rule's parameters on a day, None where it is not in force. Raises RuleUnknown."""
        version = self.rule(identity).in_force(on)
        return None if version is None else version.parameters

    def numbers(self, identity: str, on: date) -> Mapping[str, Any]:
        """Return a rule's parameters on a day, those of its first version before it was in force."""
        found = self.parameters(identity, on)
        return self.rule(identity).versions[0].parameters if found is None else found

    def newest(self, identity: str) -> Version:
        """Return the newest version of a rule that is not dormant. Raises RuleUnknown."""
        rule = self.rule(identity)
        awake = [version for version in rule.versions if version.dormant is None]
        return (awake or list(rule.versions))[-1]

    def lpr_on(self, on: date) -> str:
        """Return the one-year LPR on a day as decimal text. Raises LprNotOnFile."""
        known = [rate for rate in self.lpr.published if rate.on <= on]
        if not known or on > self.lpr.known_through:
            raise LprNotOnFile(
                field="contract_on",
                contract_on=on,
                first=self.lpr.published[0].on,
                last=self.lpr.known_through,
            )
        return known[-1].one_year

    def amended(
        self,
        identity: str,
        *,
        effective_from: date,
        version: int | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> "Book":
        """Return a book in which a version, or the one of that day with other parameters, is in force.

        From `effective_from` on it alone judges; before, the book stays as it is. Raises RuleUnknown,
        ParameterUnknown.
        """
        rule = self.rule(identity)
        base = rule.at(version) if version is not None else _base(rule, effective_from)
        changed = base.model_copy(
            update={
                "parameters": {**base.parameters, **_checked(base, parameters or {})},
                "effective_from": effective_from,
                "effective_to": None,
                "dormant": None,
            }
        )
        before = (_until(other, effective_from) for other in rule.versions)
        kept = (changed, *(other for other in before if other is not None))
        return Book({**self.rules, identity: rule.model_copy(update={"versions": kept})}, self.lpr)


def _base(rule: Rule, on: date) -> Version:
    """Return the version that parameters are changed in: of that day, else the first to come."""
    awake = [version for version in rule.versions if version.dormant is None]
    return rule.in_force(on) or (awake or rule.versions)[0]


def _until(version: Version, end: date) -> Version | None:
    """Return a version as it stands up to a day; None where nothing of it is before."""
    if version.effective_from is None or version.effective_from >= end:
        return None
    ends = end if version.effective_to is None else min(version.effective_to, end)
    return version.model_copy(update={"effective_to": ends})


def _checked(version: Version, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in parameters.items():
        if name not in version.parameters or type(value) is not type(version.parameters[name]):
            raise ParameterUnknown(field=name[:40], known=sorted(version.parameters))
    return parameters


@cache
def shipped() -> Book:
    """Return the book that ships with the package, read once."""
    files = sorted((f for f in FILES.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    rules: dict[str, Rule] = {}
    for file in files:
        if file.name not in (LPR, PROVISIONS):
            for rule in read_rules(file.read_text("utf-8")):
                assert rule.id not in rules, f"{rule.id} stands in two files"
                rules[rule.id] = rule
    lpr = _Series.model_validate(tomllib.loads((FILES / LPR).read_text("utf-8")))
    return Book(rules, lpr)


def read_rules(text: str) -> tuple[Rule, ...]:
    """Read one file of rules; a version takes from its rule what it does not say itself."""
    raw = tomllib.loads(text)
    shared = ("article", "source", "known", "severity", "message_zh", "message_en")
    for rule in raw["rules"]:
        said = {name: rule.pop(name) for name in shared if name in rule}
        rule["versions"] = [{**said, **version} for version in rule["versions"]]
    return _File.model_validate(raw).rules
