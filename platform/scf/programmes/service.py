"""Commands over programmes, and the one question that other features ask."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import Conflict, Invalid, NotAllowed
from scf.kernel.ids import new_id
from scf.parties import queries as parties
from scf.parties.models import PartyKind
from scf.parties.service import lock
from scf.programmes.models import Member, MemberRole, Product, Programme

KINDS = {
    MemberRole.ANCHOR: PartyKind.ENTERPRISE,
    MemberRole.SUPPLIER: PartyKind.ENTERPRISE,
    MemberRole.FUNDER: PartyKind.BANK,
}


class NotMember(NotAllowed):
    """Business in a programme is between its members, each in its role."""

    code = "programme.not_member"
    title = "不是该融资项目的相应成员"
    title_en = "Not a member of the programme in that role"


class AlreadyMember(Conflict):
    """A party has one place in a programme."""

    code = "programme.already_member"
    title = "已是该融资项目成员"
    title_en = "Already a member of the programme"


class ProgrammeClosed(Conflict):
    """A closed programme takes no new members and no new business."""

    code = "programme.closed"
    title = "融资项目已关闭"
    title_en = "The programme is closed"


class RoleNotForKind(Invalid):
    """Enterprises anchor and supply; banks fund."""

    code = "programme.role_not_for_kind"
    title = "该类参与方不能担任此角色"
    title_en = "This kind of party cannot take that role"


class SecurityNotAllowed(Conflict):
    """A bank takes over the claims of a programme what its core enterprise allows."""

    code = "programme.security_not_allowed"
    title = "该融资项目不允许此种担保方式"
    title_en = "The programme does not allow this kind of security"


def open_programme(
    session: Session,
    *,
    name: str,
    anchor_id: UUID,
    now: datetime,
    securities: Collection[Product] | None = None,
) -> Programme:
    """Open a programme; its anchor party is its first member. `securities` None: it allows all.

    Raises SubjectNotFound, PartyRevoked, RoleNotForKind.
    """
    parties.active_party(session, anchor_id, lock=True)
    programme = Programme(id=new_id(), name=name, anchor_id=anchor_id, opened_at=now)
    _allow(programme, securities)
    session.add(programme)
    session.flush()
    admit(session, programme.id, party_id=anchor_id, role=MemberRole.ANCHOR, now=now)
    return programme


def admit(
    session: Session, programme_id: UUID, *, party_id: UUID, role: MemberRole, now: datetime
) -> Member:
    """Give a party a place. Raises ProgrammeClosed, AlreadyMember, RoleNotForKind."""
    programme = lock(session, Programme, programme_id)
    if programme.revoked_at is not None:
        raise ProgrammeClosed
    party = parties.active_party(session, party_id, lock=True)
    if party.kind is not KINDS[role] or (role is MemberRole.ANCHOR) != (
        party.id == programme.anchor_id
    ):
        raise RoleNotForKind(field="role", role=role.value, kind=party.kind.value)
    if place(session, programme_id, party_id) is not None:
        raise AlreadyMember
    member = Member(
        id=new_id(), programme_id=programme_id, party_id=party_id, role=role, joined_at=now
    )
    session.add(member)
    session.flush()
    return member


def expel(
    session: Session, programme_id: UUID, *, party_id: UUID, reason: str, now: datetime
) -> Member:
    """End a party's place; what it did stays. Raises SubjectNotFound, RoleNotForKind (the anchor)."""
    lock(session, Programme, programme_id)
    member = place(session, programme_id, party_id)
    if member is None:
        raise SubjectNotFound
    if member.role is MemberRole.ANCHOR:
        raise RoleNotForKind(field="party", role=member.role.value)
    member.revoke(reason, now=now)
    return member


def allow(
    session: Session, programme_id: UUID, securities: Collection[Product] | None
) -> Programme:
    """Say which kinds of security are offered from now on, None for all; what was offered goes on.

    Raises SubjectNotFound, ProgrammeClosed.
    """
    programme = lock(session, Programme, programme_id)
    if programme.revoked_at is not None:
        raise ProgrammeClosed
    _allow(programme, securities)
    session.flush()
    return programme


def require_allowed(session: Session, programme_id: UUID, security: str) -> None:
    """Raise SecurityNotAllowed, with what the programme allows."""
    programme = session.get_one(Programme, programme_id)
    session.refresh(programme, with_for_update={"read": True})
    if programme.securities is not None and security not in programme.securities:
        raise SecurityNotAllowed(field="security", asked=security, allowed=programme.securities)


def _allow(programme: Programme, securities: Collection[Product] | None) -> None:
    programme.securities = (
        None if securities is None else [one.value for one in Product if one in securities]
    )


def close(session: Session, programme_id: UUID, *, reason: str, now: datetime) -> Programme:
    """End a programme: no new business; running business goes on. Raises AlreadyRevoked."""
    programme = lock(session, Programme, programme_id)
    programme.revoke(reason, now=now)
    return programme


def place(session: Session, programme_id: UUID, party_id: UUID) -> Member | None:
    """Return a party's live place in a programme, if it has one."""
    return session.scalar(
        select(Member).where(
            Member.programme_id == programme_id,
            Member.party_id == party_id,
            Member.revoked_at.is_(None),
        )
    )


def require_member(
    session: Session, programme_id: UUID, party_id: UUID, role: MemberRole
) -> Programme:
    """Return an open programme in which the party has this role.

    Raises NotMember (also where there is no such programme: a stranger learns nothing), ProgrammeClosed.
    """
    row = session.execute(
        select(Programme, Member.role)
        .join(Member, Member.programme_id == Programme.id)
        .where(
            Programme.id == programme_id,
            Member.party_id == party_id,
            Member.revoked_at.is_(None),
        )
    ).one_or_none()
    if row is None or row[1] is not role:
        raise NotMember(field="programme", role=role.value)
    programme: Programme = row[0]
    if programme.revoked_at is not None:
        raise ProgrammeClosed(field="programme")
    return programme
