"""Endpoints of the blind registry: for clients of scope `blind`, and for whoever was asked about."""

from fastapi import APIRouter
from fastapi.responses import Response

from scf.blind import queries, service
from scf.blind.rules import SCOPE
from scf.blind.schemas import HoldAnswerOut, HoldIn, HoldOut, ProbeOut
from scf.blind.service import Times
from scf.evidence import proofs
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.limits import Kind
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import HoldId, NothingIn, PageSize
from scf.kernel.ids import public_id

router = APIRouter(tags=["blind registry 盲登记"])


@command(router, "/v1/blind/holds", scope=SCOPE, limit=Kind.PROBES)
def hold(call: Call, body: HoldIn) -> HoldAnswerOut:
    """占用 HOLD a part of a paper's value by its token: OK, or OVER_CAPACITY and nothing else."""
    found = service.hold(
        call.session,
        call.actor,
        body.value(),
        times=Times(call.now, call.clock.real()),
    )
    return HoldAnswerOut.of(found)


@query(router, "/v1/blind/holds", scope=SCOPE)
def holds(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[HoldOut]:
    """占用列表 The caller's own holds, oldest first."""
    after = read_cursor("hld", cursor)
    found = queries.holds(call.session, call.actor.party, after=after, size=limit)
    ids = [one.id for one in found]
    return Page[HoldOut](
        items=[HoldOut.of(one) for one in found], next=next_cursor("hld", ids, limit)
    )


@query(router, "/v1/blind/holds/{hold_id}", scope=SCOPE)
def own_hold(call: Call, hold_id: HoldId) -> HoldOut:
    """查看占用 One hold of the caller's own."""
    return HoldOut.of(queries.visible(call.session, call.actor.party, hold_id))


@query(
    router,
    "/v1/blind/holds/{hold_id}/proof",
    scope=SCOPE,
    responses={200: {"content": {proofs.MEDIA_TYPE: {}}}},
)
def proof(call: Call, hold_id: HoldId) -> Response:
    """占用证明 The newest event of a hold with its place in the log, to be checked offline."""
    found = queries.visible(call.session, call.actor.party, hold_id)
    entry = proofs.entry(call.session, queries.newest_event(call.session, found.id))
    name = f"{public_id('hld', found.id)}.scfproof"
    return download(proofs.pack(call.session, "event", [entry]), name, proofs.MEDIA_TYPE)


@command(router, "/v1/blind/holds/{hold_id}/commit", scope=SCOPE)
def commit(call: Call, hold_id: HoldId, body: NothingIn) -> HoldOut:
    """确认占用 COMMIT: the loan was made, the hold stands until it is released."""
    del body
    return HoldOut.of(service.commit_hold(call.session, call.actor, hold_id, now=call.now))


@command(router, "/v1/blind/holds/{hold_id}/release", scope=SCOPE)
def release(call: Call, hold_id: HoldId, body: NothingIn) -> HoldOut:
    """释放占用 RELEASE: give it back."""
    del body
    return HoldOut.of(service.release(call.session, call.actor, hold_id, now=call.now))


@query(router, "/v1/blind/probes")
def probes(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[ProbeOut]:
    """被查询记录 Who asked the blind registry about the caller's own papers, oldest first."""
    after = read_cursor("prb", cursor)
    found = queries.probes(call.session, call.actor.party, after=after, size=limit)
    return Page[ProbeOut](
        items=[
            ProbeOut(document=document, caller=caller, asked_at=at)
            for _, document, caller, at in found
        ],
        next=next_cursor("prb", [row[0] for row in found], limit),
    )
