"""HTTP shapes of devices and their readings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints

from scf.devices import queries, rules
from scf.devices.models import Device, DeviceHour, DeviceKind, HourClosing, Reading
from scf.devices.service import Registration, Taken
from scf.http.schemas import (
    DeviceId,
    DigestText,
    EventId,
    In,
    InstantText,
    Line,
    Out,
    PartyId,
)
from scf.kernel.quantity import UNITS, Quantity
from scf_ledger.encoding import b64url
from scf_ledger.readings import BATCH_BYTES_MAX, PEM_BYTES_MAX

HOLES_SHOWN: Final = 100
Unit = Annotated[
    str,
    StringConstraints(pattern=f"^({'|'.join(UNITS)})$"),
    Field(description="UN/ECE Rec 20：TNE 吨、KGM 千克、MTQ 立方米、C62 件", examples=["TNE"]),
]
_PEM: Final = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n"
)


class DeviceIn(In):
    """A device at a keeper's place; the private key stays in the device, or in its gateway."""

    kind: DeviceKind
    serial: Line = Field(description="设备编号", examples=["GQ-SC-07"])
    warehouse: Line = Field(examples=["一号库"])
    location: Line | None = Field(None, description="库位；不填即整库", examples=["A-03"])
    unit: Unit | None = Field(None, description="计量单位；定位设备不填")
    public_key: Annotated[str, StringConstraints(max_length=PEM_BYTES_MAX)] = Field(
        description="P-256 或 Ed25519 公钥（PEM）", examples=[_PEM]
    )
    keeper: PartyId | None = Field(None, description="保管人；不填即本方")

    def value(self) -> Registration:
        """Return it as the service takes it."""
        return Registration(
            kind=self.kind,
            serial=self.serial,
            warehouse=self.warehouse,
            location=self.location,
            unit=self.unit,
            public_key=self.public_key,
            keeper_id=self.keeper,
        )


class StretchOut(Out):
    """Numbers that never came, both ends included."""

    first: int
    last: int


class DeviceOut(Out):
    """A device, how far it has come and what it left out."""

    id: DeviceId
    version: int
    keeper: PartyId
    owner: PartyId
    kind: DeviceKind
    serial: str
    warehouse: str
    location: str | None
    unit: str | None
    public_key: str
    registered_at: InstantText
    revoked_at: InstantText | None
    last_seq: int
    last_at: InstantText | None
    heard_at: InstantText | None
    silent_at: InstantText | None = Field(description="失联预警时间；恢复后清空")
    missing_count: int = Field(description="缺失的读数个数")
    missing: list[StretchOut] = Field(description=f"缺失的序号区段，最多列出前{HOLES_SHOWN}段")

    @classmethod
    def of(cls, device: Device) -> Self:
        """Show a device."""
        return cls(
            id=device.id,
            version=device.version,
            keeper=device.keeper_id,
            owner=device.owner_id,
            kind=device.kind,
            serial=device.serial,
            warehouse=device.warehouse,
            location=device.location,
            unit=device.unit,
            public_key=device.public_key,
            registered_at=device.registered_at,
            revoked_at=device.revoked_at,
            last_seq=device.last_seq,
            last_at=device.last_at,
            heard_at=device.heard_at,
            silent_at=device.silent_at,
            **_missing(device),
        )


def _missing(device: Device) -> dict[str, Any]:
    holes = queries.holes(device)
    return {
        "missing_count": sum(end - start for start, end in holes),
        "missing": [StretchOut(first=start, last=end - 1) for start, end in holes[:HOLES_SHOWN]],
    }


class BatchIn(In):
    """A batch as the device signed it: a compact JWS, see docs/formats/readings.md."""

    batch: Annotated[str, StringConstraints(max_length=BATCH_BYTES_MAX)] = Field(
        examples=["eyJhbGciOiJFZERTQSIsInR5cCI6InNjZi1yZWFkaW5ncytqd3MifQ.eyJkZXZpY2UiOi…"]
    )


class RefusalOut(Out):
    """One reading that was not taken; `position` counts from 0 within the batch."""

    position: int
    seq: int | None
    code: str = Field(examples=["reading.in_future"])
    title: str
    title_en: str
    fields: Mapping[str, Any]


class TakenOut(Out):
    """What became of a batch. What is known already counts as taken: sending again does no harm."""

    device: DeviceId
    received: int
    stored: int
    known: int
    refused: Sequence[RefusalOut]
    next_seq: int = Field(description="期待的下一序号")
    missing_count: int
    missing: list[StretchOut]

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """Answer a batch."""
        return cls(
            device=taken.device.id,
            received=taken.received,
            stored=taken.stored,
            known=taken.known,
            refused=[
                RefusalOut(
                    position=one.position,
                    seq=one.seq,
                    code=one.code,
                    title=rules.REFUSALS[one.code][0],
                    title_en=rules.REFUSALS[one.code][1],
                    fields=one.fields,
                )
                for one in taken.refused
            ],
            next_seq=taken.device.last_seq + 1,
            **_missing(taken.device),
        )


class PositionOut(Out):
    """Where a device was, in degrees (WGS 84)."""

    lat: str = Field(examples=["29.356123"])
    lon: str = Field(examples=["105.927001"])


class ReadingOut(Out):
    """One reading."""

    seq: int
    at: InstantText
    value: str | None = Field(examples=["140.000"])
    position: PositionOut | None

    @classmethod
    def of(cls, device: Device, reading: Reading) -> Self:
        """Show a reading in its device's unit."""
        value = position = None
        if reading.value is not None and device.unit is not None:
            value = Quantity(reading.value, device.unit).text
        if reading.latitude is not None and reading.longitude is not None:
            position = PositionOut(lat=_degrees(reading.latitude), lon=_degrees(reading.longitude))
        return cls(seq=reading.seq, at=reading.measured_at, value=value, position=position)


def _degrees(millionths: int) -> str:
    whole, rest = divmod(abs(millionths), 1_000_000)
    return f"{'-' if millionths < 0 else ''}{whole}.{rest:06}"


class ReadingsOut(Out):
    """A page of an hour's readings by number; the next page is asked for `after` the last one."""

    items: list[ReadingOut]


class ClosingOut(Out):
    """A closing of an hour: the root over its readings, told by an event. Number 1 is the hour's own."""

    hour: InstantText
    number: int
    readings: int
    first_seq: int
    last_seq: int
    root: DigestText
    event: EventId
    closed_at: InstantText

    @classmethod
    def of(cls, hour: DeviceHour, closing: HourClosing) -> Self:
        """Show a closing."""
        return cls(
            hour=hour.hour_at,
            number=closing.number,
            readings=closing.readings,
            first_seq=closing.first_seq,
            last_seq=closing.last_seq,
            root=b64url(closing.root),
            event=closing.event_id,
            closed_at=closing.closed_at,
        )


class ClosingsOut(Out):
    """The closings of a page of hours; the next page is asked for `after` the last one's hour."""

    items: list[ClosingOut]
