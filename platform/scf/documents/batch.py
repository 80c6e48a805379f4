"""A batch of documents looked at on its own: nothing stored, no server asked."""

from dataclasses import dataclass, field
from typing import Final, Self

from scf.documents.parsing import Invoice, parse
from scf.documents.rules import (
    FLAG_CODES,
    Content,
    DocumentConflict,
    Identity,
    Verdict,
    identities,
    verdict_of,
)
from scf.kernel.errors import Refused

DUPLICATE_CODE: Final = "document.duplicate"


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


@dataclass(slots=True)
class Batch:
    """Recognises, among the documents shown to it, what was there before."""

    _seen: dict[Identity, tuple[str, Content]] = field(default_factory=dict)

    def examine(self, original: bytes, *, source: str) -> Finding:
        """Read one document and say what it is, beside those examined before. Raises nothing."""
        try:
            invoice = parse(original)
        except Refused as error:
            return Finding.refused(error)
        content = Content.of(invoice)
        known = [self._seen[key] for key in identities(invoice) if key in self._seen]
        if not known:
            self._seen.update(dict.fromkeys(identities(invoice), (source, content)))
            code = next((FLAG_CODES[flag] for flag in FLAG_CODES if flag in invoice.flags), None)
            return Finding(verdict_of(invoice), code, invoice)
        earlier, first = known[0]
        differences = first.differences(content)
        if not differences:
            return Finding(Verdict.DUPLICATE, DUPLICATE_CODE, invoice, f"同 same as {earlier}")
        said = ", ".join(f"{name} {old} ≠ {new}" for name, (old, new) in differences.items())
        note = f"{DocumentConflict.title} {earlier}: {said}"
        return Finding(Verdict.CONFLICT, DocumentConflict.code, invoice, note)
