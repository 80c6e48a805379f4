"""Verification of proof files, without database, broker or platform.

Needs the standard library, ``cryptography`` and ``orjson``; the network only where asked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from scf_ledger import proof
from scf_ledger.errors import LedgerError
from scf_ledger.proof import Proof
from scf_ledger.trust import Fragment, Trust
from scf_ledger.verify import (
    anchor,
    authorization,
    checkpoint,
    completeness,
    facts,
    inclusion,
    reading,
    receipts,
    record,
    signed,
    signers,
    standing,
    web,
)
from scf_ledger.verify.anchor import Anchored
from scf_ledger.verify.case import Read
from scf_ledger.verify.checkpoint import Head
from scf_ledger.verify.report import Outcome, Report, Skipped, Status

__all__ = ["Fragment", "Outcome", "Report", "Status", "verify_file"]

Result = TypeVar("Result")


def verify_file(
    data: bytes, trust: Trust, *, rpc: str | None = None, log: str | None = None
) -> Report:
    """Verify the bytes of a proof file.

    :param rpc: URL of a node's JSON-RPC, for *anchor*
    :param log: C2SP prefix of the log (the URL above ``/checkpoint``), for *standing*
    :raises LedgerError: the file is not a proof file at all, or a URL is not one
    """
    for url in (rpc, log):
        if url is not None:
            web.split_url(url)
    return _Verification(proof.parse(data), trust, rpc, log).run()


class _Verification:
    """One run: each fragment on its own, none hidden by another's failure where it need not be."""

    def __init__(self, proof_: Proof, trust: Trust, rpc: str | None, log: str | None) -> None:
        self._proof, self._trust = proof_, trust
        self._rpc, self._log = rpc, log
        self._outcomes: dict[Fragment, Outcome] = {}
        self._vouched_by: str | None = None

    def run(self) -> Report:
        reads = self._ask(Fragment.RECORD, lambda: record.check(self._proof))
        indices = self._ask(Fragment.INCLUSION, lambda: inclusion.check(self._proof, reads))
        head = self._ask(
            Fragment.CHECKPOINT, lambda: checkpoint.check(self._proof, self._trust), _size_of_head
        )
        anchored = self._ask(
            Fragment.ANCHOR, lambda: anchor.check(self._proof, self._trust, head, self._rpc)
        )
        existed_by = _existed_by(head, anchored)
        if reads is None and self._proof.entries:
            self._skip("case.unread", Fragment.AUTHORIZATION, Fragment.COMPLETENESS)
        else:
            self._ask_parties(reads or (), head, existed_by)
        self._ask(Fragment.STANDING, lambda: self._standing(reads, indices, head), _size)
        return Report(
            kind=self._proof.kind,
            fragments={fragment: self._outcomes[fragment] for fragment in Fragment},
            required=self._trust.required(self._proof.kind),
            facts=facts.of(
                self._proof,
                reads or (),
                indices,
                head,
                existed_by=existed_by,
                vouched_by=self._vouched_by,
            ),
        )

    def _ask_parties(
        self, reads: Sequence[Read], head: Head | None, existed_by: datetime | None
    ) -> None:
        """Ask who signed, and whether everything is there."""
        parsed = signed.parse_all(reads)

        def check() -> str | None:
            authorization.check(
                reads,
                parsed,
                signers.load(self._proof, self._trust),
                origin=head.checkpoint.origin if head else None,
                existed_by=existed_by,
            )
            return receipts.check(reads, self._trust, existed_by=existed_by)

        self._vouched_by = self._ask(Fragment.AUTHORIZATION, check)
        self._ask(Fragment.COMPLETENESS, lambda: self._complete(reads, parsed))

    def _complete(self, reads: Sequence[Read], parsed: signed.Parsed) -> None:
        completeness.check(self._proof.kind, reads, parsed)
        if self._proof.kind == reading.KIND:
            reading.check(reads, self._proof.reading)

    def _standing(
        self, reads: Sequence[Read] | None, indices: Sequence[int] | None, head: Head | None
    ) -> Any:
        if self._log is None:
            raise Skipped("standing.no_log")
        if reads is None:
            raise Skipped("case.unread")
        if indices is None or head is None:
            raise Skipped("case.no_checkpoint")
        return standing.check(reads, indices, self._trust, head, self._log)

    def _skip(self, code: str, *fragments: Fragment) -> None:
        for fragment in fragments:
            self._outcomes[fragment] = Outcome.of(Skipped(code))

    def _ask(
        self,
        fragment: Fragment,
        check: Callable[[], Result],
        fields: Callable[[Any], Mapping[str, Any]] = lambda _: {},
    ) -> Result | None:
        try:
            result = check()
        except LedgerError as error:
            self._outcomes[fragment] = Outcome.of(error)
            return None
        self._outcomes[fragment] = Outcome(Status.PASS, f"{fragment.value}.pass", fields(result))
        return result


def _size_of_head(head: Head) -> Mapping[str, Any]:
    return _size(head.checkpoint)


def _size(checkpoint_: Any) -> Mapping[str, Any]:
    return {"origin": checkpoint_.origin, "size": checkpoint_.size}


def _existed_by(head: Head | None, anchored: Anchored | None) -> datetime | None:
    """Return the earliest time by which the entries provably existed."""
    times = [head.witnessed_at if head else None, anchored.by if anchored else None]
    return min((time for time in times if time is not None), default=None)
