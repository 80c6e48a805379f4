"""Reading parties, their people and certificates."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.evidence.models import Statement, StatementLine
from scf.evidence.service import SubjectNotFound
from scf.http.auth import OAuthClient
from scf.kernel.errors import NotAllowed, NotFound
from scf.kernel.ids import public_id
from scf.parties.models import (
    Certificate,
    CertificateAuthority,
    Mandate,
    Party,
    Person,
    RevocationList,
)
from scf.parties.names import names_of
from scf.parties.rules import STEPS, PartyRevoked, PersonRevoked
from scf_ledger import uscc
from scf_ledger.event_types import Scope

Kind = TypeVar("Kind", Party, Person, Mandate, Certificate)


class Dealing(Protocol):
    """Whatever stands between parties."""

    @property
    def parties(self) -> list[UUID]:
        """Whoever sees it."""


class MandateUnknown(NotFound):
    """A statement is signed under a mandate on file."""

    code = "mandate.unknown"
    title = "未找到该授权"
    title_en = "No such mandate"


class CertificateUnknown(NotAllowed):
    """A statement is signed with a certificate on file."""

    code = "certificate.unknown"
    title = "数字证书未在平台备案"
    title_en = "The certificate is not on file"


def party(session: Session, identity: UUID) -> Party:
    """Return a party. Raises SubjectNotFound."""
    found = session.get(Party, identity)
    if found is None:
        raise SubjectNotFound
    return found


def parties(session: Session, *, after: UUID | None, only: UUID | None, size: int) -> list[Party]:
    """Return a page of parties by id, of all or `only` one."""
    statement = select(Party).order_by(Party.id).limit(size)
    if after is not None:
        statement = statement.where(Party.id > after)
    if only is not None:
        statement = statement.where(Party.id == only)
    return list(session.scalars(statement))


def parties_of(session: Session, dealings: Iterable[Dealing]) -> dict[UUID, Party]:
    """Return everybody whom dealings stand between, by id."""
    return parties_by_id(session, {party_id for one in dealings for party_id in one.parties})


def parties_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Party]:
    """Return parties by id."""
    return {party.id: party for party in session.scalars(select(Party).where(Party.id.in_(ids)))}


def clients(session: Session, party_id: UUID) -> list[OAuthClient]:
    """Return a party's systems."""
    of_party = select(OAuthClient).where(OAuthClient.party_id == party_id)
    return list(session.scalars(of_party.order_by(OAuthClient.id)))


def persons(session: Session, party_id: UUID) -> list[Person]:
    """Return a party's people."""
    of_party = select(Person).where(Person.party_id == party_id)
    return list(session.scalars(of_party.order_by(Person.id)))


