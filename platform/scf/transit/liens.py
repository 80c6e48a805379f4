"""The keeper's lien (留置权): what its storage bills that are due come to, while the goods lie at its place.

It is a debt that has fallen due (Civil Code 447), for storing these goods (448, 903); it ends with possession (457).
What the payer has not accepted counts as far as tariff and book bear it out. `warehouse_receipts.fee_owed_minor` is
this and nothing else, so that what may leave and what ranks before a pledge follow one figure.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.evidence import service as evidence
from scf.kernel.clock import business_date
from scf.kernel.money import Money
from scf.receipts import amending
from scf.receipts.models import ENDS, WarehouseReceipt
from scf.transit.bill_models import BillKind, FreightBill

_OWED: Final = """
SELECT coalesce(sum(greatest(
    i.accepted_minor, least(i.amount_minor - i.conceded_minor, i.expected_minor)
  ) - i.paid_minor), 0)::bigint
FROM freight_bill_items i JOIN freight_bills b ON b.id = i.bill_id
WHERE i.receipt_id = r.id AND b.kind = 'storage' AND b.payee_id = r.keeper_id
  AND b.state IN ('ISSUED', 'ANSWERED') AND b.due_on < :today
  AND EXISTS (SELECT FROM receipt_lots g JOIN lots l ON l.id = g.lot_id
    WHERE g.receipt_id = r.id AND l.keeper_id = r.keeper_id AND g.quantity_minor > 0)
"""
_OF_ONE: Final = text(f"SELECT ({_OWED}) FROM warehouse_receipts r WHERE r.id = :receipt")  # noqa: S608
_DUE: Final = text(f"""
SELECT r.id FROM warehouse_receipts r
WHERE r.id IN (
    SELECT i.receipt_id FROM freight_bill_items i JOIN freight_bills b ON b.id = i.bill_id
    WHERE b.kind = 'storage' AND b.state IN ('ISSUED', 'ANSWERED') AND b.due_on < :today)
  AND r.state <> ALL (:ended) AND r.fee_owed_minor <> ({_OWED})
ORDER BY r.id LIMIT 500
""")  # noqa: S608 - one's own text, no value in it


def refresh(
    session: Session, bills: Iterable[FreightBill], *, actor: UUID | None, now: datetime
) -> None:
    """State anew what is owed for storing the goods that bills are about; their receipts are locked."""
    storage = [bill for bill in bills if bill.kind is BillKind.STORAGE]
    for receipt_id in sorted({item.receipt_id for bill in storage for item in bill.items}):
        restate(session, session.get_one(WarehouseReceipt, receipt_id), actor=actor, now=now)


def restate(
    session: Session, receipt: WarehouseReceipt, *, actor: UUID | None, now: datetime
) -> None:
    """State anew what is owed for storing a locked receipt's goods; of one that has ended it stays as it was."""
    if receipt.state in ENDS:
        return
    session.flush()
    today = business_date(now)
    minor = session.scalar(_OF_ONE, {"receipt": receipt.id, "today": today})
    amending.restate_fee(session, receipt, Money(minor or 0), as_of=today, actor=actor, now=now)


def turn(context: EffectContext) -> int:
    """State what fell due since; return of how many receipts. For a clock; each in a transaction of its own."""
    now = context.clock.now()
    which = {"today": business_date(now), "ended": [state.value for state in sorted(ENDS)]}
    with context.database.reading() as session:
        ids = session.scalars(_DUE, which).all()
    for identity in ids:
        with context.database.transaction() as session:
            receipt = evidence.lock(session, WarehouseReceipt, identity)
            restate(session, receipt, actor=None, now=now)
    return len(ids)
