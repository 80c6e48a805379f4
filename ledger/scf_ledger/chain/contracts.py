"""The compiled contracts: their ABIs, call data and custom errors. No connection is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address

from scf_ledger.chain.errors import ChainRefused

# web3 is read where call data is first encoded: loading it takes longer than starting the API, which
# encodes none.
if TYPE_CHECKING:
    from web3.contract import Contract

ANCHOR = "LedgerAnchor"
REGISTRY = "AssetRegistry"


@dataclass(frozen=True, slots=True)
class _CustomError:
    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]


@cache
def artifact(name: str) -> Mapping[str, Any]:
    """Read a contract's committed ABI and creation code, as contracts/build.py wrote them."""
    loaded: dict[str, Any] = json.loads((files("scf_ledger") / f"abi/{name}.json").read_bytes())
    return loaded


@cache
def interface(name: str) -> type[Contract]:
    """Give a contract's interface, bound to no node and no address."""
    from scf_ledger.chain.interfaces import bound_to_nothing  # noqa: PLC0415 - see above

    return bound_to_nothing(artifact(name))


def encode(name: str, function: str, *arguments: Any) -> bytes:
    """Encode the call data of `function`."""
    return bytes.fromhex(interface(name).encode_abi(function, args=arguments)[2:])


def creation_code(name: str, *arguments: Any) -> bytes:
    """Give the code that creates the contract, its constructor's arguments appended."""
    made = interface(name).constructor(*arguments)
    return bytes.fromhex(str(made.data_in_transaction)[2:])


@cache
def _custom_errors() -> Mapping[bytes, _CustomError]:
    found = {}
    for name in (ANCHOR, REGISTRY):
        for item in artifact(name)["abi"]:
            if item["type"] == "error":
                types = tuple(collapse_if_tuple(i) for i in item["inputs"])
                selector = function_signature_to_4byte_selector(
                    f"{item['name']}({','.join(types)})"
                )
                parameters = tuple(i["name"] for i in item["inputs"])
                found[selector] = _CustomError(item["name"], parameters, types)
    return found


def refusal(data: bytes) -> ChainRefused:
    """Turn revert data into the contract's error with its arguments.

    What is no error of ours (a panic, another contract) keeps its data as the field ``reason``.
    """
    known = _custom_errors().get(data[:4])
    try:
        values = decode(known.types, data[4:]) if known else ()
    except DecodingError:
        known = None
    if known is None:
        return ChainRefused("Revert", reason=f"0x{data.hex()}")
    fields = {
        parameter: _field(kind, value)
        for parameter, kind, value in zip(known.parameters, known.types, values, strict=True)
    }
    return ChainRefused(known.name, **fields)


def _field(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_checksum_address(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
