"""Planning a journey: what travels, by whom, which way; ordered by its holder, agreed to by every pledgee.

Pledged goods may change their place with their pledgee's consent, never without; who has the right does not change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity.models import Pool
from scf.devices.models import Device, DeviceKind
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.models import Party, PartyKind
from scf.receipts import permissions as receipt_permissions
from scf.receipts import service as standing
from scf.receipts.delivering import require_no_orders
from scf.receipts.models import WarehouseReceipt
from scf.transit import queries, rules
from scf.transit.geometry import Point, degrees
from scf.transit.models import Consignment, DestinationKind, State
from scf.transit.permissions import Action
from scf_ledger.encoding import b64url

OPEN: Final = (State.PLANNED, State.AGREED, State.IN_TRANSIT, State.HALTED)


class CarrierUnfit(Invalid):
    """A carrier is an enterprise of its own: neither keeper nor holder, and not whoever receives the goods."""

    code = "consignment.carrier_unfit"
    title = "承运人须为独立企业，不能是保管人、持有人或收货方"
    title_en = "The carrier is neither the keeper, nor the holder, nor the receiver"


class DestinationUnfit(Invalid):
    """Goods go to a warehouse of an enterprise that is not their holder, or to an enterprise that bought them."""

    code = "consignment.destination_unfit"
    title = "目的地保管人须为企业，且不能是仓单持有人"
    title_en = "The keeper at the destination is an enterprise, and not the holder"


class DeviceUnfit(Invalid):
    """What goes with a consignment is a positioning device of its carrier's."""

    code = "consignment.device_unfit"
    title = "随车设备须为承运人登记的有效定位设备"
    title_en = "The device has to be a live positioning device of the carrier's"


class JourneyOpen(Conflict):
    """A receipt's goods travel once at a time."""

    code = "consignment.journey_open"
    title = "该仓单已有未完成的运单"
    title_en = "The receipt's goods are under way, or about to be"


class NothingLeft(Conflict):
    """What travels is what a receipt has left; goods that are lost do not travel."""

    code = "consignment.nothing_left"
    title = "该仓单项下已无货物可运"
    title_en = "Nothing is left of the receipt's goods to travel"


class PlanOverdue(Conflict):
    """What was planned over a receipt holds while title, goods and pledgees are what they were."""

    code = "consignment.plan_overdue"
    title = "仓单的权属、数量或质权人已变动，请重新编制运单"
    title_en = "The receipt's title, quantity or pledgees have changed: plan anew"


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way, and when the goods should be there."""

    place: str
    at: datetime
    point: Point


@dataclass(frozen=True, slots=True)
class Plan:
    """What a holder plans; `carrier` and `destination` by USCC. `tolerance` in metres; `freight_rate` for one whole unit of what arrives."""

    receipt: UUID
    carrier: str
    waybill_no: str
    mode: str
    vehicles: Sequence[str]
    device: UUID | None
    route: Sequence[Stop]
    fence_kind: str
    fence: Sequence[Point]
    tolerance: int
    halt_minutes: int
    destination_kind: DestinationKind
    destination: str
    address: str
    freight_rate: Money
    role: rules.Role


def plan(session: Session, actor: Actor, wanted: Plan, *, now: datetime) -> Consignment:
    """Plan the journey of all that a receipt has left. By its holder; nothing moves yet.

    Raises SubjectNotFound, `receipt.state_forbids`, CarrierUnfit, DestinationUnfit, DeviceUnfit, FenceInvalid,
    RouteInvalid, RoleInvalid, JourneyOpen, NothingLeft, `receipt.orders_open`.
    """
    receipt = evidence.lock(
        session,
        WarehouseReceipt,
        wanted.receipt,
        require=lambda one: receipt_permissions.require(
            one, actor.party, receipt_permissions.Action.WITHDRAW
        ),
    )
    receipt.require_active("consign")
    _require_still(session, receipt)
    carrier, destination = (_named(session, one) for one in (wanted.carrier, wanted.destination))
    _check_parties(receipt, carrier, destination, wanted.destination_kind)
    _check_device(session, wanted.device, carrier)
    rules.check_fence(wanted.fence_kind, wanted.fence, wanted.tolerance)
    rules.check_route([stop.at for stop in wanted.route], now)
    wanted.role.check()
    pool = session.get_one(Pool, receipt.pool_id, populate_existing=True)
    if pool.confirmed_minor <= 0:
        raise NothingLeft(field="receipt", left=receipt.measure(pool.confirmed_minor))
    consignment = Consignment(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        receipt_id=receipt.id,
        holder_id=receipt.holder_id,
        keeper_id=receipt.keeper_id,
        carrier_id=carrier.id,
        destination_id=destination.id,
        destination=wanted.destination_kind,
        pledgees=standing.encumbrancers(session, receipt),
        device_id=wanted.device,
        unit=receipt.unit,
        quantity_minor=pool.confirmed_minor,
        in_transit_minor=0,
        plan={},
        state=State.PLANNED,
        state_since=now,
        planned_at=now,
        signed=[],
        authorizations=[],
    )
    consignment.plan = _content(session, receipt, consignment, wanted)
    session.add(consignment)
    session.flush()
    tell(session, consignment, "consignment.planned", consignment.plan, now=now, actor=actor.party)
    return consignment


def cancel(
    session: Session, actor: Actor, consignment_id: UUID, *, reason: str, now: datetime
) -> Consignment:
    """Give a journey up before the goods are taken over. By the holder. Raises MoveRefused."""
    consignment = lock_for(session, actor, consignment_id, Action.CANCEL)
    consignment.move(State.CANCELLED, now=now)
    said = {"reason": reason}
    tell(session, consignment, "consignment.cancelled", said, now=now, actor=actor.party)
    return consignment


def require_unchanged(
    session: Session, consignment: Consignment, receipt: WarehouseReceipt
) -> Pool:
    """Return the receipt's pool, where what was planned still is so. Raises PlanOverdue, `receipt.state_forbids`."""
    receipt.require_active("consign")
    require_no_orders(session, receipt)
    pool = session.get_one(Pool, receipt.pool_id, populate_existing=True)
    now_so = (
        b64url(receipt.title_event_hash),
        pool.confirmed_minor,
        standing.encumbrancers(session, receipt),
    )
    if now_so != (
        consignment.plan["title"],
        consignment.quantity_minor,
        sorted(consignment.pledgees),
    ):
        raise PlanOverdue(receipt=public_id("whr", receipt.id))
    return pool


