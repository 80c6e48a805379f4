"""Reading programmes."""

from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.parties.models import Party
from scf.programmes.models import Member, MemberRole, Programme
from scf.programmes.permissions import sees


def visible(session: Session, actor: Actor, programme_id: UUID) -> Programme:
    """Return a programme to the operator and to its members, past ones too. Raises SubjectNotFound."""
    programme = session.scalar(_visible(actor).where(Programme.id == programme_id))
    if programme is None:
        raise SubjectNotFound
    return programme


def page(session: Session, actor: Actor, *, after: UUID | None, size: int) -> list[Programme]:
    """Return a page of the programmes that the caller may see, by id."""
    statement = _visible(actor).order_by(Programme.id).limit(size)
    if after is not None:
        statement = statement.where(Programme.id > after)
    return list(session.scalars(statement))


def members(session: Session, actor: Actor, programme_id: UUID) -> list[tuple[Member, Party]]:
    """Return the live members that the caller may see, in order of joining."""
    own = _own(session, actor, programme_id)
    rows = session.execute(
        select(Member, Party)
        .join(Party, Party.id == Member.party_id)
        .where(Member.programme_id == programme_id, Member.revoked_at.is_(None))
        .order_by(Member.id)
    )
    viewer = own.role if own is not None and own.revoked_at is None else None
    return [(member, party) for member, party in rows if sees(actor, viewer, member)]


def count_funders(session: Session, programme_id: UUID) -> int:
    """Return how many banks of a programme can be asked for money."""
    live = (
        Member.programme_id == programme_id,
        Member.role == MemberRole.FUNDER,
        Member.revoked_at.is_(None),
    )
    return session.scalar(select(func.count()).select_from(Member).where(*live)) or 0


def _visible(actor: Actor) -> Select[Programme]:
    """Return how to ask for programmes: one question, so that what is another's costs what is none's does."""
    statement = select(Programme)
    if actor.operator:
        return statement
    mine = select(Member.programme_id).where(Member.party_id == actor.party)
    return statement.where(Programme.id.in_(mine))


def _own(session: Session, actor: Actor, programme_id: UUID) -> Member | None:
    return session.scalar(
        select(Member)
        .where(Member.programme_id == programme_id, Member.party_id == actor.party_id)
        .order_by(Member.id.desc())
        .limit(1)
    )
