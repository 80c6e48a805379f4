"""The insurance of pledged goods: short of their value, or about to expire, it is a task of bank and pledgor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from scf.collateral.models import ControlAgreement
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.tasks import kinds
from scf.tasks import service as tasks

AHEAD: Final = timedelta(days=30)
"""An expiry is told of so long before."""
_SHORT: Final = text("""
SELECT a.id, m.value_minor, coalesce(i.amount, 0)::bigint AS amount
FROM control_agreements a
JOIN marks m ON m.id = a.mark_id
LEFT JOIN LATERAL (
  SELECT sum(amount_minor) AS amount FROM control_insurances i
  WHERE i.agreement_id = a.id AND i.first_on <= :on AND i.last_on >= :until
) i ON true
WHERE a.id = ANY (:ids) AND a.insured AND coalesce(i.amount, 0) < m.value_minor
""")


def look(session: Session, ids: Sequence[UUID], *, now: datetime) -> None:
    """Raise a task, once a month, for marked agreements whose insurance of a month ahead is below the value."""
    on = business_date(now)
    given = {"ids": list(ids), "on": on, "until": on + AHEAD}
    for identity, value, amount in session.execute(_SHORT, given).all():
        agreement = session.get_one(ControlAgreement, identity)
        fields = {
            "value": agreement.money(value).to_json(),
            "insured": agreement.money(amount).to_json(),
        }
        for party_id, role in ((agreement.pledgee_id, "risk"), (agreement.pledgor_id, "treasurer")):
            tasks.raise_task(
                session,
                kinds.INSURANCE_RENEW,
                public_id("ctl", agreement.id),
                party_id=party_id,
                role=role,
                due_on=on + AHEAD,
                now=now,
                occasion=f"{on:%Y-%m}",
                fields=fields,
            )
