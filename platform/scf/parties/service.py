"""Commands over parties, their people and clients. What is revoked stops counting at once."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.db.base import Base
from scf.evidence.service import SubjectNotFound
from scf.http.auth import AccessToken, OAuthClient
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Conflict, Invalid, Refused, ValueInvalid
from scf.kernel.ids import new_id
from scf.kernel.money import Money
from scf.parties import names, queries, rules
from scf.parties.models import (
    AlreadyRevoked,
    Certificate,
    Mandate,
    Party,
    PartyKind,
    Person,
    PersonErasure,
    Revocable,
    Role,
    SizeClass,
)
from scf.parties.rules import ROLES

Kind = TypeVar("Kind", bound=Base)

SECRET_HASH_LENGTH = hashlib.sha256().digest_size


class PartyExists(Conflict):
    """A USCC names one party."""

    code = "party.exists"
    title = "该统一社会信用代码已登记"
    title_en = "A party with this USCC is registered"


class SizeWrong(Invalid):
    """An enterprise has a size class; a bank has none."""

    code = "party.size_wrong"
    title = "企业必须填写规模类型，银行不填"
    title_en = "Enterprises have a size class, banks do not"


class MandateMeaningless(Invalid):
    """A mandate grants acts that its party's kind signs, in a role that those acts have, for some time."""

    code = "mandate.meaningless"
    title = "授权内容不成立"
    title_en = "The mandate makes no sense"


class RepresentativeExists(Conflict):
    """A party has one legal representative at a time; the former one is revoked first."""

    code = "person.representative_exists"
    title = "该企业已登记在任法定代表人，请先办理离任"
    title_en = "The party has a legal representative; record first that they have left"


class SecretUsed(Conflict):
    """A new secret is another one than the two that open."""

    code = "client.secret_used"
    title = "新密钥与现用密钥相同"
    title_en = "The secret is one of those in use"


class FormerSecretOpen(Conflict):
    """Two secrets open at a time: the former ends before a third comes."""

    code = "client.former_secret_open"
    title = "上一个密钥尚未失效，请先使其失效"
    title_en = "The former secret still opens; end it first"


class NameUnchanged(Conflict):
    """A new name is another one."""

    code = "party.name_unchanged"
    title = "名称未变更"
    title_en = "That is the party's name already"


def register_party(
    session: Session,
    *,
    uscc: str,
    name: str,
    kind: PartyKind,
    size_class: SizeClass | None,
    now: datetime,
) -> Party:
    """Add a party. Raises PartyExists, SizeWrong; the caller has checked the USCC's digits."""
    if (size_class is not None) != (kind is PartyKind.ENTERPRISE):
        raise SizeWrong(field="size_class", kind=kind.value)
    party = Party(
        id=new_id(), uscc=uscc, name=name, kind=kind, size_class=size_class, registered_at=now
    )
    insert(session, party, else_=PartyExists(field="uscc", uscc=uscc))
    return party


def rename_party(
    session: Session, party_id: UUID, *, name: str, named_on: date, now: datetime
) -> Party:
    """Give a party the name that it bears since a day. Raises NameUnchanged, ValueInvalid for a day to come."""
    party = lock(session, Party, party_id)
    if party.name == name:
        raise NameUnchanged(field="name", name=name)
    if named_on > business_date(now):
        raise ValueInvalid(field="named_on", value=named_on.isoformat())
    party.name, party.named_on = name, named_on
    return party


def revoke_party(session: Session, party_id: UUID, *, reason: str, now: datetime) -> Party:
    """End a party's membership: its clients, people, certificates and mandates end with it."""
    party = lock(session, Party, party_id)
    party.revoke(reason, now=now)
    clients = session.scalars(
        select(OAuthClient).where(
            OAuthClient.party_id == party_id, OAuthClient.revoked_at.is_(None)
        )
    )
    for client in clients:
        client.revoked_at = now
    persons = session.scalars(
        select(Person).where(Person.party_id == party_id, Person.revoked_at.is_(None))
    )
    for person in persons:
        _end_person(session, person, reason, now)
    return party


def register_person(
    session: Session,
    party_id: UUID,
    *,
    name: str,
    now: datetime,
    identity: UUID | None = None,
    legal_representative: bool = False,
) -> Person:
    """Add somebody who acts for a party, under an `identity` that their certificate already names.

    Raises SubjectNotFound, PartyRevoked, RepresentativeExists.
    """
    queries.active_party(session, party_id, lock=True)
    person = Person(
        id=identity or new_id(),
        party_id=party_id,
        legal_representative=legal_representative,
        registered_at=now,
    )
    insert(session, person, else_=RepresentativeExists(field="legal_representative"))
    names.keep(session, person.id, name)
    session.flush()
    return person


def revoke_person(session: Session, person_id: UUID, *, reason: str, now: datetime) -> Person:
    """Record that somebody has left: certificates and mandates end. Raises AlreadyRevoked."""
    person = lock(session, Person, person_id)
    _end_person(session, person, reason, now)
    return person


def erase_person(
    session: Session, person_id: UUID, *, by: UUID, reason: str, now: datetime
) -> PersonErasure:
    """Erase a name for good; the random id and what it signed stay. Raises AlreadyErased.

    `by` is the client that asks.
    """
    lock(session, Person, person_id)
    return names.erase(session, person_id, by=by, reason=reason, now=now)


