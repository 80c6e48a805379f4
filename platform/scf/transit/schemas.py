"""HTTP shapes of consignments: plans, positions, what became of them."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Base64Bytes, Field, StringConstraints

from scf.http.schemas import (
    ConsignmentId,
    DeviceId,
    EventId,
    In,
    InstantText,
    Line,
    LotId,
    MoneyIn,
    Out,
    PartyId,
    PositiveMoney,
    QuantityOut,
    RateText,
    UsccText,
    WarehouseReceiptId,
)
from scf.parties.schemas import DraftOut, SignedIn, SignerIn
from scf.transit.geometry import Point, degrees
from scf.transit.models import Alarm, AlarmKind, Consignment, DestinationKind, Position, State
from scf.transit.planning import Plan, Stop
from scf.transit.rules import Role, RoleKind, Seen
from scf.transit.watching import CARRIER

ORIGINAL_MAX: Final = 4 * 1024 * 1024
POINTS_MAX: Final = 200
Latitude = Annotated[
    str,
    StringConstraints(pattern=r"^-?([0-8]?[0-9]\.[0-9]{6}|90\.000000)$"),
    Field(description="纬度，六位小数 Degrees with six decimals", examples=["29.356000"]),
]
Longitude = Annotated[
    str,
    StringConstraints(pattern=r"^-?((1[0-7][0-9]|[1-9]?[0-9])\.[0-9]{6}|180\.000000)$"),
    Field(description="经度，六位小数 Degrees with six decimals", examples=["105.927000"]),
]


class PointIn(In):
    """A place."""

    lat: Latitude
    lon: Longitude

    @property
    def point(self) -> Point:
        """It in millionths of a degree."""
        return Point.from_json({"lat": self.lat, "lon": self.lon})


class StopIn(PointIn):
    """A place on the way, and when the goods should be there."""

    place: Line = Field(examples=["渝川港桥"])
    at: InstantText


class FenceIn(In):
    """Where the goods may be: inside a polygon, or along a line of points; up to `tolerance` metres beside it."""

    kind: Literal["polygon", "corridor"]
    points: list[PointIn] = Field(min_length=2, max_length=POINTS_MAX)
    tolerance: int = Field(ge=0, le=20_000, description="容差（米）", examples=[500])


class DestinationIn(In):
    """Where they go: into another keeper's warehouse, or to whoever bought them."""

    kind: DestinationKind
    party: UsccText
    address: Line


class RoleIn(In):
    """What the carrier is to the deal: broker 中介, guarantor 担保 of `amount`, principal 自营 with `amount` of its own."""

    kind: RoleKind = RoleKind.BROKER
    amount: PositiveMoney | None = None
    fee_rate: RateText | None = Field(
        None, description="费率 Of the amount; yearly but for a broker"
    )

    def value(self) -> Role:
        """Return it as the service takes it."""
        return Role(self.kind, self.amount, self.fee_rate)


class ConsignmentIn(In):
    """运单：一张仓单项下全部剩余货物的一次运输 The journey of all that a receipt has left."""

    receipt: WarehouseReceiptId
    carrier: UsccText
    waybill_no: Line = Field(examples=["YD-2025-0001"])
    mode: Literal["road", "rail", "river", "multimodal"]
    vehicles: list[Line] = Field(
        min_length=1, max_length=100, description="车号、车皮号、船名", examples=[["渝C12345"]]
    )
    device: DeviceId | None = Field(None, description="承运人登记的定位设备")
    route: list[StopIn] = Field(min_length=2, max_length=50)
    fence: FenceIn
    halt_minutes: int = Field(ge=0, le=10_080, description="允许停留分钟数；0 为不限")
    destination: DestinationIn
    freight_rate: MoneyIn = Field(
        description="每计量单位运费，按到货数量计 For a whole unit of what arrives"
    )
    role: RoleIn = RoleIn(kind=RoleKind.BROKER, amount=None, fee_rate=None)

    def value(self) -> Plan:
        """Return it as the service takes it."""
        return Plan(
            receipt=self.receipt,
            carrier=self.carrier,
            waybill_no=self.waybill_no,
            mode=self.mode,
            vehicles=self.vehicles,
            device=self.device,
            route=[Stop(stop.place, stop.at, stop.point) for stop in self.route],
            fence_kind=self.fence.kind,
            fence=[point.point for point in self.fence.points],
            tolerance=self.fence.tolerance,
            halt_minutes=self.halt_minutes,
            destination_kind=self.destination.kind,
            destination=self.destination.party,
            address=self.destination.address,
            freight_rate=self.freight_rate,
            role=self.role.value(),
        )


