"""The product's own statements, recorded as it sends them, so that a limit never drifts from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Binary, sql
from sqlalchemy import Engine, event

SHORT_MAX = 100
"""Longer texts and bytes are replayed as they were recorded: of the right size, not unique."""


@dataclass(frozen=True)
class Sent:
    """A statement in the driver's form, with its parameters."""

    statement: str
    parameters: Mapping[str, Any]


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Sent]]:
    """Collect what an engine sends during the block."""
    sent: list[Sent] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        sent.append(Sent(statement, {name: _plain(value) for name, value in parameters.items()}))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def as_script(
    one: Sequence[Sent], other: Sequence[Sent], known: Callable[[Any], str | None]
) -> str:
    """Turn two recordings of the same command into a pgbench script of that command.

    What differs between the two becomes an expression of the transaction's number `:n`, the same
    value the same expression everywhere. `known` gives the expression of values that must mean
    something, such as the id of a document that is there.
    """
    assert [sent.statement for sent in one] == [sent.statement for sent in other]
    varying = list(
        dict.fromkeys(_differences([s.parameters for s in one], [s.parameters for s in other]))
    )
    expressions = {
        value: known(value) or _expression(value, place) for place, value in enumerate(varying)
    }
    lines = [
        sent.statement
        % {name: _literal(value, expressions) for name, value in sent.parameters.items()}
        for sent in one
    ]
    return ";\n".join(["BEGIN", *lines, "END"]) + ";\n"


def _plain(value: Any) -> Any:
    return value.obj if isinstance(value, Binary) else value


def _differences(one: Any, other: Any) -> Iterator[Any]:
    if isinstance(one, dict):
        for key, value in one.items():
            yield from _differences(value, other[key])
    elif isinstance(one, list | tuple):
        for left, right in zip(one, other, strict=True):
            yield from _differences(left, right)
    elif one != other:
        yield one


def _expression(value: Any, place: int) -> str | None:
    """Give a function of `:n` with values of this kind, unlike that of any other place."""
    if isinstance(value, UUID):
        return f"md5('{place} ' || :n::bigint)::uuid"
    if isinstance(value, bytes) and len(value) <= SHORT_MAX:
        return f"sha256(convert_to('{place} ' || :n::bigint, 'UTF8'))"
    if isinstance(value, str) and len(value) <= SHORT_MAX:
        return f"'{place} ' || :n::bigint"
    if isinstance(value, int):
        return f"hashint8extended(:n::bigint, {place})"
    return None


def _literal(value: Any, expressions: Mapping[Any, str | None]) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(_literal(item, expressions) for item in value)}]"
    if expression := expressions.get(value) if value.__hash__ else None:
        return f"({expression})"
    if isinstance(value, datetime):  # as a literal its colons would look like pgbench's variables
        return f"to_timestamp({value.timestamp()!r})"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    return sql.Literal(value).as_string()
