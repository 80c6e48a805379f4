"""Inviting suppliers by link, and taking them in: who is new proves its USCC, who is known just joins."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, true, update
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor, digest
from scf.kernel.clock import Clock, instant_text
from scf.kernel.errors import Conflict, NotAllowed, Refused
from scf.kernel.ids import new_id, public_id
from scf.parties import certification, service
from scf.parties import queries as parties
from scf.parties.models import Party, PartyKind
from scf.parties.service import insert, lock
from scf.programmes.declaration import Declaration, DeclarationRefused, verified
from scf.programmes.invitation_models import (
    LIVE,
    Invitation,
    InvitationMoveRefused,
    Onboarding,
    State,
)
from scf.programmes.models import MemberRole, Programme
from scf.programmes.service import AlreadyMember, ProgrammeClosed, admit, place, require_member
from scf_ledger.encoding import b64url, from_b64url

ATTEMPTS_MAX: Final = 20
CHALLENGE_LENGTH: Final = 32


class InvitationExists(Conflict):
    """An enterprise has one open invitation into a programme."""

    code = "invitation.exists"
    title = "该企业已有未完成的邀请"
    title_en = "The enterprise has an open invitation"


class InvitationExpired(Conflict):
    """An invitation is taken up in time."""

    code = "invitation.expired"
    title = "邀请已过期，请联系邀请方重新发送"
    title_en = "The invitation has expired; ask for another"


class InvitationLocked(NotAllowed):
    """Too many have tried with another token, or failed to prove who they are."""

    code = "invitation.locked"
    title = "尝试次数过多，邀请已锁定，请联系邀请方重新发送"
    title_en = "Too many attempts; ask for another invitation"


@dataclass(frozen=True, slots=True)
class Guest:
    """Whom an anchor party invites: `token_sha256` is that of the link's token, which stays with it."""

    programme_id: UUID
    uscc: str
    name: str
    contact: str
    token_sha256: bytes
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class Letter:
    """What an invitation says to whoever holds its link."""

    invitation: Invitation
    programme: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a new supplier hands in; the representative's name is beside what is signed: it can be erased."""

    jws: str
    certificate: str
    legal_representative: str


def invite(session: Session, actor: Actor, guest: Guest, *, now: datetime) -> Invitation:
    """Invite an enterprise into a programme, by its anchor party or the operator; `now` is real time.

    Raises NotMember, ProgrammeClosed, AlreadyMember, InvitationExists.
    """
    if not actor.operator:
        require_member(session, guest.programme_id, actor.party, MemberRole.ANCHOR)
    programme = lock(session, Programme, guest.programme_id)
    if programme.revoked_at is not None:
        raise ProgrammeClosed(field="programme")
    known = parties.party_by_uscc(session, guest.uscc)
    if known is not None and place(session, programme.id, known.id) is not None:
        raise AlreadyMember(field="uscc")
    invitation = Invitation(
        id=new_id(),
        programme_id=programme.id,
        uscc=guest.uscc,
        name=guest.name,
        contact=guest.contact,
        token_sha256=guest.token_sha256,
        state=State.INVITED,
        attempts=0,
        person_id=new_id(),
        challenge=os.urandom(CHALLENGE_LENGTH),
        invited_by=actor.client_id,
        invited_at=now,
        expires_at=now + guest.valid_for,
    )
    insert(session, invitation, else_=InvitationExists(field="uscc"))
    return invitation


def revoke(session: Session, actor: Actor, invitation_id: UUID, *, now: datetime) -> Invitation:
    """Take an invitation back. Raises SubjectNotFound, InvitationMoveRefused."""
    visible(session, actor, invitation_id, hosts_only=True)
    invitation = lock(session, Invitation, invitation_id)
    invitation.end(State.REVOKED, now)
    return invitation


def join(session: Session, actor: Actor, invitation_id: UUID, *, clock: Clock) -> Invitation:
    """Take an invitation up as a party that is on board: with the data that is known of it.

    Raises SubjectNotFound, InvitationExpired, InvitationMoveRefused and what `admit` raises.
    """
    party = parties.active_party(session, actor.party)
    named = session.get(Invitation, invitation_id)
    if named is None or named.uscc != party.uscc:
        raise SubjectNotFound
    invitation = lock(session, Invitation, invitation_id)
    _require_live(invitation, clock.real())
    _admitted(session, invitation, party, clock)
    return invitation


def present(
    session: Session, invitation_id: UUID, token: str, *, charge: bool, now: datetime
) -> Invitation | Refused:
    """Return the invitation that a token opens, its row locked, or why not; the attempt is counted.

    A refusal is returned, not raised: the count has to be committed. `charge` counts this one too.
    """
    named, presented = Invitation.id == invitation_id, digest(token)
    session.execute(  # asked whether or not there is one, so that a stranger's answer costs the same
        update(Invitation)
        .where(named, Invitation.token_sha256 != presented)
        .values(attempts=Invitation.attempts + 1)
    )
    opened = select(Invitation).where(named, Invitation.token_sha256 == presented)
    invitation = session.scalar(opened.with_for_update())
    if invitation is None:
        return SubjectNotFound()
    if invitation.attempts >= ATTEMPTS_MAX:
        return InvitationLocked(attempts_max=ATTEMPTS_MAX)
    invitation.attempts += charge
    if invitation.state is State.INVITED and now < invitation.expires_at:
        invitation.move(State.OPENED)
        invitation.opened_at = now
    return invitation


