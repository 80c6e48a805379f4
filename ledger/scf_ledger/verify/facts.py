"""What a proof says, for reading beside the ticks: claims of the parties, never a verdict."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scf_ledger.proof import Proof
from scf_ledger.verify import reading
from scf_ledger.verify.case import Read
from scf_ledger.verify.checkpoint import Head
from scf_ledger.verify.pledge import SECURITY, TERMS


def of(
    proof: Proof,
    reads: Sequence[Read],
    indices: Sequence[int] | None,
    head: Head | None,
    *,
    existed_by: datetime | None,
    vouched_by: str | None,
) -> dict[str, Any]:
    """Collect the facts of a proof: its events with claimed times, its head, the pledge's terms."""
    found: dict[str, Any] = {
        "existed_by": existed_by.isoformat() if existed_by else None,
        "entries": [
            {
                "type": read.type,
                "subject": read.event.subject,
                "version": read.event.version,
                "claimed_at": read.event.occurred_at,
                "index": indices[number] if indices is not None else None,
            }
            for number, read in enumerate(reads)
        ],
    }
    if head is not None:
        point = head.checkpoint
        found["log"] = {"origin": point.origin, "size": point.size, "root": point.root.hex()}
    if vouched_by is not None:
        found["registration"] = {"vouched_by": vouched_by}
    if proof.kind == "pledge":
        found["pledge"] = _pledge(reads)
    if proof.reading is not None:
        found["reading"] = reading.said(proof.reading)
    return found


def _pledge(reads: Sequence[Read]) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for read in sorted(reads, key=lambda read: read.event.version):
        if read.type == "receivable.confirmed":
            terms |= _some(read, ("debtor", "confirmed", "due_on"))
        elif read.type == "receipt.issued":
            terms |= _some(read, ("number", "keeper", "goods", "quantity", "stored_until"))
        elif read.type == "pledge.part_released":
            terms |= _some(read, ("rest",))
        elif read.type == "pledge.signed":
            terms |= _some(read, (*TERMS, SECURITY))
        elif read.type == "pledge.extended":
            terms |= _some(read, ("principal", "due_on_before"))
        elif read.type == "pledge.registered":
            terms |= _some(read, ("reg_no", "registered_at"))
        elif read.event.type.subject == "pool":
            terms["pool_sums"] = _some(read, ("confirmed", "used", "shortfall"))
    return terms


def _some(read: Read, fields: Sequence[str]) -> dict[str, Any]:
    return {field: read.record[field] for field in fields if field in read.record}
