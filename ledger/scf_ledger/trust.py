"""Trust files (``scf-trust/1``): whom a verifier believes, and what it asks of a proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from scf_ledger import note, proof, shapes, strict_json
from scf_ledger.certificates import Authority, load_authority
from scf_ledger.errors import Malformed
from scf_ledger.event_types import Scope

FORMAT: Final = "scf-trust/1"
FILE_BYTES_MAX: Final = 1_048_576
ITEMS_MAX: Final = 64

_SCOPES: Final = frozenset(scope.value for scope in Scope)


class Fragment(StrEnum):
    """A question that a verifier answers about a proof, in the order of its report."""

    RECORD = "record"
    INCLUSION = "inclusion"
    CHECKPOINT = "checkpoint"
    AUTHORIZATION = "authorization"
    COMPLETENESS = "completeness"
    ANCHOR = "anchor"
    STANDING = "standing"


OFFLINE: Final = (
    Fragment.RECORD,
    Fragment.INCLUSION,
    Fragment.CHECKPOINT,
    Fragment.AUTHORIZATION,
    Fragment.COMPLETENESS,
)


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log: its origin, its key, and where its heads stand on chain, once they do."""

    origin: str
    verifier: note.Verifier
    origin_key: bytes | None


@dataclass(frozen=True, slots=True)
class TrustedChain:
    """A chain and the contracts on it; addresses in lower case."""

    chain_id: int
    anchor: str
    registry: str


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust file, read."""

    logs: tuple[TrustedLog, ...]
    witnesses_needed: int
    witnesses: tuple[note.Verifier, ...]
    chains: tuple[TrustedChain, ...]
    authorities: tuple[Authority, ...]
    webauthn: tuple[Mapping[str, Any], ...]
    require: Mapping[str, tuple[Fragment, ...]]

    def required(self, kind: str) -> tuple[Fragment, ...]:
        """Return the fragments that must pass for a proof of this kind: all offline by default."""
        return self.require.get(kind, OFFLINE)


def build(
    *,
    logs: Sequence[tuple[str, str, bytes | None]],
    authorities: Sequence[tuple[str, Scope]],
    chains: Sequence[tuple[int, str, str]] = (),
    witnesses: Sequence[str] = (),
    witnesses_needed: int = 0,
    require: Mapping[str, Sequence[Fragment]] | None = None,
) -> bytes:
    """Write a trust file, indented for people.

    :param logs: origin, verifier key, origin key on chain
    :param authorities: PEM, scope
    :param chains: chain id, address of the anchor contract, address of the registry contract
    """
    value = {
        "format": FORMAT,
        "logs": [
            {
                "origin": origin,
                "vkey": vkey,
                "origin_key": None if origin_key is None else "0x" + origin_key.hex(),
            }
            for origin, vkey, origin_key in logs
        ],
        "witnesses": {"need": witnesses_needed, "vkeys": list(witnesses)},
        "chains": [
            {"chain_id": chain_id, "anchor": anchor, "registry": registry}
            for chain_id, anchor, registry in chains
        ],
        "cas": [{"pem": pem, "scope": scope.value} for pem, scope in authorities],
        "webauthn": [],
        "require": {
            kind: [fragment.value for fragment in fragments]
            for kind, fragments in (require or {}).items()
        },
    }
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    parse(data)
    return data


def parse(data: bytes) -> Trust:
    """Read a trust file.

    :raises TooLarge: a bound of the format
    :raises Malformed: another format, an unknown or duplicate key, or a value of another form
    :raises BadCertificate: a listed authority that is not one
    """
    value = strict_json.members(
        strict_json.loads(data, max_bytes=FILE_BYTES_MAX),
        "trust",
        required=("format", "logs", "cas"),
        optional=("witnesses", "chains", "webauthn", "require"),
    )
    if value["format"] != FORMAT:
        raise Malformed("another format", where="format")
    needed, witnesses = _witnesses(value.get("witnesses", {"need": 0, "vkeys": []}))
    return Trust(
        logs=tuple(_log(item, where) for item, where in _items(value["logs"], "logs")),
        witnesses_needed=needed,
        witnesses=witnesses,
        chains=tuple(_chain(item, at) for item, at in _items(value.get("chains", []), "chains")),
        authorities=tuple(_authority(item, where) for item, where in _items(value["cas"], "cas")),
        webauthn=tuple(
            _webauthn(item, where) for item, where in _items(value.get("webauthn", []), "webauthn")
        ),
        require=_require(value.get("require", {})),
    )


def _items(value: Any, where: str) -> list[tuple[Any, str]]:
    found = strict_json.items(value, where, most=ITEMS_MAX)
    return [(item, f"{where}[{n}]") for n, item in enumerate(found)]


def _log(item: Any, where: str) -> TrustedLog:
    value = strict_json.members(item, where, required=("origin", "vkey"), optional=("origin_key",))
    origin = strict_json.text(value["origin"], f"{where}.origin")
    verifier = note.Verifier.parse(strict_json.text(value["vkey"], f"{where}.vkey"))
    if verifier.name != origin or verifier.type is not note.KeyType.ED25519:
        raise Malformed("the log's key has the origin's name", where=f"{where}.vkey")
    key = value.get("origin_key")
    if key is not None:
        key = strict_json.text(key, f"{where}.origin_key", pattern=shapes.BYTES32)
    return TrustedLog(origin, verifier, None if key is None else bytes.fromhex(key[2:]))


def _witnesses(item: Any) -> tuple[int, tuple[note.Verifier, ...]]:
    value = strict_json.members(item, "witnesses", required=("need", "vkeys"))
    vkeys = strict_json.texts(value["vkeys"], "witnesses.vkeys", most=ITEMS_MAX)
    verifiers = tuple(map(note.Verifier.parse, vkeys))
    if any(verifier.type is not note.KeyType.COSIGNATURE for verifier in verifiers):
        raise Malformed("a witness's key is one for cosignatures", where="witnesses.vkeys")
    if len({verifier.public_key for verifier in verifiers}) != len(verifiers):
        raise Malformed("a witness is listed once", where="witnesses.vkeys")
    needed = strict_json.integer(value["need"], "witnesses.need")
    if needed > len(verifiers):
        raise Malformed("more witnesses are needed than listed", where="witnesses.need")
    return needed, verifiers


def _chain(item: Any, where: str) -> TrustedChain:
    value = strict_json.members(item, where, required=("chain_id", "anchor", "registry"))
    return TrustedChain(
        chain_id=strict_json.integer(value["chain_id"], f"{where}.chain_id"),
        anchor=_address(value["anchor"], f"{where}.anchor"),
        registry=_address(value["registry"], f"{where}.registry"),
    )


def _address(value: Any, where: str) -> str:
    return strict_json.text(value, where, pattern=proof.ADDRESS).lower()


def _authority(item: Any, where: str) -> Authority:
    value = strict_json.members(item, where, required=("pem", "scope"))
    scope = strict_json.choice(value["scope"], f"{where}.scope", of=_SCOPES)
    return load_authority(strict_json.text(value["pem"], f"{where}.pem"), Scope(scope))


def _webauthn(item: Any, where: str) -> Mapping[str, Any]:
    value = strict_json.members(item, where, required=("rp_id", "origins"))
    strict_json.text(value["rp_id"], f"{where}.rp_id")
    strict_json.texts(value["origins"], f"{where}.origins", most=ITEMS_MAX)
    return value


def _require(item: Any) -> Mapping[str, tuple[Fragment, ...]]:
    value = strict_json.members(item, "require", required=(), optional=tuple(proof.KINDS))
    return {
        kind: tuple(
            Fragment(strict_json.choice(name, f"require.{kind}", of=frozenset(Fragment)))
            for name in strict_json.texts(names, f"require.{kind}", most=len(Fragment))
        )
        for kind, names in value.items()
    }
