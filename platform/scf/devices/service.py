"""Commands over devices: registered under a key, heard in signed batches, revoked for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.db.bulk import copy_in
from scf.devices import months, queries, rules
from scf.devices.models import Device, DeviceHour, DeviceKind, Reading, ReadingBatch
from scf.devices.permissions import Action
from scf.devices.rules import (
    BatchMalformed,
    BatchOfAnother,
    BatchSignatureInvalid,
    DeviceRevoked,
    Heard,
    Judged,
    Refusal,
    Said,
)
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid, ValueInvalid
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf_ledger import readings
from scf_ledger.errors import BadSignature, LedgerError

CLOSES_AFTER: Final = timedelta(minutes=5)  # the end of an hour: for what is on its way
LATE_WAITS: Final = timedelta(hours=1)  # for more that comes late of the same hour


class DeviceKeyInvalid(Invalid):
    """A device's key is P-256 or Ed25519, as SubjectPublicKeyInfo in PEM."""

    code = "device.key_invalid"
    title = "设备公钥须为 P-256 或 Ed25519（PEM）"
    title_en = "A device's key is P-256 or Ed25519, in PEM"


class DeviceKeyUsed(Conflict):
    """A keeper's devices have keys of their own: two sources are two keys."""

    code = "device.key_used"
    title = "该公钥已用于另一设备"
    title_en = "Another device of this keeper has this key"


@dataclass(frozen=True, slots=True)
class Registration:
    """What a device is said to be; `unit` by UN/ECE Recommendation 20, none for a position."""

    kind: DeviceKind
    serial: str
    warehouse: str
    location: str | None
    unit: str | None
    public_key: str
    keeper_id: UUID | None
    """At whose place; None is the caller's own."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch."""

    device: Device
    received: int
    stored: int
    known: int
    refused: Sequence[Refusal]


def register(session: Session, actor: Actor, said: Registration, *, now: datetime) -> Device:
    """Register a device at the caller's place, or at one where the caller supervises goods.

    Raises SubjectNotFound, DeviceKeyInvalid, DeviceKeyUsed, ValueInvalid for a unit that does not fit.
    """
    keeper_id = said.keeper_id or actor.party
    queries.require_place(session, actor.party, keeper_id, said.warehouse)
    if (said.unit is None) != (said.kind is DeviceKind.GPS):
        raise ValueInvalid(field="unit", kind=said.kind.value)
    try:
        key = readings.load_key(said.public_key)
    except LedgerError as error:
        raise DeviceKeyInvalid(field="public_key", rule=error.message) from error
    device = Device(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        keeper_id=keeper_id,
        owner_id=actor.party,
        kind=said.kind,
        serial=said.serial,
        warehouse=said.warehouse,
        location=said.location,
        unit=said.unit,
        public_key=said.public_key,
        key_sha256=readings.key_hash(key),
        registered_at=now,
        last_seq=0,
        missing=[],
    )
    try:
        with session.begin_nested():
            session.add(device)
    except IntegrityError as error:
        raise DeviceKeyUsed(field="public_key") from error
    _tell(session, device, "device.registered", _record(session, device), actor, now=now)
    return device


def revoke(
    session: Session, actor: Actor, device_id: UUID, *, reason: str, now: datetime
) -> Device:
    """End a device; what it said stays. Raises SubjectNotFound, DeviceNotAllowed, AlreadyRevoked."""
    queries.opened(session, actor.party, device_id, Action.REVOKE)
    device = evidence.lock(session, Device, device_id)
    device.revoke(reason, now=now)
    _tell(session, device, "device.revoked", {"reason": reason}, actor, now=now)
    return device


def take(session: Session, actor: Actor, device_id: UUID, *, jws: str, now: datetime) -> Taken:
    """Take a signed batch in: what is new is stored, what is known is known, the rest is refused by item.

    Raises SubjectNotFound, DeviceNotAllowed, BatchMalformed, BatchSignatureInvalid, BatchOfAnother,
    DeviceRevoked, TooManyHoles. The signature is verified before anything is locked.
    """
    seen = queries.opened(session, actor.party, device_id, Action.REPORT)
    batch = _read(jws, seen)
    device = evidence.lock(session, Device, device_id)
    if device.revoked_at is not None:
        raise DeviceRevoked(revoked_at=instant_text(device.revoked_at))
    heard = Heard(device.last_seq, device.last_at, queries.holes(device))
    judged = rules.judge(batch.readings, device.kind, device.unit, heard, now=now)
    reused = _reused(session, device, judged)
    if judged.fresh:  # what is known, or refused, may be an old batch sent again: nobody was heard
        _store(session, device, judged.fresh, heard, jws=jws, now=now)
        _hear(session, device, actor, now=now)
        session.flush()
    return Taken(
        device,
        received=len(batch.readings),
        stored=len(judged.fresh),
        known=len(judged.repeated) - len(reused),
        refused=sorted([*judged.refused, *reused], key=lambda one: one.position),
    )


