"""Which provisions of the law the book holds, and which it leaves out, with the reason.

A provision is a row of a source as the business counts them. A rule may wait: the transition that it judges
is made by no feature yet.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from scf.rules.book import FILES, PROVISIONS, shipped


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provision(_Read):
    """A provision with the rules that hold it, or with why none does."""

    id: str
    source: str
    title_zh: str
    rules: tuple[str, ...] = ()
    left_out: str | None = None

    @property
    def waits(self) -> bool:
        """Whether every transition that its rules judge is still to come."""
        made = {t for name in self.rules for t in shipped().rule(name).scope} - set(waiting())
        return bool(self.rules) and not made

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        assert bool(self.rules) != bool(self.left_out), f"{self.id}: rules or a reason"
        return self


class _File(_Read):
    waiting: dict[str, str]
    provisions: tuple[Provision, ...]


@cache
def _read() -> _File:
    return _File.model_validate(tomllib.loads((FILES / PROVISIONS).read_text("utf-8")))


def provisions() -> tuple[Provision, ...]:
    """Return every provision, in the order of its source."""
    return _read().provisions


def waiting() -> Mapping[str, str]:
    """Return the transitions that rules know and no feature makes yet, with what they wait for."""
    return _read().waiting
