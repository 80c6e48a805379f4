"""What the story is told of: invoices of one seller and one buyer that make one payable line."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources
from typing import Final

from scf.documents import companion
from scf.documents.batch import Batch, Finding
from scf.documents.companion import PayableLine
from scf.documents.parsing import Invoice
from scf.documents.parsing.model import InvoiceParty
from scf.documents.rules import Verdict
from scf.kernel.errors import Refused
from scf.kernel.money import Money, zero
from scf.receivables.rules import DOCUMENTS_MAX

CURRENCY: Final = "CNY"
TERM_DAYS: Final = 60
"""From delivery to the due date, where no companion CSV says otherwise."""
FIRST_DAY: Final = date(2025, 1, 2)
"""The people's certificates and mandates begin the day before."""
SAMPLE_DISPUTE: Final = Money.parse("41400.00")

NOT_USED: Final = {
    Verdict.FLAGGED: "提示可能已转让，演示不采用 it hints at an assignment: not used here",
    Verdict.REVERSES: "红字或贷项，演示不采用 it takes another back: not used here",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """An invoice and its bytes."""

    name: str
    original: bytes
    invoice: Invoice


@dataclass(frozen=True, slots=True)
class Papers:
    """One payable line: its invoices, and what the companion CSV says beside them."""

    invoices: tuple[Paper, ...]
    line: PayableLine
    disputed: Money = field(default_factory=zero)

    @property
    def seller(self) -> InvoiceParty:
        """Who is owed."""
        return self.invoices[0].invoice.seller

    @property
    def buyer(self) -> InvoiceParty:
        """Who owes."""
        return self.invoices[0].invoice.buyer

    @property
    def claimed(self) -> Money:
        """The sum, tax included."""
        return sum((paper.invoice.total for paper in self.invoices), zero())

    @property
    def sha256(self) -> str:
        """What tells one set of papers from another."""
        digests = sorted(hashlib.sha256(paper.original).digest() for paper in self.invoices)
        return hashlib.sha256(b"".join(digests)).hexdigest()


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one file."""

    name: str
    used: bool
    note: str


def samples() -> Papers:
    """Return October's statement of the fictional cast, with its quality claim."""
    folder = resources.files("scf.samples")
    files = [
        (entry.name, entry.read_bytes())
        for entry in sorted((folder / "invoices").iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".xml")
    ]
    files.append(("companion.csv", (folder / "companion.csv").read_bytes()))
    chosen, _ = choose(files)
    assert chosen is not None, "the samples are complete"
    return Papers(chosen.invoices, chosen.line, SAMPLE_DISPUTE)


def choose(files: Iterable[tuple[str, bytes]]) -> tuple[Papers | None, list[Judged]]:
    """Choose what to tell from files, None where nothing can be; and say of each what became of it.

    A companion CSV names the line: its first whose invoices are all there. Without one it is the seller
    and buyer with the most invoices.
    """
    reading = _Reading()
    for name, original in files:
        reading.take(name, original)
    chosen = reading.listed() if reading.lines else reading.largest()
    for paper in reading.usable:
        used = chosen is not None and paper in chosen.invoices
        reading.judged.append(Judged(paper.name, used, _line(paper, used=used)))
    return chosen, reading.judged


@dataclass(slots=True)
class _Reading:
    usable: list[Paper] = field(default_factory=list)
    lines: list[PayableLine] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)

    def take(self, name: str, original: bytes) -> None:
        """Read one file."""
        if companion.is_companion(original):
            self._list(name, original)
            return
        finding = self.batch.examine(original, source=name)
        note = _objection(finding)
        if note is None and finding.invoice is not None:
            self.usable.append(Paper(name, original, finding.invoice))
        else:
            self.judged.append(Judged(name, used=False, note=note or ""))

    def _list(self, name: str, original: bytes) -> None:
        try:
            lines = companion.parse(original)
        except Refused as error:
            self.judged.append(Judged(name, used=False, note=error.line()))
            return
        self.lines += lines
        self.judged.append(
            Judged(name, used=True, note=f"随附清单 companion, {len(lines)} 行 lines")
        )

    def listed(self) -> Papers | None:
        """Return the first line of the companion CSV that is all there."""
        for line in self.lines:
            found = [p for p in self.usable if p.invoice.number in line.invoice_numbers]
            if len(found) == len(line.invoice_numbers) and len(_by_sides(found)) == 1:
                return Papers(tuple(found), line)
        return None

    def largest(self) -> Papers | None:
        """Return the seller and buyer with the most invoices, on terms that the story sets."""
        if not self.usable:
            return None
        found = max(_by_sides(self.usable), key=len)[:DOCUMENTS_MAX]
        latest = max(FIRST_DAY, *(paper.invoice.issued_on for paper in found))
        contracts = {paper.invoice.contract_no for paper in found}
        line = PayableLine(
            line_no="1",
            invoice_numbers=tuple(paper.invoice.number for paper in found),
            contract_no=contracts.pop() if len(contracts) == 1 else None,
            receipt_no=None,
            delivered_on=latest,
            due_on=latest + timedelta(days=TERM_DAYS),
        )
        return Papers(tuple(found), line)


def _by_sides(papers: Sequence[Paper]) -> list[list[Paper]]:
    sides = defaultdict(list)
    for paper in papers:
        sides[paper.invoice.seller.uscc, paper.invoice.buyer.uscc].append(paper)
    return list(sides.values())


def _objection(finding: Finding) -> str | None:
    """Say why a document cannot be told of, None where it can."""
    invoice = finding.invoice
    if finding.verdict is not Verdict.ACCEPTED or invoice is None:
        return NOT_USED.get(finding.verdict) or finding.note or finding.code
    if invoice.seller.uscc is None or invoice.buyer.uscc is None:
        sides = f"{invoice.seller.identity} → {invoice.buyer.identity}"
        return f"购销双方须有统一社会信用代码 both sides need a USCC: {sides}"
    if invoice.seller.uscc == invoice.buyer.uscc:
        return f"购销双方相同 seller and buyer are the same: {invoice.seller.uscc}"
    if invoice.currency != CURRENCY:
        return f"演示仅用人民币 the story is told in CNY: {invoice.currency}"
    return None


def _line(paper: Paper, *, used: bool) -> str:
    invoice = paper.invoice
    text = f"{invoice.number}  {invoice.seller.name} → {invoice.buyer.name}  {invoice.total} {CURRENCY}"
    return text if used else f"{text}  不在本次演示的一行内 not of the line that is told"
