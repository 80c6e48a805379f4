"""What payments brought beyond the value that was left, and whose encumbrances they had paid.

Where the payment is split, a surplus stays with whoever got it: that of one payment is its own. All the others
share theirs, and it goes in as soon as there is value for it.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity.models import EntryKind, PoolEntry
from scf.capacity.rules import Holding
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.money import Money
from scf.receivables.models import PaymentReversal, Receivable, ReceivablePayment
from scf_ledger.event import parse_disclosure


def remainder(session: Session, payment: ReceivablePayment) -> Money:
    """Return what of a payment was not taken back."""
    gone = session.scalar(
        select(func.coalesce(func.sum(PaymentReversal.amount_minor), 0)).where(
            PaymentReversal.payment_id == payment.id
        )
    )
    return Money(payment.amount_minor - int(gone or 0), payment.currency)


def shared(session: Session, receivable: Receivable) -> int:
    """Return what came into the named account beyond the value and is no split payment's own, in fen."""
    own = 0
    for payment in session.scalars(_split(receivable)):
        own += _own(payment, remainder(session, payment))
    return receivable.paid_minor - receivable.paid_taken_minor - own


def before(session: Session, receivable: Receivable, payment: ReceivablePayment) -> int:
    """Return the surplus that goes back before any value does when a payment is taken back, in fen."""
    if not payment.to_named_account:
        return receivable.astray_minor - receivable.astray_taken_minor
    if payment.taken_minor is None:
        return shared(session, receivable)
    return _own(payment, remainder(session, payment))


def paid(session: Session, receivable: Receivable, payment: ReceivablePayment) -> list[Holding]:
    """Return what a payment had paid of each encumbrance and was not put back, in order of reservation.

    Of one that shares its surplus: what all of those had paid together.
    """
    assert receivable.pool_id is not None, "only what was confirmed is paid"
    if not payment.to_named_account:
        return []
    origins = _origins(session, receivable)
    if not origins:
        return pools.paid(session, receivable.pool_id)
    wanted = None if payment.taken_minor is None else payment.id
    sums: Counter[tuple[UUID, str, UUID]] = Counter()
    for kind, holder_id, holder, party_id, minor, disclosures in session.execute(
        _entries(receivable.pool_id)
    ):
        moved = kind is not EntryKind.RESERVE and origins.get((kind, _cause(disclosures))) == wanted
        sums[holder_id, holder, party_id] -= minor if moved else 0
    return [Holding(*who, minor) for who, minor in sums.items() if minor > 0]


def _own(payment: ReceivablePayment, left: Money) -> int:
    """Return how much of a split payment is still a surplus: that part of it goes back first."""
    return max(left.minor - (payment.taken_minor or 0), 0)


def _split(receivable: Receivable) -> Select[ReceivablePayment]:
    return select(ReceivablePayment).where(
        ReceivablePayment.receivable_id == receivable.id, ReceivablePayment.taken_minor.is_not(None)
    )


def _origins(session: Session, receivable: Receivable) -> dict[tuple[EntryKind, str], UUID]:
    """Return by kind and cause of a pool's entries which split payment moved them."""
    of_split = _split(receivable).subquery()
    paid_by = select(of_split.c.id, Event.body_hash).join(Event, Event.id == of_split.c.event_id)
    taken_back_by = (
        select(of_split.c.id, Event.body_hash)
        .join(PaymentReversal, PaymentReversal.payment_id == of_split.c.id)
        .join(Event, Event.id == PaymentReversal.event_id)
    )
    return {
        (kind, evidence.hash_text(cause)): identity
        for kind, told in ((EntryKind.PAY, paid_by), (EntryKind.REVERSE, taken_back_by))
        for identity, cause in session.execute(told)
    }


def _entries(pool_id: UUID) -> Select[*tuple[Any, ...]]:
    """Return what reserved, paid and put back encumbrances, in order."""
    kinds = (EntryKind.RESERVE, EntryKind.PAY, EntryKind.REVERSE)
    who = (PoolEntry.holder_id, PoolEntry.holder, PoolEntry.party_id)
    return (
        select(PoolEntry.kind, *who, PoolEntry.used_delta_minor, Event.disclosures)
        .join(
            Event, and_(Event.subject_id == PoolEntry.pool_id, Event.version == PoolEntry.version)
        )
        .where(
            PoolEntry.pool_id == pool_id,
            PoolEntry.kind.in_(kinds),
            PoolEntry.holder_id.is_not(None),
        )
        .order_by(PoolEntry.version)
    )


def _cause(disclosures: str) -> str:
    shown = map(parse_disclosure, disclosures.split("~"))
    return next(str(one.value) for one in shown if one.name == "cause")
