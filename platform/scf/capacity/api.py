"""Endpoints of pools and notices."""

from fastapi import APIRouter

from scf.capacity import queries
from scf.capacity.schemas import NoticeOut, PoolOut
from scf.http.calls import Call, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, PoolId

router = APIRouter(tags=["capacity 额度"])


@query(router, "/v1/pools/{pool_id}")
def pool(call: Call, pool_id: PoolId) -> PoolOut:
    """查看额度池 A pool: its owner sees the numbers, a holder its own part, nobody another holder."""
    found = queries.visible(call.session, call.actor.party, pool_id)
    held = queries.held_by(call.session, found, call.actor.party)
    return PoolOut.of(found, reader=call.actor.party, held=held)


@query(router, "/v1/notices")
def notices(
    call: Call,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[NoticeOut]:
    """通知 What one was told about values that one encumbers, oldest first."""
    after = read_cursor("ntc", cursor)
    found = queries.notices(call.session, call.actor.party, after=after, size=limit)
    return Page[NoticeOut](
        items=[NoticeOut.of(notice) for notice in found],
        next=next_cursor("ntc", [notice.id for notice in found], limit),
    )
