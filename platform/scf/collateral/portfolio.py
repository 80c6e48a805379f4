"""The bank's view: where every agreement stands, how concentrated the goods are, and what a fall in prices would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from scf.collateral import holdings, permissions
from scf.collateral.calls import ENDED
from scf.collateral.models import (
    ControlAgreement,
    ControlDebt,
    ControlInsurance,
    MarginCall,
    Mark,
    MarkLine,
)
from scf.collateral.valuation import WHOLE_BPS, Line
from scf.devices.queries import LastReading
from scf.evidence.service import SubjectNotFound
from scf.kernel.money import Money, Rounding
from scf.kernel.quantity import UNITS, Quantity
from scf.pledges.models import Pledge
from scf.rules.book import shipped
from scf.rules.judging import RuleResult, consider

CONCENTRATION: Final = "COL-02"
GOODS_MAX: Final = 50
"""Kinds of goods that one call may shock."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An agreement with what stands of it: newest mark and its lines, debt, open call, insurance, last reading."""

    agreement: ControlAgreement
    mark: Mark | None
    lines: Sequence[MarkLine]
    debt: ControlDebt | None
    call: MarginCall | None
    last: LastReading | None
    insured_minor: int
    insured_until: date | None


@dataclass(frozen=True, slots=True)
class Sum:
    """What a bank's agreements of one currency come to, at today's prices or after a fall.

    `counts` is how many stand at each line; `short_minor` what goods would have to be added in all, `uncovered_minor`
    what of each debt is above its own goods' value.
    """

    currency: str
    agreements: int
    value_minor: int
    exposure_minor: int
    short_minor: int
    uncovered_minor: int
    counts: Mapping[Line, int]


@dataclass(frozen=True, slots=True)
class Share:
    """What lies in one warehouse, or is of one kind of goods, of all pledged value.

    `excess_minor` is what of it lies above the limit of rule COL-02.
    """

    name: str
    value_minor: int
    share_bps: int
    excess_minor: int


_SHOCKED: Final = text("""
WITH fall AS (
  SELECT * FROM unnest(cast(:goods AS text[]), cast(:falls AS int[])) AS f (goods, bps)
), line AS (
  SELECT m.id AS mark_id, l.value_minor,
    div(
      l.quantity_minor * least(
        div(l.spot_minor * (10000 - coalesce(f.bps, 0))::numeric, 10000),
        l.average_minor, c.invoice_minor
      ) * (10000 - c.quality_bps)
        * greatest(10000 - c.liquidity_bps - CASE WHEN l.stale THEN a.stale_bps ELSE 0 END, 0),
      CASE WHEN c.unit = 'C62' THEN 1 ELSE 1000 END * 100000000::numeric
    ) AS after,
    (c.pledged_minor - div(l.spot_minor * (10000 - coalesce(f.bps, 0))::numeric, 10000)) * 10000
      >= a.price_fall_bps * c.pledged_minor::numeric AS fell
  FROM control_agreements a
  JOIN marks m ON m.id = a.mark_id
  JOIN mark_lines l ON l.mark_id = m.id
  JOIN controlled_pledges c ON c.agreement_id = a.id AND c.pledge_id = l.pledge_id
  LEFT JOIN fall f ON f.goods = c.goods
  WHERE a.pledgee_id = :bank AND a.state = 'AGREED'
), total AS (
  SELECT mark_id, sum(after) AS value, bool_or(fell) AS fell FROM line GROUP BY mark_id
), stood AS (
  SELECT a.currency, m.exposure_minor, m.floor_minor, m.warning_minor, m.disposal_minor,
    coalesce(t.value, 0) AS value, coalesce(t.fell, false) AS fell
  FROM control_agreements a
  JOIN marks m ON m.id = a.mark_id
  LEFT JOIN total t ON t.mark_id = m.id
  WHERE a.pledgee_id = :bank AND a.state = 'AGREED'
), placed AS (
  SELECT *, CASE
    WHEN exposure_minor = 0 THEN 'clear'
    WHEN value <= disposal_minor OR fell THEN 'disposal'
    WHEN value < floor_minor THEN 'top_up'
    WHEN value < warning_minor THEN 'warning'
    ELSE 'clear' END AS line
  FROM stood
)
SELECT currency, line, count(*) AS count, sum(value)::numeric AS value,
  sum(exposure_minor)::numeric AS exposure,
  sum(greatest(floor_minor - value, 0))::numeric AS short,
  sum(greatest(exposure_minor - value, 0))::numeric AS uncovered
FROM placed GROUP BY currency, line ORDER BY currency, line
""")
_SHARES: Final = text("""
WITH line AS (
  SELECT a.currency, c.pledge_id, c.goods, c.warehouse, l.value_minor
  FROM control_agreements a
  JOIN mark_lines l ON l.mark_id = a.mark_id
  JOIN controlled_pledges c ON c.agreement_id = a.id AND c.pledge_id = l.pledge_id
  WHERE a.pledgee_id = :bank AND a.state = 'AGREED'
), place AS (
  SELECT e.holder_id AS pledge_id, r.items ->> 'warehouse' AS warehouse,
    sum(e.used_delta_minor) AS held
  FROM pool_entries e
  JOIN warehouse_receipts r ON r.pool_id = e.pool_id AND r.state <> 'DIVIDED'
  WHERE e.holder_id IN (SELECT pledge_id FROM line)
  GROUP BY e.holder_id, r.items ->> 'warehouse'
  HAVING sum(e.used_delta_minor) > 0
), placed AS (
  SELECT *, sum(held) OVER (PARTITION BY pledge_id ORDER BY warehouse) AS reached,
    sum(held) OVER (PARTITION BY pledge_id) AS whole
  FROM place
)
SELECT line.currency, coalesce(placed.warehouse, line.warehouse) AS warehouse, line.goods,
  sum(CASE WHEN placed.whole IS NULL THEN line.value_minor ELSE
    div(line.value_minor * reached, whole) - div(line.value_minor * (reached - held), whole)
  END)::numeric AS value
FROM line LEFT JOIN placed USING (pledge_id)
GROUP BY line.currency, coalesce(placed.warehouse, line.warehouse), line.goods
""")


