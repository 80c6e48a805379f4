"""What the conditions before paying are answered from, read as it stands."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.approvals.conditions import CATALOGUE, Facts
from scf.approvals.models import Case
from scf.approvals.policy import Clearing
from scf.approvals.rules import Loan
from scf.capacity.models import Pool
from scf.documents.models import Document
from scf.documents.status_models import InvoiceCheck
from scf.kernel.clock import business_date
from scf.parties import queries as parties
from scf.pledges import queries as pledges
from scf.pledges.models import Pledge, PledgeSearch, SearchStep
from scf.pledges.notice_models import DebtorNotice
from scf.receivables.models import Receivable, ReceivableDocument


def evaluate(
    session: Session, case: Case, clearing: Clearing, loan: Loan, *, today: date
) -> list[dict[str, Any]]:
    """Return every condition of a policy with its answer and what was seen, as records hold them."""
    facts = gather(session, case, loan, today=today)
    found = []
    for condition in clearing.conditions:
        known = CATALOGUE[condition.code]
        answer = known.answer(facts, condition.days or 0)
        found.append(
            {
                "code": condition.code,
                "title": known.title,
                "holds": answer.holds,
                "seen": dict(answer.seen),
            }
        )
    return found


def gather(session: Session, case: Case, loan: Loan, *, today: date) -> Facts:
    """Read what is known of a loan's security."""
    receivable = session.get_one(Receivable, case.receivable_id)
    pledge = None if loan.pledge_id is None else session.get_one(Pledge, loan.pledge_id)
    entry = pledge.registration if pledge else None
    notice = None if pledge is None else _notice(session, pledge.id)
    pool = None if receivable.pool_id is None else session.get_one(Pool, receivable.pool_id)
    searched = None if pledge is None else _searched(session, pledge.id)
    registered_at = entry.registered_at if entry else None
    delivered_at = notice.delivered_at if notice else None
    left = max(receivable.confirmed_minor - receivable.paid_minor, 0)
    return Facts(
        today=today,
        loan=loan.amount,
        outstanding=receivable.money(left),
        shortfall=receivable.money(pool.shortfall_minor if pool else 0),
        reg_no=entry.reg_no if entry else None,
        registered_on=business_date(registered_at) if registered_at else None,
        registered_until=entry.expires_on if entry else None,
        due_on=loan.due_on,
        lock_final=pledge is not None and pledge.lock_final_at is not None,
        second_search_clean=pledges.searches(session, pledge.id).after_clean if pledge else None,
        searched_on=searched,
        notified_on=business_date(delivered_at) if delivered_at else None,
        checked=_checked(session, receivable.id),
        pay_to=receivable.pay_to or {},
        notified_pay_to=notice.pay_to if notice else None,
        bank=parties.party(session, case.bank_id).uscc,
        disclosed=pledge is None or pledge.disclosed,
    )


def _notice(session: Session, pledge_id: UUID) -> DebtorNotice | None:
    return session.scalar(
        select(DebtorNotice)
        .where(DebtorNotice.pledge_id == pledge_id, DebtorNotice.delivered_at.is_not(None))
        .order_by(DebtorNotice.id.desc())
        .limit(1)
    )


def _searched(session: Session, pledge_id: UUID) -> date | None:
    at = session.scalar(
        select(PledgeSearch.searched_at)
        .where(PledgeSearch.pledge_id == pledge_id, PledgeSearch.step == SearchStep.AFTER)
        .order_by(PledgeSearch.id.desc())
        .limit(1)
    )
    return at and business_date(at)


def _checked(session: Session, receivable_id: UUID) -> Mapping[str, tuple[date, bool] | None]:
    """Return by invoice when it was checked last, and whether money may move on it."""
    newest = (
        select(InvoiceCheck.document_id, InvoiceCheck.checked_at, InvoiceCheck.sound)
        .ext(distinct_on(InvoiceCheck.document_id))
        .order_by(InvoiceCheck.document_id, InvoiceCheck.id.desc())
        .subquery()
    )
    rows = session.execute(
        select(Document.number, newest.c.checked_at, newest.c.sound)
        .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
        .outerjoin(newest, newest.c.document_id == Document.id)
        .where(ReceivableDocument.receivable_id == receivable_id)
        .order_by(ReceivableDocument.position)
    )
    return {
        number: None if at is None else (business_date(at), sound) for number, at, sound in rows
    }
