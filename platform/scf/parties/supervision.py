"""What a regulator (监管部门, such as a 区金融办) sees: the enterprises of its district.

The district is the administrative division (GB/T 2260) in a unified social credit code, digits 3 to 8: the
place of registration. A regulator's own code says which one it supervises, and trailing zeros what lies
within: 500118 a district, 500000 all of Chongqing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from scf.http.auth import Actor
from scf.kernel.errors import NotAllowed
from scf.parties.models import Party, PartyKind
from scf.rules.book import Book
from scf.rules.models import RuleEvaluation
from scf.rules.queries import BATCH
from scf.rules.replay import NAMES, replay

NATION: Final = "100000"  # 全国


class Sight(Enum):
    """What there is to see of an enterprise."""

    REGISTER = "register"  # name, code, kind, size
    ON_TIME_RATE = "on_time_rate"  # the rate, its counts, how many are contested
    RULES = "rules"  # what a replay comes to, counted
    REQUESTS = "requests"  # the single requests: amounts and counterparties


FREELY: Final = frozenset({Sight.REGISTER, Sight.ON_TIME_RATE, Sight.RULES})
WITH_REASON: Final = frozenset({Sight.REQUESTS})
"""Recorded, and shown to the enterprise. What stands in neither is not for a regulator."""


class RegulatorOnly(NotAllowed):
    """Some figures are a regulator's, of its own district."""

    code = "auth.regulator_only"
    title = "仅监管部门可以查看"
    title_en = "Only a regulator may see this"


class ReasonNeeded(NotAllowed):
    """A regulator sees amounts and counterparties for a stated reason, which is recorded."""

    code = "supervision.reason_needed"
    title = "查看交易明细须说明理由，理由将被记录并告知该企业"
    title_en = "Details are shown for a stated reason, which is recorded and told to the enterprise"


def division(uscc: str) -> str:
    """Return the digits of a division that all codes within it begin with."""
    code = uscc[2:8]
    if code == NATION:
        return ""
    while code.endswith("00"):
        code = code[:-2]
    return code


def regulator(session: Session, actor: Actor) -> Party | None:
    """Return the regulator that calls, if one does."""
    if actor.party_id is None:
        return None
    found = session.get(Party, actor.party_id)
    return found if found is not None and found.kind is PartyKind.REGULATOR else None


def enterprises_of(supervisor: Party) -> ColumnElement[bool]:
    """Return the condition of enterprises in a regulator's district."""
    begins = f"__{division(supervisor.uscc)}"  # two symbols: authority and kind of organisation
    return (Party.kind == PartyKind.ENTERPRISE) & Party.uscc.like(f"{begins}%")


def sees(session: Session, actor: Actor, party_id: UUID, sight: Sight) -> bool:
    """Tell whether a regulator calls that sees this of the party.

    Raises ReasonNeeded where it first has to say why.
    """
    supervisor = regulator(session, actor)
    if supervisor is None or not supervises(session, supervisor, party_id):
        return False
    if sight in WITH_REASON:
        raise ReasonNeeded(sight=sight.value)
    return sight in FREELY


def district(session: Session, actor: Actor, *, after: UUID | None, size: int) -> Collection[Party]:
    """Return a page of the enterprises whose figures the caller sees: its district's, the operator all.

    Raises RegulatorOnly.
    """
    supervisor = regulator(session, actor)
    if supervisor is not None:
        condition = enterprises_of(supervisor)
    elif actor.operator:
        condition = Party.kind == PartyKind.ENTERPRISE
    else:
        raise RegulatorOnly
    statement = select(Party).where(condition).order_by(Party.id).limit(size)
    if after is not None:
        statement = statement.where(Party.id > after)
    return session.scalars(statement).all()


@dataclass(slots=True)
class Tally:
    """How many evaluations there are, come out otherwise, and would be refused now."""

    examined: int = 0
    changed: int = 0
    breaks: int = 0


def tallies(
    session: Session,
    enterprises: Collection[Party],
    rule_id: str,
    book: Book,
    *,
    first_on: date,
    last_on: date,
) -> Mapping[UUID, Tally]:
    """Count what a rule comes to under a book for each of these, over the evaluations about them.

    An evaluation is about the one that owes: counted for both sides, two would tell of each other.
    """
    by_uscc = {one.uscc: one.id for one in enterprises}
    found = {one.id: Tally() for one in enterprises}
    rows = session.scalars(
        select(RuleEvaluation)
        .where(
            RuleEvaluation.parties.overlap(list(found)),
            RuleEvaluation.transition.in_(book.rule(rule_id).scope),
            RuleEvaluation.on.between(first_on, last_on),
        )
        .order_by(RuleEvaluation.id)
        .execution_options(yield_per=BATCH)
    )
    for evaluation in rows:
        facts = evaluation.facts
        owes = by_uscc.get(next((facts[name] for name in NAMES if name in facts), ""))
        if owes is None:
            continue
        tally = found[owes]
        tally.examined += 1
        for change in replay([evaluation], rule_id, book):
            tally.changed += 1
            tally.breaks += change.breaks
    return found


def supervises(session: Session, supervisor: Party, party_id: UUID) -> bool:
    """Tell whether an enterprise lies in a regulator's district."""
    condition = enterprises_of(supervisor)
    return session.scalar(select(Party.id).where(Party.id == party_id, condition)) is not None