def letter(session: Session, invitation: Invitation) -> Letter:
    """Return what an invitation says: who asks whom, into what."""
    programme = session.get_one(Programme, invitation.programme_id)
    anchor = parties.party(session, programme.anchor_id)
    return Letter(invitation, programme.name, anchor.name)


def accept(
    session: Session, invitation_id: UUID, acceptance: Acceptance, *, origin: str, clock: Clock
) -> Onboarding:
    """Take a new supplier in: party, representative, certificate, system and membership, in one transaction.

    The very same acceptance again is answered again. Raises DeclarationRefused, InvitationExpired,
    InvitationMoveRefused, `party.exists` and what certification and `admit` raise.
    """
    invitation = lock(session, Invitation, invitation_id)
    signed, declared = verified(acceptance.jws, acceptance.certificate)
    before = session.scalar(select(Onboarding).where(Onboarding.invitation_id == invitation.id))
    if before is not None and before.jws == signed:
        return before
    _require_live(invitation, clock.real())
    _check(declared, invitation, origin)
    now = clock.now()
    party = service.register_party(
        session,
        uscc=declared.uscc,
        name=declared.name,
        kind=PartyKind.ENTERPRISE,
        size_class=declared.size_class,
        now=now,
    )
    person = service.register_person(
        session,
        party.id,
        name=acceptance.legal_representative,
        now=now,
        identity=invitation.person_id,
        legal_representative=True,
    )
    certificate = certification.register_certificate(
        session, person.id, pem=acceptance.certificate, now=now
    )
    system = service.register_client(
        session,
        party.id,
        name=declared.client_name,
        secret_sha256=from_b64url(declared.client_secret_sha256),
        now=clock.real(),
    )
    onboarding = Onboarding(
        party_id=party.id,
        invitation_id=invitation.id,
        person_id=person.id,
        certificate_id=certificate.id,
        client_id=system.id,
        size_class=declared.size_class,
        size_declared_on=declared.size_declared_on,
        jws=signed,
        admitted_at=now,
    )
    _admitted(session, invitation, party, clock)
    session.add(onboarding)
    session.flush()
    return onboarding


def expire(context: EffectContext) -> None:
    """End invitations whose time is up. For a clock."""
    now = context.clock.real()
    with context.database.transaction() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.state.in_(LIVE), Invitation.expires_at <= now)
            .values(state=State.EXPIRED, ended_at=now, contact=None)
        )


def visible(
    session: Session, actor: Actor, invitation_id: UUID, *, hosts_only: bool = False
) -> Invitation:
    """Return an invitation to who invited, and to who is invited and on board. Raises SubjectNotFound."""
    condition = _hosted_by(actor) if hosts_only else _visible_to(session, actor)
    found = session.scalar(select(Invitation).where(Invitation.id == invitation_id, condition))
    if found is None:
        raise SubjectNotFound
    return found


def page(
    session: Session,
    actor: Actor,
    *,
    programme_id: UUID | None,
    state: State | None,
    uscc: str | None,
    after: UUID | None,
    size: int,
) -> list[Invitation]:
    """Return a page of the invitations that the caller may see, oldest first."""
    conditions = {
        Invitation.programme_id: programme_id,
        Invitation.state: state,
        Invitation.uscc: uscc,
    }
    statement = select(Invitation).where(_visible_to(session, actor))
    for column, value in conditions.items():
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        statement = statement.where(Invitation.id > after)
    return list(session.scalars(statement.order_by(Invitation.id).limit(size)))


def is_host(session: Session, actor: Actor, invitation: Invitation) -> bool:
    """Say whether a caller sees an invitation as the one who invites."""
    programme = session.get_one(Programme, invitation.programme_id)
    return actor.operator or programme.anchor_id == actor.party_id


def _hosted_by(actor: Actor) -> ColumnElement[bool]:
    if actor.operator:
        return true()
    return exists().where(
        Programme.id == Invitation.programme_id, Programme.anchor_id == actor.party
    )


def _visible_to(session: Session, actor: Actor) -> ColumnElement[bool]:
    if actor.operator:
        return true()
    own = parties.party(session, actor.party)
    return _hosted_by(actor) | (Invitation.uscc == own.uscc)


def _require_live(invitation: Invitation, now: datetime) -> None:
    """Raise InvitationMoveRefused, InvitationExpired."""
    if invitation.state in (State.ACCEPTED, State.REVOKED):
        raise InvitationMoveRefused(state=invitation.state.value, asked=State.ACCEPTED.value)
    if invitation.state is State.EXPIRED or invitation.expires_at <= now:
        raise InvitationExpired(expires_at=instant_text(invitation.expires_at))


def _check(declared: Declaration, invitation: Invitation, origin: str) -> None:
    """Hold a declaration to its invitation. Raises DeclarationRefused."""
    expected = {
        "origin": origin,
        "invitation": public_id("inv", invitation.id),
        "challenge": b64url(invitation.challenge),
        "uscc": invitation.uscc,
    }
    for name, value in expected.items():
        if getattr(declared, name) != value:
            raise DeclarationRefused(field=name, declared=getattr(declared, name), expected=value)


def _admitted(session: Session, invitation: Invitation, party: Party, clock: Clock) -> None:
    """End an invitation well: its party is a member of the programme."""
    invitation.party_id = party.id
    invitation.end(State.ACCEPTED, clock.real())
    admit(
        session,
        invitation.programme_id,
        party_id=party.id,
        role=MemberRole.SUPPLIER,
        now=clock.now(),
    )
