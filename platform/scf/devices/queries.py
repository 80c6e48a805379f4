"""Reading devices, what they said, and who is concerned."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session

from scf.devices.models import Device, DeviceHour, HourClosing, Reading, ReadingBatch
from scf.devices.permissions import Action, permit
from scf.devices.rules import Holes, hour_of
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotFound
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties.models import PartyKind
from scf.receipts import queries as receipts
from scf.receipts import service as standing
from scf.receipts.models import WarehouseReceipt
from scf.stock.models import Lot
from scf.stock.models import State as LotState


class ReadingNotFound(NotFound):
    """A reading is shown for as long as it is kept."""

    code = "reading.not_found"
    title = "未找到该读数，或已超过保存期限"
    title_en = "No such reading, or it is no longer kept"


@dataclass(frozen=True, slots=True)
class LastReading:
    """What was heard last of a lot: a level at its place, by `device_id`, or a daily stock report, by none.

    `said_by` is the device's number or the report's; `seq` the reading's.
    """

    lot_id: UUID
    device_id: UUID | None
    said_by: str
    seq: int | None
    at: datetime
    quantity: Quantity


_LAST: Final = text("""
SELECT l.id AS lot_id, l.unit, found.*
FROM lots l
CROSS JOIN LATERAL (
  (SELECT d.id AS device_id, d.serial AS said_by, r.seq, r.measured_at AS at, r.value
   FROM devices d
   JOIN readings r ON r.device_id = d.id AND r.measured_at = d.last_at AND r.seq = d.last_seq
   WHERE d.keeper_id = l.keeper_id AND d.warehouse = l.warehouse AND d.unit = l.unit
     AND (d.location IS NULL OR d.location = l.location)
     AND d.kind IN ('scale', 'counter', 'camera')
   ORDER BY r.measured_at DESC, d.id LIMIT 1)
  UNION ALL
  (SELECT NULL, p.number, NULL, p.added_at, p.quantity_minor
   FROM lot_papers p WHERE p.lot_id = l.id AND p.kind = 'daily_stock'
   ORDER BY p.added_at DESC, p.event_id DESC LIMIT 1)
) found
WHERE l.id = ANY (:lots)
ORDER BY found.at
""")


def last_readings(session: Session, lots: Collection[UUID]) -> Mapping[UUID, LastReading]:
    """Return by lot what was heard last of it, of those of which anything was; one question, however many."""
    if not lots:
        return {}
    rows = session.execute(_LAST, {"lots": list(lots)}).mappings()
    return {
        row["lot_id"]: LastReading(
            row["lot_id"],
            row["device_id"],
            row["said_by"],
            row["seq"],
            row["at"],
            Quantity(max(row["value"], 0), row["unit"]),
        )
        for row in rows
    }


def opened(session: Session, party_id: UUID, device_id: UUID, action: Action) -> Device:
    """Return a device that concerns the caller, for an action. Raises SubjectNotFound, DeviceNotAllowed."""
    in_goods = receipts.lies_in_lot(
        or_(WarehouseReceipt.holder_id == party_id, receipts.pledged_to(party_id))
    )
    lies_there = exists().where(
        Lot.keeper_id == Device.keeper_id,
        Lot.warehouse == Device.warehouse,
        Lot.state == LotState.STORED,
        Lot.location == func.coalesce(Device.location, Lot.location),
        Lot.unit == func.coalesce(Device.unit, Lot.unit),
        or_(Lot.depositor_id == party_id, Lot.supervisor_id == party_id, in_goods),
    )
    own = or_(Device.owner_id == party_id, Device.keeper_id == party_id, lies_there)
    device = session.scalar(select(Device).where(Device.id == device_id, own))
    if device is None:  # one question: what is another's costs what is nobody's does
        raise SubjectNotFound
    permit(device, party_id, action)
    return device


def lots_at(session: Session, device: Device) -> Sequence[Lot]:
    """Return the goods that lie where a device is, counted in its unit where it has one, in id order."""
    here = select(Lot).where(
        Lot.keeper_id == device.keeper_id,
        Lot.warehouse == device.warehouse,
        Lot.state == LotState.STORED,
    )
    if device.location is not None:
        here = here.where(Lot.location == device.location)
    if device.unit is not None:
        here = here.where(Lot.unit == device.unit)
    return session.scalars(here.order_by(Lot.id)).all()


def concerned(session: Session, device: Device) -> list[UUID]:
    """Return whom a device concerns: who runs it, and everybody with a right in the goods at its place."""
    found = {device.owner_id, device.keeper_id}
    for lot in lots_at(session, device):
        over = receipts.on_lot(session, lot.id)
        found |= {*lot.parties, *(receipt.holder_id for receipt in over)}
        found |= set(standing.encumbrancers(session, *over))
    return sorted(found)


def require_place(session: Session, party_id: UUID, keeper_id: UUID, warehouse: str) -> None:
    """Raise SubjectNotFound where a party neither keeps goods in a warehouse nor supervises any there."""
    if keeper_id == party_id:
        if parties.party(session, keeper_id).kind is PartyKind.ENTERPRISE:
            return
        raise SubjectNotFound
    supervised = select(Lot.id).where(
        Lot.keeper_id == keeper_id, Lot.supervisor_id == party_id, Lot.warehouse == warehouse
    )
    if session.scalar(supervised.limit(1)) is None:
        raise SubjectNotFound


def devices(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> list[Device]:
    """Return a page of the devices that a party runs, by id."""
    own = or_(Device.owner_id == party_id, Device.keeper_id == party_id)
    statement = select(Device).where(own).order_by(Device.id).limit(size)
    if after is not None:
        statement = statement.where(Device.id > after)
    return list(session.scalars(statement))


def holes(device: Device) -> Holes:
    """Return the numbers that a device never sent, as half-open stretches in order."""
    return [(one.lower, one.upper) for one in device.missing]  # type: ignore[misc]  # bounds are set


def readings(
    session: Session, device: Device, *, hour: datetime, after: int, size: int
) -> Sequence[Reading]:
    """Return a page of an hour's readings by number."""
    start = hour_of(hour)
    return session.scalars(
        select(Reading)
        .where(
            Reading.device_id == device.id,
            Reading.measured_at >= start,
            Reading.measured_at < start + timedelta(hours=1),
            Reading.seq > after,
        )
        .order_by(Reading.seq)
        .limit(size)
    ).all()


