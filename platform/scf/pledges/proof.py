"""The pledge proof: what a bank takes away and checks on its own."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity.models import Pool
from scf.evidence import proofs
from scf.evidence import queries as evidence
from scf.evidence.models import Event
from scf.kernel.errors import Conflict
from scf.parties import queries as parties
from scf.pledges import queries
from scf.pledges.models import Pledge, State
from scf_ledger.proof import ProofEntry

ISSUED: Final = "receipt.issued"
PASSED_ON: Final = frozenset({"receipt.endorsed", "receipt.relocated", "receipt.divided"})
"""From hand to hand, from keeper to keeper, and into other receipts."""
POOL_FIELDS: Final = (
    *("id", "at", "asset", "kind", "cause"),
    *("confirmed_delta", "used_delta", "confirmed", "used", "shortfall"),
)
"""Sums and causes; who holds a part, and who took it, stays hidden."""
LOCKS: Final = frozenset({"pledge.locked", "pledge.lock_lost"})


class NotProvable(Conflict):
    """A pledge is proven while it is in force and locked."""

    code = "pledge.not_provable"
    title = "质押未生效、未锁定或已解除，不能出具证明"
    title_en = "Not in force or not locked: there is nothing to prove"


def build(session: Session, party_id: UUID, pledge_id: UUID, *, lasting: bool = False) -> bytes:
    """Return a pledge's proof file to one of its parties.

    Confirmation, the pool's whole history with its sums, every version of the pledge; `lasting` as
    `scf.evidence.proofs.pack` has it, with the first revocation lists that will do. Raises
    SubjectNotFound, NotProvable, `evidence.pending`.
    """
    pledge = queries.visible(session, party_id, pledge_id)
    if pledge.state is not State.EFFECTIVE or pledge.lock_final_at is None:
        raise NotProvable(state=pledge.state.value, lock=pledge.lock.state.value)
    return pack(session, pledge, lasting=lasting)


def before_release(session: Session, pledge: Pledge, *, lasting: bool = False) -> bytes:
    """Return the proof file of a released pledge as it stood right before its release.

    What was held until then; when it ended is told by the release itself. Raises NotProvable where it was not
    locked then, `evidence.pending`.
    """
    told = evidence.history(session, pledge.id)
    released = next((event for event in told if event.type == "pledge.released"), None)
    if released is None:
        raise NotProvable(state=pledge.state.value, lock=pledge.lock.state.value)
    locks = [event.type for event in told if event.type in LOCKS and event.seq < released.seq]
    if locks[-1:] != ["pledge.locked"]:
        raise NotProvable(state=pledge.state.value, lock="lost" if locks else "none")
    pools_then = {
        pool_id: sum(event.seq < released.seq for event in evidence.history(session, pool_id))
        for pool_id in {pledge.pool_id, *pools.pools_of(session, pledge.id)}
    }
    up_to = {pool_id: version for pool_id, version in pools_then.items() if version}
    return pack(session, pledge, up_to={**up_to, pledge.id: released.version - 1}, lasting=lasting)


def pack(
    session: Session,
    pledge: Pledge,
    *,
    up_to: Mapping[UUID, int] | None = None,
    lasting: bool = False,
) -> bytes:
    """Return the proof file of a pledge that was in force and locked, for the caller to have made sure.

    `up_to` names of each subject the version that it had then; a pool that it does not name did not stand
    behind the pledge yet. Raises `evidence.pending`.
    """
    events, entries = _entries(session, pledge, up_to)
    signed = [hash_ for event in events for hash_ in event.authorizations]
    signed_at = max(event.occurred_at for event in events if event.authorizations)
    return proofs.pack(
        session,
        "pledge",
        entries,
        certificates=parties.certificates_for(session, signed),
        revocations=parties.revocations(session, after=signed_at if lasting else None),
        lasting=lasting,
    )


def _entries(
    session: Session, pledge: Pledge, up_to: Mapping[UUID, int] | None
) -> tuple[list[Event], list[ProofEntry]]:
    """Return what the proof holds: of each form that the pledge stood in its confirmation and its pool."""
    events, entries = [], []
    until: Mapping[UUID, int] = up_to or {}
    stood_in = {pledge.pool_id, *pools.pools_of(session, pledge.id)}
    own = evidence.history(session, pledge.id, up_to=until.get(pledge.id))
    histories = {
        identity: evidence.history(session, identity, up_to=until.get(identity))
        for identity in sorted(stood_in if up_to is None else stood_in & up_to.keys())
    }
    newest = max(event.seq for told in (own, *histories.values()) for event in told)
    for identity, taken in histories.items():
        pool = session.get_one(Pool, identity)
        confirmed = evidence.event_by_hash(session, pools.confirmation(session, identity))
        passed_on = _passed_on(session, confirmed)
        titles = [confirmed, *(one for one in passed_on if up_to is None or one.seq <= newest)]
        events += [*titles, *taken]
        entries += [proofs.entry(session, event) for event in titles]
        entries += [
            proofs.entry(session, event, disclose=POOL_FIELDS, secret=pool.secret)
            for event in taken
        ]
    entries += [proofs.entry(session, event, secret=pledge.secret) for event in own]
    return [*events, *own], entries


def _passed_on(session: Session, confirmed: Event) -> list[Event]:
    """Return how a receipt came to its holder, its goods to their keeper, and what became of it; nothing for a claim."""
    if confirmed.type != ISSUED:
        return []
    told = evidence.history(session, confirmed.subject_id)
    return [event for event in told if event.type in PASSED_ON]
