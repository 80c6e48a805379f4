"""Devices: each as registered; each reading in a batch that its device signed, under its hour's root."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row, readable
from scf.audit.history import History, count, histories, rows, table
from scf.devices import months
from scf.devices.models import DeviceKind
from scf.devices.rules import Refusal, read
from scf.kernel.clock import business_date, parse_instant
from scf.kernel.ids import parse_id, public_id
from scf_ledger import canonical, merkle, readings
from scf_ledger.verify.reading import BODY_BYTES_MAX

BATCHES_KEPT: Final = 64  # opened ones, while the readings that came in them pass by
_THERE = text(
    "SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent IN ('readings'::regclass, 'reading_batches'::regclass)"
)
_HELD = text(
    "SELECT range_agg(int8range(seq, seq + 1)) = int8multirange(int8range(1, :last + 1)) - CAST(:missing"
    " AS int8multirange) FROM readings WHERE device_id = :device"
)


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold devices to their events, readings to their roots and signatures. Raises Different."""
    dropped = _check_months(session, report)
    devices = {}
    for history in histories(session, "devices", report):
        _check_device(history, codes)
        devices[history.row["id"]] = history.row
    closings: dict[UUID, list[RowMapping]] = {}
    for row in rows(session, "hour_closings", "hour_id", "number"):
        report.rows["hour_closings"] += 1
        closings.setdefault(row["hour_id"], []).append(row)
    batches = _Batches(session, devices)
    for history in histories(session, "device_hours", report):
        _check_hour(history, closings.pop(history.row["id"], []))
        if months.month_of(history.row["hour_at"]) not in dropped:
            _check_readings(session, history, devices[history.row["device_id"]], batches, report)
    expect("hour_closings", "*", "hour_id", list(closings), [])
    expect("readings", "*", "device_id", count(session, "readings"), report.rows["readings"])
    report.rows["reading_batches"] = count(session, "reading_batches")
    if dropped:  # batches and numbers speak of readings that are kept no longer
        return
    expect("reading_batches", "*", "id", report.rows["reading_batches"], batches.opened)
    for device in devices.values():
        _check_numbers(session, device)


def _check_months(session: Session, report: Report) -> set[Any]:
    """Hold the months to the tables that are there, and what was dropped to its rule; return those."""
    there = set(session.scalars(_THERE))
    dropped, wanted = set(), set()
    for row in rows(session, "reading_months", "month"):
        report.rows["reading_months"] += 1
        month, key = row["month"], row["month"].isoformat()
        expect("reading_months", key, "month", month, month.replace(day=1))
        if row["dropped_at"] is None:
            wanted |= set(months.tables_of(month))
            continue
        version = months.kept_long_enough(month, dropped_on=business_date(row["dropped_at"]))
        expect("reading_months", key, "rule_version", row["rule_version"], version)
        dropped.add(month)
    expect("reading_months", "*", "month", sorted(wanted), sorted(there))
    return dropped


def _check_device(history: History, codes: Mapping[UUID, str]) -> None:
    row, first, revoked = history.row, history.told[0], history.last("device.revoked")
    expect_row(
        "devices",
        history.key,
        {**row, "keeper": codes.get(row["keeper_id"]), "owner": codes.get(row["owner_id"])},
        {
            **{name: first.record[name] for name in ("keeper", "owner", "serial", "warehouse")},
            **{name: first.record[name] for name in ("location", "unit", "public_key")},
            "kind": DeviceKind(first.record["kind"]),
            "registered_at": first.at,
            "revoked_at": revoked and revoked.at,
            "revocation_reason": revoked and revoked.record["reason"],
        },
    )
    with readable("devices", history.key, "public_key"):
        key = readings.load_key(row["public_key"])
    expect("devices", history.key, "key_sha256", row["key_sha256"], readings.key_hash(key))


def _check_hour(history: History, closings: Sequence[RowMapping]) -> None:
    """Hold an hour and its closings to the events, one each."""
    row, told = history.row, history.told
    expect("device_hours", history.key, "closings", row["closings"], len(told))
    expect("hour_closings", history.key, "number", [c["number"] for c in closings], _to(len(told)))
    for closing, event in zip(closings, told, strict=True):
        expect_row(
            "hour_closings",
            history.key,
            {**closing, "device_id": row["device_id"], "hour_at": row["hour_at"]},
            {
                "device_id": parse_id("dev", event.record["device"]),
                "hour_at": parse_instant(event.record["hour"]),
                "readings": event.record["count"],
                "first_seq": event.record["first_seq"],
                "last_seq": event.record["last_seq"],
                "root": event.bytes("root"),
                "event_id": event.id,
                "closed_at": event.at,
            },
        )


