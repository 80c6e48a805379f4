"""The book of a lot beside what is reported and measured of it.

The book is the lot's pool: what was stored, less what was handed over or recorded as lost. Around it lies what the
loss standard allows, what is ordered out and on its way, and the tolerance of rule WCH-02. A level says what is
there; a gate what passed: what left through it was let go by the book, or had come in and was never stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from scf.capacity.models import Pool, PoolEntry
from scf.db.session import Database
from scf.devices import alarms, queries
from scf.devices.alarm_models import StockCheck
from scf.devices.models import LEVELS, Device, DeviceKind
from scf.devices.rules import LATE_MAX
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.kernel.money import MINOR_MAX
from scf.receipts.models import ReceiptLot, Withdrawal
from scf.rules.judging import consider
from scf.stock.models import Lot, LotPaper, PaperKind

FRESH: Final = timedelta(hours=1)
"""A level older than this says nothing about now."""
TURN_MAX: Final = 500  # devices, and papers, that one turn compares


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found beside what the book says, in the smallest part of the unit."""

    book: int
    counted: int
    tolerance: int
    agrees: bool


def compare(session: Session, lots: Sequence[Lot], counted: int, *, now: datetime) -> Compared:
    """Hold a quantity to the book of lots that lie together."""
    book, slack = _book(session, lots), _slack(session, lots)
    facts = {"book": book, "found": counted, "slack": slack}
    judged = consider("lot.compare", facts, on=business_date(now))
    tolerance = max((int(one.figures["tolerance"] or 0) for one in judged), default=slack)
    return Compared(book, counted, tolerance, not any(one.is_finding for one in judged))


def turn(database: Database, *, now: datetime) -> None:
    """Compare what came in since the last turn, each by itself; every turn may run twice."""
    with database.reading() as session:
        papers = _new_reports(session)
        devices = _moved_devices(session)
    database.each(papers, partial(_compare_report, now=now), task="stock reports")
    database.each(devices, partial(_compare_device, now=now), task="readings")


def _new_reports(session: Session) -> Sequence[LotPaper]:
    checked = select(StockCheck.paper_event_id)
    waiting = (
        select(LotPaper)
        .join(Lot, Lot.id == LotPaper.lot_id)
        .where(
            LotPaper.kind == PaperKind.DAILY_STOCK,
            LotPaper.event_id.not_in(checked),
            Lot.pool_id.is_not(None),
        )
    )
    return session.scalars(waiting.order_by(LotPaper.event_id).limit(TURN_MAX)).all()


def _compare_report(session: Session, paper: LotPaper, *, now: datetime) -> None:
    """Hold a daily stock report (库存日报) to the book of its lot.

    A report of a day before the book last moved is no longer about it: it is written down, and nothing is disputed.
    """
    if session.get(StockCheck, paper.event_id) is not None:
        return
    lot = session.get_one(Lot, paper.lot_id)
    assert paper.quantity_minor is not None, "a stock report says how much"
    found = compare(session, [lot], paper.quantity_minor, now=now)
    session.add(
        StockCheck(
            paper_event_id=paper.event_id,
            lot_id=lot.id,
            book_minor=found.book,
            counted_minor=found.counted,
            tolerance_minor=found.tolerance,
            checked_at=now,
        )
    )
    is_of_now = paper.made_on >= business_date(_moved_at(session, [lot]))
    if is_of_now and not found.agrees:
        said = f"库存日报 {paper.number} daily stock report of {paper.source}"
        alarms.raise_alarm(session, lot.id, f"report {paper.source}", said, found, now=now)


def _moved_devices(session: Session) -> Sequence[Device]:
    return session.scalars(
        select(Device)
        .where(
            Device.kind.in_([*LEVELS, DeviceKind.GATE]),
            Device.revoked_at.is_(None),
            Device.checked_seq < Device.last_seq,
        )
        .order_by(Device.id)
        .limit(TURN_MAX)
    ).all()


def _compare_device(session: Session, device: Device, *, now: datetime) -> None:
    """Hold what a device said last to the book of the goods at its place."""
    session.execute(
        update(Device)
        .where(Device.id == device.id, Device.checked_seq < device.last_seq)
        .values(checked_seq=device.last_seq)
    )
    lots, source = queries.lots_at(session, device), public_id("dev", device.id)
    if not lots:
        return
    counted: int | None
    if device.kind is DeviceKind.GATE:
        counted = _left_by(session, device, lots, source, now=now)
    else:
        counted = _level(session, device, lots, now=now)
    if counted is None:
        return
    found = compare(session, lots, counted, now=now)
    if found.agrees:
        return
    said = f"设备 {device.serial} 第 {device.last_seq} 号读数 reading {device.last_seq} of {source}"
    for lot in lots:
        alarms.raise_alarm(session, lot.id, source, said, found, now=now)


