"""What the day's marks show beside the lines: insurance short of the value, and goods too close together."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scf.collateral import portfolio
from scf.collateral.models import ControlAgreement, State
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.kernel.money import Money
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


def insurance(session: Session, ids: Sequence[UUID], *, now: datetime) -> None:
    """Raise a task, once a month, for agreements whose insurance of a month ahead is below the value."""
    on = business_date(now)
    given = {"ids": list(ids), "on": on, "until": on + AHEAD}
    short = session.execute(_SHORT, given).all()
    for identity, value, amount in short:
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


def insured(session: Session, agreement: ControlAgreement, *, now: datetime) -> None:
    """Close an agreement's task once its policies of a month ahead are as much as the value."""
    on = business_date(now)
    given = {"ids": [agreement.id], "on": on, "until": on + AHEAD}
    if not session.execute(_SHORT, given).all():
        tasks.close(session, kinds.INSURANCE_RENEW, public_id("ctl", agreement.id), now=now)


def concentration(session: Session, *, now: datetime) -> None:
    """Raise a task, once a month, for each bank of whose pledged value a warehouse or kind of goods has too much."""
    on = business_date(now)
    limits = portfolio.concentration_limits(on)
    banks = select(ControlAgreement.pledgee_id).where(ControlAgreement.state == State.AGREED)
    for bank_id in session.scalars(banks.distinct()).all():
        for currency, spread in portfolio.shares(session, bank_id, on=on).items():
            for by, share in ((by, one) for by, ones in spread.items() for one in ones):
                if not share.excess_minor:
                    continue
                fields = {
                    "by": by,
                    "name": share.name,
                    "share_bps": share.share_bps,
                    "limit_bps": limits[by],
                    "excess": Money(share.excess_minor, currency).to_json(),
                }
                tasks.raise_task(
                    session,
                    kinds.CONCENTRATION_REVIEW,
                    public_id("pty", bank_id),
                    party_id=bank_id,
                    role="risk",
                    due_on=on + AHEAD,
                    now=now,
                    occasion=f"{on:%Y-%m} {currency} {by} {share.name}",
                    fields=fields,
                )
