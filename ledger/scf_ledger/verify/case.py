"""The material of a verification: each entry of a proof file, read as an event with its record."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from scf_ledger.errors import LedgerError
from scf_ledger.event import Event
from scf_ledger.proof import ProofEntry


@dataclass(frozen=True, slots=True)
class Read:
    """One entry whose body and disclosures were read strictly and belong together."""

    where: str
    entry: ProofEntry
    body_hash: bytes
    event: Event
    record: Mapping[str, Any]
    """The fields that are shown."""

    @property
    def type(self) -> str:
        """Name of the event's type."""
        return self.event.type.name


def place(number: int) -> str:
    """Name the entry at ``number`` as a reader finds it in the file."""
    return f"entries[{number}]"


@contextmanager
def at(where: str) -> Iterator[None]:
    """Let every error raised inside say where in the file it happened."""
    try:
        yield
    except LedgerError as error:
        error.fields["where"] = where
        raise