def seen(session: Session, party_id: UUID, agreement_id: UUID, *, on: date) -> Seen:
    """Return an agreement to one of its three parties, as it stands. Raises SubjectNotFound."""
    agreement = session.get(ControlAgreement, agreement_id)
    if agreement is None or party_id not in agreement.parties:
        raise SubjectNotFound
    return whole(session, [agreement], on=on)[0]


def market_value(session: Session, pledge: Pledge, goods: Quantity) -> Money | None:
    """Return what so much of a watched pledge's goods would fetch: at the spot price of its newest mark.

    Without haircuts, rounded down to the fen. None where the pledge is not watched, or not marked yet.
    """
    spot = session.scalar(
        select(MarkLine.spot_minor)
        .join(ControlAgreement, ControlAgreement.mark_id == MarkLine.mark_id)
        .where(MarkLine.pledge_id == pledge.id)
        .order_by(MarkLine.mark_id.desc())
        .limit(1)
    )
    if spot is None:
        return None
    units = Fraction(goods.minor, 10 ** UNITS[goods.unit][1])
    return Money(spot, pledge.currency).times(units, rounding=Rounding.DOWN)


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[ControlAgreement]:
    """Return the agreements that a party is in, oldest first."""
    statement = select(ControlAgreement).where(permissions.is_party(party_id))
    if after is not None:
        statement = statement.where(ControlAgreement.id > after)
    return session.scalars(statement.order_by(ControlAgreement.id).limit(size)).all()


def whole(session: Session, agreements: Sequence[ControlAgreement], *, on: date) -> list[Seen]:
    """Return agreements with what stands of each, in a fixed number of questions."""
    ids = [one.id for one in agreements]
    marks = _by_id(session.scalars(select(Mark).where(Mark.id.in_(_some(agreements, "mark_id")))))
    debts = _by_id(
        session.scalars(select(ControlDebt).where(ControlDebt.id.in_(_some(agreements, "debt_id"))))
    )
    open_calls = session.scalars(
        select(MarginCall).where(MarginCall.agreement_id.in_(ids), MarginCall.state.not_in(ENDED))
    )
    calls = {call.agreement_id: call for call in open_calls}
    lines: dict[UUID, list[MarkLine]] = {}
    kept = select(MarkLine).where(MarkLine.mark_id.in_(list(marks))).order_by(MarkLine.pledge_id)
    for line in session.scalars(kept):
        lines.setdefault(line.mark_id, []).append(line)
    covered = insured(session, ids, on=on)
    heard = holdings.last_readings(session, ids)
    return [
        Seen(
            one,
            marks.get(one.mark_id) if one.mark_id else None,
            lines.get(one.mark_id, []) if one.mark_id else [],
            debts.get(one.debt_id) if one.debt_id else None,
            calls.get(one.id),
            heard.get(one.id),
            *covered.get(one.id, (0, None)),
        )
        for one in agreements
    ]


