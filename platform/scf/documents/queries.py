"""Reading documents."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.documents.models import Document, DocumentOriginal
from scf.documents.permissions import visible_to
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.parties import queries as parties


def visible(session: Session, actor: Actor, identity: UUID) -> Document:
    """Return a document the actor is a party to. Raises SubjectNotFound, PartyOnly."""
    party = parties.party(session, actor.party)
    found = session.scalar(select(Document).where(Document.id == identity, visible_to(party)))
    if found is None:
        raise SubjectNotFound
    return found


def page(
    session: Session, actor: Actor, *, after: UUID | None, size: int, number: str | None = None
) -> list[Document]:
    """Return the documents the actor is a party to, oldest first. Raises PartyOnly."""
    party = parties.party(session, actor.party)
    statement = select(Document).where(visible_to(party)).order_by(Document.id).limit(size)
    if after is not None:
        statement = statement.where(Document.id > after)
    if number is not None:
        statement = statement.where(Document.number == number)
    return list(session.scalars(statement))


def original(session: Session, document: Document) -> DocumentOriginal:
    """Return the bytes a document came as."""
    return session.get_one(DocumentOriginal, document.id)
