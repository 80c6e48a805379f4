"""Endpoints of payment and 回款."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    AccountChangeId,
    BankEntryId,
    DateText,
    NothingIn,
    PageSize,
    PartyId,
    PaymentOrderId,
    ReceivableId,
    ReconciliationId,
)
from scf.http.sheets import XLSX, Cell, Format, Sheet, hand_out
from scf.kernel.money import Money
from scf.parties.schemas import DraftOut, SignedIn
from scf.receivables.models import Receivable
from scf.settlement import (
    accounts,
    countersigning,
    entries,
    matching,
    maturities,
    orders,
    queries,
    reconciling,
)
from scf.settlement.camt import Direction
from scf.settlement.countersigning import Kind, Paper
from scf.settlement.maturities import Filter, Part
from scf.settlement.models import AccountChange, BankEntry, EntryState, PaymentOrder, Reconciliation
from scf.settlement.schemas import (
    ApprovalIn,
    AssignIn,
    AstrayOut,
    ChangeIn,
    ChangeOut,
    EndIn,
    EntryOut,
    MaturitiesOut,
    MaturityOut,
    ObjectionIn,
    OrderIn,
    OrderOut,
    ReconciliationIn,
    ReconciliationOut,
    ReportOut,
    SignersIn,
    TotalOut,
)
from scf_ledger import canonical

router = APIRouter(tags=["settlement 付款与回款"])

_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_FILES: Final[dict[int | str, Any]] = {
    200: {"content": {"text/csv": _BYTES, XLSX: _BYTES, "application/xml": _BYTES}}
}
_DUE: Final = (
    *(
        "到期日",
        "款项",
        "供应商",
        "统一社会信用代码",
        "对账单行号",
        "合同编号",
        "币种",
        "确认金额",
        "已付金额",
    ),
    *("已下达指令", "未付金额", "户名", "账号", "开户行", "应收账款编号"),
)
_PARTS: Final = {Part.MAIN: "货款", Part.RETENTION: "质保金"}
_SUMS: Final = (
    "到期日",
    "供应商",
    "统一社会信用代码",
    "币种",
    "笔数",
    "确认金额",
    "已付金额",
    "未付金额",
)
_ENTRIES: Final = (
    *("记账日期", "账号", "银行流水号", "收付", "冲回", "币种", "金额"),
    *("对方户名", "对方账号", "对方开户行", "附言", "端到端标识"),
    *("处理结果", "待处理原因", "应收账款编号", "流水编号"),
)
_WAYS: Final = {Direction.CREDIT: "收", Direction.DEBIT: "付"}
_STATES: Final = {
    EntryState.RECORDED: "已入账",
    EntryState.UNMATCHED: "待认领",
    EntryState.NOTED: "无关",
}
EXPORTED_MAX: Final = 50_000
"""Entries of one file."""
_MONTH: Final = (
    *("应收账款编号", "对账单行号", "币种", "期初余额", "本期确认", "本期付款", "本期付款冲回"),
    *("本期红字冲减", "期末余额"),
)


def read_filter(
    first_on: DateText | None = None,
    last_on: DateText | None = None,
    supplier: PartyId | None = None,
    unpaid: bool = False,
) -> Filter:
    """Read which maturities are wanted."""
    return Filter(first_on, last_on, supplier, unpaid)


Wanted = Annotated[Filter, Depends(read_filter)]


@query(router, "/v1/maturities")
def maturity_list(
    call: Call, wanted: Wanted, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> MaturitiesOut:
    """到期付款清单 What one has confirmed, by the day on which it is to be paid. By the debtor."""
    found = maturities.page(call.session, call.actor.party, wanted, after=cursor, size=limit)
    return MaturitiesOut(
        items=[MaturityOut.of(due) for due in found], next=maturities.cursor(found, limit)
    )


@query(router, "/v1/maturities/totals")
def maturity_totals(call: Call, wanted: Wanted) -> list[TotalOut]:
    """按日期和供应商汇总 The sums per day, supplier and currency."""
    found = maturities.totals(call.session, call.actor.party, wanted)
    return [TotalOut.of(total) for total in found]


@query(router, "/v1/maturities/file", responses=_FILES)
def maturity_file(call: Call, wanted: Wanted, form: Format = Format.XLSX) -> Response:
    """导出到期付款清单 The whole list as a file; an XLSX has the totals on a second sheet."""
    debtor = call.actor.party
    lines = [_due_row(due) for due in maturities.whole(call.session, debtor, wanted)]
    sums: list[list[Cell]] = [
        [
            *(total.due_on.isoformat(), total.supplier.name, total.supplier.uscc),
            *(total.confirmed.currency, total.count),
            *(total.confirmed, total.paid, total.outstanding),
        ]
        for total in maturities.totals(call.session, debtor, wanted)
    ]
    sheets = [Sheet("到期付款清单", [_DUE, *lines]), Sheet("汇总", [_SUMS, *sums])]
    return hand_out("到期付款清单", sheets, form)


@command(router, "/v1/payment-orders", status=201)
def draft_order(call: Call, body: OrderIn) -> OrderOut:
    """编制付款指令 Put lines into one payment file (pain.001.001.09). By the debtor's maker."""
    order = orders.draft(
        call.session,
        call.actor,
        body.wanted(),
        account=body.account.value(),
        execute_on=body.execute_on,
        maker=body.maker,
        now=call.now,
    )
    return _order(call, order)


