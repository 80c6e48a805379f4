"""Endpoints of financings, and of the pledge as far as it is one act with the contract."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response

from scf.financing import queries, receipts, rules, service
from scf.financing.models import Financing, State
from scf.financing.rules import InterestPaid
from scf.financing.schemas import (
    ContractIn,
    DayCount,
    DisbursementIn,
    FinancingOut,
    OfferIn,
    ProposalIn,
    QuoteOut,
    RefusalIn,
    RepaymentIn,
    RequestIn,
    Seen,
)
from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import FinancingId, PageSize
from scf.kernel.clock import business_date
from scf.kernel.money import Money, parse_rate
from scf.parties.queries import parties_of
from scf.parties.schemas import DraftOut, SignedIn
from scf.pledges import queries as pledge_queries
from scf.pledges.api import shown as shown_pledges
from scf.pledges.rules import Searches
from scf.pledges.schemas import PledgeOut

router = APIRouter(tags=["financings 融资"])


@query(router, "/v1/quotes")
def quote(
    call: Call,
    *,
    amount: str,
    rate: str,
    days: int,
    day_count: DayCount = rules.ACT_360,
    paid: InterestPaid = InterestPaid.AT_MATURITY,
) -> QuoteOut:
    """到手多少 What a loan on these terms brings and costs: `amount=996000.00&rate=0.0385&days=50`."""
    del call  # whoever is known may compute
    principal = Money.parse(amount)
    return QuoteOut.of(
        rules.quote(principal, parse_rate(rate), days, day_count=day_count, paid=paid)
    )


@command(router, "/v1/financings", status=201)
def request(call: Call, body: RequestIn) -> FinancingOut:
    """申请融资 Ask a bank for money on a confirmed claim. By the creditor."""
    found = service.request(
        call.session,
        call.actor,
        receivable_id=body.receivable,
        lender_id=body.lender,
        amount=body.amount,
        days=body.days,
        trade=body.trade.trade() if body.trade else None,
        now=call.now,
    )
    return shown(call, [found])[0]


@query(router, "/v1/financings")
def financings(
    call: Call,
    state: State | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[FinancingOut]:
    """融资列表 The financings one is in, oldest first."""
    after = read_cursor("fin", cursor)
    found = queries.page(call.session, call.actor.party, after=after, size=limit, state=state)
    ids = [financing.id for financing in found]
    return Page[FinancingOut](items=shown(call, found), next=next_cursor("fin", ids, limit))


@query(router, "/v1/financings/{financing_id}")
def financing(call: Call, financing_id: FinancingId) -> FinancingOut:
    """查看融资 One financing: 到哪一步、从何时起、在谁手里."""
    return shown(call, [queries.visible(call.session, call.actor.party, financing_id)])[0]


@command(router, "/v1/financings/{financing_id}/offer-draft")
def draft_offer(call: Call, financing_id: FinancingId, body: OfferIn) -> DraftOut:
    """生成贷款条件 Write contract and offer for the bank's maker and checker to sign."""
    return DraftOut.of(
        service.draft_offer(
            call.session,
            call.actor,
            financing_id,
            body.offer(),
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/financings/{financing_id}/approve")
def approve(call: Call, financing_id: FinancingId, body: SignedIn) -> FinancingOut:
    """批准 Hand back the offer, signed: its terms stand."""
    found = service.approve(
        call.session,
        call.actor,
        financing_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/financings/{financing_id}/refuse")
def refuse(call: Call, financing_id: FinancingId, body: RefusalIn) -> FinancingOut:
    """拒绝 Say no, for a reason of the list, before the money is paid out."""
    found = service.refuse(
        call.session,
        call.actor,
        financing_id,
        reason=body.reason,
        note=body.note,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/pledges", status=201)
def propose_pledge(call: Call, body: ProposalIn) -> PledgeOut:
    """发起质押 Propose the pledge that secures an approved financing. By the bank."""
    found = service.propose_pledge(
        call.session, call.actor, body.financing, amount=body.amount, now=call.now
    )
    return shown_pledges(call, [found])[0]


@command(router, "/v1/financings/{financing_id}/contract-draft")
def draft_contract(call: Call, financing_id: FinancingId, body: ContractIn) -> DraftOut:
    """生成质押合同要点 Write the pledge over the contract's hash. By the borrower."""
    return DraftOut.of(
        service.draft_contract(
            call.session,
            call.actor,
            financing_id,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
            expected_version=call.if_match,
        )
    )


@command(router, "/v1/financings/{financing_id}/contract")
def contract(call: Call, financing_id: FinancingId, body: SignedIn) -> FinancingOut:
    """签署合同 Hand back the pledge, signed: contract and pledge are made together."""
    found = service.contract(
        call.session,
        call.actor,
        financing_id,
        jws=body.jws,
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@query(
    router,
    "/v1/financings/{financing_id}/contract",
    responses={200: {"content": {"text/plain": {}}}},
)
def contract_text(call: Call, financing_id: FinancingId) -> Response:
    """下载合同 The contract's text; its SHA-256 is what both sides sign."""
    content = queries.contract(call.session, call.actor.party, financing_id)
    return Response(content, media_type="text/plain; charset=utf-8")


@command(router, "/v1/financings/{financing_id}/disbursement")
def disburse(call: Call, financing_id: FinancingId, body: DisbursementIn) -> FinancingOut:
    """放款回单 Report that the money was paid out; not before the pledge is ready."""
    found = receipts.disburse(
        call.session,
        call.actor,
        financing_id,
        body.receipt(),
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


@command(router, "/v1/financings/{financing_id}/repayment")
def repay(call: Call, financing_id: FinancingId, body: RepaymentIn) -> FinancingOut:
    """还款回单 Report money paid back: interest first, then principal."""
    found = receipts.repay(
        call.session,
        call.actor,
        financing_id,
        body.receipt(),
        now=call.now,
        expected_version=call.if_match,
    )
    return shown(call, [found])[0]


def shown(call: Call, found: Sequence[Financing]) -> list[FinancingOut]:
    """Show financings with their parties, pledges and receipts."""
    parties = parties_of(call.session, found)
    pledges = pledge_queries.by_id(
        call.session, [one.pledge_id for one in found if one.pledge_id is not None]
    )
    searches = pledge_queries.searches_of(call.session, list(pledges))
    rows = queries.receipts(call.session, [one.id for one in found])
    remainders = queries.remainders(call.session, found)
    today = business_date(call.now)

    def seen(one: Financing) -> Seen:
        pledge = None if one.pledge_id is None else pledges[one.pledge_id]
        said = Searches() if pledge is None else searches[pledge.id]
        return Seen(parties, pledge, said, rows[one.id], remainders.get(one.id), today)

    return [FinancingOut.of(one, seen(one)) for one in found]
