"""What facts about a receivable are held to: bad news is recorded, never refused, and told where a rule says so."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.queries import parties_of
from scf.receivables.checks import between
from scf.receivables.models import Receivable
from scf.rules.judging import RuleResult
from scf.rules.service import Asked, evaluate_many

PAY: Final = "receivable.pay"
CHANGE: Final = "receivable.change"


def check_payment(
    session: Session, receivable: Receivable, paid: Money, *, on: date, now: datetime
) -> list[RuleResult]:
    """Hold a payment, before it is booked, to the day on which the part that it goes to fell due."""
    parts = receivable.maturities
    first_on, first = parts[0]
    due_on = first_on if receivable.paid_minor < first.minor else parts[-1][0]
    facts = {"due_on": due_on, "paid_on": on, "paid_minor": paid.minor}
    return _evaluate(session, PAY, receivable, facts, now=now)


def check_change(
    session: Session,
    receivable: Receivable,
    *,
    what: str,
    holders: Collection[UUID],
    agreed: Collection[UUID],
    now: datetime,
) -> list[RuleResult]:
    """Hold a change of what the debtor owes, or of where it pays, to the consent of who encumbers it."""
    facts = {
        "change": what,
        "encumbered": bool(holders),
        "encumbrancer_agreed": set(holders) <= set(agreed),
    }
    return _evaluate(session, CHANGE, receivable, facts, now=now)


def _evaluate(
    session: Session,
    transition: str,
    receivable: Receivable,
    facts: Mapping[str, Any],
    *,
    now: datetime,
) -> list[RuleResult]:
    known = {**between(receivable, parties_of(session, [receivable])), **facts}
    asked = Asked(transition, public_id("rcv", receivable.id), known, receivable.parties)
    return evaluate_many(session, [asked], on=business_date(now), now=now)[0]
