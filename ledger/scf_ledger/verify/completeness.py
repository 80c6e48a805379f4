"""Fragment *completeness*: the entries, signers and disclosures of this kind are there, and add up."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from scf_ledger.event_types import Signing
from scf_ledger.shapes import minor
from scf_ledger.verify import pledge, reading
from scf_ledger.verify.case import Read, at
from scf_ledger.verify.report import Failure
from scf_ledger.verify.signed import Parsed, Signed


def check(kind: str, reads: Sequence[Read], parsed: Parsed) -> None:
    """Verify that a proof of this kind is whole.

    :raises LedgerError: something is missing, hidden, doubled, or does not add up
    """
    _check_versions(reads)
    for read in reads:
        with at(read.where):
            _check_signers(read, parsed)
            _check_confirmed_sum(read)
    _KINDS[kind](reads)


def _check_versions(reads: Sequence[Read]) -> None:
    """Verify that each version stands once, and that neighbours are chained by hash."""
    ordered = sorted(reads, key=lambda read: (read.event.subject, read.event.version))
    for one, two in pairwise(ordered):
        if one.event.subject != two.event.subject:
            continue
        with at(two.where):
            step = two.event.version - one.event.version
            if step == 0:
                raise Failure("completeness.version_twice", version=two.event.version)
            if step == 1 and two.event.previous != one.body_hash:
                raise Failure("completeness.chain_broken", version=two.event.version)


def _check_signers(read: Read, parsed: Parsed) -> None:
    """Verify that every authorization that is listed is given, and every one that is due listed."""
    given = [item for item in parsed[read.where] if isinstance(item, Signed)]
    listed = read.event.authorizations
    if len(read.entry.authorizations) < len(listed):
        raise Failure(
            "completeness.authorization_missing",
            given=len(read.entry.authorizations),
            listed=len(listed),
        )
    if any(isinstance(item, Exception) for item in parsed[read.where]):
        return
    for signing in read.event.type.signings:
        _check_steps(signing, given, read)
        bound = {signing.party, *signing.content.values()} - read.event.type.optional.keys()
        hidden = bound - read.record.keys()
        if hidden:
            raise Failure("completeness.field_hidden", field=min(hidden), type=read.type)


def _check_steps(signing: Signing, given: Sequence[Signed], read: Read) -> None:
    """Verify that every hand is there; where the record lists parties, every hand of each."""
    listed = read.record.get(signing.party)
    wanted = listed if isinstance(listed, list) else [None]
    signed = {
        (item.statement.party, item.statement.step) for item in given if item.signing is signing
    }
    steps = {step for _, step in signed}
    for party in wanted:
        for step in signing.steps:
            if step not in steps if party is None else (party, step) not in signed:
                raise Failure(
                    "completeness.signer_missing",
                    act=signing.act,
                    party=party or signing.party,
                    step=step,
                )


def _check_confirmed_sum(read: Read) -> None:
    """Verify that what is confirmed, disputed and rejected is what was claimed."""
    parts = ("confirmed", "disputed", "rejected", "claimed")
    if read.type != "receivable.confirmed" or not read.record.keys() >= set(parts):
        return
    confirmed, disputed, rejected, claimed = (minor(read.record[part]) for part in parts)
    if min(confirmed, disputed, rejected) < 0 or confirmed + disputed + rejected != claimed:
        raise Failure("completeness.claim_sum", claimed=read.record["claimed"]["amount"])


def _check_event(reads: Sequence[Read]) -> None:
    if len(reads) != 1:
        raise Failure("completeness.entry_count", count=len(reads), needed=1)


_KINDS: Final[Mapping[str, Callable[[Sequence[Read]], None]]] = {
    "event": _check_event,
    "pledge": pledge.check,
    reading.KIND: reading.check_entries,
}
