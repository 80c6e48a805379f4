"""Red-letter forms: entered, confirmed or denied, withdrawn, lapsed, and answered by a red invoice.

What encumbers the invoice is known further up (`scf.receivables.red_notes`), which hands it in here: a
confirmation over what is encumbered is a fact and is not refused, but whether every encumbrancer had
consented stands in its event.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.documents.models import Document
from scf.documents.parsing import Kind
from scf.documents.red_note_models import (
    AWAITING,
    OPEN,
    Applicant,
    RedNote,
    RedNoteConsent,
    RedReason,
    RedState,
)
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, LimitExceeded, NotAllowed
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money, zero
from scf.parties import queries as parties

ENTERED: Final = "red_note.entered"
MOVED: Final = "red_note.moved"
ANSWERED: Final = "red_note.answered"
PATIENCE: Final = timedelta(hours=72)
"""What the other side has to confirm a form in (国家税务总局公告2024年第11号)."""


class NotRedLetterable(Invalid):
    """A form is over a 数电票 that takes nothing back itself."""

    code = "red_note.not_applicable"
    title = "该单证不适用红字确认单（仅限蓝字数电票）"
    title_en = "The document is not an invoice that a red-letter form can take back"


class FormExists(Conflict):
    """The tax bureau gives a form one number."""

    code = "red_note.exists"
    title = "该红字确认单已录入"
    title_en = "The red-letter form was entered before"


class NotUsed(Invalid):
    """A buyer fills a form in only for an invoice that it has used or booked."""

    code = "red_note.not_used"
    title = "购方未做用途确认或入账的发票，由销方录入红字确认单"
    title_en = "The buyer has not used the invoice: the seller enters the form"


class BuyerAbsent(Invalid):
    """Who has to confirm a form is a party here."""

    code = "red_note.buyer_absent"
    title = "购方尚未入驻，无法确认"
    title_en = "The buyer is no party here and cannot confirm"


class NoteExceedsInvoice(LimitExceeded):
    """Forms take back no more than the invoice is over."""

    code = "red_note.exceeds_invoice"
    title = "红冲金额超过发票可红冲余额"
    title_en = "More is taken back than is left of the invoice"


class NotTheOther(NotAllowed):
    """Who filled a form in withdraws it; the other side confirms or denies it."""

    code = "red_note.not_allowed"
    title = "当前用户不能执行此操作（发起方可撤销，对方可确认或否认）"
    title_en = "The applicant may withdraw, the other side confirms or denies"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a form says. `used`: the buyer has used the invoice (用途确认) or booked it (入账)."""

    document_id: UUID
    form_no: str
    reason: RedReason
    net: Money
    tax: Money
    used: bool


def enter(
    session: Session,
    actor: Actor,
    entry: Entry,
    *,
    holders: Collection[UUID],
    now: datetime,
) -> tuple[RedNote, Event]:
    """Enter a form of the actor's, seller or buyer; `holders` encumber the invoice.

    A red invoice that was registered before its form ends it at once. Returns the form's last event. Raises SubjectNotFound, NotRedLetterable, NotUsed, BuyerAbsent, FormExists, NoteExceedsInvoice,
    CurrencyMismatch.
    """
    document, applicant = _document(session, actor, entry)
    buyer = parties.party_by_uscc(session, document.buyer)
    state = _first_state(applicant, used=entry.used, buyer_here=buyer is not None)
    known = select(RedNote.id).where(
        RedNote.seller_id == document.seller_id, RedNote.form_no == entry.form_no
    )
    if (found := session.scalar(known)) is not None:
        raise FormExists(field="form_no", red_note=public_id("red", found))
    _require_left(session, document, entry)
    note = RedNote(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        document_id=document.id,
        seller_id=document.seller_id,
        buyer_id=buyer.id if buyer else None,
        form_no=entry.form_no,
        applicant=applicant,
        used=entry.used,
        reason=entry.reason,
        currency=document.currency,
        net_minor=entry.net.minor,
        tax_minor=entry.tax.minor,
        state=state,
        state_since=now,
        entered_at=now,
        lapses_at=now + PATIENCE if state in AWAITING else None,
    )
    session.add(note)
    try:
        session.flush()
    except IntegrityError as error:  # the same number, at this moment, over another invoice
        raise FormExists(field="form_no") from error
    record = {**_record(document, note), "encumbered": bool(holders)}
    event = _tell(session, note, ENTERED, record, holders, now=now, actor=actor.party)
    red = _registered_before(session, document, note)
    if red is not None:
        event = _tie(session, note, red, holders=holders, now=now)
    return note, event


