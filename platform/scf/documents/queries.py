"""Reading documents."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.documents.models import Document, DocumentOriginal
from scf.documents.permissions import visible_to
from scf.documents.rules import NotClaimable
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.ids import public_id
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


def for_receivable(session: Session, ids: Sequence[UUID], *, seller_id: UUID) -> list[Document]:
    """Return a seller's documents to rest a claim on, in the order asked, held against change.

    Raises SubjectNotFound for one that is not there or another's, NotClaimable for a red or credit note.
    """
    statement = (
        select(Document)
        .where(Document.id.in_(ids), Document.seller_id == seller_id)
        .order_by(Document.id)
        .with_for_update(read=True)
    )
    found = {document.id: document for document in session.scalars(statement)}
    for identity in ids:
        if identity not in found:
            raise SubjectNotFound(field="documents", document=public_id("doc", identity))
        if found[identity].takes_back:
            raise NotClaimable(field="documents", document=public_id("doc", identity))
    return [found[identity] for identity in ids]