def insured(
    session: Session, ids: Sequence[UUID], *, on: date
) -> Mapping[UUID, tuple[int, date | None]]:
    """Return by agreement what its policies in force on a day amount to, and the first of their last days."""
    found: dict[UUID, tuple[int, date | None]] = {}
    rows = session.scalars(
        select(ControlInsurance).where(
            ControlInsurance.agreement_id.in_(ids),
            ControlInsurance.first_on <= on,
            ControlInsurance.last_on >= on,
        )
    )
    for row in rows:
        amount, until = found.get(row.agreement_id, (0, None))
        ends = row.last_on if until is None else min(until, row.last_on)
        found[row.agreement_id] = (amount + row.amount_minor, ends)
    return found


def summed(session: Session, bank_id: UUID, falls: Mapping[str, int]) -> list[Sum]:
    """Return what a bank's agreements come to by currency, were prices to fall by so many basis points by goods.

    From the newest marks: quantities, averages and haircuts as they were marked. One statement, whatever their number.
    """
    given = {"goods": list(falls), "falls": list(falls.values()), "bank": bank_id}
    found: dict[str, list[RowMapping]] = {}
    for row in session.execute(_SHOCKED, given).mappings():
        found.setdefault(row["currency"], []).append(row)
    return [
        Sum(
            currency,
            sum(row["count"] for row in rows),
            int(sum(row["value"] for row in rows)),
            int(sum(row["exposure"] for row in rows)),
            int(sum(row["short"] for row in rows)),
            int(sum(row["uncovered"] for row in rows)),
            {line: sum(row["count"] for row in rows if row["line"] == line) for line in Line},
        )
        for currency, rows in found.items()
    ]


def shares(session: Session, bank_id: UUID, *, on: date) -> Mapping[str, Mapping[str, list[Share]]]:
    """Return by currency how a bank's pledged value spreads over warehouses and over goods, largest first.

    Goods count where the receipts that hold them say that they lie now: a pledge's value by quantity, to the fen. What
    is held nowhere any more since the newest mark counts where it was covered.
    """
    limits = concentration_limits(on)
    found: dict[str, dict[str, dict[str, int]]] = {}
    for row in session.execute(_SHARES, {"bank": bank_id}).mappings():
        sums = found.setdefault(row["currency"], {"warehouse": {}, "goods": {}})
        for by, names in sums.items():
            names[row[by]] = names.get(row[by], 0) + int(row["value"])
    return {
        currency: {by: _shared(names, limits[by]) for by, names in sums.items()}
        for currency, sums in found.items()
    }


def review(spread: Mapping[str, list[Share]], *, on: date) -> list[RuleResult]:
    """Hold the largest warehouse and kind of goods to their limits: findings, nothing is refused."""
    largest = {by: max((one.share_bps for one in spread[by]), default=0) for by in spread}
    facts = {
        "warehouse_share_bps": largest["warehouse"],
        "goods_share_bps": largest["goods"],
    }
    return consider("portfolio.review", facts, on=on)


def concentration_limits(on: date) -> Mapping[str, int]:
    """Return the shares, in basis points, that one warehouse or kind of goods may have on a day."""
    found = shipped().parameters(CONCENTRATION, on)
    assert found is not None, "limits are in force from before the first story on"
    return {"warehouse": found["warehouse_bps"], "goods": found["goods_bps"]}


def _shared(names: Mapping[str, int], limit_bps: int) -> list[Share]:
    total = sum(names.values())
    most = total * limit_bps // WHOLE_BPS
    ordered = sorted(names.items(), key=lambda one: (-one[1], one[0]))
    return [
        Share(name, value, -(-value * WHOLE_BPS // total), max(value - most, 0))
        for name, value in ordered
        if total
    ]


def _by_id(rows: Iterable[Any]) -> dict[UUID, Any]:
    return {row.id: row for row in rows}


def _some(agreements: Sequence[ControlAgreement], name: str) -> list[UUID]:
    return [value for one in agreements if (value := getattr(one, name)) is not None]