def legal_representatives(session: Session, party_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return by party the name of its legal representative, as far as it is on file and not erased."""
    in_office = select(Person.id, Person.party_id).where(
        Person.party_id.in_(list(party_ids)),
        Person.legal_representative,
        Person.revoked_at.is_(None),
    )
    of_person: dict[UUID, UUID] = dict(session.execute(in_office).all())
    return {of_person[one]: name for one, name in names_of(session, of_person).items()}


def certificates(session: Session, person_id: UUID) -> list[Certificate]:
    """Return a person's certificates."""
    of_person = select(Certificate).where(Certificate.person_id == person_id)
    return list(session.scalars(of_person.order_by(Certificate.id)))


def mandates(session: Session, person_id: UUID) -> list[Mandate]:
    """Return a person's mandates."""
    of_person = select(Mandate).where(Mandate.person_id == person_id)
    return list(session.scalars(of_person.order_by(Mandate.id)))


def draft(session: Session, draft_id: UUID, *, party_id: UUID) -> list[Statement]:
    """Return a draft's statements, in the order make, check. Raises SubjectNotFound."""
    rows = session.scalars(
        select(Statement).where(Statement.draft_id == draft_id, Statement.party_id == party_id)
    ).all()
    if not rows:
        raise SubjectNotFound
    order = STEPS[rows[0].act]
    return sorted(rows, key=lambda row: order.index(row.step))


def draft_lines(session: Session, draft_id: UUID) -> list[str]:
    """Return the disclosures of a basket's lines, none of a single statement's."""
    return list(
        session.scalars(
            select(StatementLine.disclosure)
            .where(StatementLine.draft_id == draft_id)
            .order_by(StatementLine.subject_id)
        )
    )


def active_party(session: Session, identity: UUID, *, lock: bool = False) -> Party:
    """Return a party that has not left, held against leaving if asked.

    Raises SubjectNotFound, PartyRevoked.
    """
    found = _read(session, Party, Party.id == identity, lock=lock)
    if found is None:
        raise SubjectNotFound
    if found.revoked_at is not None:
        raise PartyRevoked(party=public_id("pty", found.id))
    return found


def active_person(session: Session, identity: UUID, *, lock: bool = False) -> Person:
    """Return somebody who has not left, held against leaving if asked.

    Raises SubjectNotFound, PersonRevoked.
    """
    found = _read(session, Person, Person.id == identity, lock=lock)
    if found is None:
        raise SubjectNotFound
    if found.revoked_at is not None:
        raise PersonRevoked(person=public_id("psn", found.id))
    return found


def party_by_uscc(session: Session, code: str) -> Party | None:
    """Return the party with this USCC, if it is registered."""
    return session.scalar(select(Party).where(Party.uscc == code))


def parties_by_uscc(session: Session, codes: Iterable[str]) -> list[Party]:
    """Return the registered ones of these parties."""
    return list(session.scalars(select(Party).where(Party.uscc.in_(list(codes)))))


def mandate(session: Session, identity: UUID, *, lock: bool = False) -> Mandate:
    """Return a mandate, held against revocation if asked. Raises MandateUnknown."""
    found = _read(session, Mandate, Mandate.id == identity, lock=lock)
    if found is None:
        raise MandateUnknown(field="mandate")
    return found


def certificate_by_thumbprint(
    session: Session, thumbprint: str, *, lock: bool = False
) -> Certificate:
    """Return a certificate, held against revocation if asked. Raises CertificateUnknown."""
    found = _read(session, Certificate, Certificate.thumbprint == thumbprint, lock=lock)
    if found is None:
        raise CertificateUnknown
    return found


def _read(
    session: Session, kind: type[Kind], condition: ColumnElement[bool], *, lock: bool
) -> Kind | None:
    statement = select(kind).where(condition)
    if lock:  # against revocation, which waits until this transaction ends
        statement = statement.with_for_update(read=True)
    return session.scalar(statement.execution_options(populate_existing=True))


def names_in(session: Session, content: Any) -> dict[str, str]:
    """Return USCC -> registered name for every code that `content` mentions."""
    codes = {text for text in set(_texts(content)) if uscc.is_valid(text)}
    rows = session.execute(select(Party.uscc, Party.name).where(Party.uscc.in_(codes)))
    return {row.uscc: row.name for row in rows}


def mentioned(names: Mapping[str, str], content: Any) -> dict[str, str]:
    """Return those of the names whose code `content` mentions."""
    return {text: names[text] for text in sorted(set(_texts(content))) if text in names}


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def certificates_for(session: Session, authorization_hashes: Iterable[bytes]) -> list[str]:
    """Return the PEM certificates behind authorizations, each once, in order of registration."""
    return list(
        session.scalars(
            select(Certificate.pem)
            .join(Statement, Statement.certificate_id == Certificate.id)
            .where(Statement.authorization_hash.in_(list(authorization_hashes)))
            .group_by(Certificate.id)
            .order_by(Certificate.id)
        )
    )


def revocations(session: Session, *, after: datetime | None = None) -> list[bytes]:
    """Return the newest CRL (DER) of every authority that has handed one in.

    With `after`, the first one issued since then where there is one: what rests on it stays the same.
    """
    newest = RevocationList.issued_at.desc()
    order: list[ColumnElement[Any]] = [newest]
    if after is not None:
        since = RevocationList.issued_at >= after
        order = [since.desc(), case((since, RevocationList.issued_at)), newest]
    return list(
        session.scalars(
            select(RevocationList.der)
            .ext(distinct_on(RevocationList.authority_id))
            .order_by(RevocationList.authority_id, *order)
        )
    )


def listed_authorities(session: Session) -> list[CertificateAuthority]:
    """Return every authority that was ever listed, by id."""
    return list(session.scalars(select(CertificateAuthority).order_by(CertificateAuthority.id)))


def authorities(session: Session) -> list[tuple[str, Scope]]:
    """Return PEM and scope of every authority that is believed."""
    rows = session.execute(
        select(CertificateAuthority.pem, CertificateAuthority.scope)
        .where(CertificateAuthority.revoked_at.is_(None))
        .order_by(CertificateAuthority.id)
    )
    return [(pem, scope) for pem, scope in rows]
