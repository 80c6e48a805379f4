"""Canonical JSON (RFC 8785) of a small value space.

Texts, booleans, null, integers within ±(2^53 - 1), arrays, and objects with ASCII keys. In that
space sorted ``orjson`` output is RFC 8785 byte for byte; outside it (floats above all) nothing is
written, because two programs would differ. Amounts are texts.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from scf_ledger.errors import NotCanonical, TooLarge, Unencodable

DEPTH_MAX = 16
"""Arrays and objects within one another; the deepest document of the formats has seven."""

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_SCALARS = frozenset({str, int, bool, type(None)})


def encode(value: Any) -> bytes:
    """Write ``value`` as canonical bytes.

    :raises Unencodable: a float, an integer beyond 2^53 - 1, a key that is not ASCII text, a lone
        surrogate, any other type, or nesting beyond ``DEPTH_MAX``
    """
    _check(value, DEPTH_MAX)
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise Unencodable(str(error)) from error


def encode_each(arrays: Sequence[Sequence[Any]]) -> list[bytes]:
    """Write several arrays, each as ``encode`` would.

    :raises Unencodable: as ``encode`` does
    """
    for array in arrays:
        for item in array:
            if type(item) not in _SCALARS:
                _check(item, DEPTH_MAX - 1)
    try:
        return [orjson.dumps(array, option=_OPTIONS) for array in arrays]
    except orjson.JSONEncodeError as error:
        raise Unencodable(str(error)) from error


def decode(data: bytes, *, max_bytes: int, max_depth: int = DEPTH_MAX) -> Any:
    """Read canonical bytes; the caller has hashed them already.

    Duplicate keys, white space, another order or another escape make other bytes, and are refused
    by writing the value again.

    :raises TooLarge: more than ``max_bytes``
    :raises NotCanonical: not JSON, or not the canonical form of what it says
    """
    if len(data) > max_bytes:
        raise TooLarge("document is too large", size=len(data), limit=max_bytes)
    try:
        value = orjson.loads(data)
        if type(value) not in _SCALARS:
            _check(value, max_depth)
        again = orjson.dumps(value, option=_OPTIONS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, Unencodable) as error:
        raise NotCanonical(str(error)) from error
    if again != data:
        raise NotCanonical("bytes are not the canonical form of their value")
    return value


def encode_decoded(value: Any) -> bytes:
    """Write a part of what ``decode`` gave, which needs no second check."""
    return orjson.dumps(value, option=_OPTIONS)


def _check(value: Any, depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        return
    if depth == 0:
        raise Unencodable("nested too deeply", limit=DEPTH_MAX)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise Unencodable("keys are ASCII texts", key=repr(key))
            if type(item) not in _SCALARS:
                _check(item, depth - 1)
    elif kind is list or kind is tuple:
        for item in value:
            if type(item) not in _SCALARS:
                _check(item, depth - 1)
    else:
        raise Unencodable("this type has no canonical form", type=kind.__name__)
