"""Marking to market: many agreements in one statement, in the arithmetic of `valuation`, to the fen.

What a pledge counts for is what its receipt's pool holds for it, less its share of what is missing there. Interest
runs from the day of the bank's last word. A mark is a row, not an event: it can be derived again from its lines.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scf.collateral import alarms
from scf.collateral.models import ControlAgreement, ControlledPledge, State
from scf.collateral.valuation import WORTH_MAX
from scf.kernel.calendar import is_working_day
from scf.kernel.clock import business_date
from scf.kernel.ids import new_id
from scf.prices import queries as prices
from scf.prices.queries import Reading

SATURDAY: Final = 5
AGE_MAX: Final = 10
_MARK: Final = text("""
WITH reading AS (
  SELECT * FROM unnest(
    cast(:series AS uuid[]), cast(:quoted AS timestamptz[]), cast(:spot AS bigint[]),
    cast(:average AS bigint[]), cast(:age AS int[])
  ) AS r (series_id, quoted_at, spot, average, age)
), wanted AS (
  SELECT a.*, w.new_id
  FROM unnest(cast(:agreements AS uuid[]), cast(:marks AS uuid[])) AS w (agreement_id, new_id)
  JOIN control_agreements a ON a.id = w.agreement_id
), held AS (
  SELECT c.agreement_id, c.pledge_id, sum(
      CASE WHEN po.used_minor > po.confirmed_minor
        THEN div(e.held * greatest(po.confirmed_minor, 0), po.used_minor) ELSE e.held END
    ) AS quantity
  FROM wanted w
  JOIN controlled_pledges c ON c.agreement_id = w.id
  JOIN pledges p ON p.id = c.pledge_id AND p.state = 'EFFECTIVE'
  CROSS JOIN LATERAL (
    SELECT pool_id, sum(used_delta_minor) AS held FROM pool_entries
    WHERE holder_id = p.id GROUP BY pool_id
  ) e
  JOIN pools po ON po.id = e.pool_id
  GROUP BY c.agreement_id, c.pledge_id
), line AS (
  SELECT w.new_id, c.pledge_id, h.quantity, r.quoted_at, r.spot, r.average,
    r.age > w.stale_days AS stale,
    least(div(
        h.quantity * least(r.spot, r.average, c.invoice_minor) * (10000 - c.quality_bps)
          * greatest(
              10000 - c.liquidity_bps - CASE WHEN r.age > w.stale_days THEN w.stale_bps ELSE 0 END, 0
            ),
        CASE WHEN c.unit = 'C62' THEN 1 ELSE 1000 END * 100000000::numeric
      ), cast(:most AS numeric)) AS value,
    (c.pledged_minor - r.spot) * 10000::numeric >= w.price_fall_bps * c.pledged_minor AS fell
  FROM held h
  JOIN controlled_pledges c USING (agreement_id, pledge_id)
  JOIN wanted w ON w.id = c.agreement_id
  JOIN reading r USING (series_id)
  WHERE h.quantity > 0
), total AS (
  SELECT new_id, sum(value) AS value, bool_or(stale) AS stale, bool_or(fell) AS fell
  FROM line GROUP BY new_id
), owed AS (
  SELECT w.id, w.new_id, w.advance_bps, w.warning_bps, w.disposal_bps, w.debt_id,
    coalesce(t.value, 0) AS value, coalesce(t.stale, false) AS stale,
    coalesce(t.fell, false) AS fell,
    d.principal_minor + d.interest_minor + d.reserve_minor + div(
      d.principal_minor * (d.rate::numeric * 100000000)
        * greatest(cast(:on AS date) - d.as_of_on, 0) + 35999999999, 36000000000
    ) AS exposure
  FROM wanted w
  JOIN control_debts d ON d.id = w.debt_id
  LEFT JOIN total t USING (new_id)
), lines AS (
  SELECT *, div(exposure * 10000 + advance_bps - 1, advance_bps) AS floor FROM owed
), marked AS (
  INSERT INTO marks (
    id, agreement_id, marked_on, marked_at, debt_id, value_minor, exposure_minor, floor_minor,
    warning_minor, disposal_minor, goods_due_minor, cash_due_minor, fell, stale, line
  )
  SELECT new_id, id, cast(:on AS date), :now, debt_id, value, exposure, floor,
    div(floor * (10000 + warning_bps) + 9999, 10000), div(exposure * 10000, disposal_bps),
    greatest(floor - value, 0),
    div(greatest(exposure * 10000 - value * advance_bps, 0) + 9999, 10000),
    fell, stale,
    CASE
      WHEN exposure = 0 THEN 'clear'
      WHEN value <= div(exposure * 10000, disposal_bps) OR fell THEN 'disposal'
      WHEN value < floor THEN 'top_up'
      WHEN value < div(floor * (10000 + warning_bps) + 9999, 10000) THEN 'warning'
      ELSE 'clear'
    END
  FROM lines
  RETURNING id, agreement_id
), kept AS (
  INSERT INTO mark_lines (
    mark_id, pledge_id, quantity_minor, quoted_at, spot_minor, average_minor, stale, value_minor
  )
  SELECT new_id, pledge_id, quantity, quoted_at, spot, average, stale, value FROM line
  JOIN marked ON marked.id = line.new_id
)
UPDATE control_agreements a
SET mark_id = m.id, marked_on = greatest(a.marked_on, cast(:on AS date))
FROM marked m WHERE a.id = m.agreement_id
""")


def mark(session: Session, ids: Sequence[UUID], *, now: datetime) -> None:
    """Mark locked agreements at an instant, each once, those that the bank has said a debt of.

    Raises CalendarUnpublished where a quote's age cannot be counted.
    """
    on = business_date(now)
    series = session.scalars(
        select(ControlledPledge.series_id).where(ControlledPledge.agreement_id.in_(ids)).distinct()
    )
    readings = list(prices.readings(session, list(series), now).values())
    session.flush()
    session.execute(
        _MARK,
        {
            "agreements": list(ids),
            "marks": [new_id() for _ in ids],
            "series": [one.series_id for one in readings],
            "quoted": [one.quoted_at for one in readings],
            "spot": [one.spot.minor for one in readings],
            "average": [one.average.minor for one in readings],
            "age": [age(one, on) for one in readings],
            "on": on,
            "now": now,
            "most": WORTH_MAX,
        },
    )


def mark_slice(session: Session, *, now: datetime, size: int) -> int:
    """Mark up to `size` agreements that have no mark of this day; return how many.

    What somebody is changing at this moment is left to the next turn.
    """
    due = session.scalars(
        select(ControlAgreement.id)
        .where(
            ControlAgreement.state == State.AGREED,
            ControlAgreement.debt_id.is_not(None),
            ControlAgreement.marked_on.is_distinct_from(business_date(now)),
        )
        .order_by(ControlAgreement.marked_on.nulls_first(), ControlAgreement.id)
        .limit(size)
        .with_for_update(skip_locked=True)
    ).all()
    if due:
        mark(session, due, now=now)
        alarms.insurance(session, due, now=now)
    return len(due)


def age(reading: Reading, on: date) -> int:
    """Return how many trading days have passed since the day of a quote, ten at most."""
    quoted_on, day, days = business_date(reading.quoted_at), on, 0
    while day > quoted_on and days < AGE_MAX:
        days += is_trading_day(day)
        day -= timedelta(days=1)
    return days


def is_trading_day(day: date) -> bool:
    """Say whether exchanges trade: on working days, make-up Saturdays and Sundays left out."""
    return day.weekday() < SATURDAY and is_working_day(day)
