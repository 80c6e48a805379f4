"""Endpoints of what several parties sign: another 回款账户, a month's balance."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from scf.http.calls import Call, command, query
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import AccountChangeId, PageSize, ReceivableId, ReconciliationId
from scf.http.sheets import FILES, Cell, Format, Sheet, hand_out
from scf.kernel.money import Money
from scf.parties import countersigning
from scf.parties.countersigning import Kind, Paper
from scf.parties.schemas import DraftOut, SignedIn
from scf.receivables.models import Receivable
from scf.settlement import agreements, progress, reconciling
from scf.settlement.models import Agreement, Reconciliation
from scf.settlement.schemas import (
    ChangeIn,
    ChangeOut,
    EndIn,
    Month,
    ObjectionIn,
    ProgressOut,
    ReconciliationIn,
    ReconciliationOut,
    SignersIn,
    first_of,
)
from scf_ledger import canonical

router = APIRouter(tags=["settlement 付款与回款"])

_MONTH: Final = (
    *("应收账款编号", "对账单行号", "币种", "期初余额", "本期确认", "本期付款", "本期付款冲回"),
    *("本期红字冲减", "期末余额"),
)


@command(router, "/v1/receivables/{receivable_id}/account-changes", status=201)
def propose_change(call: Call, receivable_id: ReceivableId, body: ChangeIn) -> ChangeOut:
    """发起回款账户变更 Propose another account. By creditor or debtor; everybody concerned signs."""
    change = agreements.propose(
        call.session,
        call.actor,
        receivable_id,
        body.pay_to.value(),
        reason=body.reason,
        now=call.now,
    )
    return shown(call, change)


@query(router, "/v1/account-changes")
def account_changes(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ChangeOut]:
    """回款账户变更列表 The changes that one signs, oldest first."""
    after = read_cursor("acg", cursor)
    found = agreements.page(call.session, call.actor.party, after=after, size=limit)
    return Page[ChangeOut](
        items=[shown(call, change) for change in found],
        next=next_cursor("acg", [change.id for change in found], limit),
    )


@query(router, "/v1/account-changes/{account_change_id}")
def account_change(call: Call, account_change_id: AccountChangeId) -> ChangeOut:
    """查看回款账户变更 A change, who has to sign it and who did."""
    return shown(call, agreements.visible(call.session, call.actor.party, account_change_id))


@command(router, "/v1/account-changes/{account_change_id}/draft")
def draft_change(call: Call, account_change_id: AccountChangeId, body: SignersIn) -> DraftOut:
    """生成变更文件 Write one's part of the change, to sign."""
    return _draft(call, agreements.SIGNED, account_change_id, body)


@command(router, "/v1/account-changes/{account_change_id}/sign")
def sign_change(call: Call, account_change_id: AccountChangeId, body: SignedIn) -> ChangeOut:
    """签署变更 Hand one's part back, signed; with the last signature the new account is the named one."""
    return shown(call, _sign(call, agreements.SIGNED, account_change_id, body))


@command(router, "/v1/account-changes/{account_change_id}/end")
def end_change(call: Call, account_change_id: AccountChangeId, body: EndIn) -> ChangeOut:
    """终止变更 Take one's proposal back, or refuse it. By anybody who signs it."""
    change = agreements.end(call.session, call.actor, account_change_id, reason=body.reason)
    return shown(call, change)


@command(router, "/v1/reconciliations")
def draw_reconciliation(call: Call, body: ReconciliationIn) -> ReconciliationOut:
    """编制对账函 Draw up a month's balance with a counterparty; one that stands is answered again."""
    found = reconciling.draw(
        call.session,
        call.actor,
        creditor_id=body.creditor,
        debtor_id=body.debtor,
        month=body.first_on,
        currency=body.currency,
        now=call.now,
    )
    return _reconciliation(call, found)


