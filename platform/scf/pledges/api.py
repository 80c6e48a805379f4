"""Endpoints of pledges. A pledge is proposed and signed with its contract: see `scf.financing.api`."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response

from scf.evidence.proofs import MEDIA_TYPE
from scf.http.calls import Call, command, query, recorded_query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, PledgeId
from scf.kernel.ids import public_id
from scf.parties.queries import parties_of
from scf.parties.schemas import DraftOut, SignedIn
from scf.pledges import ending, looks, proof, queries, recourse, service
from scf.pledges.models import Pledge, State
from scf.pledges.schemas import (
    AcceptanceIn,
    PartReleaseIn,
    PledgeOut,
    ReasonIn,
    RecourseIn,
    ReleaseIn,
)

router = APIRouter(tags=["pledges 质押"])


@query(router, "/v1/pledges")
def pledges(
    call: Call,
    state: State | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[PledgeOut]:
    """质押列表 The pledges one is in, oldest first."""
    after = read_cursor("plg", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit, state=state)
    ids = [pledge.id for pledge in found]
    return Page[PledgeOut](items=shown(call, found), next=next_cursor("plg", ids, limit))


@query(router, "/v1/pledges/{pledge_id}")
def pledge(call: Call, pledge_id: PledgeId) -> PledgeOut:
    """查看质押 One pledge: where it stands, since when, with whom."""
    return shown(call, [queries.visible(call.session, call.actor.party, pledge_id)])[0]


@command(router, "/v1/pledges/{pledge_id}/accept-draft")
def draft_acceptance(call: Call, pledge_id: PledgeId, body: AcceptanceIn) -> DraftOut:
    """生成接受质押通知书 Write the acceptance for maker and checker to sign. By the pledgee."""
    return DraftOut.of(
        service.draft_acceptance(
            call.session,
            call.actor,
            pledge_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/accept")
def accept(call: Call, pledge_id: PledgeId, body: SignedIn) -> PledgeOut:
    """接受质押 Hand back the acceptance, signed: the claim is taken, registration begins."""
    found = service.accept(
        call.session,
        call.actor,
        pledge_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/pledges/{pledge_id}/give-up")
def give_up(call: Call, pledge_id: PledgeId, body: ReasonIn) -> PledgeOut:
    """撤销质押 Give a pledge up before it is registered. By the pledgee."""
    found = ending.give_up(
        call.session,
        call.actor,
        pledge_id,
        reason=body.reason,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/pledges/{pledge_id}/recourse-draft")
def draft_recourse(call: Call, pledge_id: PledgeId, body: RecourseIn) -> DraftOut:
    """生成回购（追索）通知书 Write the demand on the seller for maker and checker. With recourse only."""
    return DraftOut.of(
        recourse.draft(
            call.session,
            call.actor,
            pledge_id,
            amount=body.amount,
            due_on=body.due_on,
            reason=body.reason,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/recourse")
def call_recourse(call: Call, pledge_id: PledgeId, body: SignedIn) -> PledgeOut:
    """要求回购 Hand back the demand, signed: the seller is told."""
    found = recourse.call(
        call.session,
        call.actor,
        pledge_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/pledges/{pledge_id}/release-draft")
def draft_release(call: Call, pledge_id: PledgeId, body: ReleaseIn) -> DraftOut:
    """生成解除质押通知书 Write the release for maker and checker to sign. By the pledgee."""
    return DraftOut.of(
        ending.draft_release(
            call.session,
            call.actor,
            pledge_id,
            reason=body.reason,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/part-release-draft")
def draft_part_release(call: Call, pledge_id: PledgeId, body: PartReleaseIn) -> DraftOut:
    """生成部分解除质押通知书 Write the release of a part of the goods for maker and checker. By the pledgee."""
    return DraftOut.of(
        ending.draft_part_release(
            call.session,
            call.actor,
            pledge_id,
            released=body.released,
            reason=body.reason,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/pledges/{pledge_id}/part-release")
def release_part(call: Call, pledge_id: PledgeId, body: SignedIn) -> PledgeOut:
    """部分解除质押 Hand it back, signed: so much of the goods is free to leave."""
    found = ending.release_part(
        call.session,
        call.actor,
        pledge_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/pledges/{pledge_id}/release")
def release(call: Call, pledge_id: PledgeId, body: SignedIn) -> PledgeOut:
    """解除质押 Hand back the release, signed: the claim is free at once."""
    found = ending.release(
        call.session,
        call.actor,
        pledge_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@recorded_query(
    router, "/v1/pledges/{pledge_id}/proof", responses={200: {"content": {MEDIA_TYPE: {}}}}
)
def pledge_proof(call: Call, pledge_id: PledgeId) -> Response:
    """下载质押证明 The pledge and all it rests on in one file, checked with `scf-verify`.

    That the pledgee took it is shown to pledgor and debtor.
    """
    content = proof.build(call.session, call.actor.party, pledge_id)
    found = queries.visible(call.session, call.actor.party, pledge_id)
    looks.pulled(call.session, call.actor, found, now=call.now)
    return download(content, f"{public_id('plg', pledge_id)}.scfproof", MEDIA_TYPE)


def shown(call: Call, found: Sequence[Pledge]) -> list[PledgeOut]:
    """Show pledges with their parties, their searches, and where their goods are."""
    ids = [one.id for one in found]
    searches, goods = queries.searches_of(call.session, ids), queries.goods(call.session, ids)
    parties = parties_of(call.session, found)
    return [PledgeOut.of(one, searches[one.id], parties, goods[one.id]) for one in found]
