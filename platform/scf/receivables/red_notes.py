"""Red-letter forms over what is encumbered: the encumbrancer is told and asked, never overheard.

In the 确权函 a debtor undertakes to confirm no form over an encumbered invoice without the encumbrancer.
What it does all the same is a fact: it is recorded, with whether the consent was there.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.capacity.rules import Holding
from scf.documents import red_notes
from scf.documents.models import Document
from scf.documents.red_note_models import AWAITING, OPEN, RedNote, RedNoteConsent, RedState
from scf.documents.red_notes import Entry
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, NotAllowed
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.receivables.models import Receivable, ReceivableDocument

BATCH: Final = 500


class NotAsked(NotAllowed):
    """Only an encumbrancer that was asked consents to a form, or refuses to."""

    code = "red_note.not_asked"
    title = "仅被征询意见的质权人可以答复"
    title_en = "Only an encumbrancer that was asked can answer"


class AnsweredBefore(Conflict):
    """An encumbrancer answers once, while the form is open."""

    code = "red_note.answered_before"
    title = "已答复，或确认单已终结"
    title_en = "Answered before, or the form has ended"


def enter(session: Session, actor: Actor, entry: Entry, *, now: datetime) -> RedNote:
    """Enter a form and ask those who encumber the invoice. Raises what `red_notes.enter` raises."""
    holdings = _holdings(session, entry.document_id)
    note, event = red_notes.enter(session, actor, entry, holders=_holders(holdings), now=now)
    _ask(session, note, event, holdings, now=now)
    return note


def answer(
    session: Session, actor: Actor, identity: UUID, to: RedState, *, now: datetime
) -> RedNote:
    """Confirm, deny or withdraw a form; its encumbrancers are told, and asked where they were not.

    Raises SubjectNotFound, NotTheOther, RedMoveRefused.
    """
    note = red_notes.lock(session, actor, identity)
    holdings = _holdings(session, note.document_id)
    event = red_notes.answer(session, actor, note, to, holders=_holders(holdings), now=now)
    _ask(session, note, event, holdings, now=now)
    return note


def consent(
    session: Session, actor: Actor, identity: UUID, *, given: bool, now: datetime
) -> RedNote:
    """Take an encumbrancer's answer. Raises SubjectNotFound, NotAsked, AnsweredBefore."""
    note = red_notes.lock(session, actor, identity)
    row = session.get(RedNoteConsent, (note.id, actor.party), with_for_update=True)
    if row is None:
        raise NotAsked
    if row.given is not None or note.state not in OPEN:
        raise AnsweredBefore(state=note.state.value)
    row.given, row.answered_at = given, now
    record = {"holder": parties.party(session, actor.party).uscc, "given": given}
    evidence.append(
        session,
        note,
        red_notes.ANSWERED,
        record,
        now=now,
        actor=actor.party,
        parties=[*note.sides, actor.party],
    )
    return note


def issue(session: Session, red: Document, *, now: datetime) -> None:
    """Tie a red invoice to its form, if there is one."""
    blue = session.scalars(
        select(Document.id).where(
            Document.seller_id == red.seller_id, Document.number.in_(red.reverses)
        )
    )
    holders = {holding.party_id for one in blue for holding in _holdings(session, one)}
    red_notes.issue(session, red, holders=holders, now=now)


def lapse(session: Session, *, now: datetime) -> int:
    """End forms that nobody confirmed in 72 hours; return how many. For a clock."""
    due = session.scalars(
        select(RedNote)
        .where(RedNote.state.in_(AWAITING), RedNote.lapses_at <= now)
        .order_by(RedNote.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for note in due:
        holdings = _holdings(session, note.document_id)
        event = red_notes.move(
            session, note, RedState.LAPSED, holders=_holders(holdings), now=now, actor=None
        )
        _ask(session, note, event, holdings, now=now)
    return len(due)


def _holdings(session: Session, document_id: UUID) -> list[Holding]:
    """Return what is held of the claim that stands on an invoice."""
    pool_id = session.scalar(
        select(Receivable.pool_id)
        .join(ReceivableDocument, ReceivableDocument.receivable_id == Receivable.id)
        .where(ReceivableDocument.document_id == document_id, ReceivableDocument.live)
    )
    return [] if pool_id is None else pools.holdings(session, pool_id)


def _holders(holdings: Iterable[Holding]) -> set[UUID]:
    return {holding.party_id for holding in holdings}


def _ask(
    session: Session,
    note: RedNote,
    event: Event,
    holdings: Iterable[Holding],
    *,
    now: datetime,
) -> None:
    """Tell every encumbrance of a form's move, and ask each party that was not asked before."""
    known = red_notes.asked(session, note.id)
    for holding in holdings:
        if holding.party_id not in known and note.state in OPEN:
            known.add(holding.party_id)
            session.add(
                RedNoteConsent(red_note_id=note.id, party_id=holding.party_id, asked_at=now)
            )
        capacity.notify(
            session,
            event,
            holding.party_id,
            kind=event.type,
            subject=holding.holder,
            fields=_told(note),
            now=now,
        )
    session.flush()


def _told(note: RedNote) -> dict[str, Any]:
    return {
        "red_note": public_id("red", note.id),
        "state": note.state.value,
        "total": note.total.to_json(),
        "consent_asked": note.state in OPEN,
    }
