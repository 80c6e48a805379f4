"""History under another version: what earlier evaluations would have come to, and what breaks for whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scf.rules.book import Book, Outcome
from scf.rules.judging import RuleResult, judge
from scf.rules.models import RuleEvaluation

NAMES: Final = ("debtor", "creditor", "issuer", "holder", "borrower", "lender")
"""Facts that say, by unified social credit code, whom an evaluation is about."""


@dataclass(frozen=True, slots=True)
class Change:
    """One evaluation in which a rule comes out otherwise; `before` None: it did not judge then."""

    evaluation: RuleEvaluation
    before: RuleResult | None
    after: RuleResult | None

    @property
    def whom(self) -> Mapping[str, str]:
        """Whom it is about."""
        facts = self.evaluation.facts
        return {name: facts[name] for name in NAMES if isinstance(facts.get(name), str)}

    @property
    def breaks(self) -> bool:
        """Whether the transition would be refused now, and was not."""
        was_blocked = self.before is not None and self.before.outcome is Outcome.BLOCK
        is_blocked = self.after is not None and self.after.outcome is Outcome.BLOCK
        return is_blocked and not was_blocked


def again(evaluation: RuleEvaluation, rule_id: str, book: Book) -> RuleResult | None:
    """Judge stored facts by a rule as a book has it on their business date. Raises FactsInvalid."""
    rule = book.rule(rule_id)
    version = rule.in_force(evaluation.on)
    if version is None or evaluation.transition not in rule.scope:
        return None
    return judge(rule, version, {**evaluation.facts, "on": evaluation.on.isoformat()})


def reproduced(evaluation: RuleEvaluation, book: Book) -> list[RuleResult]:
    """Judge stored facts by the very versions that judged them; the outcomes are the stored ones.

    Raises RuleUnknown, FactsInvalid.
    """
    facts: dict[str, Any] = {**evaluation.facts, "on": evaluation.on.isoformat()}
    rules = [(book.rule(kept.rule), kept.version) for kept in evaluation.outcomes]
    return [judge(rule, rule.at(version), facts) for rule, version in rules]


def replay(portfolio: Iterable[RuleEvaluation], rule_id: str, book: Book) -> list[Change]:
    """Return the evaluations in which a rule comes out otherwise under a book, in their order."""
    changes = []
    for evaluation in portfolio:
        kept = {result.rule: result for result in evaluation.outcomes}
        before, after = kept.get(rule_id), again(evaluation, rule_id, book)
        if (before and before.outcome) != (after and after.outcome):
            changes.append(Change(evaluation, before, after))
    return changes


def amended(
    book: Book,
    rule_id: str,
    *,
    effective_from: date,
    version: int | None,
    parameters: Mapping[str, str],
) -> Book:
    """Return the book of a what-if whose parameters are written as text (`hard_months` -> `6`).

    Raises RuleUnknown, ParameterUnknown.
    """
    rule = book.rule(rule_id)
    kinds = {name: type(value) for one in rule.versions for name, value in one.parameters.items()}
    read = {name: _value(kinds.get(name), text) for name, text in parameters.items()}
    return book.amended(rule_id, effective_from=effective_from, version=version, parameters=read)


def _value(kind: type | None, text: str) -> Any:
    """Read a parameter's text; what does not fit stays text and is refused where it is used."""
    if kind is int and text.isascii() and text.isdigit() and len(text) < len(str(2**53)):
        return int(text)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    return text.split(",") if kind is list else text