@query(router, "/v1/payment-orders")
def payment_orders(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[OrderOut]:
    """付款指令列表 One's payment orders, oldest first."""
    after = read_cursor("pmo", cursor)
    found = orders.page(call.session, call.actor.party, after=after, size=limit)
    return Page[OrderOut](
        items=[_order(call, order) for order in found],
        next=next_cursor("pmo", [order.id for order in found], limit),
    )


@query(router, "/v1/payment-orders/{payment_order_id}")
def payment_order(call: Call, payment_order_id: PaymentOrderId) -> OrderOut:
    """查看付款指令 A payment order and where it stands."""
    return _order(call, orders.own(call.session, call.actor.party, payment_order_id))


@query(router, "/v1/payment-orders/{payment_order_id}/file", responses=_FILES)
def payment_file(call: Call, payment_order_id: PaymentOrderId) -> Response:
    """下载付款文件 The pain.001 file, byte for byte as it is sent."""
    order = orders.own(call.session, call.actor.party, payment_order_id)
    return download(order.body, f"{order.message_id}.xml", "application/xml")


@command(router, "/v1/payment-orders/{payment_order_id}/approve")
def approve_order(call: Call, payment_order_id: PaymentOrderId, body: ApprovalIn) -> OrderOut:
    """复核付款指令 Approve; it is sent to the bank at once. By another person of the debtor."""
    order = orders.approve(
        call.session, call.actor, payment_order_id, checker=body.checker, now=call.now
    )
    return _order(call, order)


@command(router, "/v1/payment-orders/{payment_order_id}/withdraw")
def withdraw_order(call: Call, payment_order_id: PaymentOrderId) -> OrderOut:
    """撤回付款指令 Give up a draft."""
    return _order(call, orders.withdraw(call.session, call.actor, payment_order_id, now=call.now))


@command(
    router,
    "/v1/bank-reports",
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "camt.052、camt.053 或 camt.054 报文 The message as it is",
            "content": {"application/xml": _BYTES},
        }
    },
)
def receive_report(call: Call, original: RawBody) -> ReportOut:
    """报送账户流水 Hand in a camt message over accounts that one keeps. By a bank; the same again changes nothing."""
    return ReportOut.of(entries.receive(call.session, call.actor, original, now=call.now))


@query(router, "/v1/bank-entries")
def bank_entries(
    call: Call,
    state: EntryState | None = None,
    cursor: str | None = None,
    limit: PageSize = PAGE_SIZE,
) -> Page[EntryOut]:
    """账户流水 What one told of, oldest first; `state=UNMATCHED` is the work list. By a bank."""
    after = read_cursor("bke", cursor)
    found = queries.entries(call.session, call.actor.party, state=state, after=after, size=limit)
    return Page[EntryOut](
        items=[EntryOut.of(row) for row in found],
        next=next_cursor("bke", [row.id for row in found], limit),
    )


@query(router, "/v1/bank-entries/file", responses=_FILES)
def bank_entry_file(
    call: Call, state: EntryState | None = None, form: Format = Format.XLSX
) -> Response:
    """导出账户流水 The newest entries as a file, as far as a sheet is read. By a bank."""
    found = queries.newest_entries(call.session, call.actor.party, state=state, size=EXPORTED_MAX)
    rows = [_ENTRIES, *(_entry_row(row) for row in found)]
    return hand_out("账户流水", [Sheet("账户流水", rows)], form)


@query(router, "/v1/bank-entries/{bank_entry_id}")
def bank_entry(call: Call, bank_entry_id: BankEntryId) -> EntryOut:
    """查看流水 One entry."""
    return EntryOut.of(matching.own_entry(call.session, call.actor.party, bank_entry_id))


@command(router, "/v1/bank-entries/{bank_entry_id}/assign")
def assign_entry(call: Call, bank_entry_id: BankEntryId, body: AssignIn) -> EntryOut:
    """人工认领 Say what an unmatched entry pays, or takes back. By the bank that told of it."""
    row = entries.assign(call.session, call.actor, bank_entry_id, body.receivable, now=call.now)
    return EntryOut.of(row)


@command(router, "/v1/bank-entries/{bank_entry_id}/unassign")
def unassign_entry(call: Call, bank_entry_id: BankEntryId, body: NothingIn) -> EntryOut:
    """撤销认领 Take back what one assigned by hand: the payment is reversed, the entry waits again."""
    del body
    return EntryOut.of(entries.unassign(call.session, call.actor, bank_entry_id, now=call.now))


