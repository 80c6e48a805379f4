"""A bank's policy as data: which steps a case goes through, who takes them, by when, and what is checked.

A step that is left out does not hold a financing up. One shape serves the API and what is stored.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from scf.approvals.conditions import CATALOGUE
from scf.http.schemas import In, Line, PersonId, PositiveMoney
from scf.kernel.errors import Invalid
from scf.kernel.money import Money

ITEMS_MAX: Final = 50
MEMBERS_MAX: Final = 21
WorkingDays = Annotated[int, Field(ge=1, le=250)]
People = Annotated[list[PersonId], Field(max_length=MEMBERS_MAX)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class PolicyMeaningless(Invalid):
    """A policy's parts fit together: an ascending ladder, a quorum of its members, conditions that are known."""

    code = "approval.policy_meaningless"
    title = "审批制度配置自相矛盾"
    title_en = "The policy's parts do not fit together"


class Item(In):
    """Something that a named person answers for, by its code."""

    code: Code = Field(examples=["site_visit"])
    title: Line = Field(examples=["实地走访借款人经营场所"])


class Majority(StrEnum):
    """Of the members who attend, counting who abstains."""

    MORE_THAN_HALF = "more_than_half"
    TWO_THIRDS = "two_thirds"
    ALL = "all"


class Committee(In):
    """贷审会: who sits, how many must attend, how many carry it, and whether the chair's no ends it."""

    members: list[PersonId] = Field(min_length=3, max_length=MEMBERS_MAX)
    chair: PersonId
    quorum: int = Field(ge=2, le=MEMBERS_MAX)
    majority: Majority = Majority.TWO_THIRDS
    veto: bool = Field(True, description="主任委员一票否决 The chair alone can say no, never yes")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        unique = set(self.members)
        if len(unique) != len(self.members) or self.chair not in unique:
            raise PolicyMeaningless(field="committee", rule="chair among distinct members")
        if self.quorum > len(unique):
            raise PolicyMeaningless(field="quorum", quorum=self.quorum, members=len(unique))
        return self


class Rung(In):
    """Up to which amount one authorised person (有权人) decides within their mandate, or a committee."""

    up_to: PositiveMoney
    people: People = Field(default=[])
    committee: Committee | None = None


class Step(In):
    """By when a step is taken, by whom (nobody named: whoever has the mandate), and what they answer for."""

    within: WorkingDays = Field(examples=[3])
    people: People = Field(default=[])
    items: list[Item] = Field(default=[], max_length=ITEMS_MAX)


class Decision(In):
    """审批: by ascending amounts; a decision lapses after `valid_days` calendar days."""

    within: WorkingDays = Field(examples=[5])
    ladder: list[Rung] = Field(min_length=1, max_length=10)
    valid_days: int = Field(90, ge=1, le=366)

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        amounts: list[Money] = [rung.up_to for rung in self.ladder]
        if len({amount.currency for amount in amounts}) > 1:
            raise PolicyMeaningless(field="ladder", rule="one currency")
        if any(high <= low for low, high in pairwise(amounts)):
            raise PolicyMeaningless(field="ladder", rule="ascending amounts")
        return self


class Condition(In):
    """What a machine evaluates before money moves; `days` and the like where the catalogue takes them."""

    code: Code = Field(examples=["invoices_fresh"])
    days: int | None = Field(None, ge=0, le=366, examples=[7])

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = CATALOGUE.get(self.code)
        if known is None:
            raise PolicyMeaningless(field="code", condition=self.code, known=sorted(CATALOGUE))
        if (self.days is not None) != known.takes_days:
            raise PolicyMeaningless(field="days", condition=self.code, takes_days=known.takes_days)
        return self


class Clearing(Step):
    """放款审核: what the machine answers, and what a person ticks."""

    conditions: list[Condition] = Field(default=[], max_length=len(CATALOGUE))


class Payment(In):
    """受托支付 at and above `entrusted_from`, else as planned; by when its use is shown."""

    entrusted_from: PositiveMoney
    evidence_within: WorkingDays = Field(examples=[30])


class Aftercare(Step):
    """首次检查 `within`, 贷后检查 and 五级分类 every so many working days."""

    check_every: WorkingDays = Field(examples=[60])
    classify_every: WorkingDays = Field(examples=[60])


class Extension(In):
    """展期: how often, by how many days in all, and who decides within their mandate."""

    people: People = Field(default=[])
    times_max: int = Field(1, ge=1, le=5)
    days_max: int = Field(ge=1, le=366)


class Content(In):
    """A whole policy. Empty, it holds nothing up."""

    investigation: Step | None = None
    review: Step | None = None
    decision: Decision | None = None
    clearing: Clearing | None = None
    payment: Payment | None = None
    aftercare: Aftercare | None = None
    extension: Extension | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for part in (self.investigation, self.review, self.clearing, self.aftercare):
            codes = [item.code for item in part.items] if part else []
            if len(set(codes)) != len(codes):
                raise PolicyMeaningless(field="items", rule="distinct codes")
        if self.payment is not None and self.clearing is None:
            raise PolicyMeaningless(field="payment", rule="cleared by somebody")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether there is no step at all."""
        return not any(getattr(self, name) for name in type(self).model_fields)

    @property
    def people(self) -> set[UUID]:
        """Everybody named."""
        rungs = self.decision.ladder if self.decision else []
        steps = (self.investigation, self.review, self.clearing, self.aftercare)
        named = [step.people for step in steps if step]
        named += [rung.people for rung in rungs]
        named += [self.extension.people] if self.extension else []
        named += [rung.committee.members for rung in rungs if rung.committee]
        return {one for people in named for one in people}