def _check_readings(
    session: Session, history: History, device: RowMapping, batches: "_Batches", report: Report
) -> None:
    """Read an hour's readings again: each is what its device signed, and all of a closing lead to its root."""
    row, found = history.row, table("readings")
    query = select(found).where(
        found.c.device_id == row["device_id"],
        found.c.measured_at >= row["hour_at"],
        found.c.measured_at < row["hour_at"] + timedelta(hours=1),
    )
    leaves: dict[int, list[bytes]] = {}
    for reading in session.execute(query.order_by(found.c.closing, found.c.seq)).mappings():
        report.rows["readings"] += 1
        _check_reading(reading, device)
        key = f"{public_id('dev', device['id'])} {reading['seq']}"
        signed = bytes(reading["body"]) in batches.open(reading["batch_id"], device["id"])
        expect("readings", key, "batch_id", signed, True)
        leaves.setdefault(reading["closing"], []).append(merkle.leaf_hash(reading["body"]))
    for told in history.told:
        root = merkle.root(leaves.pop(told.version, []))
        expect("readings", history.key, "body", root, told.bytes("root"))
    expect("readings", history.key, "closing", set(leaves) <= {len(history.told) + 1}, True)


def _check_reading(reading: RowMapping, device: RowMapping) -> None:
    key = f"{public_id('dev', device['id'])} {reading['seq']}"
    with readable("readings", key, "body"):
        value = canonical.decode(bytes(reading["body"]), max_bytes=BODY_BYTES_MAX)
    said = read(0, value, device["kind"], device["unit"])
    expect("readings", key, "body", isinstance(said, Refusal), False)
    assert not isinstance(said, Refusal)
    expect_row(
        "readings",
        key,
        reading,
        {
            "measured_at": said.at,
            "seq": said.seq,
            "value": said.value,
            "latitude": said.latitude,
            "longitude": said.longitude,
        },
    )


def _check_numbers(session: Session, device: RowMapping) -> None:
    """Hold how far a device has come, and what it left out, to the readings that are there."""
    key = public_id("dev", device["id"])
    newest = table("readings")
    query = select(newest.c.seq, newest.c.measured_at).where(newest.c.device_id == device["id"])
    last = session.execute(query.order_by(newest.c.seq.desc()).limit(1)).one_or_none()
    seq, at = last if last is not None else (0, None)
    expect_row("devices", key, device, {"last_seq": seq, "last_at": at})
    if last is None:
        expect("devices", key, "missing", list(device["missing"]), [])
        return
    missing = "{" + ",".join(f"[{one.lower},{one.upper})" for one in device["missing"]) + "}"
    values = {"last": seq, "missing": missing, "device": device["id"]}
    expect("devices", key, "missing", session.scalar(_HELD, values), True)


class _Batches:
    """Batches as their devices signed them, opened as they are needed."""

    def __init__(self, session: Session, devices: Mapping[UUID, RowMapping]) -> None:
        self._session, self._devices = session, devices
        self._open: OrderedDict[UUID, set[bytes]] = OrderedDict()
        self._seen: set[UUID] = set()

    @property
    def opened(self) -> int:
        """How many were opened in all."""
        return len(self._seen)

    def open(self, identity: UUID, device_id: UUID) -> set[bytes]:
        """Return what a batch of a device says, as canonical bytes. Raises Different."""
        if identity not in self._open:
            self._open[identity] = self._read(identity, device_id)
            self._seen.add(identity)
            if len(self._open) > BATCHES_KEPT:
                self._open.popitem(last=False)
        return self._open[identity]

    def _read(self, identity: UUID, device_id: UUID) -> set[bytes]:
        found = table("reading_batches")
        query = select(found).where(found.c.id == identity)
        row = self._session.execute(query).mappings().one_or_none()
        expect("reading_batches", identity, "id", row is not None, True)
        assert row is not None
        expect("reading_batches", identity, "device_id", row["device_id"], device_id)
        with readable("reading_batches", identity, "jws"):
            key = readings.load_key(self._devices[device_id]["public_key"])
            batch = readings.read(row["jws"], key)
            said = {readings.body(one) for one in batch.readings}
        expect("reading_batches", identity, "jws", batch.device, public_id("dev", device_id))
        return said


def _to(last: int) -> list[int]:
    return list(range(1, last + 1))
