"""Endpoints of devices: registering, handing in what they signed, and proving it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from scf.devices import proving, queries, service
from scf.devices.permissions import Action
from scf.devices.schemas import (
    BatchIn,
    ClosingOut,
    ClosingsOut,
    DeviceIn,
    DeviceOut,
    ReadingOut,
    ReadingsOut,
    TakenOut,
)
from scf.evidence import proofs
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.limits import Kind
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import DeviceId, InstantText, PageSize, RevokeIn
from scf.kernel.ids import public_id

router = APIRouter(tags=["设备 Devices"])

Number = Annotated[int, Path(ge=1, le=2**53 - 1)]


@command(router, "/v1/devices", status=201)
def register(call: Call, body: DeviceIn) -> DeviceOut:
    """登记设备 Register a device with the key that its batches are signed with."""
    found = service.register(call.session, call.actor, body.value(), now=call.now)
    return DeviceOut.of(found)


@query(router, "/v1/devices")
def devices(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[DeviceOut]:
    """设备列表 The devices that the caller runs, oldest first."""
    after = read_cursor("dev", cursor)
    found = queries.devices(call.session, call.actor.party, after=after, size=limit)
    ids = [one.id for one in found]
    return Page[DeviceOut](
        items=[DeviceOut.of(one) for one in found], next=next_cursor("dev", ids, limit)
    )


@query(router, "/v1/devices/{device_id}")
def device(call: Call, device_id: DeviceId) -> DeviceOut:
    """查看设备 A device, how far it has come, and the numbers that never came."""
    return DeviceOut.of(queries.opened(call.session, call.actor.party, device_id, Action.VIEW))


@command(router, "/v1/devices/{device_id}/revoke")
def revoke(call: Call, device_id: DeviceId, body: RevokeIn) -> DeviceOut:
    """停用设备 End a device for good; what it said stays."""
    found = service.revoke(call.session, call.actor, device_id, reason=body.reason, now=call.now)
    return DeviceOut.of(found)


@command(router, "/v1/devices/{device_id}/readings", limit=Kind.READINGS)
def take(call: Call, device_id: DeviceId, body: BatchIn) -> TakenOut:
    """上报读数 Hand in a batch that the device signed: at most 10,000 readings, each judged by itself."""
    found = service.take(call.session, call.actor, device_id, jws=body.batch, now=call.now)
    return TakenOut.of(found)


@query(router, "/v1/devices/{device_id}/readings")
def readings(
    call: Call,
    device_id: DeviceId,
    *,
    hour: InstantText,
    after: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
    limit: PageSize = PAGE_SIZE,
) -> ReadingsOut:
    """读数 The readings of one hour, by number."""
    found = queries.opened(call.session, call.actor.party, device_id, Action.VIEW)
    page = queries.readings(call.session, found, hour=hour, after=after, size=limit)
    return ReadingsOut(items=[ReadingOut.of(found, one) for one in page])


@query(router, "/v1/devices/{device_id}/hours")
def hours(
    call: Call, device_id: DeviceId, after: InstantText | None = None, limit: PageSize = PAGE_SIZE
) -> ClosingsOut:
    """逐时摘要 The roots of a device's closed hours, oldest first; what came late has closings of its own."""
    found = queries.opened(call.session, call.actor.party, device_id, Action.VIEW)
    page = queries.closings(call.session, found, after=after, size=limit)
    return ClosingsOut(items=[ClosingOut.of(hour, closing) for hour, closing in page])


@query(
    router,
    "/v1/devices/{device_id}/readings/{seq}/proof",
    responses={200: {"content": {proofs.MEDIA_TYPE: {}}}},
)
def proof(call: Call, device_id: DeviceId, seq: Number) -> Response:
    """读数证明 One reading, its place under its hour's root, the device's own signature: checked offline."""
    found = queries.opened(call.session, call.actor.party, device_id, Action.VIEW)
    content = proving.prove(call.session, found, seq)
    return download(content, f"{public_id('dev', found.id)}-{seq}.scfproof", proofs.MEDIA_TYPE)
