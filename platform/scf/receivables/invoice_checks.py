"""Invoices behind claims, asked about at the tax bureau: before money moves, and every month.

Who holds a part of the claim is told where an invoice does not stand as it stood.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, exists, select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.db.outbox import Effect, EffectContext, enqueue
from scf.documents import status_checks
from scf.documents.models import Document
from scf.documents.parsing import Kind
from scf.documents.status import StatusAnswer
from scf.documents.status_models import InvoiceCheck
from scf.kernel.ids import public_id
from scf.receivables.models import Receivable, ReceivableDocument, State

CHECK: Final = "receivable.check_invoices"
EVERY: Final = timedelta(days=30)
BATCH: Final = 500
UNPAID: Final = (State.CONFIRMED, State.PARTIALLY_CONFIRMED, State.PARTLY_PAID)


def ask(context: EffectContext, receivable_id: UUID) -> dict[UUID, StatusAnswer]:
    """Ask about the invoices behind a receivable, outside any transaction. Raises StatusUnavailable."""
    with context.database.reading() as session:
        wanted = status_checks.inquiries(_documents(session, receivable_id))
    return status_checks.ask(context.settings.invoice_status_url, wanted)


def keep(
    session: Session,
    receivable_id: UUID,
    answers: Mapping[UUID, StatusAnswer],
    *,
    now: datetime,
) -> list[InvoiceCheck]:
    """Store what was answered, tell holders of a change, and return the checks that are not sound."""
    receivable = session.get_one(Receivable, receivable_id)
    held = pools.holdings(session, receivable.pool_id) if receivable.pool_id else []
    parties = {*receivable.parties, *(holding.party_id for holding in held)}
    before = status_checks.newest(session, answers)
    unsound = []
    for identity, answer in answers.items():
        document = session.get_one(Document, identity)
        check, event = status_checks.keep(session, document, answer, parties=parties, now=now)
        if not check.sound:
            unsound.append(check)
        was = before[identity].sound if identity in before else True
        if check.sound is was:
            continue
        fields = {
            "document": public_id("doc", identity),
            "receivable": public_id("rcv", receivable_id),
            "status": check.status.value,
            "sound": check.sound,
        }
        for holding in held:
            capacity.notify(
                session,
                event,
                holding.party_id,
                kind=event.type,
                subject=holding.holder,
                fields=fields,
                now=now,
            )
    session.flush()
    return unsound


def check(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Ask about the invoices behind a receivable, and keep the answers. Raises StatusUnavailable."""
    receivable_id = UUID(payload["receivable_id"])
    answers = ask(context, receivable_id)
    with context.database.transaction() as session:
        keep(session, receivable_id, answers, now=context.clock.now())


def ask_monthly(session: Session, *, now: datetime) -> int:
    """Ask for checks of what is confirmed and unpaid and was not checked for a month; return how many."""
    fresh = exists().where(
        InvoiceCheck.document_id == ReceivableDocument.document_id,
        InvoiceCheck.checked_at > now - EVERY,
    )
    asked = exists().where(
        Effect.kind == CHECK,
        Effect.done_at.is_(None),
        Effect.payload["receivable_id"].astext == cast(Receivable.id, Text),
    )
    due = session.scalars(
        select(Receivable.id)
        .join(ReceivableDocument, ReceivableDocument.receivable_id == Receivable.id)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(
            Receivable.state.in_(UNPAID),
            Receivable.changed_at <= now - EVERY,
            Document.kind == Kind.CN_EINVOICE,
            ~fresh,
            ~asked,
        )
        .distinct()
        .order_by(Receivable.id)
        .limit(BATCH)
    ).all()
    for identity in due:
        enqueue(session, CHECK, receivable_id=identity)
    return len(due)


def _documents(session: Session, receivable_id: UUID) -> list[Document]:
    return list(
        session.scalars(
            select(Document)
            .join(ReceivableDocument, ReceivableDocument.document_id == Document.id)
            .where(ReceivableDocument.receivable_id == receivable_id)
            .order_by(ReceivableDocument.position)
        )
    )