def _read(jws: str, device: Device) -> readings.Batch:
    try:
        batch = readings.read(jws, readings.load_key(device.public_key))
    except BadSignature as error:
        raise BatchSignatureInvalid(field="batch") from error
    except LedgerError as error:
        raise BatchMalformed(field="batch", rule=error.message, **error.fields) from error
    if batch.device != public_id("dev", device.id):
        raise BatchOfAnother(field="batch", device=batch.device)
    return batch


def _reused(session: Session, device: Device, judged: Judged) -> list[Refusal]:
    """Return a refusal for each number that names another reading than is stored under it."""
    if not judged.repeated:
        return []
    instants = [said.at for said in judged.repeated]
    stored = dict(
        session.execute(
            select(Reading.seq, Reading.body).where(
                Reading.device_id == device.id,
                Reading.measured_at.between(min(instants), max(instants)),
                Reading.seq.in_([said.seq for said in judged.repeated]),
            )
        ).all()
    )
    return [
        Refusal(said.position, said.seq, "reading.seq_reused")
        for said in judged.repeated
        if stored.get(said.seq) != said.body
    ]


def _store(
    session: Session,
    device: Device,
    fresh: Sequence[Said],
    heard: Heard,
    *,
    jws: str,
    now: datetime,
) -> None:
    """Write what is new, and move the device on."""
    holes = rules.holes_after(heard, (said.seq for said in fresh))
    months.ensure(session, {months.month_of(now), *(months.month_of(s.at) for s in fresh)}, now=now)
    closings = _open_hours(session, device, {said.hour for said in fresh}, now=now)
    batch = ReadingBatch(id=new_id(), received_at=now, device_id=device.id, jws=jws)
    session.add(batch)
    session.flush()
    copy_in(
        session,
        Reading,
        [
            {
                "device_id": device.id,
                "measured_at": said.at,
                "seq": said.seq,
                "value": said.value,
                "latitude": said.latitude,
                "longitude": said.longitude,
                "closing": closings[said.hour] + 1,
                "batch_id": batch.id,
                "body": said.body,
            }
            for said in fresh
        ],
    )
    furthest = max(fresh, key=lambda said: said.seq)
    if furthest.seq > device.last_seq:
        device.last_seq, device.last_at = furthest.seq, furthest.at
    device.missing = [Range(start, end) for start, end in holes]


def _hear(session: Session, device: Device, actor: Actor, *, now: datetime) -> None:
    """Write down that a device was heard, and that it is silent no longer."""
    if device.silent_at is not None:
        back = {"silent_since": instant_text(device.silent_at)}
        _tell(session, device, "device.heard_again", back, actor, now=now)
        device.silent_at = None
    device.heard_at = now


def _open_hours(
    session: Session, device: Device, hours: set[datetime], *, now: datetime
) -> Mapping[datetime, int]:
    """Have hours closed when their time comes, again where they are closed; return their closings so far."""
    late = now + LATE_WAITS
    rows = [
        {
            "id": new_id(),
            "version": 0,
            "secret": evidence.new_secret(),
            "device_id": device.id,
            "hour_at": hour,
            "closings": 0,
            "due_at": max(hour + timedelta(hours=1) + CLOSES_AFTER, now),
        }
        for hour in sorted(hours)
    ]
    wanted = insert(DeviceHour).values(rows)
    statement = wanted.on_conflict_do_update(
        index_elements=["device_id", "hour_at"],
        set_={"due_at": func.coalesce(DeviceHour.due_at, late)},
    ).returning(DeviceHour.hour_at, DeviceHour.closings)
    return dict(session.execute(statement).all())


def _record(session: Session, device: Device) -> dict[str, Any]:
    found = {
        side: parties.party(session, identity).uscc
        for side, identity in (("keeper", device.keeper_id), ("owner", device.owner_id))
    }
    return {
        **found,
        "kind": device.kind.value,
        "serial": device.serial,
        "warehouse": device.warehouse,
        "location": device.location,
        "unit": device.unit,
        "public_key": device.public_key,
    }


def _tell(
    session: Session,
    device: Device,
    type_: str,
    record: Mapping[str, Any],
    actor: Actor,
    *,
    now: datetime,
) -> None:
    evidence.append(
        session,
        device,
        type_,
        record,
        now=now,
        actor=actor.party,
        parties=queries.concerned(session, device),
    )
