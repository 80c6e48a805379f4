"""Reading prices: series, their quotes, and what a series says at an instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.kernel.money import Money
from scf.prices.models import Price, PriceBatch, PriceEntry, PriceSeries

AVERAGE_DAYS: Final = 20
"""The average is of the last quotes of so many quoted days …"""
AVERAGE_REACH: Final = timedelta(days=45)
"""… none further back than that: twenty trading days with the longest holidays between them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a series says at an instant: its newest quote, and the average of its last quoted days, rounded down."""

    series_id: UUID
    quoted_at: datetime
    spot: Money
    average: Money


def series(session: Session, series_id: UUID) -> PriceSeries:
    """Return a series. Raises SubjectNotFound."""
    found = session.get(PriceSeries, series_id)
    if found is None:
        raise SubjectNotFound
    return found


def page(session: Session, *, after: UUID | None, size: int) -> Sequence[PriceSeries]:
    """Return series, oldest first."""
    statement = select(PriceSeries).order_by(PriceSeries.id).limit(size)
    if after is not None:
        statement = statement.where(PriceSeries.id > after)
    return session.scalars(statement).all()


def quotes(
    session: Session, series_id: UUID, *, until: datetime | None, size: int
) -> Sequence[tuple[Price, PriceBatch]]:
    """Return a series' quotes that count, newest first, each with its batch; `until` itself is left out."""
    statement = (
        select(Price, PriceBatch)
        .join(PriceBatch, PriceBatch.id == Price.batch_id)
        .where(Price.series_id == series_id)
        .ext(distinct_on(Price.quoted_at))
        .order_by(Price.quoted_at.desc(), Price.revision.desc())
        .limit(size)
    )
    if until is not None:
        statement = statement.where(Price.quoted_at < until)
    return [(row[0], row[1]) for row in session.execute(statement)]


def entries(session: Session, series_id: UUID) -> Sequence[tuple[PriceEntry, UUID | None]]:
    """Return what was entered by hand for a series, newest first, with the batch that it was approved as."""
    statement = (
        select(PriceEntry, PriceBatch.id)
        .outerjoin(PriceBatch, PriceBatch.entry_id == PriceEntry.id)
        .where(PriceEntry.series_id == series_id)
        .order_by(PriceEntry.id.desc())
        .limit(100)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def readings(session: Session, wanted: Iterable[UUID], at: datetime) -> Mapping[UUID, Reading]:
    """Return by series what each says at an instant; one without a quote by then is left out."""
    found = {}
    for row in session.scalars(select(PriceSeries).where(PriceSeries.id.in_(list(wanted)))):
        reading = _reading(session, row, at)
        if reading is not None:
            found[row.id] = reading
    return found


def _reading(session: Session, row: PriceSeries, at: datetime) -> Reading | None:
    days = session.execute(
        select(Price.quoted_at, Price.quoted_on, Price.minor)
        .where(Price.series_id == row.id, Price.quoted_at <= at)
        .ext(distinct_on(Price.quoted_on))
        .order_by(Price.quoted_on.desc(), Price.quoted_at.desc(), Price.revision.desc())
        .limit(AVERAGE_DAYS)
    ).all()
    if not days:
        return None
    newest = days[0]
    counted = [day.minor for day in days if newest.quoted_on - day.quoted_on <= AVERAGE_REACH]
    average = sum(counted) // len(counted)
    return Reading(
        row.id, newest.quoted_at, Money(newest.minor, row.currency), Money(average, row.currency)
    )


def quoted(session: Session, batch_id: UUID) -> list[datetime]:
    """Return when a batch's quotes are of, oldest first."""
    statement = select(Price.quoted_at).where(Price.batch_id == batch_id)
    return list(session.scalars(statement.order_by(Price.quoted_at)))