def answer(
    session: Session,
    actor: Actor,
    note: RedNote,
    to: RedState,
    *,
    holders: Collection[UUID],
    now: datetime,
) -> Event:
    """Confirm or deny a locked form as the other side, or withdraw it as the applicant.

    Raises NotTheOther, RedMoveRefused.
    """
    is_applicant = actor.party == _applicant_id(note)
    if is_applicant is not (to is RedState.WITHDRAWN):
        raise NotTheOther
    return move(session, note, to, holders=holders, now=now, actor=actor.party)


def move(
    session: Session,
    note: RedNote,
    to: RedState,
    *,
    holders: Collection[UUID],
    now: datetime,
    actor: UUID | None,
) -> Event:
    """Move a locked form and tell it, with whether all who encumber had consented. Raises RedMoveRefused."""
    note.move(to, now=now)
    given = answers(session, [note.id])[note.id]
    record = {
        "state": to.value,
        "encumbered": bool(holders),
        "consented": bool(holders) and all(given.get(holder) for holder in holders),
    }
    return _tell(session, note, MOVED, record, holders, now=now, actor=actor)


def issue(session: Session, red: Document, *, holders: Collection[UUID], now: datetime) -> None:
    """Tie a registered red invoice to its form: the one that it names, else the oldest open one.

    The form is over what the red invoice takes back, and of its amounts. One that is being entered at this
    moment finds the red invoice itself.
    """
    taken_back = select(Document.id).where(
        Document.seller_id == red.seller_id, Document.number.in_(red.reverses)
    )
    session.scalars(taken_back.order_by(Document.id).with_for_update(key_share=True)).all()
    conditions = [
        RedNote.seller_id == red.seller_id,
        RedNote.state.in_(OPEN),
        Document.number.in_(red.reverses),
        RedNote.net_minor == -red.net_minor,
        RedNote.tax_minor == -red.tax_minor,
        RedNote.currency == red.currency,
    ]
    if red.confirmation_no is not None:
        conditions.append(RedNote.form_no == red.confirmation_no)
    note = session.scalar(
        select(RedNote)
        .join(Document, Document.id == RedNote.document_id)
        .where(*conditions)
        .order_by(RedNote.id)
        .limit(1)
        .with_for_update(of=RedNote)
    )
    tied = session.scalar(select(RedNote.id).where(RedNote.red_document_id == red.id))
    if note is None or tied is not None:
        return
    _tie(session, note, red, holders=holders, now=now)


def lock(session: Session, actor: Actor, identity: UUID) -> RedNote:
    """Return a form that the actor sees, its row locked; a stranger locks none. Raises SubjectNotFound."""
    visible(session, actor.party, identity)
    return evidence.lock(session, RedNote, identity)


def answers(session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[UUID, bool | None]]:
    """Return by form what each encumbrancer that was asked has answered; None while it is silent."""
    found: dict[UUID, dict[UUID, bool | None]] = {identity: {} for identity in ids}
    rows = select(RedNoteConsent.red_note_id, RedNoteConsent.party_id, RedNoteConsent.given)
    for identity, party_id, given in session.execute(
        rows.where(RedNoteConsent.red_note_id.in_(ids))
    ):
        found[identity][party_id] = given
    return found


def asked(session: Session, note_id: UUID) -> set[UUID]:
    """Return the encumbrancers that were asked over a form."""
    return set(answers(session, [note_id])[note_id])


def consented(session: Session, red_document_id: UUID) -> set[UUID]:
    """Return the encumbrancers that agreed to the form of a red invoice; nobody where it has none."""
    return set(
        session.scalars(
            select(RedNoteConsent.party_id)
            .join(RedNote, RedNote.id == RedNoteConsent.red_note_id)
            .where(RedNote.red_document_id == red_document_id, RedNoteConsent.given.is_(True))
        )
    )


def visible(session: Session, party_id: UUID, identity: UUID) -> RedNote:
    """Return a form that a party has a part in. Raises SubjectNotFound."""
    note = session.scalar(_visible(party_id).where(RedNote.id == identity))
    if note is None:
        raise SubjectNotFound
    return note


