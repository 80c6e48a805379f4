"""Where consignments are: told by their carrier, or read off the device that goes along. What gives alarm halts them.

Late and repeated positions do no harm: a position is kept once, and judged beside those around its own time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.devices.models import Reading
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid, NotAllowed
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.receipts import service as holding
from scf.receipts.models import WarehouseReceipt
from scf.transit import queries, rules
from scf.transit.geometry import Fence, Point, degrees
from scf.transit.models import TRAVELLING, Alarm, Consignment, Position, State
from scf.transit.permissions import Action
from scf.transit.planning import lock_for, tell
from scf.transit.rules import Raised, Seen

CARRIER: Final = "carrier"
AHEAD_MAX: Final = timedelta(minutes=2)
LATE_MAX: Final = timedelta(days=7)
"""A tracker that was without signal tells later; what is older comes too late to judge."""
LOOKS_BACK: Final = timedelta(days=1)
"""Beyond the time that a consignment may stand: a tracker may be silent for so long in between."""
AT_ONCE: Final = 1_000
"""Positions that one turn reads off a device."""


class PositionUntimely(Invalid):
    """A position is of the journey: after the taking over, no more than a week ago, and not of the future."""

    code = "consignment.position_untimely"
    title = "位置时间不在运输期间内，或迟报超过七天"
    title_en = "The position's time is not of this journey, or it comes too late"


class NotUnderWay(Conflict):
    """Only goods on their way are somewhere else from hour to hour."""

    code = "consignment.not_under_way"
    title = "货物不在途"
    title_en = "The goods are not on their way"


class StillPledged(Conflict):
    """While the goods are pledged, whoever holds the pledge clears an alarm, not their owner."""

    code = "consignment.cleared_by_pledgee"
    title = "货物已出质，报警由质权人解除"
    title_en = "The goods are pledged: the pledgee clears the alarm"


class NotTheirs(NotAllowed):
    """What is not pledged any more is its owner's to clear."""

    code = "consignment.cleared_by_holder"
    title = "货物已无质押，报警由持有人解除"
    title_en = "The goods are not pledged any more: their holder clears the alarm"


class NothingToClear(Conflict):
    """What is cleared is an alarm that stands."""

    code = "consignment.nothing_to_clear"
    title = "没有待解除的报警"
    title_en = "No alarm stands"


def report(
    session: Session, actor: Actor, consignment_id: UUID, seen: Sequence[Seen], *, now: datetime
) -> Consignment:
    """Take positions as the carrier tells them. Raises SubjectNotFound, NotUnderWay, PositionUntimely."""
    consignment = lock_for(session, actor, consignment_id, Action.REPORT)
    if consignment.state not in TRAVELLING:
        raise NotUnderWay(state=consignment.state.value)
    assert consignment.dispatched_at is not None, "what travels was dispatched"
    for position, one in enumerate(seen):
        if not max(consignment.dispatched_at, now - LATE_MAX) <= one.at <= now + AHEAD_MAX:
            raise PositionUntimely(field=f"positions.{position}.at", at=instant_text(one.at))
    _take(session, consignment, seen, now=now)
    return consignment


def clear(
    session: Session, actor: Actor, consignment_id: UUID, *, reason: str, now: datetime
) -> Consignment:
    """Clear every alarm that stands, and let the consignment go on. By a pledgee, or the holder of what is free.

    Raises SubjectNotFound, StillPledged, NotTheirs, NothingToClear.
    """
    consignment = lock_for(session, actor, consignment_id, Action.CLEAR)
    pledgees = holding.encumbrancers(
        session, session.get_one(WarehouseReceipt, consignment.receipt_id)
    )
    if actor.party not in (pledgees or [consignment.holder_id]):
        raise StillPledged if pledgees else NotTheirs
    standing = queries.alarms(session, consignment.id, standing=True)
    if not standing:
        raise NothingToClear
    said = {"party": parties.party(session, actor.party).uscc, "reason": reason}
    event = tell(session, consignment, "consignment.cleared", said, now=now, actor=actor.party)
    for alarm in standing:
        alarm.cleared_at, alarm.cleared_event_id = now, event.id
    consignment.move(State.IN_TRANSIT, now=now)
    session.flush()
    return consignment


def watch(database: Database, *, now: datetime) -> None:
    """Read the devices that go with consignments on their way; each in a transaction of its own."""
    with database.reading() as session:
        under_way = queries.watched(session)
    database.each(under_way, partial(_read_device, now=now), task="consignments")


