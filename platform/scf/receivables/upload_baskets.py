"""Confirming what was uploaded: the lines that wait for their debtor, a thousand to one signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from scf.http.auth import Actor
from scf.jobs.models import Job
from scf.jobs.queries import visible
from scf.kernel.money import Money
from scf.receivables import basket
from scf.receivables.basket import Drafting, Drafts, Wanted
from scf.receivables.models import Receivable, State
from scf.receivables.service import Account, Confirmation
from scf.receivables.upload_models import PayableLine
from scf_ledger.statement import LINES_MAX


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines of an upload, of one currency, that one signature confirms: `count` of them behind `after`."""

    after: UUID | None
    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Terms:
    """What a confirmation promises beside amounts; `pay_to` serves lines that name no account."""

    pay_to: Account | None
    no_setoff: bool
    consents: Sequence[str]


def baskets(session: Session, actor: Actor, job_id: UUID) -> list[Basket]:
    """Return what is left to confirm of an upload, in baskets. Raises SubjectNotFound."""
    job = visible(session, actor, job_id)
    rows = session.execute(
        _unanswered(job).with_only_columns(
            Receivable.id, PayableLine.amount_minor, PayableLine.currency
        )
    ).all()
    found, after = [], None
    for currency, own in groupby(rows, key=lambda row: row.currency):
        left = list(own)
        while lines := left[:LINES_MAX]:
            amount = Money(sum(line.amount_minor for line in lines), currency)
            found.append(Basket(after, len(lines), amount))
            after, left = lines[-1].id, left[LINES_MAX:]
    return found


def draft(
    session: Session, actor: Actor, job_id: UUID, terms: Terms, how: Drafting, *, after: UUID | None
) -> Drafts:
    """Write one 确权函 over the next lines of an upload, each confirmed whole, as uploaded.

    Raises SubjectNotFound and what `basket.draft` raises.
    """
    statement = _unanswered(visible(session, actor, job_id)).limit(LINES_MAX)
    if after is not None:
        currency = select(Receivable.currency).where(Receivable.id == after).scalar_subquery()
        place = tuple_(PayableLine.currency, Receivable.id)
        statement = statement.where(place > tuple_(currency, after))
    rows = session.execute(statement).all()
    wanted = [
        Wanted(
            receivable.id,
            None,
            Confirmation(
                line.amount,
                None,
                None,
                None,
                line.due_on,
                Account(**line.pay_to) if line.pay_to else terms.pay_to,
                terms.no_setoff,
                terms.consents,
            ),
        )
        for line, receivable in rows
        if line.currency == rows[0][0].currency
    ]
    return basket.draft(session, actor, wanted, how)


def _unanswered(job: Job) -> Select[PayableLine, Receivable]:
    return (
        select(PayableLine, Receivable)
        .join(Receivable, Receivable.id == PayableLine.receivable_id)
        .where(
            PayableLine.job_id == job.id,
            Receivable.state.in_([State.SUBMITTED, State.DISPUTED]),
        )
        .order_by(PayableLine.currency, Receivable.id)
    )
