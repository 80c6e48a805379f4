"""Keeping what the tax bureau says of invoices: every answer is stored and told, none is changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.documents.models import Document
from scf.documents.parsing import Kind
from scf.documents.status import Inquiry, InvoiceStatus, StatusAnswer
from scf.documents.status_client import HttpInvoiceStatus
from scf.documents.status_models import InvoiceCheck
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.clock import instant_text
from scf.kernel.ids import new_id, public_id

CHECKED: Final = "invoice_check.made"


def inquiries(documents: Iterable[Document]) -> dict[UUID, Inquiry]:
    """Return what is to be asked of documents: nothing of those that the tax bureau does not know."""
    return {
        document.id: Inquiry(
            document.number, document.seller_uscc, document.issued_on, document.total
        )
        for document in documents
        if document.kind is Kind.CN_EINVOICE
    }


def ask(url: str, wanted: Mapping[UUID, Inquiry]) -> dict[UUID, StatusAnswer]:
    """Ask for statuses, outside any transaction; all or none. Raises StatusUnavailable."""
    if not wanted:
        return {}
    with HttpInvoiceStatus(url) as authority:
        return {identity: authority.ask(inquiry) for identity, inquiry in wanted.items()}


def keep(
    session: Session,
    document: Document,
    answer: StatusAnswer,
    *,
    parties: Collection[UUID],
    now: datetime,
) -> tuple[InvoiceCheck, Event]:
    """Store an answer about a document, and tell it to `parties`."""
    check = InvoiceCheck(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        document_id=document.id,
        status=answer.status,
        sound=_sound(session, document, answer.status),
        answered_at=answer.answered_at,
        checked_at=now,
    )
    session.add(check)
    session.flush()
    record = {
        "document": public_id("doc", document.id),
        "seller": document.seller_uscc,
        "invoice": document.number,
        "status": check.status.value,
        "sound": check.sound,
        "answered_at": instant_text(answer.answered_at),
    }
    event = evidence.append(
        session, check, CHECKED, record, now=now, actor=None, parties=list(parties)
    )
    return check, event


def newest(session: Session, ids: Iterable[UUID]) -> dict[UUID, InvoiceCheck]:
    """Return the newest check by document, of those that were checked."""
    found = session.scalars(
        select(InvoiceCheck)
        .ext(distinct_on(InvoiceCheck.document_id))
        .where(InvoiceCheck.document_id.in_(list(ids)))
        .order_by(InvoiceCheck.document_id, InvoiceCheck.id.desc())
    )
    return {check.document_id: check for check in found}


def history(session: Session, document_id: UUID, *, size: int) -> Sequence[InvoiceCheck]:
    """Return the checks of a document, the newest first."""
    return session.scalars(
        select(InvoiceCheck)
        .where(InvoiceCheck.document_id == document_id)
        .order_by(InvoiceCheck.id.desc())
        .limit(size)
    ).all()


def _sound(session: Session, document: Document, status: InvoiceStatus) -> bool:
    """Say whether money may move: what was taken back in part has to be known here as well."""
    if status is not InvoiceStatus.PARTLY_REVERSED:
        return status is InvoiceStatus.NORMAL
    note = select(Document.id).where(
        Document.seller_id == document.seller_id,
        Document.takes_back,
        Document.reverses.contains([document.number]),
    )
    return session.scalar(note.limit(1)) is not None
