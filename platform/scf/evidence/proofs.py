"""Proof files: events, their place in the log under one head, and what the chain says of it."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from scf.evidence import log, queries
from scf.evidence.models import (
    ChainTransaction,
    Checkpoint,
    Event,
    EventReceipt,
    Statement,
    StatementLine,
)
from scf.kernel.errors import Conflict
from scf_ledger import proof, receipt, tlog_proof
from scf_ledger.event import parse_disclosure
from scf_ledger.proof import Anchor, ProofEntry, ProvenReading
from scf_ledger.receipt import Receipt
from scf_ledger.statement import with_line
from scf_ledger.tiles import inclusion_proof, tiles_of_proof

MEDIA_TYPE = proof.MEDIA_TYPE


class EvidencePending(Conflict):
    """An event can be proven once it stands in the published log, usually within a second."""

    code = "evidence.pending"
    title = "存证处理中，请稍后再取证明"
    title_en = "Not in the published log yet; ask again in a moment"


def entry(
    session: Session,
    event: Event,
    *,
    disclose: Collection[str] | None = None,
    secret: bytes | None = None,
) -> ProofEntry:
    """Return an event as a proof carries it, its place in the log still open.

    `disclose` names the fields to show, None for all; `secret` is its subject's, for who may scan the
    log for other versions.
    """
    return ProofEntry(
        body=event.body,
        tag=event.tag,
        tag_secret=secret,
        disclosures=tuple(disclosed(event, disclose)),
        authorizations=tuple(authorizations(session, event)),
        tlog_proof=None,
        receipt=_receipt(session, event),
    )


def pack(
    session: Session,
    kind: str,
    entries: Sequence[ProofEntry],
    *,
    certificates: Iterable[str] = (),
    revocations: Iterable[bytes] = (),
    lasting: bool = False,
    reading: ProvenReading | None = None,
) -> bytes:
    """Return a proof file over one head, the newest anchored one where that covers every entry.

    `lasting`: over the first such head instead, so that the file stays the same as the log grows.

    `certificates` are PEM of those who signed, `revocations` DER of their CAs' lists, `reading` what a
    proof of that kind is about. Raises EvidencePending.
    """
    hashes = [event_hash(item) for item in entries]
    places = log.indexes(session, hashes)
    if len(places) != len(set(hashes)):
        raise EvidencePending(events=len(set(hashes)), published=len(places), retry_after=1)
    find = log.first_covering if lasting else log.covering
    covering = find(session, max(places.values(), default=-1) + 1)
    if covering is None:
        raise EvidencePending(retry_after=1)
    head = covering.checkpoint
    ahead = set[tuple[int, int]]().union(
        *(tiles_of_proof(index, head.size) for index in places.values())
    )
    read_tile = log.tile_reader(session, ahead)

    def placed(item: ProofEntry, index: int) -> ProofEntry:
        path = inclusion_proof(index, head.size, read_tile)
        return replace(item, tlog_proof=tlog_proof.build(index, path, head.note))

    return proof.build(
        kind=kind,
        entries=[placed(item, places[key]) for item, key in zip(entries, hashes, strict=True)],
        certificates=list(certificates),
        revocations=list(revocations),
        anchor=_anchor(session, head, covering.transaction),
        reading=reading,
    )


def disclosed(event: Event, names: Collection[str] | None = None) -> list[str]:
    """Return the salted fields of an event with these names, all for None."""
    texts = event.disclosures.split("~")
    if names is None:
        return texts
    return [text for text in texts if parse_disclosure(text).name in names]


def authorizations(session: Session, event: Event) -> list[str]:
    """Return the signed statements that an event names, in its order; of a basket, with its own line."""
    if not event.authorizations:
        return []
    rows = session.execute(
        select(Statement.authorization_hash, Statement.jws, StatementLine.disclosure)
        .outerjoin(
            StatementLine,
            and_(
                StatementLine.draft_id == Statement.draft_id,
                StatementLine.subject_id == event.subject_id,
            ),
        )
        .where(Statement.authorization_hash.in_(event.authorizations))
    )
    found = {
        hash_: with_line(signed, line) if line else signed for hash_, signed, line in rows if signed
    }
    return [found[hash_] for hash_ in event.authorizations]


def event_hash(item: ProofEntry) -> bytes:
    """Return the hash that an event is known by."""
    return hashlib.sha256(item.body).digest()


def _receipt(session: Session, event: Event) -> Receipt | None:
    """Return what was signed outside over what an event tells."""
    kept = session.get(EventReceipt, event.id)
    return None if kept is None else receipt.from_json(kept.receipt, "receipt")


def _anchor(
    session: Session, head: Checkpoint, transaction: ChainTransaction | None
) -> Anchor | None:
    """Return what the chain says of a head: nothing until the transaction is final."""
    home = queries.chain_home(session) if transaction is not None else None
    if transaction is None or home is None:
        return None
    assert transaction.tx_hash is not None
    assert transaction.block_hash is not None
    assert transaction.block_number is not None
    return Anchor(
        chain_id=home.chain_id,
        contract=home.anchor_address,
        origin=queries.head(session).origin,
        size=head.size,
        root=head.root,
        tx_hash=f"0x{transaction.tx_hash.hex()}",
        block_number=transaction.block_number,
        block_hash=f"0x{transaction.block_hash.hex()}",
    )
