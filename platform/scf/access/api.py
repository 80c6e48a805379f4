"""Endpoints of the access log, for whoever was looked at, and of consents."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from scf.access import queries, service
from scf.access.models import Consent, Looked, LookUp
from scf.access.queries import Side
from scf.access.schemas import ConsentIn, ConsentOut, LookUpOut
from scf.http import sheets
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ConsentId, PageSize, RevokeIn
from scf.http.sheets import Format, Sheet
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.parties import queries as parties

router = APIRouter(tags=["access 查看与授权"])

EXPORTED_MAX: Final = 10_000
HEADER: Final = (
    *("编号 id", "时间 made_at", "查看方 by", "查看方代码 by_uscc", "查看人 person", "类别 caller"),
    "内容 kind",
    *("对象 subject", "目的 purpose", "依据 basis", "授权 consent", "理由 reason"),
)


@query(router, "/v1/access-log")
def access_log(
    call: Call,
    side: Side | None = None,
    kind: Looked | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[LookUpOut]:
    """查看记录 Who looked at one's affairs, at what, what for; and at whose one looked oneself."""
    after = read_cursor("lkp", cursor)
    found = queries.look_ups(
        call.session, call.actor, side=side, kind=kind, after=after, size=limit
    )
    return Page[LookUpOut](
        items=[LookUpOut.of(made, by, own=_own(call, made)) for made, by in found],
        next=next_cursor("lkp", [made.id for made, _ in found], limit),
    )


@query(router, "/v1/access-log/file", responses=sheets.FILES)
def access_log_file(
    call: Call, side: Side | None = None, kind: Looked | None = None, form: Format = Format.XLSX
) -> Response:
    """导出查看记录 The access log as Excel or CSV, as far as a sheet goes."""
    found = queries.look_ups(
        call.session, call.actor, side=side, kind=kind, after=None, size=EXPORTED_MAX
    )
    rows = [HEADER, *(_row(LookUpOut.of(made, by, own=False)) for made, by in found)]
    return sheets.hand_out("查看记录", [Sheet("查看记录", rows)], form)


@command(router, "/v1/consents", status=201)
def grant(call: Call, body: ConsentIn) -> ConsentOut:
    """授权查看 Let a bank see one's on-time rate for a credit review, until an instant."""
    found = service.grant(
        call.session,
        call.actor,
        body.to,
        purpose=body.purpose,
        until=body.until,
        now=call.now,
    )
    return _shown(call, found)


@query(router, "/v1/consents")
def consents(
    call: Call,
    side: Side | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[ConsentOut]:
    """授权列表 What one consented to, and what others let one see."""
    after = read_cursor("cns", cursor)
    found = queries.consents(call.session, call.actor, side=side, after=after, size=limit)
    return Page[ConsentOut](
        items=[ConsentOut.of(*one) for one in found],
        next=next_cursor("cns", [one.id for one, _, _ in found], limit),
    )


@command(router, "/v1/consents/{consent_id}/withdraw")
def withdraw(call: Call, consent_id: ConsentId, body: RevokeIn) -> ConsentOut:
    """撤回授权 Take a consent back; it ends at once."""
    found = service.withdraw(call.session, call.actor, consent_id, reason=body.reason, now=call.now)
    return _shown(call, found)


def _own(call: Call, made: LookUp) -> bool:
    return made.by_id == call.actor.party_id


def _shown(call: Call, found: Consent) -> ConsentOut:
    by, to = (parties.party(call.session, one) for one in (found.by_id, found.to_id))
    return ConsentOut.of(found, by, to)


def _row(shown: LookUpOut) -> tuple[str, ...]:
    return (
        *(public_id("lkp", shown.id), instant_text(shown.made_at)),
        *(shown.by_name or "", shown.by_uscc or ""),
        public_id("psn", shown.person) if shown.person else "",
        *(shown.caller, shown.kind.value),
        *(shown.subject, shown.purpose.value, shown.basis.value),
        *(public_id("cns", shown.consent) if shown.consent else "", shown.reason or ""),
    )
