"""Strict reading of JSON that people may have formatted: proof and trust files.

Duplicate keys, numbers that are not integers, deep nesting and unknown keys are refused; what is
hashed or signed inside such a file is carried as encoded canonical bytes, never as this JSON.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from scf_ledger.errors import Malformed, TooLarge

DEPTH_MAX = 16
_INTEGER_MAX = 2**53 - 1


def loads(data: bytes, *, max_bytes: int) -> Any:
    """Read UTF-8 JSON.

    :raises TooLarge: more than ``max_bytes``
    :raises Malformed: not UTF-8 JSON, a duplicate key, a float, an integer beyond 2^53 - 1, or
        nesting beyond ``DEPTH_MAX``
    """
    if len(data) > max_bytes:
        raise TooLarge("file is too large", size=len(data), limit=max_bytes)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_integer,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Malformed("not UTF-8 JSON") from error
    _check(value, DEPTH_MAX)
    return value


def members(
    value: Any, where: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the object at ``where``, which has every required key and no unknown one."""
    if not isinstance(value, dict):
        raise Malformed("an object is expected", where=where)
    for key in required:
        if key not in value:
            raise Malformed("a key is missing", where=where, key=key)
    unknown = value.keys() - {*required, *optional}
    if unknown:
        raise Malformed("unknown key", where=where, key=min(unknown))
    return value


def text(value: Any, where: str, *, pattern: re.Pattern[str] | None = None) -> str:
    """Return the text at ``where``; ``pattern`` matches the whole of it."""
    if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
        raise Malformed("a text of another form is expected", where=where)
    return value


def integer(value: Any, where: str, *, least: int = 0) -> int:
    """Return the integer at ``where``, which is at least ``least``."""
    if type(value) is not int or not least <= value <= _INTEGER_MAX:
        raise Malformed("an integer is expected", where=where)
    return value


def items(value: Any, where: str, *, most: int) -> list[Any]:
    """Return the array at ``where``, of at most ``most`` items."""
    if not isinstance(value, list):
        raise Malformed("an array is expected", where=where)
    if len(value) > most:
        raise TooLarge("array is too long", where=where, size=len(value), limit=most)
    return value


def texts(value: Any, where: str, *, most: int) -> list[str]:
    """Return the array of texts at ``where``, of at most ``most`` items."""
    return [text(item, f"{where}[{n}]") for n, item in enumerate(items(value, where, most=most))]


def choice(value: Any, where: str, *, of: Mapping[str, Any] | frozenset[str]) -> str:
    """Return the text at ``where``, which is one of the names in ``of``."""
    if not isinstance(value, str) or value not in of:
        raise Malformed("another value is expected", where=where, of=sorted(of))
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("duplicate key")
    return found


def _refuse_number(_: str) -> NoReturn:
    raise Malformed("numbers are integers")


def _integer(digits: str) -> int:
    if len(digits) > len(str(-_INTEGER_MAX)) or abs(int(digits)) > _INTEGER_MAX:
        raise Malformed("integer beyond 2^53 - 1")
    return int(digits)


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Malformed("a text holds half of a character") from error
    elif isinstance(value, dict | list):
        if depth == 0:
            raise Malformed("nested too deeply", limit=DEPTH_MAX)
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(item, depth - 1)
