"""From an event to its entry, leaf, root and transaction, each computed again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity.models import Pool, PoolEntry
from scf.evidence import log, proofs, queries
from scf.evidence.models import ChainTransaction, Event, LogEntry
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf_ledger import checkpoint, merkle
from scf_ledger.encoding import b64url
from scf_ledger.event import parse_disclosure, parse_event
from scf_ledger.note import Verifier
from scf_ledger.tiles import inclusion_proof


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry's way to a signed head, verified, and the transaction that anchored the head."""

    index: int
    leaf: bytes
    path: Sequence[bytes]
    size: int
    root: bytes
    transaction: ChainTransaction | None


@dataclass(frozen=True, slots=True)
class Trace:
    """An event followed to the chain. `inclusion` is None while it waits for the sequencer."""

    event: Event
    subject: str
    entry: bytes
    inclusion: Inclusion | None
    origin: str
    contract: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        event, found = self.event, self.inclusion
        sent = found.transaction if found else None
        return {
            "event": public_id("evt", event.id),
            "type": event.type,
            "subject": self.subject,
            "version": event.version,
            "occurred_at": instant_text(event.occurred_at),
            "body_sha256": b64url(event.body_hash),
            "entry": self.entry.hex(),
            "log": found
            and {
                "origin": self.origin,
                "index": found.index,
                "leaf": found.leaf.hex(),
                "path": [item.hex() for item in found.path],
                "size": found.size,
                "root": found.root.hex(),
            },
            "anchor": sent
            and {
                "contract": self.contract,
                "tx_hash": f"0x{(sent.tx_hash or b'').hex()}",
                "block_number": sent.block_number,
                "state": sent.state.value,
            },
        }


def visible(actor: Actor, event: Event) -> Event:
    """Return an event to one of its parties, or to the operator. Raises EventNotFound."""
    if not actor.operator and actor.party_id not in event.parties:
        raise queries.EventNotFound
    return event


def shown_fields(session: Session, actor: Actor, event: Event) -> set[str]:
    """Return the fields of an event's record that a party is shown: all but another's hold on a pool."""
    names = {parse_disclosure(text).name for text in event.disclosures.split("~")}
    if actor.operator or not event.type.startswith("pool."):
        return names
    holder = session.scalar(
        select(PoolEntry.party_id).where(
            PoolEntry.pool_id == event.subject_id, PoolEntry.version == event.version
        )
    )
    owner = session.scalar(select(Pool.owner_id).where(Pool.id == event.subject_id))
    return names if actor.party_id in (holder, owner) else names - {"holder", "actor"}


def feed(
    session: Session, actor: Actor, *, after: int, size: int
) -> tuple[list[tuple[Event, int]], int]:
    """Return a party's events behind log index `after`, oldest first, and where to go on from.

    The operator's are all.
    """
    if not actor.operator:
        return queries.feed(session, actor.party, after=after, size=size)
    rows = session.execute(
        select(Event, LogEntry.index)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(LogEntry.index > after)
        .order_by(LogEntry.index)
        .limit(size)
    ).all()
    return [(event, index) for event, index in rows], rows[-1][1] if rows else max(
        after, queries.head(session).size - 1
    )


def prove(session: Session, actor: Actor, event: Event) -> bytes:
    """Return the proof file of one event. Raises EvidencePending."""
    shown = shown_fields(session, actor, event)
    return proofs.pack(
        session,
        "event",
        [proofs.entry(session, event, disclose=shown)],
        certificates=parties.certificates_for(session, event.authorizations),
        revocations=parties.revocations(session),
    )


def trace(session: Session, event: Event) -> Trace:
    """Follow an event to the chain. Raises LedgerError where something on the way does not fit."""
    head, home = queries.head(session), queries.chain_home(session)
    entry = hashlib.sha256(event.body).digest() + event.tag
    index = queries.index_of(session, event.id)
    return Trace(
        event=event,
        subject=parse_event(event.body).subject,
        entry=entry,
        inclusion=None if index is None else _inclusion(session, entry, index, head.vkey),
        origin=head.origin,
        contract=home.anchor_address if home else None,
    )


def _inclusion(session: Session, entry: bytes, index: int, vkey: str) -> Inclusion | None:
    covering = log.covering(session, index + 1)
    if covering is None:
        return None
    opened = checkpoint.open_signed(covering.checkpoint.note, Verifier.parse(vkey)).checkpoint
    path = inclusion_proof(index, opened.size, log.tile_reader(session))
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(leaf=leaf, index=index, size=opened.size, proof=path, root=opened.root)
    return Inclusion(index, leaf, path, opened.size, opened.root, covering.transaction)
