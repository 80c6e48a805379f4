"""Events (``scf-event/1``): the bytes of a business fact, and the log entry that stands for them.

The body names its subject, the version, what came before and who authorised it; of the record it
holds only salted digests, one per field (RFC 9901), so fields can be shown one by one. The bytes
are made once, stored, and handed out as they are.
"""

import hmac
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from typing import Any, Final

from scf_ledger import canonical, shapes
from scf_ledger.encoding import b64url, b64url_bytes, b64url_split, from_b64url
from scf_ledger.errors import Malformed
from scf_ledger.event_types import EVENT_TYPES, EventType

FORMAT: Final = "scf-event/1"
BODY_BYTES_MAX: Final = 32_768
DISCLOSURE_BYTES_MAX: Final = 262_144
"""The largest field is a list of a thousand documents."""
SALT_BYTES: Final = 18
"""144 bits: whole groups of base64, and more than the 128 that RFC 9901 section 9.3 asks."""
HASH_BYTES: Final = 32
ENTRY_BYTES: Final = 2 * HASH_BYTES
AUTHORIZATIONS_MAX: Final = 16

_KEYS: Final = frozenset(
    {
        "_sd_alg",
        "authorizations",
        "format",
        "id",
        "occurred_at",
        "previous",
        "record",
        "subject",
        "type",
        "version",
    }
)


@dataclass(frozen=True, slots=True)
class BuiltEvent:
    """What is stored of an event: its bytes, their hash, and the disclosures of its record."""

    body: bytes
    body_hash: bytes
    disclosures: list[str]


@dataclass(frozen=True, slots=True)
class Event:
    """A parsed event body; hashes are raw bytes."""

    id: str
    type: EventType
    subject: str
    version: int
    occurred_at: str
    previous: bytes | None
    authorizations: tuple[bytes, ...]
    digests: tuple[str, ...]
    """Digests of the record's disclosures, sorted."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One field of a record, as shown; ``digest`` is what the event body holds of it."""

    name: str
    value: Any
    digest: str


def build_event(
    *,
    id: str,  # noqa: A002 - the name in the format
    type: str,  # noqa: A002 - the same
    subject: str,
    version: int,
    occurred_at: str,
    previous: bytes | None,
    authorizations: Sequence[bytes],
    record: Mapping[str, Any],
    seed: bytes,
) -> BuiltEvent:
    """Make the bytes of an event.

    ``record`` holds every field of the type, null where there is nothing to say, and of the optional
    ones those that say something. ``seed`` is
    random per event and is thrown away: the salts stand in the disclosures.

    :raises Malformed: an unknown type, a record with other fields, an invalid body
    :raises Unencodable: a value without canonical form
    """
    row = _event_type(type)
    if record.keys() - row.optional.keys() != row.fields.keys():
        odd = sorted((record.keys() ^ row.fields.keys()) - row.optional.keys())
        raise Malformed("record has other fields than its type", type=type, fields=odd)
    disclosures, digests = _disclose(record, seed)
    value = {
        "_sd_alg": "sha-256",
        "authorizations": [b64url(hash_) for hash_ in authorizations],
        "format": FORMAT,
        "id": id,
        "occurred_at": occurred_at,
        "previous": None if previous is None else b64url(previous),
        "record": {"_sd": digests},
        "subject": subject,
        "type": type,
        "version": version,
    }
    _check_head(value, row)
    body = canonical.encode(value)
    return BuiltEvent(body, sha256(body).digest(), disclosures)


def parse_event(body: bytes) -> Event:
    """Read an event body strictly; the caller has hashed it first.

    :raises TooLarge: more than ``BODY_BYTES_MAX``
    :raises NotCanonical: not canonical bytes
    :raises Malformed: another shape than ``scf-event/1``
    """
    value = canonical.decode(body, max_bytes=BODY_BYTES_MAX)
    if type(value) is not dict or value.keys() != _KEYS:
        raise Malformed("an event has exactly the keys of its format")
    row = _event_type(value["type"])
    _check_head(value, row)
    _check_digests(value["record"], len(row.fields), len(row.optional))
    previous = value["previous"]
    return Event(
        id=value["id"],
        type=row,
        subject=value["subject"],
        version=value["version"],
        occurred_at=value["occurred_at"],
        previous=None if previous is None else from_b64url(previous),
        authorizations=tuple(map(from_b64url, value["authorizations"])),
        digests=tuple(value["record"]["_sd"]),
    )


