"""Papers that several parties sign over the same content, each for itself; with the last one the paper stands."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from scf.evidence.models import Statement, Subject
from scf.http.auth import Actor
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer


class Countersigned:
    """What several parties sign: who has, and the statements that they signed."""

    signed: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    authorizations: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default="{}")


Paper = TypeVar("Paper", bound=Countersigned)


@dataclass(frozen=True, slots=True)
class Turn(Generic[Paper]):
    """A locked paper that waits for the caller: what the caller signs, and who has to sign in all."""

    paper: Paper
    signers: Collection[UUID]
    act: str
    subject: Subject
    prefix: str
    content: Mapping[str, Any]
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Kind(Generic[Paper]):
    """How one kind of paper is opened to the caller, by its id, and what its last signature does."""

    open: Callable[[Session, Actor, UUID], Turn[Paper]]
    finish: Callable[[Session, Actor, Turn[Paper], datetime], None]


def draft(
    session: Session,
    actor: Actor,
    kind: Kind[Paper],
    identity: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the caller's part of a paper. Raises what opening it and signing raise."""
    turn = kind.open(session, actor, identity)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=turn.act,
        subject=turn.subject,
        prefix=turn.prefix,
        content=turn.content,
        amount=turn.amount,
        signers=signers,
        now=now,
    )


def sign(
    session: Session,
    actor: Actor,
    kind: Kind[Paper],
    identity: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
) -> Paper:
    """Take the caller's signature; the last one makes the paper stand.

    A statement that has expired by now counts no more, nor what the caller signed before: no verifier would take a
    paper that came to stand after one of its statements had expired. Whose it was signs again. Raises StatementAltered where other content was signed, and what opening it and signing raise.
    """
    turn = kind.open(session, actor, identity)
    signed = signing.collect(
        session,
        party=parties.active_party(session, actor.party),
        act=turn.act,
        subject=turn.subject,
        jws=jws,
        now=now,
    )
    if {name: said for name, said in signed.content.items() if name != "names"} != turn.content:
        raise signing.StatementAltered(field="authorizations")
    paper = turn.paper
    _drop(session, paper, _lapsed(session, paper, now, actor.party))
    paper.signed = [*paper.signed, actor.party]
    paper.authorizations = [*paper.authorizations, *signed.authorizations]
    if set(paper.signed) == set(turn.signers):
        kind.finish(session, actor, turn, now)
    session.flush()
    return paper


def drop_lapsed(session: Session, paper: Countersigned, *, now: datetime) -> bool:
    """Take off a locked paper what has expired, for whoever signed it to sign again; say whether there was any."""
    lapsed = _lapsed(session, paper, now)
    _drop(session, paper, lapsed)
    return bool(lapsed)


def _lapsed(
    session: Session, paper: Countersigned, now: datetime, again: UUID | None = None
) -> dict[bytes, UUID]:
    """Return by hash whose statements have expired, and those of `again`, who signs once more."""
    rows = session.execute(
        select(Statement.authorization_hash, Statement.party_id).where(
            Statement.authorization_hash.in_(paper.authorizations),
            or_(Statement.expires_at <= now, Statement.party_id == again),
        )
    )
    return {bytes(hash_): party for hash_, party in rows if hash_ is not None}


def _drop(session: Session, paper: Countersigned, lapsed: Mapping[bytes, UUID]) -> None:
    if not lapsed:
        return
    gone = set(lapsed.values())
    paper.signed = [party for party in paper.signed if party not in gone]
    paper.authorizations = [one for one in paper.authorizations if bytes(one) not in lapsed]
    session.flush()
