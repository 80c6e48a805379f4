"""Reading pledges, and what their registration and lock need to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.documents.models import Document
from scf.documents.status_models import InvoiceCheck
from scf.evidence.service import SubjectNotFound
from scf.kernel.quantity import Quantity
from scf.pledges import permissions, rules
from scf.pledges.models import Pledge, PledgeSearch, SearchStep, State
from scf.pledges.permissions import Action
from scf.receipts.models import State as ReceiptState
from scf.receipts.models import WarehouseReceipt
from scf.receivables.models import ReceivableDocument

INVOICE: Final = "invoice"


@dataclass(frozen=True, slots=True)
class Paper:
    """A document behind the claim, as registers know it."""

    seller_uscc: str
    number: str
    original_sha256: bytes
    kind: str = INVOICE


@dataclass(frozen=True, slots=True)
class Goods:
    """How much of a receipt's goods a pledge holds."""

    receipt: WarehouseReceipt
    quantity: Quantity


def visible(session: Session, party_id: UUID, pledge_id: UUID) -> Pledge:
    """Return a pledge that this party is in. Raises SubjectNotFound."""
    pledge = session.get(Pledge, pledge_id)
    if pledge is None:
        raise SubjectNotFound
    permissions.require(pledge, party_id, Action.VIEW)
    return pledge


def page(
    session: Session,
    party_id: UUID,
    *,
    after: UUID | None,
    size: int,
    state: State | None = None,
) -> Sequence[Pledge]:
    """Return the pledges that a party is in, oldest first."""
    statement = (
        select(Pledge)
        .where(or_(Pledge.pledgor_id == party_id, Pledge.pledgee_id == party_id))
        .order_by(Pledge.id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(Pledge.id > after)
    if state is not None:
        statement = statement.where(Pledge.state == state)
    return session.scalars(statement).all()


def by_id(session: Session, ids: Sequence[UUID]) -> dict[UUID, Pledge]:
    """Return pledges by id."""
    return {one.id: one for one in session.scalars(select(Pledge).where(Pledge.id.in_(ids)))}


def searches(session: Session, pledge_id: UUID) -> rules.Searches:
    """Return what the searches of a pledge said."""
    return searches_of(session, [pledge_id])[pledge_id]


def searches_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, rules.Searches]:
    """Return what the searches of some pledges said, in one query."""
    rows = session.execute(
        select(
            PledgeSearch.pledge_id, PledgeSearch.step, PledgeSearch.clean, PledgeSearch.searched_at
        )
        .where(PledgeSearch.pledge_id.in_(ids))
        .order_by(PledgeSearch.id)
    )
    found: dict[UUID, list[tuple[SearchStep, bool, datetime]]] = {identity: [] for identity in ids}
    for identity, step, clean, at in rows:
        found[identity].append((step, clean, at))
    unsound = unsound_invoices(session, ids)
    return {
        identity: rules.searches_of(made, unsound.get(identity)) for identity, made in found.items()
    }


def unsound_invoices(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return by pledge an invoice on which no money may move, by its newest check."""
    newest = (
        select(InvoiceCheck.sound)
        .where(InvoiceCheck.document_id == ReceivableDocument.document_id)
        .order_by(InvoiceCheck.id.desc())
        .limit(1)
        .correlate(ReceivableDocument)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Pledge.id, func.min(Document.number))
        .join(ReceivableDocument, ReceivableDocument.receivable_id == Pledge.receivable_id)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(Pledge.id.in_(ids), newest.is_(False))
        .group_by(Pledge.id)
    )
    return dict(rows.all())


def newest_search(session: Session, pledge_id: UUID) -> PledgeSearch | None:
    """Return the newest search of a pledge."""
    return session.scalar(
        select(PledgeSearch)
        .where(PledgeSearch.pledge_id == pledge_id)
        .order_by(PledgeSearch.id.desc())
        .limit(1)
    )


def goods(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Goods]]:
    """Return by pledge of which receipts it holds goods by now, in the order of the receipts.

    Receipts that were divided have become others; what is held of them still is what was lost before.
    """
    held = cast(func.sum(PoolEntry.used_delta_minor), BigInteger)
    rows = session.execute(
        select(PoolEntry.holder_id, WarehouseReceipt, held)
        .join(WarehouseReceipt, WarehouseReceipt.pool_id == PoolEntry.pool_id)
        .where(PoolEntry.holder_id.in_(ids), WarehouseReceipt.state != ReceiptState.DIVIDED)
        .group_by(PoolEntry.holder_id, WarehouseReceipt.id)
        .having(held > 0)
        .order_by(WarehouseReceipt.id)
    )
    found: dict[UUID, list[Goods]] = {identity: [] for identity in ids}
    for holder_id, receipt, minor in rows:
        assert holder_id is not None, "asked for by name"
        found[holder_id].append(Goods(receipt, receipt.measure(minor)))
    return found


def papers(session: Session, receivable_id: UUID) -> list[Paper]:
    """Return the documents behind a receivable, in the order submitted."""
    rows = session.execute(
        select(Document.seller_uscc, Document.number, Document.original_sha256)
        .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
        .where(ReceivableDocument.receivable_id == receivable_id)
        .order_by(ReceivableDocument.position)
    )
    return [Paper(*row) for row in rows]


def certificate(session: Session, party_id: UUID, pledge_id: UUID) -> bytes:
    """Return the 登记证明 of a pledge that this party is in. Raises SubjectNotFound."""
    found = visible(session, party_id, pledge_id).registration.certificate
    if found is None:
        raise SubjectNotFound
    return found
