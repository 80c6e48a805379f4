"""Devices, what they said, and the hours that their readings are proven by.

A device's row is locked before its hours; its readings are inserted under that lock and never change. What
was heard late of an hour that is closed goes to a closing of its own: nothing that was proven is rewritten.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table, append_only, text_enum
from scf.evidence.models import Subject
from scf.parties.models import Revocable


class DeviceKind(StrEnum):
    """What a device says: how much stands there, how much passed, or where it is."""

    SCALE = "scale"  # 秤：库位上的重量
    COUNTER = "counter"  # 计数器：库位上的件数
    CAMERA = "camera"  # 摄像计数：画面中的件数
    GATE = "gate"  # 门禁：进出的数量，出为负
    GPS = "gps"  # 定位


LEVELS: Final = frozenset({DeviceKind.SCALE, DeviceKind.COUNTER, DeviceKind.CAMERA})
"""What stands at the place, each reading by itself; a gate tells what passed since the one before."""


class Device(Subject, Revocable, Base):
    """A device at a keeper's place, under the one key that its batches are signed with.

    `last_seq` and `last_at` are the number and the instant of the furthest reading, `heard_at` when
    something new came last, business time; `missing` are the numbers below that never came. Up to `checked_seq` its
    levels were held to the book; `silent_at` is when it was told that nothing is heard of it any more.
    """

    __tablename__ = "devices"
    __table_args__ = (
        UniqueConstraint("keeper_id", "key_sha256"),
        CheckConstraint("(kind = 'gps') = (unit IS NULL)", name="unit_of_what_is_measured"),
        CheckConstraint("last_seq >= 0", name="last_seq_not_negative"),
        Index("ix_devices_owner_id_id", "owner_id", "id"),
        Index("ix_devices_keeper_id_warehouse", "keeper_id", "warehouse"),
    )

    keeper_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[DeviceKind] = mapped_column(text_enum(DeviceKind))
    serial: Mapped[str] = mapped_column(Text)
    warehouse: Mapped[str] = mapped_column(Text)
    location: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    key_sha256: Mapped[bytes]
    registered_at: Mapped[datetime]
    last_seq: Mapped[int]
    last_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    missing: Mapped[Sequence[Range[int]]] = mapped_column(INT8MULTIRANGE)
    checked_seq: Mapped[int] = mapped_column(server_default="0")
    silent_at: Mapped[datetime | None]


class ReadingBatch(Base):
    """A signed batch as it came, of which something was new; kept as long as its readings are."""

    __tablename__ = "reading_batches"
    __table_args__ = ({"postgresql_partition_by": "RANGE (received_at)"},)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[UUID]
    jws: Mapped[str] = mapped_column(Text)


class Reading(Base):
    """One reading; `body` is its canonical bytes, the leaf of its hour's tree.

    `value` is in the smallest part of the device's unit; a position is in millionths of a degree. `closing`
    is which closing of its hour covers it. No foreign keys: checking one costs more than all the rest of
    taking a reading in, rows come under their device's lock alone, and the audit holds both sides together.
    """

    __tablename__ = "readings"
    __table_args__ = (
        CheckConstraint(
            "(value IS NULL) = (latitude IS NOT NULL AND longitude IS NOT NULL)",
            name="value_or_position",
        ),
        {"postgresql_partition_by": "RANGE (measured_at)"},
    )

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    measured_at: Mapped[datetime] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int | None]
    latitude: Mapped[int | None]
    longitude: Mapped[int | None]
    closing: Mapped[int] = mapped_column(SmallInteger)
    batch_id: Mapped[UUID]
    body: Mapped[bytes]


class ReadingMonth(Base):
    """A month (UTC) of readings and batches: open from its first need, dropped under a rule's version."""

    __tablename__ = "reading_months"
    __table_args__ = (
        CheckConstraint("extract(day FROM month) = 1", name="first_day"),
        CheckConstraint(
            "num_nulls(dropped_at, rule_version) IN (0, 2)", name="dropped_under_a_rule"
        ),
    )

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    opened_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]
    rule_version: Mapped[int | None]


class DeviceHour(Subject, Base):
    """One hour (UTC) of a device's readings; `closings` were made of it, the next is due at `due_at`."""

    __tablename__ = "device_hours"
    __table_args__ = (
        UniqueConstraint("device_id", "hour_at"),
        Index("ix_device_hours_due_at", "due_at", postgresql_where="due_at IS NOT NULL"),
    )

    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id"))
    hour_at: Mapped[datetime]
    closings: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime | None]


class HourClosing(Base):
    """What one closing of an hour covers: the hour's own, or what came late; insert only."""

    __tablename__ = "hour_closings"
    __table_args__ = (
        CheckConstraint("octet_length(root) = 32", name="root_length"),
        CheckConstraint("readings > 0 AND first_seq <= last_seq", name="covers_something"),
    )

    hour_id: Mapped[UUID] = mapped_column(ForeignKey("device_hours.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    readings: Mapped[int]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    root: Mapped[bytes]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id"))
    closed_at: Mapped[datetime]


append_only(HourClosing)
for _kept in (Reading, ReadingBatch):
    _table = _kept.__tablename__
    # Of each row, so that a month's own table refuses it too; what was kept for long enough goes with its month.
    after_table(
        _kept,
        f"CREATE TRIGGER {_table}_append_only BEFORE UPDATE OR DELETE ON {_table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()",
        f"CREATE TRIGGER {_table}_kept BEFORE TRUNCATE ON {_table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()",
    )
after_table(
    Reading,
    """
CREATE FUNCTION guard_readings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY device_id, seq HAVING count(*) > 1) OR EXISTS (
    SELECT FROM added a LEFT JOIN devices d ON d.id = a.device_id
      WHERE d.id IS NULL OR (a.seq <= d.last_seq AND NOT d.missing @> a.seq)
  ) THEN
    RAISE EXCEPTION 'a number of a device names one reading' USING ERRCODE = 'unique_violation';
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE TRIGGER readings_guard AFTER INSERT ON readings
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_readings()
""",
)
after_table(
    Device,
    """
CREATE FUNCTION guard_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.last_seq < OLD.last_seq OR NEW.public_key <> OLD.public_key OR (
    OLD.revoked_at IS NOT NULL AND NEW.last_seq > OLD.last_seq
  ) THEN
    RAISE EXCEPTION 'a device keeps its key and goes on counting' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
""",
    "CREATE TRIGGER devices_guard BEFORE UPDATE ON devices"
    " FOR EACH ROW EXECUTE FUNCTION guard_device()",
)