def parse_disclosure(text: str) -> Disclosure:
    """Read one disclosure: base64url of the canonical array ``[salt, name, value]``.

    :raises Malformed: not such an array, or a salt of less than 128 bits
    :raises NotCanonical: not canonical bytes
    """
    array = canonical.decode(from_b64url(text), max_bytes=DISCLOSURE_BYTES_MAX)
    if type(array) is not list or len(array) != 3:  # noqa: PLR2004 - salt, name, value
        raise Malformed("a disclosure is an array of salt, name and value")
    salt, name, value = array
    if type(salt) is not str or type(name) is not str or not shapes.SALT.fullmatch(salt):
        raise Malformed("a disclosure begins with a salt of 128 bits and a name")
    return Disclosure(name, value, disclosure_digest(text))


def disclosure_digest(text: str) -> str:
    """Digest a disclosure as RFC 9901 section 4.2.3 does: over its base64url text."""
    return b64url(sha256(text.encode("ascii")).digest())


def record_of(disclosures: Sequence[str]) -> dict[str, Any]:
    """Read a whole record back from its stored disclosures."""
    return {field.name: field.value for field in map(parse_disclosure, disclosures)}


def tag(secret: bytes, version: int) -> bytes:
    """Tag version ``version`` of the subject that ``secret`` (32 bytes) belongs to.

    HMAC-SHA-256 over the version as 8 bytes big-endian: whoever holds the secret can find every
    version among the public entries; to anyone else entries are unlinkable.
    """
    return hmac.digest(secret, version.to_bytes(8, "big"), "sha256")


def entry(body_hash: bytes, tag: bytes) -> bytes:
    """Return the 64 bytes that go into the log."""
    return body_hash + tag


def _disclose(record: Mapping[str, Any], seed: bytes) -> tuple[list[str], list[str]]:
    """Return a disclosure for each field, and their digests, sorted.

    The salts are cut from SHAKE-256(seed). Encoding many hashes at once (each behind a zero byte,
    which makes 33 bytes and a 44th symbol to drop) is what keeps bulk registration fast.
    """
    salts = b64url_split(shake_256(seed).digest(SALT_BYTES * len(record)), SALT_BYTES)
    arrays = canonical.encode_each(
        [(salt, name, value) for salt, (name, value) in zip(salts, record.items(), strict=True)]
    )
    disclosures = [b64url_bytes(array) for array in arrays]
    hashes = [sha256(disclosure).digest() for disclosure in disclosures]
    padded = b64url_split(b"\0".join((*hashes, b"")), HASH_BYTES + 1)
    digests = sorted([text[:-1] for text in padded])
    return b"~".join(disclosures).decode("ascii").split("~"), digests


def _event_type(name: Any) -> EventType:
    row = EVENT_TYPES.get(name) if type(name) is str else None
    if row is None:
        raise Malformed("unknown event type", type=name)
    return row


def _check_head(value: Mapping[str, Any], row: EventType) -> None:
    """Hold all of a body but its record to its shape; ``value`` has the right keys."""
    if value["format"] != FORMAT or value["_sd_alg"] != "sha-256":
        raise Malformed("another format or digest algorithm")
    if not (_is_id(value["id"], "evt") and _is_id(value["subject"], row.prefix)):
        raise Malformed("ids have the prefix of what they name", id=value["id"])
    if not shapes.is_instant(value["occurred_at"]):
        raise Malformed("occurred_at is an instant in UTC")
    _check_version(value["version"], value["previous"])
    _check_authorizations(value["authorizations"])


def _check_version(version: Any, previous: Any) -> None:
    if type(version) is not int or version < 1:
        raise Malformed("versions count from one", version=version)
    if previous is None and version == 1:
        return
    if version == 1 or not shapes.is_digest(previous):
        raise Malformed("every version but the first names the one before", version=version)


def _check_authorizations(hashes: Any) -> None:
    if type(hashes) is not list or not all(map(shapes.is_digest, hashes)):
        raise Malformed("authorizations are SHA-256 hashes")
    if len(set(hashes)) != len(hashes) or len(hashes) > AUTHORIZATIONS_MAX:
        raise Malformed("authorizations are few and distinct", count=len(hashes))


def _check_digests(record: Any, count: int, optional: int) -> None:
    if type(record) is not dict or record.keys() != {"_sd"} or type(record["_sd"]) is not list:
        raise Malformed("a record is a list of digests")
    digests = record["_sd"]
    fits = count <= len(digests) <= count + optional
    if not fits or not all(map(shapes.is_digest, digests)):
        raise Malformed("a record has one digest per field", count=len(digests), fields=count)
    if any(left >= right for left, right in itertools.pairwise(digests)):
        raise Malformed("digests are sorted and distinct")


def _is_id(value: Any, prefix: str) -> bool:
    return shapes.is_public_id(value) and value.startswith(prefix + "_")