def _read_device(session: Session, consignment_id: UUID, *, now: datetime) -> None:
    consignment = evidence.lock(session, Consignment, consignment_id)
    if consignment.state not in TRAVELLING or consignment.device_id is None:
        return
    assert consignment.dispatched_at is not None, "what travels was dispatched"
    source = public_id("dev", consignment.device_id)
    known = select(Position.seen_at).where(
        Position.consignment_id == consignment.id, Position.source == source
    )
    found = session.scalars(
        select(Reading)
        .where(
            Reading.device_id == consignment.device_id,
            Reading.measured_at >= max(consignment.dispatched_at, now - LATE_MAX),
            Reading.measured_at.not_in(known),
            Reading.latitude.is_not(None),
        )
        .order_by(Reading.measured_at, Reading.seq)
        .limit(AT_ONCE)
    ).all()
    seen = [
        Seen(one.measured_at, Point(one.latitude or 0, one.longitude or 0), None, source)
        for one in found
    ]
    _take(session, consignment, seen, now=now)


def _take(
    session: Session, consignment: Consignment, told: Sequence[Seen], *, now: datetime
) -> None:
    """Keep what is new of positions, and raise what they give alarm for."""
    fresh = _keep(session, consignment, told, now=now)
    if not fresh:
        return
    halt = timedelta(minutes=consignment.plan["halt_minutes"])
    raised = rules.judge(
        _trail(session, consignment, fresh[0].at - halt - LOOKS_BACK, fresh[-1].at),
        set(fresh),
        fence=Fence.from_json(consignment.plan["fence"]),
        stops=[Point.from_json(stop) for stop in consignment.plan["route"]],
        halt=halt,
    )
    for one in raised:
        _raise(session, consignment, one, now=now)


def _keep(
    session: Session, consignment: Consignment, told: Sequence[Seen], *, now: datetime
) -> list[Seen]:
    """Store positions that are not known yet, of each source and instant one; return them by time."""
    known = {
        (one.seen_at, one.source)
        for one in session.scalars(
            select(Position).where(
                Position.consignment_id == consignment.id,
                Position.seen_at.in_([seen.at for seen in told]),
            )
        )
    }
    fresh: dict[tuple[datetime, str], Seen] = {}
    for seen in told:
        key = (seen.at, seen.source)
        if key not in known:
            fresh.setdefault(key, seen)
    session.add_all(
        Position(
            consignment_id=consignment.id,
            seen_at=seen.at,
            source=seen.source,
            latitude=seen.point.lat,
            longitude=seen.point.lon,
            seal_open=seen.seal_open,
            told_at=now,
        )
        for seen in fresh.values()
    )
    session.flush()
    return sorted(fresh.values(), key=lambda seen: (seen.at, seen.source))


def _trail(
    session: Session, consignment: Consignment, since: datetime, until: datetime
) -> list[Seen]:
    """Return the positions known of a stretch of time, by time."""
    found = session.scalars(
        select(Position)
        .where(Position.consignment_id == consignment.id, Position.seen_at.between(since, until))
        .order_by(Position.seen_at, Position.source)
    )
    return [
        Seen(one.seen_at, Point(one.latitude, one.longitude), one.seal_open, one.source)
        for one in found
    ]


def _raise(session: Session, consignment: Consignment, raised: Raised, *, now: datetime) -> None:
    """Halt a consignment, and tell its pledgees; an alarm of a kind that stands already is not raised again."""
    standing = {one.kind for one in queries.alarms(session, consignment.id, standing=True)}
    if raised.kind in standing:
        return
    seen = raised.seen
    said = {
        "alarm": raised.kind.value,
        "seen_at": instant_text(seen.at),
        "lat": degrees(seen.point.lat),
        "lon": degrees(seen.point.lon),
        "source": seen.source,
    }
    event = tell(session, consignment, "consignment.alarmed", said, now=now, actor=None)
    session.add(
        Alarm(
            event_id=event.id,
            consignment_id=consignment.id,
            kind=raised.kind,
            seen_at=seen.at,
            raised_at=now,
        )
    )
    if consignment.state is State.IN_TRANSIT:
        consignment.move(State.HALTED, now=now)
    session.flush()
    receipt = session.get_one(WarehouseReceipt, consignment.receipt_id)
    told = {"consignment": public_id("csg", consignment.id), **said}
    holding.alarm(session, receipt, event, told, now=now)
