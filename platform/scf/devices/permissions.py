"""Who may do what with a device: its owner and the keeper at whose place it is; who is concerned looks."""

from enum import StrEnum
from uuid import UUID

from scf.devices.models import Device
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


def permit(device: Device, party_id: UUID, action: Action) -> None:
    """Raise DeviceNotAllowed for whoever is concerned and only looks."""
    if action is not Action.VIEW and party_id not in (device.owner_id, device.keeper_id):
        raise DeviceNotAllowed(action=action.value)