class SignersIn(In):
    """Who is to sign for the caller."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class ArrivalIn(SignersIn):
    """The lot that was weighed and assayed at the destination."""

    lot: LotId


class ArrivedIn(SignedIn):
    """Both papers of the new keeper, signed: 入库确认单 and 到货接管确认书."""

    lot: LotId


class HandOutIn(SignersIn):
    """The proof of delivery (签收单), as the carrier has it."""

    papers: list[Base64Bytes] = Field(min_length=1, max_length=20, examples=[["JVBERi0xLjcK"]])


class PositionIn(PointIn):
    """Where the goods were, and whether the seal was open."""

    at: InstantText
    seal: Literal["closed", "open"] | None = None

    def value(self) -> Seen:
        """Return it as the service takes it."""
        at: datetime = self.at
        seal = None if self.seal is None else self.seal == "open"
        return Seen(at, self.point, seal, CARRIER)


class PositionsIn(In):
    """Positions, as the carrier's own system knows them."""

    positions: list[PositionIn] = Field(min_length=1, max_length=1_000)


class ReasonIn(In):
    """Why."""

    reason: Line


class ArrivalDraftOut(Out):
    """Two papers that are signed and handed back together."""

    storing: DraftOut
    receiving: DraftOut


class AlarmOut(Out):
    """What a position gave alarm for, and since when it is cleared."""

    event: EventId
    kind: AlarmKind
    seen_at: InstantText
    raised_at: InstantText
    cleared_at: InstantText | None

    @classmethod
    def of(cls, alarm: Alarm) -> Self:
        """Show one."""
        return cls(
            event=alarm.event_id,
            kind=alarm.kind,
            seen_at=alarm.seen_at,
            raised_at=alarm.raised_at,
            cleared_at=alarm.cleared_at,
        )


class PositionOut(Out):
    """Where a consignment was, by whom."""

    at: InstantText
    lat: str
    lon: str
    seal: Literal["closed", "open"] | None
    source: str

    @classmethod
    def of(cls, position: Position) -> Self:
        """Show one."""
        seal: Literal["closed", "open"] | None = None
        if position.seal_open is not None:
            seal = "open" if position.seal_open else "closed"
        return cls(
            at=position.seen_at,
            lat=degrees(position.latitude),
            lon=degrees(position.longitude),
            seal=seal,
            source=position.source,
        )


class ConsignmentOut(Out):
    """A consignment as whoever has a part in it sees it; `plan` is what they sign."""

    id: ConsignmentId
    version: int
    state: State
    receipt: WarehouseReceiptId
    holder: PartyId
    keeper: PartyId
    carrier: PartyId
    destination: PartyId
    destination_kind: DestinationKind
    pledgees: list[PartyId]
    quantity: QuantityOut
    in_transit: QuantityOut
    arrived: QuantityOut | None
    plan: dict[str, Any]
    signed: list[PartyId] = Field(description="本步骤已签署方 Who has signed the step that waits")
    planned_at: InstantText
    dispatched_at: InstantText | None

    @classmethod
    def of(cls, one: Consignment) -> Self:
        """Show one."""
        arrived = one.arrived_minor
        return cls(
            id=one.id,
            version=one.version,
            state=one.state,
            receipt=one.receipt_id,
            holder=one.holder_id,
            keeper=one.keeper_id,
            carrier=one.carrier_id,
            destination=one.destination_id,
            destination_kind=one.destination,
            pledgees=one.pledgees,
            quantity=one.quantity,
            in_transit=one.measure(one.in_transit_minor),
            arrived=None if arrived is None else one.measure(arrived),
            plan=one.plan,
            signed=one.signed,
            planned_at=one.planned_at,
            dispatched_at=one.dispatched_at,
        )


class ConsignmentDetailOut(ConsignmentOut):
    """A consignment with its alarms."""

    alarms: list[AlarmOut]
