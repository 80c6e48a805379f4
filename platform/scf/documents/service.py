"""Registering documents."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.documents.models import Document, DocumentOriginal
from scf.documents.parsing import Invoice, parse
from scf.documents.rules import (
    Content,
    DocumentConflict,
    SellerMismatch,
    Verdict,
    verdict_of,
)
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.models import Party

FILENAME_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a document that was handed in, and the document that stands for it."""

    verdict: Verdict
    document: Document


def register(
    session: Session, actor: Actor, *, original: bytes, filename: str | None, now: datetime
) -> Registered:
    """Register an invoice of the actor's own, from its bytes; the same invoice again changes nothing.

    Whoever comes second at the same moment waits for the first and finds the document there. Raises what
    parsing raises, SellerMismatch, DocumentConflict.
    """
    party = parties.active_party(session, actor.party)
    invoice = parse(original)
    if invoice.seller.id != party.uscc:
        raise SellerMismatch(field="seller", seller=invoice.seller.identity, party=party.uscc)
    document = _insert(session, party, invoice, hashlib.sha256(original).digest(), now=now)
    if document is None:
        return Registered(Verdict.DUPLICATE, _same(session, party, invoice))
    session.add(
        DocumentOriginal(
            document_id=document.id,
            original=original,
            filename=filename[:FILENAME_LENGTH_MAX] if filename else None,
        )
    )
    evidence.append(
        session,
        document,
        "document.registered",
        _record(document),
        now=now,
        actor=party.id,
        parties=_readers(session, document),
    )
    if document.takes_back:
        enqueue(session, "document.takes_back", document_id=document.id)
    return Registered(verdict_of(invoice), document)


def _insert(
    session: Session, party: Party, invoice: Invoice, sha256: bytes, *, now: datetime
) -> Document | None:
    """Add the row and return it, None where its identity is taken."""
    statement = (
        insert(Document)
        .values(
            id=new_id(),
            version=0,
            secret=evidence.new_secret(),
            kind=invoice.kind,
            number=invoice.number,
            seller_id=party.id,
            seller_uscc=party.uscc,
            seller_name=invoice.seller.name,
            buyer=invoice.buyer.identity,
            buyer_name=invoice.buyer.name,
            issued_on=invoice.issued_on,
            currency=invoice.currency,
            net_minor=invoice.net.minor,
            tax_minor=invoice.tax.minor,
            total_minor=invoice.total.minor,
            payable_minor=invoice.payable.minor,
            takes_back=invoice.takes_back,
            reverses=list(invoice.reverses),
            confirmation_no=invoice.confirmation_no,
            flags=sorted(invoice.flags),
            payee=invoice.payee.identity if invoice.payee else None,
            contract_no=invoice.contract_no,
            order_no=invoice.order_no,
            delivered_on=invoice.delivered_on,
            due_on=invoice.due_on,
            original_sha256=sha256,
            registered_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Document)
    )
    return session.scalar(statement)


def _same(session: Session, party: Party, invoice: Invoice) -> Document:
    """Return this seller's document of that number. Raises DocumentConflict where it says something else."""
    document = session.scalars(
        select(Document).where(
            Document.seller_uscc == party.uscc, Document.number == invoice.number
        )
    ).one()
    if differences := document.content.differences(Content.of(invoice)):
        raise DocumentConflict(
            field="number",
            number=invoice.number,
            document=public_id("doc", document.id),
            differences=differences,
        )
    return document


def _readers(session: Session, document: Document) -> list[UUID]:
    """Return who may see the event: the seller, and the buyer where it is registered here."""
    buyer = parties.party_by_uscc(session, document.buyer)
    return [document.seller_id, *([buyer.id] if buyer else [])]


def _record(document: Document) -> dict[str, Any]:
    return {
        "kind": document.kind.value,
        "seller": document.seller_uscc,
        "buyer": document.buyer,
        "number": document.number,
        "issued_on": document.issued_on.isoformat(),
        "net": document.net.to_json(),
        "tax": document.tax.to_json(),
        "total": document.total.to_json(),
        "original_sha256": evidence.hash_text(document.original_sha256),
    }
