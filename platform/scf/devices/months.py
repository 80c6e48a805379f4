"""The months that readings and batches are kept by: opened ahead of need, dropped under a rule with a date.

A month is a table of its own beside the others, put in place without stopping anybody who writes (PostgreSQL
takes SHARE UPDATE EXCLUSIVE to attach one), and taken away whole. Roots, events and the row here stay.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scf.db.locks import take_turns
from scf.devices.models import Reading, ReadingBatch, ReadingMonth
from scf.kernel.calendar import add_months
from scf.kernel.clock import business_date
from scf.rules.book import Outcome
from scf.rules.judging import consider

AHEAD: Final = 2
"""Months that stand open before they begin."""
TABLES: Final = (Reading.__tablename__, ReadingBatch.__tablename__)


def month_of(at: datetime) -> date:
    """Return the first day of an instant's month, UTC."""
    return at.astimezone(UTC).date().replace(day=1)


def ensure(session: Session, months: Iterable[date], *, now: datetime) -> None:
    """Open months that are not open yet; `now` is business time."""
    wanted = sorted(set(months))
    missing = _missing(session, wanted)
    if not missing:
        return
    take_turns(session, [ReadingMonth.__tablename__])
    for month in _missing(session, wanted):
        for table in TABLES:
            _attach(session, table, month)
        session.add(ReadingMonth(month=month, opened_at=now, dropped_at=None, rule_version=None))
    session.flush()


def open_ahead(session: Session, *, now: datetime) -> None:
    """Open this month and those to come."""
    first = month_of(now)
    ensure(session, [add_months(first, more) for more in range(AHEAD + 1)], now=now)


def drop_kept(session: Session, *, now: datetime) -> list[date]:
    """Drop months that were kept for as long as the rule in force says; return them.

    A month with an hour that is still to be closed waits, and one with a root that is not in the log yet: no reading
    goes before anyone can prove what it was.
    """
    open_ = select(ReadingMonth).where(ReadingMonth.dropped_at.is_(None))
    dropped = []
    for month in session.scalars(open_.order_by(ReadingMonth.month).with_for_update()).all():
        version = kept_long_enough(month.month, dropped_on=business_date(now))
        if version is None or not _proven(session, month.month):
            break  # the later ones wait for it
        for name in tables_of(month.month):
            session.execute(text(f"DROP TABLE {name}"))
        month.dropped_at, month.rule_version = now, version
        dropped.append(month.month)
    session.flush()
    return dropped


def kept_long_enough(month: date, *, dropped_on: date) -> int | None:
    """Return the version of the rule under which a month may be dropped on a day, None where it may not."""
    facts = {"month_on": month.isoformat(), "dropped_on": dropped_on.isoformat()}
    judged = consider("readings.drop", facts, on=dropped_on)
    allowed = [one.version for one in judged if one.outcome is Outcome.PASS]
    return allowed[0] if allowed and len(allowed) == len(judged) else None


def tables_of(month: date) -> list[str]:
    """Return the names of a month's own tables."""
    return [_name(table, month) for table in TABLES]


def _missing(session: Session, months: list[date]) -> list[date]:
    known = session.scalars(select(ReadingMonth.month).where(ReadingMonth.month.in_(months)))
    return sorted(set(months) - set(known))


def _proven(session: Session, month: date) -> bool:
    """Say whether every hour of a month is closed, with each of its roots in the log."""
    query = text(
        "SELECT NOT EXISTS (SELECT FROM device_hours h"
        " LEFT JOIN hour_closings c ON c.hour_id = h.id"
        " LEFT JOIN log_entries l ON l.event_id = c.event_id"
        " WHERE h.hour_at >= :start AND h.hour_at < :end"
        " AND (h.due_at IS NOT NULL OR l.event_id IS NULL))"
    )
    return bool(session.scalar(query, _bounds(month)))


def _attach(session: Session, table: str, month: date) -> None:
    """Make a month's table like its parent and attach it, bounds checked before so that nothing is scanned."""
    name, bounds = _name(table, month), _bounds(month)
    session.execute(
        text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    )
    session.execute(
        text(
            f"ALTER TABLE {table} ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{bounds['start']}') TO ('{bounds['end']}')"
        )
    )


def _name(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


def _bounds(month: date) -> dict[str, str]:
    end = add_months(month, 1)
    return {"start": f"{month.isoformat()} UTC", "end": f"{end.isoformat()} UTC"}
