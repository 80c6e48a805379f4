"""The fields of what watches goods: devices, the hours of their readings, stocktakes."""

from collections.abc import Mapping

from scf_ledger import shapes as s
from scf_ledger.event_records import is_parties
from scf_ledger.shapes import Shape, nullable

UNITS = tuple(s.QUANTITIES)
DEVICE: Mapping[str, Shape] = {
    "keeper": s.is_uscc,
    "owner": s.is_uscc,
    "kind": s.one_of("scale", "counter", "camera", "gate", "gps"),
    "serial": s.is_text,
    "warehouse": s.is_text,
    "location": nullable(s.is_text),
    "unit": nullable(s.one_of(*UNITS)),
    "public_key": s.is_text,
}
DEVICE_REVOKED: Mapping[str, Shape] = {"reason": s.is_text}
DEVICE_HOUR: Mapping[str, Shape] = {
    "device": s.is_public_id,
    "hour": s.is_instant,
    "count": s.is_count,
    "first_seq": s.is_count,
    "last_seq": s.is_count,
    "root": s.is_digest,
}
"""`root` is the RFC 6962 root over the canonical bytes of the readings, in the order of their numbers."""
DEVICE_SILENT: Mapping[str, Shape] = {"heard_at": s.nullable(s.is_instant), "minutes": s.is_count}
"""`heard_at` is null of a device that was never heard; `minutes` counts from its registration then."""
DEVICE_BACK: Mapping[str, Shape] = {"silent_since": s.is_instant}
ALARM: Mapping[str, Shape] = {
    "lot": s.is_public_id,
    "source": s.is_text,
    "book": s.is_quantity,
    "counted": s.is_quantity,
    "tolerance": s.is_quantity,
    "receipts": s.array_of(s.is_public_id),
}
ALARM_LIFTED: Mapping[str, Shape] = {
    "owners": is_parties,
    "holders": is_parties,
    "lot": s.is_public_id,
    "reason": s.is_text,
}
"""Lifted by keeper and supervisor together (`owners`), or by whoever holds a pledge (`holders`)."""
STOCKTAKE: Mapping[str, Shape] = {
    "bank": s.is_uscc,
    "supervisor": s.is_uscc,
    "keeper": s.is_uscc,
    "lots": s.array_of(s.is_public_id, least=1),
    "lots_sha256": s.is_digest,
    "draws": s.is_count,
    "commit_by": s.is_instant,
}
STOCKTAKE_COMMITTED: Mapping[str, Shape] = {"party": s.is_uscc, "commitment": s.is_digest}
STOCKTAKE_ANNOUNCED: Mapping[str, Shape] = {"chain_id": s.is_count, "height": s.is_count}
STOCKTAKE_SEALED: Mapping[str, Shape] = {
    "height": s.is_count,
    "block_hash": s.is_bytes32,
    "reveal_by": s.is_instant,
}
STOCKTAKE_REVEALED: Mapping[str, Shape] = {
    "party": s.is_uscc,
    "salt": s.is_digest,
    "value": s.is_digest,
}
STOCKTAKE_DRAWN: Mapping[str, Shape] = {
    "seed": s.is_digest,
    "drawn": s.array_of(s.is_public_id, least=1),
    "count_by": s.is_instant,
}
STOCKTAKE_COUNTED: Mapping[str, Shape] = {
    "supervisor": s.is_uscc,
    "lot": s.is_public_id,
    "book": s.is_quantity,
    "counted": s.is_quantity,
    "tolerance": s.is_quantity,
    "paper_sha256": s.is_digest,
}
STOCKTAKE_ENDED: Mapping[str, Shape] = {
    "state": s.one_of("DONE", "FAILED"),
    "failed": s.array_of(s.is_uscc),
    "reason": nullable(s.is_text),
}
