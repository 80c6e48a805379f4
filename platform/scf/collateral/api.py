"""Endpoints of control agreements: proposing, signing, goods, debt, insurance, marks, releases, the portfolio."""

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from scf.collateral import agreements, covering, holdings, portfolio, releases
from scf.collateral.holding_schemas import WatchedOut
from scf.collateral.models import ControlAgreement, ControlledPledge
from scf.collateral.permissions import Action
from scf.collateral.schemas import (
    ControlIn,
    ControlOut,
    ControlWholeOut,
    CoverIn,
    DebtIn,
    PolicyIn,
    PortfolioOut,
    ReasonIn,
    ReleaseCheckOut,
    ShareOut,
    SignersIn,
    SumOut,
)
from scf.evidence.service import SubjectNotFound
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import ControlId, PageSize, PledgeId, Text
from scf.kernel.clock import business_date
from scf.kernel.errors import ValueInvalid
from scf.kernel.money import Money
from scf.parties import countersigning
from scf.parties.schemas import DraftOut, SignedIn
from scf.rules.book import shipped
from scf.rules.schemas import ResultOut

router = APIRouter(tags=["collateral 动态质押"])
WHOLE_BPS: Final = 10_000


@command(router, "/v1/control-agreements", status=201)
def propose_control(call: Call, body: ControlIn) -> ControlOut:
    """发起监管协议 Propose a control agreement over the goods of one debt. By a bank; three parties sign."""
    row = agreements.propose(call.session, call.actor, body.proposal(), now=call.now)
    return _shown(call, row)


@query(router, "/v1/control-agreements")
def control_agreements(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ControlOut]:
    """监管协议列表 One's control agreements with their newest marks, oldest first."""
    after = read_cursor("ctl", cursor)
    found = portfolio.page(call.session, call.actor.party, after=after, size=limit)
    seen = portfolio.whole(call.session, found, on=business_date(call.now))
    return Page[ControlOut](
        items=[ControlOut.of(one) for one in seen],
        next=next_cursor("ctl", [row.id for row in found], limit),
    )


@query(router, "/v1/control-agreements/{control_id}")
def control_agreement(call: Call, control_id: ControlId) -> ControlWholeOut:
    """查看监管协议 An agreement: goods with rank and proof, value, LTV, lines, call, insurance, last reading."""
    seen = _seen(call, control_id)
    goods = holdings.of(call.session, seen.agreement, seen.lines)
    return ControlWholeOut.whole(seen, goods)


@command(router, "/v1/control-agreements/{control_id}/draft")
def draft_control(call: Call, control_id: ControlId, body: SignersIn) -> DraftOut:
    """生成监管协议签署文件 Write one's part of the agreement, to sign."""
    drafted = countersigning.draft(
        call.session,
        call.actor,
        agreements.SIGNED,
        control_id,
        signers=body.signers,
        origin=call.settings.log_origin,
        now=call.now,
    )
    return DraftOut.of(drafted)


@command(router, "/v1/control-agreements/{control_id}/sign")
def sign_control(call: Call, control_id: ControlId, body: SignedIn) -> ControlOut:
    """签署监管协议 Hand one's part back, signed; with the last signature the agreement stands."""
    row = countersigning.sign(
        call.session, call.actor, agreements.SIGNED, control_id, jws=body.jws, now=call.now
    )
    return _shown(call, row)


@command(router, "/v1/control-agreements/{control_id}/pledges", status=201)
def cover_pledge(call: Call, control_id: ControlId, body: CoverIn) -> ControlOut:
    """纳入质押 Watch an effective pledge: first goods, a top-up, a substitute. By the bank."""
    row = covering.cover(
        call.session,
        call.actor,
        control_id,
        body.pledge,
        invoice_price=body.invoice_price,
        replaces=body.replaces,
        now=call.now,
    )
    return _shown(call, row)


@query(router, "/v1/control-agreements/{control_id}/pledges")
def watched_pledges(call: Call, control_id: ControlId) -> list[WatchedOut]:
    """受控质押列表 The pledges that an agreement watches, with their goods as they stand."""
    seen = _seen(call, control_id)
    return [WatchedOut.of(one) for one in holdings.of(call.session, seen.agreement, seen.lines)]


@command(router, "/v1/control-agreements/{control_id}/debt")
def state_debt(call: Call, control_id: ControlId, body: DebtIn) -> ControlOut:
    """报告债务余额 What is owed on a day; cash that came in cures a call. By the bank."""
    row = agreements.state_debt(call.session, call.actor, control_id, body.debt(), now=call.now)
    return _shown(call, row)


