"""History under another version: what earlier evaluations would have come to, and what breaks for whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scf.kernel.money import Money
from scf.rules.book import Book, Outcome, shipped
from scf.rules.judging import RuleResult, judge
from scf.rules.models import RuleEvaluation

NAMES: Final = ("debtor", "creditor", "issuer", "holder", "borrower", "lender")
"""Facts that say, by unified social credit code, whom an evaluation is about."""
ENTERPRISE: Final = ("issuer", "debtor")
"""Facts that name the core enterprise, the first that is there."""
AMOUNTS: Final = ("confirmed_minor", "asked_minor", "paid_minor", "total_minor", "claimed_minor")
"""Facts that say how much an evaluation is over, the first that is there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One evaluation in which a rule comes out otherwise; `before` None: it did not judge then.

    `as_if` names the transition that it was read as, where the rule does not judge its own.
    """

    evaluation: RuleEvaluation
    before: RuleResult | None
    after: RuleResult | None
    as_if: str | None = None

    @property
    def whom(self) -> Mapping[str, str]:
        """Whom it is about."""
        facts = self.evaluation.facts
        return {name: facts[name] for name in NAMES if isinstance(facts.get(name), str)}

    @property
    def amount(self) -> Money | None:
        """How much it is over, where its facts say so."""
        facts = self.evaluation.facts
        minor = next((facts[n] for n in AMOUNTS if isinstance(facts.get(n), int)), None)
        return None if minor is None else Money(minor, facts.get("currency") or "CNY")

    @property
    def breaks(self) -> bool:
        """Whether the transition would be refused now, and was not."""
        was_blocked = self.before is not None and self.before.outcome is Outcome.BLOCK
        is_blocked = self.after is not None and self.after.outcome is Outcome.BLOCK
        return is_blocked and not was_blocked


def enterprise(evaluation: RuleEvaluation) -> str | None:
    """Return the core enterprise that an evaluation is about, by its unified social credit code."""
    facts = evaluation.facts
    return next((facts[name] for name in ENTERPRISE if isinstance(facts.get(name), str)), None)


def again(evaluation: RuleEvaluation, rule_id: str, book: Book) -> RuleResult | None:
    """Judge stored facts by a rule as a book has it on their business date. Raises FactsInvalid."""
    rule = book.rule(rule_id)
    version = rule.in_force(evaluation.on)
    if version is None or evaluation.transition not in rule.replayed:
        return None
    facts = _dated(evaluation)
    taken = rule.as_if.get(evaluation.transition)
    if taken is not None:
        facts = {name: facts.get(source) for name, source in taken.items()}
    return judge(rule, version, facts)


def reproduced(evaluation: RuleEvaluation, book: Book) -> list[RuleResult]:
    """Judge stored facts by the very versions that judged them; the outcomes are the stored ones.

    Raises RuleUnknown, FactsInvalid.
    """
    facts = _dated(evaluation)
    rules = [(book.rule(kept.rule), kept.version) for kept in evaluation.outcomes]
    return [judge(rule, rule.at(version), facts) for rule, version in rules]


def changed(evaluation: RuleEvaluation, rule_id: str, book: Book) -> Change | None:
    """Return how a rule comes out otherwise under a book, None where it does not. Raises FactsInvalid."""
    rule = book.rule(rule_id)
    as_if = rule.scope[0] if evaluation.transition in rule.as_if else None
    if as_if is not None:
        before = again(evaluation, rule_id, shipped())
    else:
        before = next((kept for kept in evaluation.outcomes if kept.rule == rule_id), None)
    after = again(evaluation, rule_id, book)
    if (before and before.outcome) == (after and after.outcome):
        return None
    return Change(evaluation, before, after, as_if)


def replay(
    portfolio: Iterable[RuleEvaluation], rule_id: str, book: Book, *, of: str | None = None
) -> list[Change]:
    """Return the evaluations, all or those of one core enterprise, in which a rule comes out otherwise."""
    found = (
        changed(one, rule_id, book) for one in portfolio if of is None or enterprise(one) == of
    )
    return [change for change in found if change is not None]


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


def _dated(evaluation: RuleEvaluation) -> dict[str, Any]:
    return {**evaluation.facts, "on": evaluation.on.isoformat()}


def _value(kind: type | None, text: str) -> Any:
    """Read a parameter's text; what does not fit stays text and is refused where it is used."""
    if kind is int and text.isascii() and text.isdigit() and len(text) < len(str(2**53)):
        return int(text)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    return text.split(",") if kind is list else text