def page(
    session: Session,
    party_id: UUID,
    *,
    after: UUID | None,
    size: int,
    state: RedState | None = None,
    document_id: UUID | None = None,
) -> Sequence[RedNote]:
    """Return the forms that a party has a part in, oldest first."""
    statement = _visible(party_id).order_by(RedNote.id).limit(size)
    if after is not None:
        statement = statement.where(RedNote.id > after)
    if state is not None:
        statement = statement.where(RedNote.state == state)
    if document_id is not None:
        statement = statement.where(RedNote.document_id == document_id)
    return session.scalars(statement).all()


def _visible(party_id: UUID) -> Select[RedNote]:
    """Return how to ask for forms: one question, so that what is another's costs what is none's does."""
    of_holder = select(RedNoteConsent.red_note_id).where(RedNoteConsent.party_id == party_id)
    return select(RedNote).where(
        or_(
            RedNote.seller_id == party_id,
            RedNote.buyer_id == party_id,
            RedNote.id.in_(of_holder),
        )
    )


def _document(session: Session, actor: Actor, entry: Entry) -> tuple[Document, Applicant]:
    """Return the invoice, locked, and as what the actor applies."""
    party = parties.active_party(session, actor.party)
    document = session.scalar(
        select(Document)
        .where(
            Document.id == entry.document_id,
            or_(Document.seller_id == party.id, Document.buyer == party.uscc),
        )
        .with_for_update(key_share=True)
    )
    if document is None:
        raise SubjectNotFound
    if document.kind is not Kind.CN_EINVOICE or document.takes_back:
        raise NotRedLetterable(field="document", kind=document.kind.value)
    return document, (Applicant.SELLER if document.seller_id == party.id else Applicant.BUYER)


def _first_state(applicant: Applicant, *, used: bool, buyer_here: bool) -> RedState:
    if applicant is Applicant.BUYER:
        if not used:
            raise NotUsed(field="used")
        return RedState.AWAITING_SELLER
    if not used:
        return RedState.NOT_NEEDED
    if not buyer_here:
        raise BuyerAbsent(field="document")
    return RedState.AWAITING_BUYER


def _require_left(session: Session, document: Document, entry: Entry) -> None:
    """Hold a form to what others, open or answered by a red invoice, have left of the invoice."""
    taken_states = [*OPEN, RedState.ISSUED]
    minor = session.scalar(
        select(func.sum(RedNote.net_minor + RedNote.tax_minor)).where(
            RedNote.document_id == document.id, RedNote.state.in_(taken_states)
        )
    )
    left = document.total - Money(int(minor or 0), document.currency)
    total = entry.net + entry.tax
    if total <= zero(total.currency) or total > left:
        raise NoteExceedsInvoice(field="net", total=total, left=left)


def _registered_before(session: Session, document: Document, note: RedNote) -> Document | None:
    """Return the red invoice of a new form that is there already: the one that names it, else the oldest."""
    return session.scalar(
        select(Document)
        .where(
            Document.seller_id == note.seller_id,
            Document.takes_back,
            Document.reverses.contains([document.number]),
            Document.net_minor == -note.net_minor,
            Document.tax_minor == -note.tax_minor,
            Document.currency == note.currency,
            or_(Document.confirmation_no.is_(None), Document.confirmation_no == note.form_no),
            ~exists().where(RedNote.red_document_id == Document.id),
        )
        .order_by(Document.confirmation_no.is_(None), Document.id)
        .limit(1)
    )


def _tie(
    session: Session, note: RedNote, red: Document, *, holders: Collection[UUID], now: datetime
) -> Event:
    note.red_document_id = red.id
    return move(session, note, RedState.ISSUED, holders=holders, now=now, actor=red.seller_id)


def _applicant_id(note: RedNote) -> UUID | None:
    return note.seller_id if note.applicant is Applicant.SELLER else note.buyer_id


def _record(document: Document, note: RedNote) -> dict[str, Any]:
    return {
        "seller": document.seller_uscc,
        "buyer": document.buyer,
        "invoice": document.number,
        "form_no": note.form_no,
        "applicant": note.applicant.value,
        "used": note.used,
        "reason": note.reason.value,
        "net": note.net.to_json(),
        "tax": note.tax.to_json(),
        "state": note.state.value,
    }


def _tell(
    session: Session,
    note: RedNote,
    type_: str,
    record: dict[str, Any],
    holders: Collection[UUID],
    *,
    now: datetime,
    actor: UUID | None,
) -> Event:
    parties = [*note.sides, *holders]
    return evidence.append(session, note, type_, record, now=now, actor=actor, parties=parties)
