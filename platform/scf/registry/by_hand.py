"""The register without a link: its answers are certificates that people handed in.

The same calls as `HttpRegistry`. Where the certificate that answers one is not there yet, PaperAwaited says
which; whoever called asks a person for it, and calls again once it was handed in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scf.kernel.errors import Unavailable
from scf.registry.port import (
    Certificate,
    Enrolled,
    EntryKind,
    Filing,
    Objection,
    Registration,
    SearchResult,
)


class Paper(StrEnum):
    """What is to be handed in."""

    SEARCH = "查询证明"
    REGISTRATION = "登记证明"
    CHANGE = "变更或展期登记证明"
    CANCELLATION = "注销登记证明"


class PaperAwaited(Unavailable):
    """A person has not handed the register's certificate in yet."""

    code = "registry.paper_awaited"
    title = "等待上传登记系统出具的证明"
    title_en = "The register's certificate is waited for"

    def __init__(self, paper: Paper) -> None:
        super().__init__(paper=paper.value)
        self.paper = paper


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A certificate as it was read, and its PDF."""

    said: Certificate | SearchResult
    pdf: bytes


class PaperRegistry:
    """Answers from what was handed in for one registration, the newest first; what is `used` answered before."""

    def __init__(self, papers: Sequence[HandedIn], *, used: Collection[str]) -> None:
        self._papers = papers
        self._used = used

    def search(self, grantor: Enrolled) -> SearchResult:
        """Return the newest 查询证明 that was not used yet. Raises PaperAwaited."""
        for paper in self._papers:
            said = paper.said
            if (
                isinstance(said, SearchResult)
                and said.grantor.uscc == grantor.uscc
                and said.cert_no not in self._used
            ):
                return said
        raise PaperAwaited(Paper.SEARCH)

    def register(self, filing: Filing, *, sent_before: bool) -> Registration:
        """Return the registration that was handed in for this filing and stands. Raises PaperAwaited."""
        del sent_before  # whoever files by hand knows
        found = self.find(filing.reference)
        if found is None or found.cancelled_at is not None:
            raise PaperAwaited(Paper.REGISTRATION)
        return found

    def amend(self, reg_no: str, filing: Filing, *, reason: str, sent_before: bool) -> Registration:
        """Return the change that was handed in. Raises PaperAwaited."""
        del reg_no, reason, sent_before
        return self._entry(filing.reference, Paper.CHANGE, EntryKind.AMENDED)

    def extend(
        self, reg_no: str, *, reference: str, months: int, sent_before: bool
    ) -> Registration:
        """Return the extension that was handed in. Raises PaperAwaited."""
        del reg_no, months, sent_before
        return self._entry(reference, Paper.CHANGE, EntryKind.EXTENDED)

    def cancel(self, reg_no: str, *, reason: str) -> Registration:
        """Return the cancellation of this entry that was handed in. Raises PaperAwaited."""
        del reason
        return self._entry(reg_no, Paper.CANCELLATION, EntryKind.CANCELLED, of=reg_no)

    def find(self, reference: str) -> Registration | None:
        """Return what was handed in as registered, cancelled or not."""
        try:
            return self._entry(reference, Paper.REGISTRATION, EntryKind.INITIAL, EntryKind.AMENDED)
        except PaperAwaited:
            return None

    def objections(self, reg_no: str) -> tuple[Objection, ...]:
        """Return none: the register tells the secured party of them, and a person enters what it told."""
        del reg_no
        return ()

    def _entry(
        self, reference: str, paper: Paper, *kinds: EntryKind, of: str | None = None
    ) -> Registration:
        for handed in self._papers:
            said = handed.said
            if (
                isinstance(said, Certificate)
                and said.kind in kinds
                and said.number not in self._used
                and of in (None, said.initial_no)
            ):
                return Registration(
                    reg_no=said.initial_no,
                    reference=reference,
                    registered_at=said.registered_at,
                    expires_on=said.expires_on,
                    cancelled_at=self._cancelled_at(said.initial_no),
                    certificate=handed.pdf,
                    content=said,
                )
        raise PaperAwaited(paper)

    def _cancelled_at(self, reg_no: str) -> datetime | None:
        for handed in self._papers:
            said = handed.said
            if (
                isinstance(said, Certificate)
                and said.kind is EntryKind.CANCELLED
                and said.initial_no == reg_no
            ):
                return said.registered_at
        return None