def grant_mandate(
    session: Session,
    person_id: UUID,
    *,
    role: Role,
    acts: Iterable[str],
    limit: Money,
    valid_from: datetime,
    valid_to: datetime,
    now: datetime,
    substitutes_id: UUID | None = None,
) -> Mandate:
    """Authorise somebody to sign for their party, or to stand in for the holder of another mandate.

    Raises PersonRevoked, PartyRevoked, MandateMeaningless; of a substitute also MandateUnknown,
    MandateRevoked, SubstituteBeyond.
    """
    person = queries.active_person(session, person_id, lock=True)
    party = queries.active_party(session, person.party_id)
    granted = sorted(set(acts))
    steps = {ROLES[step]: step for step in ROLES}
    for act in granted:
        if not rules.is_granted(act, scope=party.scope, step=steps[role]):
            raise MandateMeaningless(field="acts", act=act, role=role.value, kind=party.kind.value)
    if not granted or not valid_from < valid_to or limit.minor < 0:
        raise MandateMeaningless(field="acts" if not granted else "valid_to")
    mandate = Mandate(
        id=new_id(),
        party_id=party.id,
        person_id=person.id,
        role=role,
        acts=granted,
        limit_minor=limit.minor,
        limit_currency=limit.currency,
        valid_from=valid_from,
        valid_to=valid_to,
        substitutes_id=substitutes_id,
        registered_at=now,
    )
    if substitutes_id is not None:
        rules.check_substitute(mandate, queries.mandate(session, substitutes_id, lock=True))
    session.add(mandate)
    session.flush()
    return mandate


def revoke_mandate(session: Session, mandate_id: UUID, *, reason: str, now: datetime) -> Mandate:
    """End a mandate at once. Raises AlreadyRevoked."""
    mandate = lock(session, Mandate, mandate_id)
    mandate.revoke(reason, now=now)
    _end_substitutes(session, [mandate.id], reason, now)
    session.flush()
    return mandate


def register_client(
    session: Session,
    party_id: UUID,
    *,
    name: str,
    secret_sha256: bytes,
    now: datetime,
    scope: str | None = None,
) -> OAuthClient:
    """Add a system that calls for a party, for all of its business or for one purpose.

    The caller makes the secret and shows its SHA-256 only, so that no stored answer ever holds it.
    """
    queries.active_party(session, party_id, lock=True)
    assert len(secret_sha256) == SECRET_HASH_LENGTH
    client = OAuthClient(
        id=new_id(),
        party_id=party_id,
        operator=False,
        name=name,
        secret_sha256=secret_sha256,
        scope=scope,
        created_at=now,
    )
    session.add(client)
    session.flush()
    return client


def rotate_secret(
    session: Session, client_id: UUID, *, secret_sha256: bytes, keep: timedelta, now: datetime
) -> OAuthClient:
    """Give a system its next secret; the former opens for `keep` longer, then ends. `now` is real time.

    With none, the former ends at once and live tokens with it. Raises AlreadyRevoked, SecretUsed,
    FormerSecretOpen.
    """
    client = lock(session, OAuthClient, client_id)
    if client.revoked_at is not None:
        raise AlreadyRevoked(revoked_at=instant_text(client.revoked_at))
    if secret_sha256 in (client.secret_sha256, client.former_sha256):
        raise SecretUsed(field="secret_sha256")
    open_until = client.former_ends_at
    if keep and open_until is not None and open_until > now:
        raise FormerSecretOpen(ends_at=instant_text(open_until))
    client.former_sha256, client.secret_sha256 = client.secret_sha256, secret_sha256
    client.former_ends_at = now + keep
    if not keep:
        session.execute(delete(AccessToken).where(AccessToken.client_id == client.id))
    return client


def revoke_client(session: Session, client_id: UUID, *, now: datetime) -> OAuthClient:
    """Shut a system out at once, its live tokens included. Raises AlreadyRevoked."""
    client = lock(session, OAuthClient, client_id)
    if client.revoked_at is not None:
        raise AlreadyRevoked(revoked_at=instant_text(client.revoked_at))
    client.revoked_at = now
    return client


def insert(session: Session, row: Base, *, else_: Refused) -> None:
    """Add a row; raise `else_` where another, perhaps of this moment, holds its unique value."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise else_ from error


def lock(session: Session, kind: type[Kind], identity: UUID) -> Kind:
    """Return a row, locked and read afresh. Raises SubjectNotFound."""
    found = session.get(kind, identity, with_for_update=True, populate_existing=True)
    if found is None:
        raise SubjectNotFound
    return found


def _end_person(session: Session, person: Person, reason: str, now: datetime) -> None:
    person.revoke(reason, now=now)
    for kind in (Certificate, Mandate):
        _end_live(session, kind, person, reason, now)
    own = session.scalars(select(Mandate.id).where(Mandate.person_id == person.id)).all()
    _end_substitutes(session, own, reason, now)
    session.flush()


def _end_substitutes(
    session: Session, mandates: Sequence[UUID], reason: str, now: datetime
) -> None:
    """End who stands in for the holders of mandates that have ended, and who stands in for them."""
    while mandates:
        live = session.scalars(
            select(Mandate)
            .where(Mandate.substitutes_id.in_(mandates), Mandate.revoked_at.is_(None))
            .order_by(Mandate.id)
            .with_for_update()
        ).all()
        for mandate in live:
            mandate.revoke(reason, now=now)
        mandates = [mandate.id for mandate in live]


def _end_live(
    session: Session,
    kind: type[Certificate] | type[Mandate],
    person: Person,
    reason: str,
    now: datetime,
) -> None:
    live: Iterable[Revocable] = session.scalars(
        select(kind)
        .where(kind.person_id == person.id, kind.revoked_at.is_(None))
        .order_by(kind.id)
        .with_for_update()
    )
    for one in live:
        one.revoke(reason, now=now)
