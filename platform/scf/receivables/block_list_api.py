"""Endpoints of the block list, by the operator."""

from typing import Self

from fastapi import APIRouter
from pydantic import Field

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    In,
    InstantText,
    Line,
    Out,
    PageSize,
    PartyId,
    Prose,
    RevokeIn,
)
from scf.parties.permissions import Action, permit
from scf.receivables import block_list
from scf.receivables.block_list import DebtorBlock

router = APIRouter(tags=["receivables 应收账款"])


class BlockIn(In):
    """Who decided that a debtor is listed, and why."""

    source: Line = Field(examples=["上海票据交易所持续逾期名单 2025-10"])
    reason: Prose = Field(examples=["承兑人持续逾期"])


class BlockOut(Out):
    """A listing, ended once `revoked_at` is set."""

    party: PartyId
    source: str
    reason: str
    listed_at: InstantText
    revoked_at: InstantText | None
    revocation_reason: str | None

    @classmethod
    def of(cls, row: DebtorBlock) -> Self:
        """Show a listing."""
        return cls(
            party=row.party_id,
            source=row.source,
            reason=row.reason,
            listed_at=row.listed_at,
            revoked_at=row.revoked_at,
            revocation_reason=row.revocation_reason,
        )


@command(router, "/v1/parties/{party_id}/block", status=201)
def block(call: Call, party_id: PartyId, body: BlockIn) -> BlockOut:
    """列入限制名单 Put a debtor on the block list; every claim on it shows that. By the operator."""
    permit(call.actor, Action.EXPEL)
    listed = block_list.block(
        call.session, party_id, source=body.source, reason=body.reason, now=call.now
    )
    return BlockOut.of(listed)


@command(router, "/v1/parties/{party_id}/unblock")
def unblock(call: Call, party_id: PartyId, body: RevokeIn) -> BlockOut:
    """移出限制名单 Take a debtor off the block list. By the operator."""
    permit(call.actor, Action.EXPEL)
    return BlockOut.of(block_list.unblock(call.session, party_id, reason=body.reason, now=call.now))


@query(router, "/v1/blocked-parties")
def blocked(call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE) -> Page[BlockOut]:
    """限制名单 Who is on the block list. By the operator."""
    permit(call.actor, Action.EXPEL)
    found = block_list.page(call.session, after=read_cursor("pty", cursor), size=limit)
    return Page[BlockOut](
        items=[BlockOut.of(row) for row in found],
        next=next_cursor("pty", [row.party_id for row in found], limit),
    )