def lock_for(session: Session, actor: Actor, consignment_id: UUID, action: Action) -> Consignment:
    """Return a consignment, locked, for an action that this party may take. Raises SubjectNotFound."""
    return evidence.lock(
        session,
        Consignment,
        consignment_id,
        require=lambda one: queries.require(session, one, actor.party, action),
    )


def tell(
    session: Session,
    consignment: Consignment,
    type_: str,
    said: Mapping[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
) -> Event:
    """Append an event of a locked consignment, shown to its parties and to whoever holds a pledge of the goods by now."""
    receipt = session.get_one(WarehouseReceipt, consignment.receipt_id)
    return evidence.append(
        session,
        consignment,
        type_,
        said,
        now=now,
        actor=actor,
        parties=sorted({*consignment.parties, *standing.encumbrancers(session, receipt)}),
        authorizations=authorizations,
    )


def _named(session: Session, code: str) -> Party:
    """Return an active party by its code. Raises SubjectNotFound."""
    party = parties.party_by_uscc(session, code)
    if party is None:
        raise evidence.SubjectNotFound
    return parties.active_party(session, party.id)


def _require_still(session: Session, receipt: WarehouseReceipt) -> None:
    under_way = select(Consignment.id).where(
        Consignment.receipt_id == receipt.id, Consignment.state.in_(OPEN)
    )
    if (found := session.scalar(under_way)) is not None:
        raise JourneyOpen(field="receipt", consignment=public_id("csg", found))
    require_no_orders(session, receipt)


def _check_parties(
    receipt: WarehouseReceipt, carrier: Party, destination: Party, kind: DestinationKind
) -> None:
    enterprises = {carrier.kind, destination.kind} == {PartyKind.ENTERPRISE}
    if carrier.id in (receipt.keeper_id, receipt.holder_id, destination.id):
        raise CarrierUnfit(field="carrier")
    if not enterprises:
        raise DestinationUnfit(field="destination")
    if kind is DestinationKind.WAREHOUSE and destination.id == receipt.holder_id:
        raise DestinationUnfit(field="destination")


def _check_device(session: Session, device_id: UUID | None, carrier: Party) -> None:
    if device_id is None:
        return
    device = session.get(Device, device_id)
    live = device is not None and device.revoked_at is None and device.kind is DeviceKind.GPS
    if device is None or device.owner_id != carrier.id or not live:
        raise DeviceUnfit(field="device")


def _content(
    session: Session,
    receipt: WarehouseReceipt,
    consignment: Consignment,
    wanted: Plan,
) -> dict[str, Any]:
    """Return what everybody signs."""
    roles = ("holder", "keeper", "carrier", "destination")
    codes = {one: parties.party(session, getattr(consignment, f"{one}_id")).uscc for one in roles}
    return {
        **{one: codes[one] for one in roles[:3]},
        "receipt": public_id("whr", receipt.id),
        "title": b64url(receipt.title_event_hash),
        "pledgees": sorted(parties.party(session, one).uscc for one in consignment.pledgees),
        "quantity": consignment.quantity.to_json(),
        "waybill_no": wanted.waybill_no,
        "mode": wanted.mode,
        "vehicles": list(wanted.vehicles),
        "device": public_id("dev", wanted.device) if wanted.device else None,
        "route": [
            {"place": stop.place, "at": instant_text(stop.at), **_point(stop.point)}
            for stop in wanted.route
        ],
        "fence": {
            "kind": wanted.fence_kind,
            "points": [_point(point) for point in wanted.fence],
            "tolerance": wanted.tolerance,
        },
        "halt_minutes": wanted.halt_minutes,
        "destination": {
            "kind": wanted.destination_kind.value,
            "party": codes["destination"],
            "address": wanted.address,
        },
        "freight_rate": wanted.freight_rate.to_json(),
        "role": wanted.role.to_json(),
    }


def _point(point: Point) -> dict[str, str]:
    return {"lat": degrees(point.lat), "lon": degrees(point.lon)}
