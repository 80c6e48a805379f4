"""Devices that are not heard any more, or never were: a camera or a locator that is off is a finding, told like any other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.devices import queries
from scf.devices.models import Device
from scf.evidence import service as evidence
from scf.kernel.clock import business_date, instant_text
from scf.rules.book import shipped
from scf.rules.judging import consider

RULE: Final = "WCH-03"
TURN_MAX: Final = 500  # devices that one turn tells of


def turn(database: Database, *, now: datetime) -> None:
    """Tell of devices that have gone silent; every turn may run twice."""
    with database.reading() as session:
        quiet = _quiet(session, now)
    database.each(quiet, partial(_tell, now=now), task="silent devices")


def _quiet(session: Session, now: datetime) -> Sequence[UUID]:
    parameters = shipped().parameters(RULE, business_date(now))
    if parameters is None:
        return []
    since = now - timedelta(minutes=parameters["minutes"])
    found = select(Device.id).where(
        func.coalesce(Device.heard_at, Device.registered_at) < since,
        Device.silent_at.is_(None),
        Device.revoked_at.is_(None),
    )
    return session.scalars(found.order_by(Device.id).limit(TURN_MAX)).all()


def _tell(session: Session, device_id: UUID, *, now: datetime) -> None:
    device = evidence.lock(session, Device, device_id)
    if device.silent_at is not None or device.revoked_at is not None:
        return
    minutes = int((now - (device.heard_at or device.registered_at)).total_seconds()) // 60
    judged = consider("device.listen", {"silent_minutes": minutes}, on=business_date(now))
    if not any(one.is_finding for one in judged):
        return
    device.silent_at = now
    evidence.append(
        session,
        device,
        "device.silent",
        {"heard_at": device.heard_at and instant_text(device.heard_at), "minutes": minutes},
        now=now,
        actor=None,
        parties=queries.concerned(session, device),
    )
