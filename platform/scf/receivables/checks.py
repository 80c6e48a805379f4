"""What a debtor's answers are held to: the facts of a transition, handed to the rules in force that day.

A submission is held to nothing of its own: what the rules ask of a line is known, and judged, when its
debtor answers, and a creditor asks the calculator of terms before.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.receivables.models import Receivable
from scf.rules.book import shipped
from scf.rules.judging import RuleResult, judge
from scf.rules.service import Asked, evaluate_many, require

CONFIRM: Final = "receivable.confirm"
DUE_DATES: Final = ("RPAY-01", "RPAY-02")
REFUSALS: Final = {"dispute": "receivable.dispute", "reject": "receivable.reject"}


def check_confirmations(
    session: Session,
    confirmed: Sequence[tuple[Receivable, Mapping[str, Any]]],
    *,
    now: datetime,
) -> list[list[RuleResult]]:
    """Hold confirmations to the rules: receivables with what their debtor signed. One statement for all.

    Raises RuleBlocks.
    """
    parties = parties_of(session, [receivable for receivable, _ in confirmed])
    asked = [_confirmation(receivable, content, parties) for receivable, content in confirmed]
    return evaluate_many(session, asked, on=business_date(now), now=now)


def require_confirmable(
    receivable: Receivable,
    content: Mapping[str, Any],
    parties: Mapping[UUID, Party],
    *,
    now: datetime,
) -> None:
    """Judge one confirmation, with nothing stored. Raises RuleBlocks."""
    require(_confirmation(receivable, content, parties), on=business_date(now))


def _confirmation(
    receivable: Receivable, content: Mapping[str, Any], parties: Mapping[UUID, Party]
) -> Asked:
    return Asked(
        CONFIRM,
        public_id("rcv", receivable.id),
        {
            **between(receivable, parties),
            "confirmed_minor": Money.from_json(content["confirmed"]).minor,
            "base_on": receivable.delivered_on,
            "due_on": content["due_on"],
            "bank_uscc": content["pay_to"]["bank_uscc"],
            "no_setoff": content["no_setoff"],
            "counterclaims_minor": sum(
                Money.from_json(one["amount"]).minor for one in content.get("counterclaims", ())
            ),
            "assignment_banned": content.get("assignment_banned", False),
            "reason": content["reason"],
        },
        receivable.parties,
    )


def due_date(
    receivable: Receivable, parties: Mapping[UUID, Party], *, on: date
) -> list[RuleResult]:
    """Return what the rules of due dates find in the one that is claimed, with nothing stored."""
    facts = {
        **between(receivable, parties),
        "base_on": receivable.delivered_on and receivable.delivered_on.isoformat(),
        "due_on": receivable.due_on.isoformat(),
    }
    book = shipped()
    versions = [(book.rule(name), book.rule(name).in_force(on)) for name in DUE_DATES]
    results = [judge(rule, version, facts) for rule, version in versions if version is not None]
    return [result for result in results if result.is_finding]


def check_refusals(
    session: Session,
    act: str,
    refused: Sequence[tuple[Receivable, Mapping[str, Any]]],
    *,
    now: datetime,
) -> list[list[RuleResult]]:
    """Hold disputes or rejections to the rules: their reasons are recorded, and judged. One statement for all.

    Raises RuleBlocks.
    """
    parties = parties_of(session, [receivable for receivable, _ in refused])
    asked = [_refusal(act, receivable, content, parties) for receivable, content in refused]
    return evaluate_many(session, asked, on=business_date(now), now=now)


def require_refusable(
    receivable: Receivable,
    act: str,
    content: Mapping[str, Any],
    parties: Mapping[UUID, Party],
    *,
    now: datetime,
) -> None:
    """Judge one dispute or rejection, with nothing stored. Raises RuleBlocks."""
    require(_refusal(act, receivable, content, parties), on=business_date(now))


def _refusal(
    act: str, receivable: Receivable, content: Mapping[str, Any], parties: Mapping[UUID, Party]
) -> Asked:
    facts = {
        **between(receivable, parties),
        "refused_minor": Money.from_json(content["amount"]).minor,
        "reason": content["reason"],
    }
    return Asked(REFUSALS[act], public_id("rcv", receivable.id), facts, receivable.parties)


def between(receivable: Receivable, parties: Mapping[UUID, Party]) -> dict[str, Any]:
    """Return between whom a receivable is, with their sizes, and what is claimed."""
    creditor, debtor = parties[receivable.creditor_id], parties[receivable.debtor_id]
    return {
        "creditor": creditor.uscc,
        "creditor_size": creditor.size_class and creditor.size_class.value,
        "debtor": debtor.uscc,
        "debtor_size": debtor.size_class and debtor.size_class.value,
        "currency": receivable.currency,
        "claimed_minor": receivable.claimed_minor,
    }
