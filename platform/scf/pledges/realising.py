"""Receipts that end before the debt they secure (Civil Code 442): their pledgee is told while there is time.

From the receipt's end on the pledgee may take the goods, and agrees with the pledgor to prepay the debt out of them
or to deposit what they bring. Which of them is its own decision; the task stands until the receipt was prolonged
beyond the debt, or the pledge is over.
"""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.pledges import service
from scf.pledges.models import Pledge, State
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf.tasks.models import State as TaskState

AHEAD: Final = timedelta(days=30)
"""So long before a receipt's end its pledgee is told."""
BATCH: Final = 500
_MOVED: Final = text("""
WITH ending AS (
  SELECT pool_id, stored_until FROM warehouse_receipts
  WHERE stored_until <= :soon AND state NOT IN ('DIVIDED', 'DELIVERED', 'CANCELLED')
), held AS (
  SELECT e.holder_id, n.stored_until
  FROM ending n JOIN pool_entries e USING (pool_id)
  WHERE e.holder_id IS NOT NULL
  GROUP BY e.holder_id, e.pool_id, n.stored_until HAVING sum(e.used_delta_minor) > 0
), early AS (
  SELECT p.id, min(h.stored_until) AS ends_on
  FROM held h JOIN pledges p ON p.id = h.holder_id
  WHERE p.state = 'EFFECTIVE' AND h.stored_until < p.principal_due_on
  GROUP BY p.id
)
SELECT p.id, early.ends_on
FROM pledges p LEFT JOIN early USING (id)
WHERE (early.id IS NOT NULL OR p.realise_told_on IS NOT NULL)
  AND early.ends_on IS DISTINCT FROM p.realise_told_on
  AND p.id = coalesce(:id, p.id)
ORDER BY p.id LIMIT :size
""").bindparams(bindparam("id", type_=Uuid))


def turn(context: EffectContext) -> int:
    """Tell pledgees of receipts that end soon, and take back what no longer holds; return how many moved. For a clock."""
    now = context.clock.now()
    with context.database.reading() as session:
        given = {"soon": business_date(now) + AHEAD, "size": BATCH, "id": None}
        ids = [row.id for row in session.execute(_MOVED, given)]
    for identity in ids:
        with context.database.transaction() as session:
            _settle(session, identity, now=now)
    return len(ids)


def _settle(session: Session, pledge_id: UUID, *, now: datetime) -> None:
    """Put the task of a pledge where its receipts leave it; every turn may run twice."""
    pledge = service.lock(session, pledge_id)
    soon = business_date(now) + AHEAD
    row = session.execute(_MOVED, {"soon": soon, "size": 1, "id": pledge.id}).one_or_none()
    if row is None:
        return
    ends_on: date | None = row.ends_on
    subject = public_id("plg", pledge.id)
    over = TaskState.DONE if pledge.state is State.RELEASED else TaskState.VOID
    tasks.close(session, kinds.EARLY_REALISE, subject, now=now, state=over)
    if ends_on is not None:
        _raise(session, pledge, subject, ends_on, now=now)
    pledge.realise_told_on = ends_on
    session.flush()


def _raise(session: Session, pledge: Pledge, subject: str, ends_on: date, *, now: datetime) -> None:
    tasks.raise_task(
        session,
        kinds.EARLY_REALISE,
        subject,
        party_id=pledge.pledgee_id,
        role="risk",
        due_on=ends_on,
        now=now,
        occasion=ends_on.isoformat(),
        fields={
            "stored_until": ends_on.isoformat(),
            "principal_due_on": pledge.principal_due_on.isoformat(),
            "principal": pledge.principal.to_json(),
        },
    )
