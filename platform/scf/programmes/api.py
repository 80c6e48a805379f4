"""Endpoints of programmes."""

from fastapi import APIRouter

from scf.http.auth import require_operator
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import PageSize, PartyId, ProgrammeId, RevokeIn
from scf.programmes import queries, service
from scf.programmes.models import Programme
from scf.programmes.schemas import MemberIn, ProgrammeIn, ProgrammeOut, SecuritiesIn

router = APIRouter(tags=["融资项目 Programmes"])


@command(router, "/v1/programmes", status=201)
def open_programme(call: Call, body: ProgrammeIn) -> ProgrammeOut:
    """Open a programme around an anchor party."""
    require_operator(call.actor)
    programme = service.open_programme(
        call.session,
        name=body.name,
        anchor_id=body.anchor,
        securities=body.securities,
        now=call.now,
    )
    return _shown(call, programme)


@query(router, "/v1/programmes")
def list_programmes(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ProgrammeOut]:
    """List the programmes that the caller takes part in; the operator sees all."""
    after = read_cursor("prg", cursor)
    found = queries.page(call.session, call.actor, after=after, size=limit)
    return Page(
        items=[_shown(call, programme) for programme in found],
        next=next_cursor("prg", [programme.id for programme in found], limit),
    )


@query(router, "/v1/programmes/{programme_id}")
def read_programme(call: Call, programme_id: ProgrammeId) -> ProgrammeOut:
    """Show a programme to its members."""
    return _shown(call, queries.visible(call.session, call.actor, programme_id))


@command(router, "/v1/programmes/{programme_id}/members", status=201)
def admit(call: Call, programme_id: ProgrammeId, body: MemberIn) -> ProgrammeOut:
    """Give a party a place in a programme."""
    require_operator(call.actor)
    service.admit(call.session, programme_id, party_id=body.party, role=body.role, now=call.now)
    return _shown(call, queries.visible(call.session, call.actor, programme_id))


@command(router, "/v1/programmes/{programme_id}/members/{party_id}/revoke")
def expel(call: Call, programme_id: ProgrammeId, party_id: PartyId, body: RevokeIn) -> ProgrammeOut:
    """End a party's place; business under way goes on."""
    require_operator(call.actor)
    service.expel(call.session, programme_id, party_id=party_id, reason=body.reason, now=call.now)
    return _shown(call, queries.visible(call.session, call.actor, programme_id))


@command(router, "/v1/programmes/{programme_id}/securities")
def allow(call: Call, programme_id: ProgrammeId, body: SecuritiesIn) -> ProgrammeOut:
    """允许的担保方式 Say which kinds of security banks may offer in a programme; what was offered goes on."""
    require_operator(call.actor)
    return _shown(call, service.allow(call.session, programme_id, body.securities))


@command(router, "/v1/programmes/{programme_id}/revoke")
def close(call: Call, programme_id: ProgrammeId, body: RevokeIn) -> ProgrammeOut:
    """Close a programme to new business."""
    require_operator(call.actor)
    return _shown(call, service.close(call.session, programme_id, reason=body.reason, now=call.now))


def _shown(call: Call, programme: Programme) -> ProgrammeOut:
    return ProgrammeOut.of(programme, queries.members(call.session, call.actor, programme.id))
