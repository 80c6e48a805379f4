"""What an audit says: the first difference, with what is stored and what it should be."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

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
        left, right = show_apart(show(stored), show(expected))
        raise Different(Difference(table, show(key), name, left, right))


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
    """Return a value as a person reads it; bytes in hexadecimal."""
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (tuple, list)):
        return ", ".join(map(show, value))
    return str(getattr(value, "value", value))


def show_apart(left: str, right: str) -> tuple[str, str]:
    """Cut two long texts so that the place where they part is seen."""
    pairs = enumerate(zip(left, right, strict=False))
    same = next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))
    start = max(same - TEXT_MAX // 4, 0)

    def cut(text: str) -> str:
        before, after = "…" if start else "", "…" if len(text) > start + TEXT_MAX else ""
        return f"{before}{text[start : start + TEXT_MAX]}{after}"

    return cut(left), cut(right)
