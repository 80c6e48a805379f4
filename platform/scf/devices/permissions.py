"""Who may do what with a device: its owner and the keeper at whose place it is; who is concerned looks."""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from scf.devices.models import Device
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import NotAllowed


class Action(StrEnum):
    """What can be asked for."""

    VIEW = "view"
    REPORT = "report"  # hand in what it signed
    REVOKE = "revoke"


class DeviceNotAllowed(NotAllowed):
    """A device's owner and the keeper run it; everyone else concerned looks."""

    code = "device.not_allowed"
    title = "仅设备登记方与保管人可以操作设备"
    title_en = "Only the device's owner and the keeper may do that"


def permit(device: Device, party_id: UUID, action: Action, concerned: Collection[UUID]) -> None:
    """Raise SubjectNotFound for whoever is not concerned, DeviceNotAllowed for who only looks."""
    if party_id in (device.owner_id, device.keeper_id):
        return
    if party_id not in concerned:
        raise SubjectNotFound
    if action is not Action.VIEW:
        raise DeviceNotAllowed(action=action.value)
