"""A batch of documents looked at on its own: nothing stored, no server asked."""

import pickle
import sqlite3
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from scf.documents.parsing import Invoice, parse
from scf.documents.rules import (
    FLAG_CODES,
    Content,
    DocumentConflict,
    Verdict,
    identities,
    verdict_of,
)
from scf.kernel.errors import Refused

DUPLICATE_CODE: Final = "document.duplicate"
CACHE_KIB: Final = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """What a document is found to be; `note` says it to a person."""

    verdict: Verdict
    code: str | None = None
    invoice: Invoice | None = None
    note: str | None = None

    @classmethod
    def refused(cls, error: Refused) -> Self:
        """Return what an error means for the document."""
        return cls(Verdict.REFUSED, error.code, note=error.line())


class Batch:
    """Recognises, among the documents shown to it, what was there before.

    What was shown is kept in a database without a name, which SQLite moves to a file of its own as it
    grows: a hundred thousand lines take no more memory than ten thousand.
    """

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._seen.close)
        self._seen.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            "CREATE TABLE seen (identity TEXT PRIMARY KEY, number TEXT, source TEXT, content BLOB)"
            " WITHOUT ROWID;"
        )

    def examine(self, original: bytes, *, source: str) -> Finding:
        """Read one document and say what it is, beside those examined before. Raises nothing."""
        try:
            return self.judge(parse(original), source=source)
        except Refused as error:
            return Finding.refused(error)

    def judge(self, invoice: Invoice, *, source: str) -> Finding:
        """Say what an invoice is, beside those examined before."""
        content = Content.of(invoice)
        keys = ["\n".join(identity) for identity in identities(invoice)]
        known = self._find(keys)
        if known is None:
            kept = pickle.dumps(content)
            rows = [(key, invoice.number, source, kept) for key in keys]
            self._seen.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)
            code = next((FLAG_CODES[flag] for flag in FLAG_CODES if flag in invoice.flags), None)
            return Finding(verdict_of(invoice), code, invoice)
        earlier, first = known
        differences = first.differences(content)
        if not differences:
            return Finding(Verdict.DUPLICATE, DUPLICATE_CODE, invoice, f"同 same as {earlier}")
        said = ", ".join(f"{name} {old} ≠ {new}" for name, (old, new) in differences.items())
        note = f"{DocumentConflict.title} {earlier}: {said}"
        return Finding(Verdict.CONFLICT, DocumentConflict.code, invoice, note)

    def numbers(self) -> Iterator[str]:
        """Iterate over the numbers of the documents examined."""
        return (number for (number,) in self._seen.execute("SELECT number FROM seen"))

    def _find(self, keys: list[str]) -> tuple[str, Content] | None:
        """Return where a document of one of these identities was first seen, and what it said."""
        for key in keys:
            row = self._seen.execute(
                "SELECT source, content FROM seen WHERE identity = ?", (key,)
            ).fetchone()
            if row is not None:
                return row[0], pickle.loads(row[1])  # noqa: S301 - written above, by this object
        return None
