"""Endpoints of invitations. Two of them are for whoever holds a link, without an account."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from sqlalchemy.orm import Session

from scf.http import problems
from scf.http.calls import Call, Envelope, command, open_envelope, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import InvitationId, PageSize, ProgrammeId, UsccText
from scf.kernel.errors import Refused
from scf.programmes import invitations
from scf.programmes.invitation_models import Invitation, State
from scf.programmes.invitation_schemas import (
    TOKEN_LENGTH_MAX,
    AcceptanceIn,
    InvitationIn,
    InvitationOut,
    LetterOut,
    OnboardedOut,
)
from scf.settings import Settings

router = APIRouter(tags=["invitations 邀请入驻"])

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"content": {problems.MEDIA_TYPE: {}}, "model": problems.Problem}
}
Token = Annotated[
    str,
    Header(
        alias="Invitation-Token",
        min_length=1,
        max_length=TOKEN_LENGTH_MAX,
        description="链接中的令牌 The token of the link; a header, so that no server's log keeps it",
    ),
]


@command(router, "/v1/invitations", status=201)
def invite(call: Call, body: InvitationIn) -> InvitationOut:
    """邀请供应商 Invite an enterprise into a programme. By its anchor party or the operator."""
    invitation = invitations.invite(call.session, call.actor, body.guest(), now=call.clock.real())
    return InvitationOut.of(invitation, host=True)


@query(router, "/v1/invitations")
def list_invitations(
    call: Call,
    *,
    programme: ProgrammeId | None = None,
    state: State | None = None,
    uscc: UsccText | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[InvitationOut]:
    """邀请列表 The invitations that one sent, and those that are addressed to one."""
    found = invitations.page(
        call.session,
        call.actor,
        programme_id=programme,
        state=state,
        uscc=uscc,
        after=read_cursor("inv", cursor),
        size=limit,
    )
    return Page[InvitationOut](
        items=[_shown(call, invitation) for invitation in found],
        next=next_cursor("inv", [invitation.id for invitation in found], limit),
    )


@query(router, "/v1/invitations/{invitation_id}")
def read_invitation(call: Call, invitation_id: InvitationId) -> InvitationOut:
    """查看邀请 One invitation, to who sent it and to who is invited and on board."""
    return _shown(call, invitations.visible(call.session, call.actor, invitation_id))


@command(router, "/v1/invitations/{invitation_id}/revoke")
def revoke(call: Call, invitation_id: InvitationId) -> InvitationOut:
    """撤回邀请 Take an invitation back: its link opens nothing any more."""
    invitation = invitations.revoke(call.session, call.actor, invitation_id, now=call.clock.real())
    return InvitationOut.of(invitation, host=True)


@command(router, "/v1/invitations/{invitation_id}/join")
def join(call: Call, invitation_id: InvitationId) -> InvitationOut:
    """已入驻企业接受邀请 Join as a party that is on board, with the data that is known already."""
    invitation = invitations.join(call.session, call.actor, invitation_id, clock=call.clock)
    return InvitationOut.of(invitation, host=False)


@router.get("/v1/invitations/{invitation_id}/letter", responses=_REFUSALS)
def letter(
    envelope: Annotated[Envelope, Depends(open_envelope)],
    invitation_id: InvitationId,
    invitation_token: Token,
) -> LetterOut:
    """邀请内容 What an invitation says, to whoever holds its link; no account is needed."""
    settings: Settings = envelope.request.app.state.settings

    def read(session: Session) -> LetterOut | Refused:
        found = _presented(session, settings, invitation_id, invitation_token, charge=False)
        if isinstance(found, Refused):
            return found
        return LetterOut.of(invitations.letter(session, found), settings.log_origin)

    answer = envelope.database.run(read)
    if isinstance(answer, Refused):
        raise answer
    return answer


@router.post("/v1/invitations/{invitation_id}/accept", status_code=201, responses=_REFUSALS)
def accept(
    envelope: Annotated[Envelope, Depends(open_envelope)],
    invitation_id: InvitationId,
    body: AcceptanceIn,
) -> OnboardedOut:
    """新企业接受邀请 Come on board: the certificate proves the USCC, and the rest follows at once.

    The same acceptance again gets the same answer; each failed one counts as an attempt.
    """
    settings: Settings = envelope.request.app.state.settings
    found = envelope.database.run(
        lambda session: _presented(session, settings, invitation_id, body.token, charge=True)
    )
    if isinstance(found, Refused):
        raise found
    return envelope.database.run(
        lambda session: OnboardedOut.of(
            invitations.accept(
                session,
                invitation_id,
                body.acceptance(),
                origin=settings.log_origin,
                clock=settings.clock,
            )
        )
    )


def _presented(
    session: Session, settings: Settings, invitation_id: UUID, token: str, *, charge: bool
) -> Invitation | Refused:
    return invitations.present(
        session, invitation_id, token, charge=charge, now=settings.clock.real()
    )


def _shown(call: Call, invitation: Invitation) -> InvitationOut:
    host = invitations.is_host(call.session, call.actor, invitation)
    return InvitationOut.of(invitation, host=host)
