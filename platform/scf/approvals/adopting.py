"""How a bank decides, recorded as data by two people, version after version."""

import hashlib
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.approvals import journal, permissions
from scf.approvals.journal import Hand
from scf.approvals.models import Policy
from scf.approvals.policy import Content, PolicyMeaningless
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties import rules as party_rules
from scf.parties.models import Person
from scf.parties.service import insert

CONFIGURE: Final = "configure"


class PolicyTooEarly(Invalid):
    """A policy is in force from today or a later day on."""

    code = "approval.policy_too_early"
    title = "生效日期早于今日"
    title_en = "A policy does not begin in the past"


class PolicyMoved(Conflict):
    """Versions of a policy are numbered one after the other."""

    code = "approval.policy_moved"
    title = "审批制度已有新版本，请重试"
    title_en = "Another version was recorded at this moment; try again"


def adopt(
    session: Session,
    actor: Actor,
    content: Content,
    *,
    effective_on: date,
    maker: Hand,
    checker: Hand,
    now: datetime,
) -> Policy:
    """Record how a bank decides from a day on, by two hands.

    Raises BankOnly, PolicyTooEarly, PolicyMeaningless for people of others, SamePerson, what mandates raise.
    """
    bank = parties.active_party(session, actor.party)
    permissions.require_bank(bank)
    if effective_on < business_date(now):
        raise PolicyTooEarly(field="effective_on", effective_on=effective_on)
    if maker.person == checker.person:
        raise party_rules.SamePerson(field="checker", act=CONFIGURE)
    _require_own(session, bank.id, content.people)
    for hand, step in ((maker, "make"), (checker, "check")):
        journal.believe(session, bank.id, hand, CONFIGURE, step=step, now=now)
    number = session.scalar(select(func.max(Policy.number)).where(Policy.bank_id == bank.id))
    values: dict[str, Any] = {
        "id": new_id(),
        "bank_id": bank.id,
        "number": (number or 0) + 1,
        "effective_on": effective_on,
        "content": content.model_dump(mode="json", exclude_none=True),
        "maker_id": maker.person,
        "maker_mandate_id": maker.mandate,
        "checker_id": checker.person,
        "checker_mandate_id": checker.mandate,
        "recorded_at": now,
    }
    policy = Policy(**values, sha256=hashlib.sha256(journal.policy_content(**values)).digest())
    insert(session, policy, else_=PolicyMoved())
    return policy


def in_force(session: Session, bank_id: UUID, on: date) -> Policy | None:
    """Return the newest of a bank's versions that is in force on a day."""
    return session.scalar(
        select(Policy)
        .where(Policy.bank_id == bank_id, Policy.effective_on <= on)
        .order_by(Policy.number.desc())
        .limit(1)
    )


def _require_own(session: Session, bank_id: UUID, people: set[UUID]) -> None:
    own = session.scalars(
        select(Person.id).where(
            Person.id.in_(people), Person.party_id == bank_id, Person.revoked_at.is_(None)
        )
    )
    others = people - set(own)
    if others:
        named = sorted(public_id("psn", person) for person in others)
        raise PolicyMeaningless(field="people", not_of_this_bank=named)
