"""The proof of one reading: under its hour's root, in the hour, and signed by the device registered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from scf_ledger import canonical, merkle, readings, shapes
from scf_ledger.encoding import from_b64url
from scf_ledger.errors import LedgerError
from scf_ledger.proof import ProvenReading
from scf_ledger.verify.case import Read
from scf_ledger.verify.report import Failure

KIND: Final = "reading"
HOURS: Final = frozenset({"device_hour.closed", "device_hour.supplemented"})
DEVICE: Final = "device.registered"
BODY_BYTES_MAX: Final = 1_024


def check_entries(reads: Sequence[Read]) -> None:
    """Verify that the hour's event and the device's registration are there, and speak of one device.

    :raises LedgerError: one is missing, doubled, hidden, or of another device
    """
    hour, device = _sole(reads, HOURS), _sole(reads, frozenset({DEVICE}))
    if hour.record["device"] != device.event.subject:
        raise Failure("reading.other_device", device=hour.record["device"])


def check(reads: Sequence[Read], reading: ProvenReading | None) -> None:
    """Verify that a reading is what its device signed and what its hour's event covers.

    :raises LedgerError: something is missing or does not lead from one to the other
    """
    if reading is None:
        raise Failure("reading.absent")
    hour, device = _sole(reads, HOURS), _sole(reads, frozenset({DEVICE}))
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(reading.body),
        index=reading.index,
        size=hour.record["count"],
        proof=reading.path,
        root=from_b64url(hour.record["root"]),
    )
    value, began = said(reading), shapes.instant(hour.record["hour"])
    at = value.get("at") if isinstance(value, dict) else None
    measured = shapes.instant(at) if isinstance(at, str) and shapes.is_instant(at) else None
    if measured is None or not began <= measured < began + timedelta(hours=1):
        raise Failure("reading.other_hour", at=at, hour=hour.record["hour"])
    batch = readings.read(reading.batch, readings.load_key(device.record["public_key"]))
    if batch.device != device.event.subject or value not in batch.readings:
        raise Failure("reading.not_signed", device=batch.device)


def said(reading: ProvenReading) -> Any:
    """Return what a reading says, for reading beside the ticks."""
    try:
        return canonical.decode(reading.body, max_bytes=BODY_BYTES_MAX)
    except LedgerError:
        return None


def _sole(reads: Sequence[Read], types: frozenset[str]) -> Read:
    """Return the one entry of these types, whose record is shown whole."""
    found = [read for read in reads if read.type in types]
    if len(found) != 1:
        raise Failure("reading.entries", type=" / ".join(sorted(types)), found=len(found))
    hidden = found[0].event.type.fields.keys() - found[0].record.keys()
    if hidden:
        raise Failure("completeness.field_hidden", field=min(hidden), type=found[0].type)
    return found[0]
