"""Endpoints of notices to debtors, and their shapes."""

from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    DebtorNoticeId,
    DigestText,
    In,
    InstantText,
    MoneyOut,
    NothingIn,
    Out,
    PageSize,
    PartyId,
    PledgeId,
)
from scf.kernel.ids import public_id
from scf.papers import typesetting
from scf.papers.layouts import Paper
from scf.parties import countersigning
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.parties.schemas import DraftOut, SignedIn, SignerIn
from scf.pledges import notice_papers, notices, transfer_notices
from scf.pledges.notice_models import DebtorNotice, NoticeState, Purpose
from scf.receivables.schemas import SideOut
from scf_ledger.encoding import b64url

router = APIRouter(tags=["debtor notices 通知书"])
PDF: dict[int | str, dict[str, Any]] = {200: {"content": {typesetting.MEDIA_TYPE: {}}}}


class AcknowledgementIn(In):
    """Who is going to sign the 回执."""

    signers: list[SignerIn] = Field(min_length=1, max_length=1)


class SidesIn(In):
    """Who is going to sign a notice: one person of the assignor, maker and checker of the assignee."""

    signers: list[SignerIn] = Field(min_length=1, max_length=2)


class TellingIn(In):
    """On what the debtor of an undisclosed assignment is told; nothing to say of any other."""

    trigger: str | None = Field(
        default=None,
        max_length=40,
        examples=["应收账款到期未付"],
        json_schema_extra={"enum": [*transfer_notices.TRIGGERS, None]},
    )


class DebtorNoticeOut(Out):
    """A notice as it stands, with the time of every state that it has reached."""

    id: DebtorNoticeId
    version: int = Field(examples=[1])
    state: NoticeState
    pledge: PledgeId
    pledge_event: DigestText
    pledgor: SideOut
    pledgee: SideOut
    debtor: SideOut
    receivable_event: DigestText
    amount: MoneyOut
    pay_to: dict[str, str]
    reg_no: str = Field(examples=["12345678000123456789"])
    purpose: Purpose = Field(description="设立还是解除 Taken, or released")
    reason: str | None = Field(description="解除原因 Why it is over")
    trigger: str | None = Field(description="暗保理通知债务人的约定情形 Why the debtor is told now")
    signed_by: list[PartyId]
    prepared_at: InstantText | None
    signed_at: InstantText | None
    issued_by: PartyId | None
    issued_at: InstantText | None
    delivered_at: InstantText | None
    read_at: InstantText | None
    acknowledged_at: InstantText | None
    replaced_at: InstantText | None = Field(
        description="另有新通知书取代之时 since when another notice over the pledge stands instead"
    )

    @classmethod
    def of(cls, notice: DebtorNotice, parties: Mapping[UUID, Party]) -> Self:
        """Show a notice to one of its parties."""
        return cls(
            id=notice.id,
            version=notice.version,
            state=notice.state,
            pledge=notice.pledge_id,
            pledge_event=b64url(notice.pledge_event),
            pledgor=SideOut.of(parties[notice.pledgor_id]),
            pledgee=SideOut.of(parties[notice.pledgee_id]),
            debtor=SideOut.of(parties[notice.debtor_id]),
            receivable_event=b64url(notice.receivable_event),
            amount=notice.amount,
            pay_to=notice.pay_to,
            reg_no=notice.reg_no,
            purpose=notice.purpose,
            reason=notice.reason,
            trigger=notice.trigger,
            signed_by=notice.signed,
            prepared_at=notice.prepared_at,
            signed_at=notice.signed_at,
            issued_by=notice.issued_by,
            issued_at=notice.issued_at,
            delivered_at=notice.delivered_at,
            read_at=notice.read_at,
            acknowledged_at=notice.acknowledged_at,
            replaced_at=notice.replaced_at,
        )


@command(router, "/v1/pledges/{pledge_id}/notify-debtor", status=201)
def issue(call: Call, pledge_id: PledgeId, body: TellingIn) -> DebtorNoticeOut:
    """通知债务人 Tell the debtor of a registered pledge or assignment, and where to pay. By either side."""
    found = transfer_notices.tell_debtor(
        call.session, call.actor, pledge_id, trigger=body.trigger, now=call.now
    )
    return _shown(call, [found])[0]


@command(router, "/v1/pledges/{pledge_id}/prepare-notice", status=201)
def prepare(call: Call, pledge_id: PledgeId, body: NothingIn) -> DebtorNoticeOut:
    """拟定转让通知书 Write the notice of an assignment or factoring, for both sides to sign."""
    del body
    found = transfer_notices.prepare(call.session, call.actor, pledge_id, now=call.now)
    return _shown(call, [found])[0]


