"""Reading evaluations, oldest first."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from scf.http.auth import Actor
from scf.rules.book import Outcome
from scf.rules.models import RuleEvaluation
from scf.rules.permissions import visible_to

BATCH: Final = 500


def page(
    session: Session,
    actor: Actor,
    *,
    subject: str | None = None,
    rule: str | None = None,
    outcome: Outcome | None = None,
    after: UUID | None,
    size: int,
) -> Sequence[RuleEvaluation]:
    """Return evaluations that the caller may read; `rule` and `outcome` together are of one result."""
    conditions: list[ColumnElement[bool]] = []
    if subject is not None:
        conditions.append(RuleEvaluation.subject == subject)
    if rule is not None:
        wanted = {"rule": rule} | ({"outcome": outcome.value} if outcome else {})
        conditions.append(RuleEvaluation.results.contains([wanted]))
    elif outcome is not None:
        conditions.append(RuleEvaluation.results.contains([{"outcome": outcome.value}]))
    return _read(session, actor, conditions, after=after, size=size)


def portfolio(
    session: Session,
    actor: Actor,
    transitions: Collection[str],
    *,
    after: UUID | None,
    size: int,
) -> Sequence[RuleEvaluation]:
    """Return evaluations of transitions that the caller may read."""
    condition = RuleEvaluation.transition.in_(transitions)
    return _read(session, actor, [condition], after=after, size=size)


def count(session: Session, actor: Actor, transitions: Collection[str]) -> int:
    """Return how many evaluations of transitions the caller may read."""
    condition = RuleEvaluation.transition.in_(transitions)
    counted = select(func.count()).select_from(RuleEvaluation)
    return session.scalar(counted.where(visible_to(actor), condition)) or 0


def whole_portfolio(
    session: Session, actor: Actor, transitions: Collection[str]
) -> Iterator[RuleEvaluation]:
    """Give every evaluation of transitions that the caller may read, without keeping them all."""
    after = None
    while found := portfolio(session, actor, transitions, after=after, size=BATCH):
        yield from found
        after = found[-1].id
        session.expunge_all()


def _read(
    session: Session,
    actor: Actor,
    conditions: Sequence[ColumnElement[bool]],
    *,
    after: UUID | None,
    size: int,
) -> Sequence[RuleEvaluation]:
    statement = select(RuleEvaluation).where(visible_to(actor), *conditions)
    if after is not None:
        statement = statement.where(RuleEvaluation.id > after)
    return session.scalars(statement.order_by(RuleEvaluation.id).limit(size)).all()
