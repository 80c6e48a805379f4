"""Endpoints of red-letter forms (红字发票信息确认单), and their shapes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from scf.documents import red_notes as forms
from scf.documents.red_note_models import LABELS, Applicant, RedNote, RedReason, RedState
from scf.documents.red_notes import Entry
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    DocumentId,
    In,
    InstantText,
    MoneyIn,
    MoneyOut,
    NothingIn,
    Out,
    PageSize,
    PartyId,
    RedNoteId,
)
from scf.receivables import red_notes

router = APIRouter(tags=["red-letter forms 红字确认单"])

FormNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]


class RedNoteIn(In):
    """A form as the tax bureau's platform has it; amounts are what it takes back, without a sign."""

    document: DocumentId = Field(description="蓝字发票 The invoice that is taken back")
    form_no: FormNo = Field(examples=["50011825110000000123"])
    reason: RedReason
    net: MoneyIn
    tax: MoneyIn
    used: bool = Field(description="购方已用途确认或入账 The buyer has used or booked the invoice")


class ConsentIn(In):
    """An encumbrancer's answer."""

    given: bool


class ConsentState(StrEnum):
    """Where the encumbrancers' consent stands."""

    NOT_NEEDED = "not_needed"
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


class RedNoteOut(Out):
    """A form as it stands. Who encumbers the invoice is not shown, only whether it consents."""

    id: RedNoteId
    version: int = Field(examples=[1])
    state: RedState
    label: str = Field(examples=["销方录入待购方确认"])
    state_since: InstantText
    document: DocumentId
    form_no: FormNo
    seller: PartyId
    buyer: PartyId | None
    applicant: Applicant
    used: bool
    reason: RedReason
    net: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    entered_at: InstantText
    lapses_at: InstantText | None
    red_document: DocumentId | None
    consent: ConsentState

    @classmethod
    def of(cls, note: RedNote, answers: Mapping[UUID, bool | None]) -> Self:
        """Show a form, with what its encumbrancers answered."""
        return cls(
            id=note.id,
            version=note.version,
            state=note.state,
            label=LABELS[note.state],
            state_since=note.state_since,
            document=note.document_id,
            form_no=note.form_no,
            seller=note.seller_id,
            buyer=note.buyer_id,
            applicant=note.applicant,
            used=note.used,
            reason=note.reason,
            net=note.net,
            tax=note.tax,
            total=note.total,
            entered_at=note.entered_at,
            lapses_at=note.lapses_at,
            red_document=note.red_document_id,
            consent=_consent(list(answers.values())),
        )


def _consent(answers: list[bool | None]) -> ConsentState:
    if not answers:
        return ConsentState.NOT_NEEDED
    if False in answers:
        return ConsentState.REFUSED
    return ConsentState.ASKED if None in answers else ConsentState.GIVEN


@command(router, "/v1/red-notes", status=201)
def enter_red_note(call: Call, body: RedNoteIn) -> RedNoteOut:
    """录入红字确认单 Enter a form, as seller or buyer; who encumbers the invoice is told and asked."""
    entry = Entry(body.document, body.form_no, body.reason, body.net, body.tax, body.used)
    return _shown(call, red_notes.enter(call.session, call.actor, entry, now=call.now))


@query(router, "/v1/red-notes")
def red_note_page(
    call: Call,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
    state: RedState | None = None,
    document: DocumentId | None = None,
) -> Page[RedNoteOut]:
    """红字确认单列表 The forms that one has a part in, oldest first."""
    found = forms.page(
        call.session,
        call.actor.party,
        after=read_cursor("red", cursor),
        size=limit,
        state=state,
        document_id=document,
    )
    answers = forms.answers(call.session, [note.id for note in found])
    return Page[RedNoteOut](
        items=[RedNoteOut.of(note, answers[note.id]) for note in found],
        next=next_cursor("red", [note.id for note in found], limit),
    )


@query(router, "/v1/red-notes/{red_note_id}")
def red_note(call: Call, red_note_id: RedNoteId) -> RedNoteOut:
    """查看红字确认单 One form."""
    return _shown(call, forms.visible(call.session, call.actor.party, red_note_id))


@command(router, "/v1/red-notes/{red_note_id}/confirm")
def confirm_red_note(call: Call, red_note_id: RedNoteId, body: NothingIn) -> RedNoteOut:
    """对方确认 Confirm a form that the other side entered; without consent that is recorded, and told."""
    del body
    return _answered(call, red_note_id, RedState.CONFIRMED)


@command(router, "/v1/red-notes/{red_note_id}/deny")
def deny_red_note(call: Call, red_note_id: RedNoteId, body: NothingIn) -> RedNoteOut:
    """对方否认 Deny a form that the other side entered."""
    del body
    return _answered(call, red_note_id, RedState.DENIED)


@command(router, "/v1/red-notes/{red_note_id}/withdraw")
def withdraw_red_note(call: Call, red_note_id: RedNoteId, body: NothingIn) -> RedNoteOut:
    """发起方撤销 Withdraw one's own form while no red invoice was issued on it."""
    del body
    return _answered(call, red_note_id, RedState.WITHDRAWN)


@command(router, "/v1/red-notes/{red_note_id}/consent")
def consent_to_red_note(call: Call, red_note_id: RedNoteId, body: ConsentIn) -> RedNoteOut:
    """质权人答复 Consent to a form over what one encumbers, or refuse to."""
    return _shown(
        call,
        red_notes.consent(call.session, call.actor, red_note_id, given=body.given, now=call.now),
    )


def _answered(call: Call, identity: UUID, to: RedState) -> RedNoteOut:
    return _shown(call, red_notes.answer(call.session, call.actor, identity, to, now=call.now))


def _shown(call: Call, note: RedNote) -> RedNoteOut:
    return RedNoteOut.of(note, forms.answers(call.session, [note.id])[note.id])
