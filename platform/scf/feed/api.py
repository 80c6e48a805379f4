"""Endpoints of pledge records: the feed by log index, and one record as it stood at a moment."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from scf.evidence.proofs import MEDIA_TYPE
from scf.feed import proving, reading
from scf.feed.reading import AheadOfLog, Moment
from scf.feed.schemas import RecordOut, VersionOut, VersionsOut
from scf.http.calls import Call, query, recorded_query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE
from scf.http.schemas import InstantText, PageSize, PledgeId
from scf.kernel.clock import instant_text
from scf.kernel.errors import ValueInvalid
from scf.kernel.ids import public_id
from scf.pledges import looks
from scf.pledges.models import Pledge

router = APIRouter(tags=["pledge records 质押记录"])

After = Annotated[int, Query(ge=-1, lt=2**53, description="日志序号；-1 为从头开始")]
Types = Annotated[
    list[Annotated[str, Query(pattern=r"^pledge\.([a-z_]+|\*)$", max_length=60)]] | None,
    Query(max_length=20, examples=[["pledge.registered", "pledge.released"]]),
]
Index = Annotated[int | None, Query(ge=0, lt=2**53, description="截至该日志序号（含）")]


@query(router, "/v1/pledge-records")
def records(
    call: Call, after: After = -1, types: Types = None, limit: PageSize = PAGE_SIZE
) -> VersionsOut:
    """质押记录流 Every version of every pledge that one holds, in the order of the log; polled with `after`."""
    found, next_ = reading.records(
        call.session, call.actor.party, after=after, size=limit, types=types or reading.RECORDS
    )
    return VersionsOut(items=[VersionOut.of(event, index) for event, index in found], next=next_)


@recorded_query(router, "/v1/pledge-records/{pledge_id}")
def record(
    call: Call, pledge_id: PledgeId, as_of: InstantText | None = None, as_of_index: Index = None
) -> RecordOut:
    """质押记录 One pledge as it stood: at a business time, at a place in the log, or now."""
    moment = _moment(call, as_of, as_of_index)
    found = RecordOut.of(reading.record(call.session, call.actor.party, pledge_id, moment))
    looks.pulled(call.session, call.actor, call.session.get_one(Pledge, pledge_id), now=call.now)
    return found


@recorded_query(
    router,
    "/v1/pledge-records/{pledge_id}/proof",
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "scf-proof/1"}},
)
def proof(
    call: Call, pledge_id: PledgeId, as_of: InstantText | None = None, as_of_index: Index = None
) -> Response:
    """下载记录证明 The proof of a pledge as it stood; 409 where it was not in force and locked then."""
    moment = _moment(call, as_of, as_of_index)
    content = proving.prove(call.session, call.actor.party, pledge_id, moment)
    looks.pulled(call.session, call.actor, call.session.get_one(Pledge, pledge_id), now=call.now)
    return download(content, f"{public_id('plg', pledge_id)}.scfproof", MEDIA_TYPE)


def _moment(call: Call, at: InstantText | None, index: int | None) -> Moment:
    if at is not None and index is not None:
        raise ValueInvalid(field="as_of", excludes="as_of_index")
    if at is not None and at > call.now:
        raise AheadOfLog(field="as_of", as_of=instant_text(at), now=instant_text(call.now))
    return Moment(index, at)