def newest(session: Session, device: Device) -> Reading | None:
    """Return the furthest reading, while it is kept."""
    return session.scalar(
        select(Reading).where(
            Reading.device_id == device.id,
            Reading.measured_at == device.last_at,
            Reading.seq == device.last_seq,
        )
    )


def covered(session: Session, hour: DeviceHour, closing: int) -> Sequence[tuple[int, bytes]]:
    """Return number and bytes of the readings that a closing of an hour covers, in its tree's order."""
    rows = session.execute(
        select(Reading.seq, Reading.body)
        .where(
            Reading.device_id == hour.device_id,
            Reading.measured_at >= hour.hour_at,
            Reading.measured_at < hour.hour_at + timedelta(hours=1),
            Reading.closing == closing,
        )
        .order_by(Reading.seq)
    )
    return [(seq, body) for seq, body in rows]


def closings(
    session: Session, device: Device, *, after: datetime | None, size: int
) -> Sequence[tuple[DeviceHour, HourClosing]]:
    """Return the closings of a page of a device's hours, oldest first."""
    hours = (
        select(DeviceHour.id)
        .where(DeviceHour.device_id == device.id, DeviceHour.closings > 0)
        .order_by(DeviceHour.hour_at)
        .limit(size)
    )
    if after is not None:
        hours = hours.where(DeviceHour.hour_at > after)
    rows = session.execute(
        select(DeviceHour, HourClosing)
        .join(HourClosing, HourClosing.hour_id == DeviceHour.id)
        .where(DeviceHour.id.in_(hours))
        .order_by(DeviceHour.hour_at, HourClosing.number)
    )
    return [(hour, closing) for hour, closing in rows]


def closing_of(
    session: Session, device: Device, seq: int
) -> tuple[DeviceHour, HourClosing, Reading]:
    """Return where a reading was closed. Raises ReadingNotFound where it is in no closed hour, or gone."""
    rows = session.execute(
        select(DeviceHour, HourClosing, Reading)
        .join(HourClosing, HourClosing.hour_id == DeviceHour.id)
        .join(
            Reading,
            (Reading.device_id == DeviceHour.device_id)
            & (Reading.measured_at >= DeviceHour.hour_at)
            & (Reading.measured_at < DeviceHour.hour_at + timedelta(hours=1))
            & (Reading.closing == HourClosing.number),
        )
        .where(
            DeviceHour.device_id == device.id,
            HourClosing.first_seq <= seq,
            HourClosing.last_seq >= seq,
            Reading.seq == seq,
        )
    ).one_or_none()
    if rows is None:
        raise ReadingNotFound(seq=seq)
    hour, closing, reading = rows
    return hour, closing, reading


def batch(session: Session, reading: Reading) -> ReadingBatch:
    """Return the signed batch in which a reading came. Raises ReadingNotFound where it is gone."""
    found = session.scalar(select(ReadingBatch).where(ReadingBatch.id == reading.batch_id))
    if found is None:
        raise ReadingNotFound(seq=reading.seq)
    return found