@query(router, "/v1/astray-payments")
def astray_payments(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[AstrayOut]:
    """未付至回款账户的付款 Money that went to another account than the one named, oldest first."""
    after = read_cursor("pay", cursor)
    found = queries.astray(call.session, call.actor.party, after=after, size=limit)
    return Page[AstrayOut](
        items=[AstrayOut.of(*one) for one in found],
        next=next_cursor("pay", [payment.id for payment, _, _ in found], limit),
    )


@command(router, "/v1/receivables/{receivable_id}/account-changes", status=201)
def propose_change(call: Call, receivable_id: ReceivableId, body: ChangeIn) -> ChangeOut:
    """发起回款账户变更 Propose another account. By creditor or debtor; everybody concerned signs."""
    change = accounts.propose(
        call.session,
        call.actor,
        receivable_id,
        body.pay_to.value(),
        reason=body.reason,
        now=call.now,
    )
    return _change(call, change)


@query(router, "/v1/account-changes")
def account_changes(
    call: Call, cursor: str | None = None, limit: PageSize = PAGE_SIZE
) -> Page[ChangeOut]:
    """回款账户变更列表 The changes that one signs, oldest first."""
    after = read_cursor("acg", cursor)
    found = accounts.page(call.session, call.actor.party, after=after, size=limit)
    return Page[ChangeOut](
        items=[_change(call, change) for change in found],
        next=next_cursor("acg", [change.id for change in found], limit),
    )


@query(router, "/v1/account-changes/{account_change_id}")
def account_change(call: Call, account_change_id: AccountChangeId) -> ChangeOut:
    """查看回款账户变更 A change, who has to sign it and who did."""
    return _change(call, accounts.visible(call.session, call.actor.party, account_change_id))


@command(router, "/v1/account-changes/{account_change_id}/draft")
def draft_change(call: Call, account_change_id: AccountChangeId, body: SignersIn) -> DraftOut:
    """生成变更文件 Write one's part of the change, to sign."""
    return _draft(call, accounts.SIGNED, account_change_id, body)


@command(router, "/v1/account-changes/{account_change_id}/sign")
def sign_change(call: Call, account_change_id: AccountChangeId, body: SignedIn) -> ChangeOut:
    """签署变更 Hand one's part back, signed; with the last signature the new account is the named one."""
    return _change(call, _sign(call, accounts.SIGNED, account_change_id, body))


@command(router, "/v1/account-changes/{account_change_id}/end")
def end_change(call: Call, account_change_id: AccountChangeId, body: EndIn) -> ChangeOut:
    """终止变更 Take one's proposal back, or refuse it. By anybody who signs it."""
    change = accounts.end(call.session, call.actor, account_change_id, reason=body.reason)
    return _change(call, change)


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


@query(router, "/v1/reconciliations/{reconciliation_id}")
def reconciliation(call: Call, reconciliation_id: ReconciliationId) -> ReconciliationOut:
    """查看对账函 A month's balance."""
    return _reconciliation(
        call, reconciling.visible(call.session, call.actor.party, reconciliation_id)
    )


@query(router, "/v1/reconciliations/{reconciliation_id}/file", responses=_FILES)
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


def _due_row(due: maturities.Due) -> list[Cell]:
    line = MaturityOut.of(due)
    one = due.receivable
    return [
        *(due.due_on.isoformat(), _PARTS[due.part], due.supplier.name, due.supplier.uscc),
        *(one.line_no, one.contract_no or "", one.currency),
        *(line.confirmed, line.paid, line.ordered, line.outstanding),
        *(line.pay_to.name, line.pay_to.account, line.pay_to.bank),
        line.model_dump(mode="json")["receivable"],
    ]


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


def _entry_row(row: BankEntry) -> list[Cell]:
    shown = EntryOut.of(row).model_dump(mode="json")
    return [
        *(row.booked_on.isoformat(), row.account, row.reference, _WAYS[row.direction]),
        *("是" if row.reversal else "", row.currency, row.amount),
        *(row.other_name, row.other_account, row.other_bank, row.remittance, row.end_to_end),
        *(_STATES[row.state], row.problem or "", shown["receivable"] or "", shown["id"]),
    ]


def _order(call: Call, order: PaymentOrder) -> OrderOut:
    return OrderOut.of(order, orders.lines_of(call.session, order.id))


def _change(call: Call, change: AccountChange) -> ChangeOut:
    receivable = call.session.get_one(Receivable, change.receivable_id)
    return ChangeOut.of(change, call.actor.party, receivable)


def _reconciliation(call: Call, found: Reconciliation) -> ReconciliationOut:
    return ReconciliationOut.of(found, reconciling.objections(call.session, [found.id]))
