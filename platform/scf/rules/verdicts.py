"""What a predicate is and says: a registered function, its inputs, a grade with its figures.

A fact that is not known is None. Where a predicate needs it (its annotation does not allow None) the rule
does not apply; a predicate that judges absence itself says so in its annotation.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from scf.kernel.errors import Invalid
from scf_ledger import canonical

Figure: TypeAlias = str | int | bool | None
"""Dates as ISO text, amounts in fen (names end in `_minor`), rates as decimal text."""


class FactsInvalid(Invalid):
    """A rule is given facts of the kinds that its predicate declares."""

    code = "rules.facts_invalid"
    title = "规则所需事实的类型不正确"
    title_en = "A fact is not of the kind that the rule needs"


class Grade(StrEnum):
    """What a predicate says. STRAINED: allowed, and to be told."""

    HOLDS = "holds"
    STRAINED = "strained"
    BROKEN = "broken"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade and the figures that it rests on."""

    grade: Grade
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A registered function with what it has to be given."""

    judge: Callable[..., Verdict]
    inputs: type[BaseModel]
    names: tuple[str, ...]
    """Facts and parameters together."""
    required: frozenset[str]

    @classmethod
    def of(cls, judge: Callable[..., Verdict]) -> Self:
        """Read from a function's signature what it has to be given."""
        kinds = {name: p.annotation for name, p in inspect.signature(judge).parameters.items()}
        fields: dict[str, Any] = {name: (kind, ...) for name, kind in kinds.items()}
        inputs = create_model(judge.__name__, __config__=ConfigDict(strict=True), **fields)
        required = frozenset(n for n, kind in kinds.items() if type(None) not in get_args(kind))
        return cls(judge, inputs, tuple(kinds), required)

    def __call__(self, facts: Mapping[str, Any], parameters: Mapping[str, Any]) -> Verdict:
        """Judge. Raises FactsInvalid."""
        given = {
            name: parameters[name] if name in parameters else facts.get(name) for name in self.names
        }
        for name in self.required:
            if given[name] is None:
                return NOT_APPLICABLE
        try:
            inputs = self.inputs.model_validate_json(canonical.encode(given))
        except ValidationError as error:
            raise FactsInvalid(
                field=".".join(map(str, error.errors()[0]["loc"])), rule=error.errors()[0]["msg"]
            ) from None
        try:
            return self.judge(**inputs.__dict__)
        except OverflowError as error:  # so many days that no calendar has the date
            raise FactsInvalid(rule=str(error)) from None


NOT_APPLICABLE: Final = Verdict(Grade.NOT_APPLICABLE)
HOLDS: Final = Verdict(Grade.HOLDS)


def broken(**figures: Figure) -> Verdict:
    """Say that a rule is broken, with its figures."""
    return Verdict(Grade.BROKEN, figures)


def strained(**figures: Figure) -> Verdict:
    """Say that a rule holds and is to be told of, with its figures."""
    return Verdict(Grade.STRAINED, figures)


def holds_if(condition: bool, **figures: Figure) -> Verdict:
    """Say whether a rule holds, with its figures where not."""
    return HOLDS if condition else broken(**figures)
