"""Reading receivables and what stands behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Uuid,
    bindparam,
    case,
    exists,
    func,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session, aliased

from scf.documents.models import Document
from scf.documents.rules import left_of
from scf.evidence.service import SubjectNotFound, hash_text
from scf.http.auth import Actor
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.programmes.models import Member, MemberRole, Programme
from scf.programmes.service import NotMember, ProgrammeClosed
from scf.receivables import credit_notes, permissions
from scf.receivables.models import (
    Receivable,
    ReceivableCreditNote,
    ReceivableDocument,
    ReceivablePayment,
    State,
)


class Side(StrEnum):
    """As what a party looks at its receivables."""

    CREDITOR = "creditor"
    DEBTOR = "debtor"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Deal:
    """Between whom the lines of a programme are."""

    programme: str
    creditor_id: UUID
    creditor_uscc: str
    debtor_id: UUID
    debtor_uscc: str
    debtor_name: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What a claim needs to know of a document."""

    id: UUID
    number: str
    buyer: str
    payable: Money
    """What is still asked for, less what notes that are not used up take back."""
    in_force: bool
    notes: tuple[UUID, ...]
    """Notes that are not used up and take (a part of) it back."""
    record: dict[str, str]
    """How records and statements name it: by the event that registered it."""


_NOTE, _CREDITOR, _DEBTOR = aliased(Document), aliased(Party), aliased(Party)
_TAKEN_BACK = (
    select(func.unnest(_NOTE.reverses))
    .where(_NOTE.seller_id == bindparam("seller_id"), _NOTE.takes_back)
    .scalar_subquery()
)
_PAPERS = select(
    Document.id,
    Document.number,
    Document.buyer,
    Document.payable_minor,
    Document.currency,
    Document.takes_back,
    (Document.number == func.any(func.array(_TAKEN_BACK))).label("is_reversed"),
    Document.head_hash,
).where(Document.seller_id == bindparam("seller_id"))
_PAPERS_BY_ID = _PAPERS.where(Document.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
_DEAL = (
    select(
        Programme.revoked_at,
        Member.role,
        _CREDITOR.id,
        _CREDITOR.uscc,
        _DEBTOR.id,
        _DEBTOR.uscc,
        _DEBTOR.name,
    )
    .join(Member, Member.programme_id == Programme.id)
    .join(_CREDITOR, _CREDITOR.id == Member.party_id)
    .join(_DEBTOR, _DEBTOR.id == Programme.anchor_id)
    .where(
        Programme.id == bindparam("programme_id"),
        Member.party_id == bindparam("creditor_id"),
        Member.revoked_at.is_(None),
    )
)
# Built once: putting a statement together takes longer than its answer.
_SPENT = (
    select(func.coalesce(func.sum(ReceivableCreditNote.amount_minor), 0))
    .where(ReceivableCreditNote.note_id == _NOTE.id)
    .scalar_subquery()
)
_UNRECORDED = (
    select(_NOTE.id)
    .where(
        _NOTE.takes_back,
        _NOTE.seller_id == Document.seller_id,
        _NOTE.reverses.contains(array([Document.number])),
        func.abs(_NOTE.payable_minor) > _SPENT,
        ~exists().where(
            ReceivableCreditNote.note_id == _NOTE.id,
            ReceivableCreditNote.receivable_id == ReceivableDocument.receivable_id,
        ),
    )
    .exists()
)
_NOTED = (
    select(func.coalesce(func.sum(ReceivableCreditNote.amount_minor), 0))
    .where(ReceivableCreditNote.receivable_id == ReceivableDocument.receivable_id)
    .correlate(ReceivableDocument)
    .scalar_subquery()
)
_STANDINGS = (
    select(
        ReceivableDocument.receivable_id,
        func.min(Document.currency),
        func.sum(Document.payable_minor),
        _NOTED,
        func.min(case((_UNRECORDED, Document.number))),
    )
    .join(Document, Document.id == ReceivableDocument.document_id)
    .where(ReceivableDocument.receivable_id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
    .group_by(ReceivableDocument.receivable_id)
)


def papers(session: Session, seller_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Paper]:
    """Return a seller's documents by id; those that are not there are left out."""
    values = {"seller_id": seller_id, "ids": list(ids)}
    rows = session.connection().execute(_PAPERS_BY_ID, values).all()
    reversed_ = [row.number for row in rows if row.is_reversed]
    notes = credit_notes.unspent(session, seller_id, reversed_) if reversed_ else ()
    return {row[0]: _paper(row, notes if row.is_reversed else ()) for row in rows}


def deal(session: Session, programme_id: UUID, creditor_id: UUID) -> Deal:
    """Return between whom a supplier's lines of an open programme are, in one round trip.

    Raises NotMember, ProgrammeClosed, as `programmes.service.require_member` does.
    """
    values = {"programme_id": programme_id, "creditor_id": creditor_id}
    row = session.connection().execute(_DEAL, values).one_or_none()
    if row is None or row[1] is not MemberRole.SUPPLIER:
        raise NotMember(field="programme", role=MemberRole.SUPPLIER.value)
    if row[0] is not None:
        raise ProgrammeClosed(field="programme")
    return Deal(public_id("prg", programme_id), *row[2:])


def _paper(row: Row[*tuple[Any, ...]], notes: Sequence[Row[UUID, list[str], int]]) -> Paper:
    identity, number, buyer, payable, currency, takes_back, _, head = row
    taken = [(note[0], Money(note[2], currency)) for note in notes if number in note[1]]
    asked = Money(payable, currency)
    left = left_of(asked, [amount for _, amount in taken]) if taken else asked
    return Paper(
        id=identity,
        number=number,
        buyer=buyer,
        payable=left,
        in_force=not takes_back and (left.minor > 0 or not taken),
        notes=tuple(note_id for note_id, _ in taken),
        record=document_record(identity, number, head),
    )


def visible(session: Session, actor: Actor, identity: UUID) -> Receivable:
    """Return a receivable that the caller has a part in. Raises SubjectNotFound."""
    found = session.get(Receivable, identity)
    if found is None:
        raise SubjectNotFound
    permissions.relation(found, actor.party)
    return found


def page(
    session: Session,
    party_id: UUID,
    *,
    side: Side | None = None,
    state: State | None = None,
    after: UUID | None = None,
    size: int,
) -> Sequence[Receivable]:
    """Return receivables that a party has a part in, in order of their ids, `after` not included."""

    def ids(condition: ColumnElement[bool]) -> Select[UUID]:
        statement = select(Receivable.id).where(condition).order_by(Receivable.id).limit(size)
        if after is not None:
            statement = statement.where(Receivable.id > after)
        if state is not None:
            statement = statement.where(Receivable.state == state)
        return statement

    sides = {
        Side.CREDITOR: Receivable.creditor_id == party_id,
        Side.DEBTOR: Receivable.debtor_id == party_id,
        Side.BANK: Receivable.viewers.contains([party_id]),
    }
    wanted = [sides[side]] if side else list(sides.values())
    found = union(*(ids(condition).subquery().select() for condition in wanted)).subquery()
    return session.scalars(
        select(Receivable)
        .where(Receivable.id.in_(select(found.c.id)))
        .order_by(Receivable.id)
        .limit(size)
    ).all()


def pending(
    session: Session, debtor_id: UUID, *, after: UUID | None, size: int
) -> Sequence[Receivable]:
    """Return what waits for a debtor's answer, in order of their ids."""
    statement = (
        select(Receivable)
        .where(
            Receivable.debtor_id == debtor_id,
            Receivable.state.in_([State.SUBMITTED, State.DISPUTED]),
        )
        .order_by(Receivable.id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(Receivable.id > after)
    return session.scalars(statement).all()


def documents_of(session: Session, ids: Iterable[UUID]) -> Mapping[UUID, list[dict[str, str]]]:
    """Return the documents of receivables as records name them, in the order submitted."""
    wanted = list(ids)
    rows = session.execute(
        select(ReceivableDocument.receivable_id, Document.id, Document.number, Document.head_hash)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_(wanted))
        .order_by(ReceivableDocument.receivable_id, ReceivableDocument.position)
    )
    found: dict[UUID, list[dict[str, str]]] = {identity: [] for identity in wanted}
    for receivable_id, document_id, number, head in rows:
        found[receivable_id].append(document_record(document_id, number, head))
    return found


def document_record(identity: UUID, number: str, head_hash: bytes | None) -> dict[str, str]:
    """Return a document as records and statements name it: by the event that registered it."""
    assert head_hash is not None, "a document is registered by an event"
    return {"id": public_id("doc", identity), "hash": hash_text(head_hash), "number": number}


def record(session: Session, receivable: Receivable) -> dict[str, Any]:
    """Return what the creditor submitted, as records of its events carry it."""
    return records(session, [receivable])[receivable.id]


def records(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, dict[str, Any]]:
    """Return by id what creditors submitted, as records of events carry it."""
    parties = parties_of(session, receivables)
    documents = documents_of(session, [receivable.id for receivable in receivables])
    return {
        receivable.id: {
            "programme": public_id("prg", receivable.programme_id),
            "creditor": parties[receivable.creditor_id].uscc,
            "debtor": parties[receivable.debtor_id].uscc,
            "line_no": receivable.line_no,
            "documents": documents[receivable.id],
            "claimed": receivable.claimed.to_json(),
            "contract_no": receivable.contract_no,
            "receipt_no": receivable.receipt_no,
            "delivered_on": date_text(receivable.delivered_on),
            "due_on": receivable.due_on.isoformat(),
        }
        for receivable in receivables
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """What the documents behind a receivable still stand for."""

    rest: Money
    """Their sum, less what notes have taken back."""
    pending: str | None
    """A document that a note takes back which is registered and not yet recorded here."""


def standings(session: Session, ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Return by id what the documents behind receivables still stand for."""
    rows = session.execute(_STANDINGS, {"ids": list(ids)})
    return {
        identity: Standing(Money(int(total - noted), currency), pending)
        for identity, currency, total, noted, pending in rows
    }


def payment(session: Session, bank_id: UUID, receipt_no: str) -> ReceivablePayment | None:
    """Return what a bank reported under a receipt number."""
    return session.scalar(
        select(ReceivablePayment).where(
            ReceivablePayment.bank_id == bank_id, ReceivablePayment.receipt_no == receipt_no
        )
    )


def payments(session: Session, receivable_id: UUID) -> Sequence[ReceivablePayment]:
    """Return the payments of a receivable, in the order reported."""
    return session.scalars(
        select(ReceivablePayment)
        .where(ReceivablePayment.receivable_id == receivable_id)
        .order_by(ReceivablePayment.id)
    ).all()


def date_text(day: date | None) -> str | None:
    """Return a date as records carry it."""
    return None if day is None else day.isoformat()