@command(router, "/v1/control-agreements/{control_id}/insurances", status=201)
def insure_goods(call: Call, control_id: ControlId, body: PolicyIn) -> ControlOut:
    """登记保险 Put a policy over the goods on record. By the bank or the pledgor."""
    row = agreements.insure(call.session, call.actor, control_id, body.value(), now=call.now)
    return _shown(call, row)


@command(router, "/v1/control-agreements/{control_id}/mark")
def mark_now(call: Call, control_id: ControlId) -> ControlOut:
    """即时盯市 Mark an agreement now, beside the daily mark. By the bank."""
    row = agreements.lock_for(call.session, call.actor, control_id, Action.LEAD)
    row.require_agreed()
    agreements.remark(call.session, row, now=call.now)
    return _shown(call, row)


@command(router, "/v1/control-agreements/{control_id}/end")
def end_control(call: Call, control_id: ControlId, body: ReasonIn) -> ControlOut:
    """终止监管协议 End an agreement: nothing is watched any more. By the bank."""
    row = agreements.end(call.session, call.actor, control_id, reason=body.reason, now=call.now)
    return _shown(call, row)


@query(router, "/v1/control-agreements/{control_id}/release-check")
def check_release(
    call: Call,
    control_id: ControlId,
    pledge: PledgeId,
    quantity_minor: Annotated[int | None, Query(ge=1)] = None,
) -> ReleaseCheckOut:
    """释放试算 Whether a pledge, or so many smallest parts of it, could go by the newest mark."""
    agreement = _seen(call, control_id).agreement
    watched = call.session.get(ControlledPledge, (agreement.id, pledge))
    if watched is None or agreement.mark_id is None:
        raise SubjectNotFound
    verdict = releases.check(call.session, agreement, watched, quantity_minor)
    return ReleaseCheckOut(
        allowed=verdict.reason is None,
        reason=verdict.reason,
        value_after=verdict.value_after,
        floor=verdict.floor,
    )


@query(router, "/v1/collateral/portfolio")
def show_portfolio(
    call: Call,
    fall: Annotated[
        list[Text] | None,
        Query(max_length=50, description="品种:跌幅基点 goods:bps", examples=[["阴极铜:600"]]),
    ] = None,
) -> list[PortfolioOut]:
    """质物组合与压力测试 A bank's pledged goods by currency: as marked, and were prices to fall."""
    bank, on = call.actor.party, business_date(call.now)
    before = {one.currency: one for one in portfolio.summed(call.session, bank, {})}
    after = portfolio.summed(call.session, bank, _falls(fall or []))
    spread = portfolio.shares(call.session, bank, on=on)
    nothing: dict[str, list[portfolio.Share]] = {"warehouse": [], "goods": []}
    return [
        PortfolioOut(
            currency=one.currency,
            now=SumOut.of(before[one.currency]),
            shocked=SumOut.of(one),
            value_at_risk=Money(before[one.currency].value_minor - one.value_minor, one.currency),
            uncovered=Money(one.uncovered_minor, one.currency),
            warehouses=[
                ShareOut.of(share, one.currency)
                for share in spread.get(one.currency, nothing)["warehouse"]
            ],
            goods=[
                ShareOut.of(share, one.currency)
                for share in spread.get(one.currency, nothing)["goods"]
            ],
            findings=[
                ResultOut.of(result, shipped(), one.currency)
                for result in portfolio.review(spread.get(one.currency, nothing), on=on)
                if result.is_finding
            ],
        )
        for one in after
    ]


def _falls(said: list[str]) -> dict[str, int]:
    """Read `goods:bps`; of two for one kind the deeper. Raises ValueInvalid."""
    falls: dict[str, int] = {}
    for one in said:
        goods, _, bps = one.rpartition(":")
        if not (goods and re.fullmatch(r"[0-9]{1,5}", bps) and int(bps) <= WHOLE_BPS):
            raise ValueInvalid(field="fall", value=one[:40], expected="阴极铜:600")
        falls[goods] = max(falls.get(goods, 0), int(bps))
    return falls


def _seen(call: Call, control_id: UUID) -> portfolio.Seen:
    on = business_date(call.now)
    return portfolio.seen(call.session, call.actor.party, control_id, on=on)


def _shown(call: Call, row: ControlAgreement) -> ControlOut:
    call.session.flush()
    return ControlOut.of(portfolio.whole(call.session, [row], on=business_date(call.now))[0])
