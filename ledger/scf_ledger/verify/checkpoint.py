"""Fragment *checkpoint*: one head for the whole file, signed by a trusted log, seen by witnesses."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from scf_ledger import checkpoint, tlog_proof
from scf_ledger.checkpoint import Checkpoint
from scf_ledger.errors import LedgerError
from scf_ledger.proof import Proof
from scf_ledger.trust import Trust, TrustedLog
from scf_ledger.verify.report import Failure, Skipped


@dataclass(frozen=True, slots=True)
class Head:
    """A verified checkpoint."""

    log: TrustedLog
    checkpoint: Checkpoint
    witnessed_at: datetime | None
    """When as many witnesses as the trust file asks had seen it; None when it asks for none."""


def check(proof: Proof, trust: Trust) -> Head:
    """Verify the checkpoint that all entries carry.

    :raises LedgerError: it is absent, not the same everywhere, unsigned or not witnessed enough
    """
    if not proof.entries:
        raise Skipped("case.empty")
    texts = set(_texts(proof))
    if not texts:
        raise Failure("checkpoint.missing")
    if len(texts) > 1:
        raise Failure("checkpoint.not_one", count=len(texts))
    return open_trusted(texts.pop(), trust)


def open_trusted(signed: str, trust: Trust) -> Head:
    """Verify a signed checkpoint against the trust file.

    :raises LedgerError: not by a listed log, or not by enough witnesses
    """
    origin = checkpoint.parse(signed).origin
    log = next((log for log in trust.logs if log.origin == origin), None)
    if log is None:
        raise Failure("checkpoint.unknown_log", origin=origin)
    opened = checkpoint.open_signed(signed, log.verifier, trust.witnesses)
    times = sorted(opened.witnessed_at.values())
    needed = trust.witnesses_needed
    if len(times) < needed:
        raise Failure("checkpoint.too_few_witnesses", found=len(times), needed=needed)
    witnessed_at = _instant(times[needed - 1]) if needed else None
    return Head(log, opened.checkpoint, witnessed_at)


def _texts(proof: Proof) -> Iterator[str]:
    """Give the checkpoint of each entry; a proof that cannot be read is the inclusion's failure."""
    for entry in proof.entries:
        with suppress(LedgerError):
            yield tlog_proof.parse(entry.tlog_proof or "").checkpoint


def _instant(posix: int) -> datetime:
    try:
        return datetime.fromtimestamp(posix, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Failure("checkpoint.witness_time", time=posix) from error