def _level(session: Session, device: Device, lots: Sequence[Lot], *, now: datetime) -> int | None:
    """Return what a device says is there; None while it says nothing about now.

    A level from before the book last moved is no longer about it, and the next one is waited for.
    """
    reading = queries.newest(session, device)
    if reading is None or reading.value is None:
        return None
    if reading.measured_at < now - FRESH or reading.measured_at < _moved_at(session, lots):
        return None
    return max(reading.value, 0)


_PASSED: Final = text("""
SELECT least(coalesce(-sum(value) FILTER (WHERE value < 0), 0), :most)::bigint AS out,
  least(coalesce(sum(value) FILTER (WHERE value > 0), 0), :most)::bigint AS into
FROM readings WHERE device_id = :device AND measured_at > :since
""")
_BOOKED: Final = text("""
SELECT
  coalesce(-sum(e.confirmed_delta_minor) FILTER (
    WHERE e.kind = 'DELIVER' AND e.entered_at > cast(:since AS timestamptz) - :fresh), 0)::bigint AS out,
  coalesce(sum(e.confirmed_delta_minor) FILTER (
    WHERE e.kind = 'OPEN' AND e.entered_at > :since), 0)::bigint AS into
FROM lots l JOIN pool_entries e ON e.pool_id = l.pool_id
WHERE l.keeper_id = :keeper AND l.warehouse = :warehouse AND l.unit = :unit
  AND l.location = coalesce(:location, l.location)
""")


def _left_by(
    session: Session, device: Device, lots: Sequence[Lot], source: str, *, now: datetime
) -> int:
    """Return what is there by a gate: the book, less what left through it that nobody let go.

    Counted from as far back as a reading may come late, but not from before the device, nor from before its last
    alarm was lifted. What came in and is not on the book, or came to it in an earlier time, takes nothing away.
    """
    lifted_at = alarms.lifted_at(session, [lot.id for lot in lots], source)
    since = max(device.registered_at, lifted_at or device.registered_at, now - LATE_MAX)
    passed = session.execute(
        _PASSED, {"device": device.id, "since": since, "most": MINOR_MAX}
    ).one()
    given = {
        "keeper": device.keeper_id,
        "warehouse": device.warehouse,
        "location": device.location,
        "unit": device.unit,
        "since": since,
        "fresh": FRESH,
    }
    booked = session.execute(_BOOKED, given).one()
    never_stored = max(passed.into - booked.into, 0)
    missing: int = max(passed.out - booked.out - never_stored, 0)
    return max(_book(session, lots) - missing, 0)


def _book(session: Session, lots: Iterable[Lot]) -> int:
    pools = [lot.pool_id for lot in lots]
    total = select(func.coalesce(func.sum(Pool.confirmed_minor), 0)).where(Pool.id.in_(pools))
    return max(int(session.scalar(total) or 0), 0)


def _slack(session: Session, lots: Sequence[Lot]) -> int:
    """Return what may be lost by the loss standard, and what is ordered out and not handed over yet."""
    lost = sum(int(Fraction(lot.loss_standard) * (lot.stored_minor or 0)) for lot in lots)
    receipts = select(ReceiptLot.receipt_id).where(ReceiptLot.lot_id.in_([lot.id for lot in lots]))
    leaving = select(func.coalesce(func.sum(Withdrawal.quantity_minor), 0)).where(
        Withdrawal.receipt_id.in_(receipts),
        Withdrawal.delivered_at.is_(None),
        Withdrawal.ended_at.is_(None),
    )
    return lost + int(session.scalar(leaving) or 0)


def _moved_at(session: Session, lots: Sequence[Lot]) -> datetime:
    """Return when the book of these lots last moved."""
    pools = [lot.pool_id for lot in lots]
    newest = select(func.max(PoolEntry.entered_at)).where(
        PoolEntry.pool_id.in_(pools), PoolEntry.confirmed_delta_minor != 0
    )
    found: datetime = session.scalars(newest).one()
    return found