@command(router, "/v1/debtor-notices/{notice_id}/sign-draft")
def draft_signature(call: Call, notice_id: DebtorNoticeId, body: SidesIn) -> DraftOut:
    """生成待签转让通知书 Write the caller's part: one hand of the assignor, two of the assignee."""
    return DraftOut.of(
        countersigning.draft(
            call.session,
            call.actor,
            transfer_notices.SIGNING,
            notice_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/debtor-notices/{notice_id}/sign")
def sign(call: Call, notice_id: DebtorNoticeId, body: SignedIn) -> DebtorNoticeOut:
    """签署转让通知书 Hand back the caller's part; with the second side's the notice can be sent."""
    found = countersigning.sign(
        call.session, call.actor, transfer_notices.SIGNING, notice_id, jws=body.jws, now=call.now
    )
    return _shown(call, [found])[0]


@query(router, "/v1/debtor-notices")
def debtor_notices(
    call: Call,
    state: NoticeState | None = None,
    waiting: bool = False,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[DebtorNoticeOut]:
    """通知书列表 The notices one is in, oldest first; `waiting`: those that one has still to acknowledge."""
    after = read_cursor("dnt", cursor)
    found = notices.page(
        call.session, call.actor.party, after=after, size=limit, state=state, waiting=waiting
    )
    ids = [notice.id for notice in found]
    return Page[DebtorNoticeOut](items=_shown(call, found), next=next_cursor("dnt", ids, limit))


@query(router, "/v1/debtor-notices/{notice_id}")
def debtor_notice(call: Call, notice_id: DebtorNoticeId) -> DebtorNoticeOut:
    """查看通知书 One notice: where it stands, since when."""
    return _shown(call, [notices.visible(call.session, call.actor.party, notice_id)])[0]


@command(router, "/v1/debtor-notices/{notice_id}/deliver")
def deliver(call: Call, notice_id: DebtorNoticeId, body: NothingIn) -> DebtorNoticeOut:
    """收件 The notice has entered the debtor's system; the time counts. By the debtor's system."""
    del body
    return _shown(call, [notices.deliver(call.session, call.actor, notice_id, now=call.now)])[0]


@command(router, "/v1/debtor-notices/{notice_id}/read")
def read(call: Call, notice_id: DebtorNoticeId, body: NothingIn) -> DebtorNoticeOut:
    """已阅 Somebody at the debtor's has opened the notice. By the debtor."""
    del body
    return _shown(call, [notices.read(call.session, call.actor, notice_id, now=call.now)])[0]


@command(router, "/v1/debtor-notices/{notice_id}/acknowledge-draft")
def draft_acknowledgement(
    call: Call, notice_id: DebtorNoticeId, body: AcknowledgementIn
) -> DraftOut:
    """生成回执 Write the acknowledgement for the debtor to sign."""
    return DraftOut.of(
        notices.draft_acknowledgement(
            call.session,
            call.actor,
            notice_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


@command(router, "/v1/debtor-notices/{notice_id}/acknowledge")
def acknowledge(call: Call, notice_id: DebtorNoticeId, body: SignedIn) -> DebtorNoticeOut:
    """签署回执 Hand back the acknowledgement, signed."""
    found = notices.acknowledge(call.session, call.actor, notice_id, jws=body.jws, now=call.now)
    return _shown(call, [found])[0]


@query(router, "/v1/debtor-notices/{notice_id}/notice.pdf", responses=PDF)
def notice_pdf(call: Call, notice_id: DebtorNoticeId) -> Response:
    """下载通知书 The notice as PDF/A, the register's certificate inside."""
    found = notices.visible(call.session, call.actor.party, notice_id)
    paper = notice_papers.notice_paper(call.session, found, public_url=call.settings.public_url)
    return _download(paper, found)


@query(router, "/v1/debtor-notices/{notice_id}/receipt.pdf", responses=PDF)
def receipt_pdf(call: Call, notice_id: DebtorNoticeId) -> Response:
    """下载回执 The acknowledgement as PDF/A, with what was signed inside."""
    found = notices.visible(call.session, call.actor.party, notice_id)
    paper = notice_papers.receipt_paper(
        call.session, call.actor, found, public_url=call.settings.public_url
    )
    return _download(paper, found)


def _download(paper: Paper, notice: DebtorNotice) -> Response:
    name = f"{paper.title}-{public_id('dnt', notice.id)}.pdf"
    return download(typesetting.paper(paper), name, typesetting.MEDIA_TYPE)


def _shown(call: Call, found: Sequence[DebtorNotice]) -> list[DebtorNoticeOut]:
    parties = parties_of(call.session, found)
    return [DebtorNoticeOut.of(notice, parties) for notice in found]
