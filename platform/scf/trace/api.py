"""Endpoints of events: one, its proof, and the feed in the order of the log."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from scf.evidence import queries as evidence
from scf.evidence.proofs import MEDIA_TYPE
from scf.http.calls import Call, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE
from scf.http.schemas import EventId, PageSize
from scf.kernel.ids import public_id
from scf.trace import queries
from scf.trace.schemas import EventOut, FeedOut

router = APIRouter(tags=["events 事件"])


@query(router, "/v1/events")
def feed(
    call: Call, after: Annotated[int, Query(ge=-1, lt=2**53)] = -1, limit: PageSize = PAGE_SIZE
) -> FeedOut:
    """事件流 One's events in the order of the log; `after` is a log index, -1 for the beginning."""
    found, next_ = queries.feed(call.session, call.actor, after=after, size=limit)
    items = [
        EventOut.of(item, index, queries.shown_fields(call.session, call.actor, item))
        for item, index in found
    ]
    return FeedOut(items=items, next=next_)


@query(router, "/v1/events/{event_id}")
def event(call: Call, event_id: EventId) -> EventOut:
    """查看事件 One event, with the fields that one may see."""
    found = queries.visible(call.actor, evidence.event(call.session, event_id))
    shown = queries.shown_fields(call.session, call.actor, found)
    return EventOut.of(found, evidence.index_of(call.session, found.id), shown)


@query(
    router,
    "/v1/events/{event_id}/proof",
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "scf-proof/1"}},
)
def proof(call: Call, event_id: EventId) -> Response:
    """下载事件证明 The proof file of one event; 409 `evidence.pending` until it is in the log."""
    found = queries.visible(call.actor, evidence.event(call.session, event_id))
    content = queries.prove(call.session, call.actor, found)
    return download(content, f"{public_id('evt', found.id)}.scfproof", MEDIA_TYPE)
