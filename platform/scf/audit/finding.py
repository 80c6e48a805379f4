"""What an audit says: the first difference, with what is stored and what it should be."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from scf.kernel.errors import SCFError
from scf_ledger.errors import LedgerError

UNREADABLE = (LedgerError, SCFError, ValueError, LookupError)
TEXT_MAX = 200  # of a value that is shown


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not what everything else says it has to be."""

    table: str
    key: str
    field: str
    stored: str
    expected: str

    def to_json(self) -> dict[str, str]:
        """Return it for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


class Different(Exception):
    """An audit ends at the first difference."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference)
        self.difference = difference


@dataclass(slots=True)
class Report:
    """How an audit ended, and how many rows of each table it read."""

    difference: Difference | None = None
    rows: Counter[str] = field(default_factory=Counter)
    chain: str = "not_checked"

    @property
    def clean(self) -> bool:
        """Whether everything fits."""
        return self.difference is None


def expect(table: str, key: Any, name: str, stored: Any, expected: Any) -> None:
    """Hold a value to what it has to be. Raises Different."""
    if stored != expected:
        raise Different(Difference(table, show(key), name, show(stored), show(expected)))


def expect_row(
    table: str, key: Any, row: RowMapping | Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Hold a row's columns to what they have to be. Raises Different."""
    for name, value in expected.items():
        expect(table, key, name, row[name], value)


@contextmanager
def readable(table: str, key: Any, name: str) -> Iterator[None]:
    """Turn a value that cannot be read at all into a difference. Raises Different."""
    try:
        yield
    except UNREADABLE as error:
        cause = getattr(error, "code", type(error).__name__)
        shown = f"{cause}: {error}"
        raise Different(
            Difference(table, show(key), name, shown[:TEXT_MAX], "可读 readable")
        ) from error


def show(value: Any) -> str:
    """Return a value as a person reads it; bytes in hexadecimal, long ones cut."""
    if isinstance(value, (bytes, memoryview)):
        text = bytes(value).hex()
    elif isinstance(value, (tuple, list)):
        text = ", ".join(map(show, value))
    elif isinstance(value, UUID):
        text = str(value)
    else:
        text = str(getattr(value, "value", value))
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
