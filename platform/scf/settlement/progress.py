"""How far a month's balances are: every counterparty with something to reconcile, and what stands with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence.models import Event
from scf.kernel.calendar import add_months
from scf.kernel.clock import start_of
from scf.parties.models import Party
from scf.parties.queries import parties_by_id
from scf.receivables.models import Receivable
from scf.settlement.models import Reconciliation


@dataclass(frozen=True, slots=True)
class Progress:
    """A counterparty in one currency; `found` is the newest balance that was drawn with it."""

    creditor_id: UUID
    debtor_id: UUID
    counterparty: Party
    currency: str
    found: Reconciliation | None


def of_month(session: Session, party_id: UUID, month: date) -> list[Progress]:
    """Return a party's counterparties of a month (its first day), by name.

    Those with a claim confirmed before the month ended that is unpaid, or has moved since the month began.
    """
    following = add_months(month, 1)
    pairs = session.execute(
        select(Receivable.creditor_id, Receivable.debtor_id, Receivable.currency)
        .join(Event, Event.body_hash == Receivable.confirmed_event_hash)
        .where(
            or_(Receivable.creditor_id == party_id, Receivable.debtor_id == party_id),
            Event.occurred_at < start_of(following),
            or_(
                Receivable.paid_minor != Receivable.confirmed_minor,
                Receivable.changed_at >= start_of(month),
            ),
        )
        .distinct()
    ).all()
    others = {creditor if debtor == party_id else debtor for creditor, debtor, _ in pairs}
    names = parties_by_id(session, others)
    drawn = {
        (one.creditor_id, one.debtor_id, one.currency): one
        for one in _drawn(session, party_id, month)
    }
    found = [
        Progress(
            creditor_id=creditor,
            debtor_id=debtor,
            counterparty=names[creditor if debtor == party_id else debtor],
            currency=currency,
            found=drawn.get((creditor, debtor, currency)),
        )
        for creditor, debtor, currency in pairs
    ]
    return sorted(found, key=lambda one: (one.counterparty.name, one.currency, one.creditor_id))


def _drawn(session: Session, party_id: UUID, month: date) -> Sequence[Reconciliation]:
    """Return a party's balances of a month, the newest of each pair last."""
    own = or_(Reconciliation.creditor_id == party_id, Reconciliation.debtor_id == party_id)
    statement = select(Reconciliation).where(own, Reconciliation.first_on == month)
    return session.scalars(statement.order_by(Reconciliation.number)).all()