@query(router, "/v1/reconciliations")
def reconciliations(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ReconciliationOut]:
    """对账函列表 One's reconciliations, oldest first."""
    after = read_cursor("rcn", cursor)
    found = reconciling.page(call.session, call.actor.party, after=after, size=limit)
    objections = reconciling.objections(call.session, [one.id for one in found])
    return Page[ReconciliationOut](
        items=[ReconciliationOut.of(one, objections) for one in found],
        next=next_cursor("rcn", [one.id for one in found], limit),
    )


@query(router, "/v1/reconciliations/progress")
def reconciliation_progress(call: Call, month: Month) -> list[ProgressOut]:
    """对账进度 Every counterparty of a month, and how far the balance with it is: `state` null is yet to be drawn."""
    found = progress.of_month(call.session, call.actor.party, first_of(month))
    return [ProgressOut.of(one) for one in found]


@query(router, "/v1/reconciliations/{reconciliation_id}")
def reconciliation(call: Call, reconciliation_id: ReconciliationId) -> ReconciliationOut:
    """查看对账函 A month's balance."""
    return _reconciliation(
        call, reconciling.visible(call.session, call.actor.party, reconciliation_id)
    )


@query(router, "/v1/reconciliations/{reconciliation_id}/file", responses=FILES)
def reconciliation_file(
    call: Call, reconciliation_id: ReconciliationId, form: Format = Format.XLSX
) -> Response:
    """导出对账明细 The receivables behind a balance, as they were drawn."""
    found = reconciling.visible(call.session, call.actor.party, reconciliation_id)
    lines = canonical.decode(found.lines, max_bytes=len(found.lines))
    rows: list[list[Cell]] = [
        [
            *(line["receivable"], line["line_no"], found.currency),
            *(Money.from_json(line[name]) for name in reconciling.MOVEMENTS),
        ]
        for line in lines
    ]
    sheet = Sheet("对账明细", [_MONTH, *rows])
    return hand_out(f"对账明细-{found.first_on:%Y-%m}", [sheet], form)


@command(router, "/v1/reconciliations/{reconciliation_id}/draft")
def draft_reconciliation(
    call: Call, reconciliation_id: ReconciliationId, body: SignersIn
) -> DraftOut:
    """生成待签对账函 Write the balance for one's own signature."""
    return _draft(call, reconciling.SIGNED, reconciliation_id, body)


@command(router, "/v1/reconciliations/{reconciliation_id}/sign")
def sign_reconciliation(
    call: Call, reconciliation_id: ReconciliationId, body: SignedIn
) -> ReconciliationOut:
    """签署对账函 Hand it back signed; with the second signature the balance is agreed."""
    return _reconciliation(call, _sign(call, reconciling.SIGNED, reconciliation_id, body))


@command(router, "/v1/reconciliations/{reconciliation_id}/object")
def object_to_reconciliation(
    call: Call, reconciliation_id: ReconciliationId, body: ObjectionIn
) -> ReconciliationOut:
    """提出异议 Say another figure, and why, instead of signing."""
    found = reconciling.object_to(
        call.session,
        call.actor,
        reconciliation_id,
        closing=body.closing,
        reason=body.reason,
        now=call.now,
    )
    return _reconciliation(call, found)


def _draft(call: Call, kind: Kind[Paper], identity: UUID, body: SignersIn) -> DraftOut:
    return DraftOut.of(
        countersigning.draft(
            call.session,
            call.actor,
            kind,
            identity,
            signers=body.signers,
            origin=call.settings.log_origin,
            now=call.now,
        )
    )


def _sign(call: Call, kind: Kind[Paper], identity: UUID, body: SignedIn) -> Paper:
    return countersigning.sign(call.session, call.actor, kind, identity, jws=body.jws, now=call.now)


def shown(call: Call, change: Agreement) -> ChangeOut:
    """Show a change of the account, or a split, to one of those who sign it."""
    receivable = call.session.get_one(Receivable, change.receivable_id)
    return ChangeOut.of(change, call.actor.party, receivable)


def _reconciliation(call: Call, found: Reconciliation) -> ReconciliationOut:
    return ReconciliationOut.of(found, reconciling.objections(call.session, [found.id]))
