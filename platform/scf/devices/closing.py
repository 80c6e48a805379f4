"""Closing hours: the root over what a device said in one becomes an event, and what came late another."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.devices import queries
from scf.devices.models import Device, DeviceHour, HourClosing
from scf.evidence import service as evidence
from scf.evidence.service import hash_text
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf_ledger import merkle

DEVICES_MAX: Final = 200
"""Devices whose hours one turn closes, each in a transaction of its own."""
HOURS_MAX: Final = 48
"""Hours of one device that one transaction closes: two days after a month cut off, the rest in the next turn."""


def close_due(database: Database, *, now: datetime) -> int:
    """Close the hours whose time has come; return how many closings were made. Every turn may run twice."""
    with database.reading() as session:
        due = select(DeviceHour.device_id).where(DeviceHour.due_at <= now)
        waiting = due.group_by(DeviceHour.device_id).order_by(func.min(DeviceHour.due_at))
        devices = list(session.scalars(waiting.limit(DEVICES_MAX)))
    made: list[int] = []
    database.each(
        devices,
        lambda session, one: made.append(close_device(session, one, now=now)),
        task="hours of readings",
    )
    return sum(made)


def close_device(session: Session, device_id: UUID, *, now: datetime) -> int:
    """Close the due hours of one device; nothing comes in for it meanwhile."""
    device = evidence.lock(session, Device, device_id)
    due = session.scalars(
        select(DeviceHour)
        .where(DeviceHour.device_id == device_id, DeviceHour.due_at <= now)
        .order_by(DeviceHour.hour_at)
        .limit(HOURS_MAX)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    concerned = queries.concerned(session, device)
    for hour in due:
        _close(session, device, hour, concerned, now=now)
    return len(due)


def _close(
    session: Session, device: Device, hour: DeviceHour, concerned: list[UUID], *, now: datetime
) -> None:
    number = hour.closings + 1
    found = queries.covered(session, hour, number)
    assert found, "an hour is due for what came of it"
    numbers = [seq for seq, _ in found]
    root = merkle.root([merkle.leaf_hash(body) for _, body in found])
    event = evidence.append(
        session,
        hour,
        "device_hour.closed" if number == 1 else "device_hour.supplemented",
        {
            "device": public_id("dev", device.id),
            "hour": instant_text(hour.hour_at),
            "count": len(found),
            "first_seq": numbers[0],
            "last_seq": numbers[-1],
            "root": hash_text(root),
        },
        now=now,
        actor=None,
        parties=concerned,
    )
    hour.closings, hour.due_at = number, None
    session.add(
        HourClosing(
            hour_id=hour.id,
            number=number,
            readings=len(found),
            first_seq=numbers[0],
            last_seq=numbers[-1],
            root=root,
            event_id=event.id,
            closed_at=now,
        )
    )
    session.flush()
