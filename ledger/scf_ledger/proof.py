"""Proof files (``scf-proof/1``): events, where they stand in the log, and who signed them.

Reading is strict in shape and tolerant of absence: a part that was left out is an empty part here,
so that the verifier can say which tick it costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scf_ledger import canonical, receipt, shapes, strict_json
from scf_ledger.encoding import b64, b64url, from_b64, from_b64url
from scf_ledger.errors import Malformed
from scf_ledger.receipt import Receipt

FORMAT: Final = "scf-proof/1"
MEDIA_TYPE: Final = "application/vnd.scf.proof+json"
KINDS: Final = frozenset({"event", "pledge", "reading"})

FILE_BYTES_MAX: Final = 33_554_432
ENTRIES_MAX: Final = 2_000
DISCLOSURES_MAX: Final = 64
AUTHORIZATIONS_MAX: Final = 16
CERTIFICATES_MAX: Final = 256
REVOCATIONS_MAX: Final = 32
PATH_MAX: Final = 64

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class ProofEntry:
    """One event of a proof, as carried; absent parts are None or empty."""

    body: bytes
    tag: bytes | None
    tag_secret: bytes | None
    disclosures: tuple[str, ...]
    authorizations: tuple[str, ...]
    tlog_proof: str | None
    receipt: Receipt | None = None
    """What the register signed over this entry itself, for registrations."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the checkpoint stands on chain; transaction and block are information only."""

    chain_id: int
    contract: str
    origin: str
    size: int
    root: bytes
    tx_hash: str
    block_number: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class ProvenReading:
    """One reading of a device: its canonical bytes, its place under its hour's root, the batch it came in."""

    body: bytes
    index: int
    path: tuple[bytes, ...]
    batch: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file, read and not yet verified."""

    kind: str
    entries: tuple[ProofEntry, ...]
    certificates: tuple[str, ...]
    """PEM."""
    revocations: tuple[bytes, ...]
    """DER."""
    anchor: Anchor | None
    reading: ProvenReading | None = None


def build(
    *,
    kind: str,
    entries: Sequence[ProofEntry],
    certificates: Sequence[str],
    revocations: Sequence[bytes],
    anchor: Anchor | None,
    reading: ProvenReading | None = None,
) -> bytes:
    """Write a proof file."""
    value: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "entries": [_entry_value(entry) for entry in entries],
        "certificates": list(certificates),
        "revocations": [b64(der) for der in revocations],
    }
    if anchor is not None:
        value["anchor"] = {
            "chain_id": anchor.chain_id,
            "contract": anchor.contract,
            "origin": anchor.origin,
            "size": anchor.size,
            "root": "0x" + anchor.root.hex(),
            "tx_hash": anchor.tx_hash,
            "block_number": anchor.block_number,
            "block_hash": anchor.block_hash,
        }
    if reading is not None:
        value["reading"] = {
            "body": b64url(reading.body),
            "index": reading.index,
            "path": [b64url(hash_) for hash_ in reading.path],
            "batch": reading.batch,
        }
    return canonical.encode(value) + b"\n"


def parse(data: bytes) -> Proof:
    """Read a proof file.

    :raises TooLarge: a bound of the format
    :raises Malformed: another format, an unknown or duplicate key, or a value of another form
    """
    value = strict_json.members(
        strict_json.loads(data, max_bytes=FILE_BYTES_MAX),
        "proof",
        required=("format", "kind", "entries"),
        optional=("certificates", "revocations", "anchor", "reading"),
    )
    if value["format"] != FORMAT:
        raise Malformed("another format", where="format")
    entries = strict_json.items(value["entries"], "entries", most=ENTRIES_MAX)
    revocations = value.get("revocations", [])
    return Proof(
        kind=strict_json.choice(value["kind"], "kind", of=KINDS),
        entries=tuple(_entry(item, f"entries[{n}]") for n, item in enumerate(entries)),
        certificates=tuple(
            strict_json.texts(value.get("certificates", []), "certificates", most=CERTIFICATES_MAX)
        ),
        revocations=tuple(
            map(from_b64, strict_json.texts(revocations, "revocations", most=REVOCATIONS_MAX))
        ),
        anchor=_anchor(value["anchor"]) if "anchor" in value else None,
        reading=_reading(value["reading"]) if "reading" in value else None,
    )


def _entry_value(entry: ProofEntry) -> dict[str, Any]:
    value: dict[str, Any] = {
        "body": b64url(entry.body),
        "disclosures": list(entry.disclosures),
        "authorizations": list(entry.authorizations),
    }
    if entry.tag is not None:
        value["tag"] = b64url(entry.tag)
    if entry.tag_secret is not None:
        value["tag_secret"] = b64url(entry.tag_secret)
    if entry.tlog_proof is not None:
        value["tlog_proof"] = entry.tlog_proof
    if entry.receipt is not None:
        value["receipt"] = entry.receipt.to_json()
    return value


def _entry(item: Any, where: str) -> ProofEntry:
    value = strict_json.members(
        item,
        where,
        required=("body",),
        optional=("tag", "tag_secret", "disclosures", "authorizations", "tlog_proof", "receipt"),
    )
    return ProofEntry(
        body=from_b64url(strict_json.text(value["body"], f"{where}.body")),
        tag=_bytes32(value, "tag", where),
        tag_secret=_bytes32(value, "tag_secret", where),
        disclosures=tuple(_texts(value, "disclosures", where, DISCLOSURES_MAX)),
        authorizations=tuple(_texts(value, "authorizations", where, AUTHORIZATIONS_MAX)),
        tlog_proof=(
            strict_json.text(value["tlog_proof"], f"{where}.tlog_proof")
            if "tlog_proof" in value
            else None
        ),
        receipt=(
            receipt.from_json(value["receipt"], f"{where}.receipt") if "receipt" in value else None
        ),
    )


def _texts(value: dict[str, Any], key: str, where: str, most: int) -> list[str]:
    return strict_json.texts(value.get(key, []), f"{where}.{key}", most=most)


def _bytes32(value: dict[str, Any], key: str, where: str) -> bytes | None:
    if key not in value:
        return None
    text = strict_json.text(value[key], f"{where}.{key}", pattern=shapes.DIGEST)
    return from_b64url(text)


def _reading(item: Any) -> ProvenReading:
    value = strict_json.members(item, "reading", required=("body", "index", "path", "batch"))
    path = strict_json.items(value["path"], "reading.path", most=PATH_MAX)
    return ProvenReading(
        body=from_b64url(strict_json.text(value["body"], "reading.body")),
        index=strict_json.integer(value["index"], "reading.index"),
        path=tuple(
            from_b64url(strict_json.text(hash_, "reading.path", pattern=shapes.DIGEST))
            for hash_ in path
        ),
        batch=strict_json.text(value["batch"], "reading.batch"),
    )


def _anchor(item: Any) -> Anchor:
    value = strict_json.members(
        item,
        "anchor",
        required=(
            "chain_id",
            "contract",
            "origin",
            "size",
            "root",
            "tx_hash",
            "block_number",
            "block_hash",
        ),
    )
    return Anchor(
        chain_id=strict_json.integer(value["chain_id"], "anchor.chain_id"),
        contract=strict_json.text(value["contract"], "anchor.contract", pattern=ADDRESS),
        origin=strict_json.text(value["origin"], "anchor.origin"),
        size=strict_json.integer(value["size"], "anchor.size"),
        root=bytes.fromhex(
            strict_json.text(value["root"], "anchor.root", pattern=shapes.BYTES32)[2:]
        ),
        tx_hash=strict_json.text(value["tx_hash"], "anchor.tx_hash", pattern=shapes.BYTES32),
        block_number=strict_json.integer(value["block_number"], "anchor.block_number"),
        block_hash=strict_json.text(
            value["block_hash"], "anchor.block_hash", pattern=shapes.BYTES32
        ),
    )
