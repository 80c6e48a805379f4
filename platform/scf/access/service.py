"""Recording look-ups, and granting, using and withdrawing consents."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from scf.access.models import Basis, Consent, Looked, LookUp, Purpose
from scf.evidence.service import SubjectNotFound
from scf.http.auth import ACTING_PERSON, Actor
from scf.kernel.clock import instant_text
from scf.kernel.errors import Invalid, NotAllowed
from scf.kernel.ids import new_id
from scf.parties import queries as parties
from scf.parties import supervision
from scf.parties.models import PartyKind, Person
from scf.parties.supervision import RegulatorOnly


class ConsentPast(Invalid):
    """A consent is for a time to come."""

    code = "consent.past"
    title = "授权截止时间须晚于当前时间"
    title_en = "A consent ends after now"


class ConsentNeedless(Invalid):
    """A bank is let in to review a credit; for anything else there is a relation, or an office."""

    code = "consent.needless"
    title = "仅授信审查需要授权，其他用途以业务关系为依据"
    title_en = "Consent is given for a credit review; other purposes rest on a relation"


class PersonUnknown(NotAllowed):
    """Who looks for a party is a person of that party, in office."""

    code = "access.person_unknown"
    title = "查看人不是本单位在册人员"
    title_en = "The acting person is none of this party's"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a paper: its token, and the real time at which it was asked."""

    token: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """At what, what for, on what ground; `taken` is a file that is taken away, `asked` is of a paper."""

    kind: Looked
    subject: str
    purpose: Purpose
    basis: Basis = Basis.RELATION
    reason: str | None = None
    consent_id: UUID | None = None
    named: bool = True
    asked: Asked | None = None
    taken: bytes | None = None


def record(
    session: Session,
    actor: Actor,
    about: Iterable[UUID],
    look: Look,
    *,
    now: datetime,
    look_id: UUID | None = None,
) -> list[LookUp]:
    """Keep that the actor's party looks at these parties' affairs; at its own needs no record.

    A question about a paper is kept where the paper is nobody's here, too. Raises PersonUnknown.
    """
    _require_person(session, actor)
    looked_at: list[UUID | None] = [*sorted(set(about) - {actor.party})]
    if not looked_at and look.asked is not None:
        looked_at = [None]
    look_id = look_id or new_id()
    made = [
        LookUp(
            id=new_id(),
            look_id=look_id,
            by_id=actor.party,
            client_id=actor.client_id,
            person_id=actor.person_id,
            named=look.named,
            party_id=party_id,
            kind=look.kind,
            subject=look.subject,
            purpose=look.purpose,
            basis=look.basis,
            consent_id=look.consent_id,
            reason=look.reason,
            made_at=now,
            token=look.asked.token if look.asked else None,
            asked_at=look.asked.at if look.asked else None,
            taken_sha256=hashlib.sha256(look.taken).digest() if look.taken else None,
            taken_size=len(look.taken) if look.taken else None,
        )
        for party_id in looked_at
    ]
    session.add_all(made)
    session.flush()
    return made


def _require_person(session: Session, actor: Actor) -> None:
    """Raise PersonUnknown where the person acted for is another's, or left: the same as one who never was."""
    if actor.person_id is None:
        return
    own = exists().where(
        Person.id == actor.person_id, Person.party_id == actor.party, Person.revoked_at.is_(None)
    )
    if not session.scalar(select(own)):
        raise PersonUnknown(field=ACTING_PERSON)


def supervise(
    session: Session, actor: Actor, party_id: UUID, *, subject: str, reason: str, now: datetime
) -> LookUp:
    """Keep that a regulator looks at an enterprise's requests, and why.

    Raises RegulatorOnly, SubjectNotFound beyond its district.
    """
    supervisor = supervision.regulator(session, actor)
    if supervisor is None:
        raise RegulatorOnly
    if not supervision.supervises(session, supervisor, party_id):
        raise SubjectNotFound
    look = Look(Looked.REQUESTS, subject, Purpose.SUPERVISION, Basis.LAW, reason)
    return record(session, actor, [party_id], look, now=now)[0]


def grant(
    session: Session, actor: Actor, to_id: UUID, *, purpose: Purpose, until: datetime, now: datetime
) -> Consent:
    """Let a bank look, for one purpose, until an instant of business time.

    Raises SubjectNotFound for what is no bank, ConsentPast, ConsentNeedless, PartyRevoked.
    """
    party = parties.active_party(session, actor.party)
    to = parties.party(session, to_id)
    if to.kind is not PartyKind.BANK or to.id == party.id:
        raise SubjectNotFound
    if until <= now:
        raise ConsentPast(field="until", until=instant_text(until), now=instant_text(now))
    if purpose is not Purpose.CREDIT_REVIEW:
        raise ConsentNeedless(field="purpose", purpose=purpose.value)
    found = Consent(
        id=new_id(), by_id=party.id, to_id=to.id, purpose=purpose, until=until, granted_at=now
    )
    session.add(found)
    session.flush()
    return found


def withdraw(
    session: Session, actor: Actor, consent_id: UUID, *, reason: str, now: datetime
) -> Consent:
    """Take a consent back, and with it whatever else lets the same bank look for the same purpose.

    Nothing is shown on any of them from now on. Raises SubjectNotFound, AlreadyRevoked.
    """
    seen = session.get(Consent, consent_id)
    if seen is None or seen.by_id != actor.party:
        raise SubjectNotFound
    same = select(Consent).where(
        Consent.by_id == seen.by_id, Consent.to_id == seen.to_id, Consent.purpose == seen.purpose
    )
    locking = same.order_by(Consent.id).with_for_update()
    for one in session.scalars(locking.execution_options(populate_existing=True)):
        if one.id == consent_id or one.revoked_at is None:
            one.revoke(reason, now=now)
    session.flush()
    return seen


def consent(
    session: Session, actor: Actor, party_id: UUID, purpose: Purpose, *, now: datetime
) -> Consent | None:
    """Return the consent on which the actor's party may look at another for a purpose, held to the end.

    Whoever withdraws it at the same moment waits until this look is recorded.
    """
    statement = (
        select(Consent)
        .where(
            Consent.by_id == party_id,
            Consent.to_id == actor.party,
            Consent.purpose == purpose,
            Consent.until > now,
            Consent.revoked_at.is_(None),
        )
        .order_by(Consent.id.desc())
        .limit(1)
    )
    return session.scalar(statement.with_for_update(read=True))
