"""What a loan is held to when its offer is taken and when its money is paid out."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.financing.models import Financing
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.parties.queries import party
from scf.pledges import queries as pledge_queries
from scf.pledges.kinds import Security
from scf.pledges.models import Pledge
from scf.pledges.notice_models import DebtorNotice
from scf.programmes.queries import count_funders
from scf.receivables.models import Receivable
from scf.rules.judging import RuleResult
from scf.rules.service import Asked, evaluate, require

OFFER: Final = "financing.offer"
APPROVE: Final = "financing.approve"
DISBURSE: Final = "financing.disburse"
SETTLE: Final = "factoring.settle"
COST_BEARER: Final = "borrower"
"""Whom the contract has pay the interest, which is all that a loan costs."""


def check_approval(session: Session, financing: Financing, *, now: datetime) -> list[RuleResult]:
    """Hold a signed offer to what the debtor confirmed. Raises RuleBlocks."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    facts = {
        "confirmed_minor": receivable.confirmed_minor,
        "asked_minor": financing.amount_minor,
        "no_setoff": receivable.no_setoff,
        "counterclaims_minor": (receivable.confirmed - receivable.free_of_defence).minor,
        "assignment_banned": receivable.assignment_banned,
        "financing_cost_bearer": COST_BEARER,
        "funders": count_funders(session, receivable.programme_id),
        **_trade(receivable, financing, financing.taken, now=now),
    }
    return _evaluate(session, APPROVE, financing, facts, now=now)


def check_offer(
    session: Session, financing: Financing, security: Security, *, now: datetime
) -> list[RuleResult]:
    """Judge what a bank is about to offer to take, before anybody signs. Raises RuleBlocks."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    facts = {"currency": financing.currency, **_trade(receivable, financing, security, now=now)}
    asked = Asked(OFFER, public_id("fin", financing.id), facts)
    return require(asked, on=business_date(now))


def _trade(
    receivable: Receivable, financing: Financing, security: Security, *, now: datetime
) -> dict[str, Any]:
    """Return what is taken, and what is known of the trade: a delivery still to come makes a future claim."""
    declared = financing.trade or {}
    to_come = receivable.delivered_on is not None and receivable.delivered_on > business_date(now)
    return {
        "security_kind": security.kind.value,
        "future": True if to_come else declared.get("future"),
        "consignment": declared.get("consignment"),
        "title_clear": declared.get("title_clear"),
    }


def check_disbursement(
    session: Session, financing: Financing, *, on: date, now: datetime
) -> list[RuleResult]:
    """Hold a disbursement to its pledge's registration and searches. Raises RuleBlocks."""
    receivable = session.get_one(Receivable, financing.receivable_id)
    pledge = session.get_one(Pledge, financing.pledge_id)
    effective_at = pledge.legally_effective_at
    searches = pledge_queries.searches(session, pledge.id)
    facts = {
        "registered_on": business_date(effective_at) if effective_at else None,
        "disbursed_on": on,
        "search_clean": searches.after_clean,
        "consents": receivable.consents,
        "debtor_notified": _is_notified(session, pledge),
        "security_kind": pledge.kind.value,
        "disclosed": pledge.disclosed,
        "asked_minor": financing.amount_minor,
    }
    return _evaluate(session, DISBURSE, financing, facts, now=now)


def check_settlement(session: Session, financing: Financing, *, now: datetime) -> list[RuleResult]:
    """Keep whose the surplus of a settled assignment or factoring is (Civil Code 766, 767)."""
    taken = financing.taken
    surplus_to = "factor" if taken.surplus_is_holders else "creditor"
    facts = {"recourse": taken.recourse, "surplus_to": surplus_to}
    return _evaluate(session, SETTLE, financing, facts, now=now)


def _is_notified(session: Session, pledge: Pledge) -> bool:
    delivered = select(DebtorNotice.id).where(
        DebtorNotice.pledge_id == pledge.id, DebtorNotice.delivered_at.is_not(None)
    )
    return session.scalar(delivered.limit(1)) is not None


def _evaluate(
    session: Session, transition: str, financing: Financing, facts: dict[str, Any], *, now: datetime
) -> list[RuleResult]:
    receivable = session.get_one(Receivable, financing.receivable_id)
    between = {
        "debtor": party(session, receivable.debtor_id).uscc,
        "borrower": party(session, financing.borrower_id).uscc,
        "lender": party(session, financing.lender_id).uscc,
        "currency": financing.currency,
    }
    return evaluate(
        session,
        transition,
        public_id("fin", financing.id),
        {**between, **facts},
        on=business_date(now),
        now=now,
        parties=financing.parties,
    )
