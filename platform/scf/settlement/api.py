"""Endpoints of payment and 回款."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from scf.http.bodies import RawBody
from scf.http.calls import Call, command, query
from scf.http.downloads import download
from scf.http.paging import PAGE_SIZE, Page, next_cursor, read_cursor
from scf.http.schemas import (
    BankEntryId,
    DateText,
    NothingIn,
    PageSize,
    PartyId,
    PaymentOrderId,
)
from scf.http.sheets import FILES, Cell, Format, Sheet, hand_out
from scf.settlement import (
    entries,
    matching,
    maturities,
    orders,
    queries,
    transfers,
)
from scf.settlement.camt import Direction
from scf.settlement.maturities import Filter, Part
from scf.settlement.models import BankEntry, EntryState, PaymentOrder
from scf.settlement.order_schemas import ApprovalIn, OrderIn, OrderOut
from scf.settlement.schemas import (
    AssignIn,
    AstrayOut,
    EntryOut,
    MaturitiesOut,
    MaturityOut,
    ReportOut,
    TotalOut,
)

router = APIRouter(tags=["settlement 付款与回款"])

_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_XML: Final[dict[int | str, Any]] = {200: {"content": {"application/xml": _BYTES}}}
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


@query(router, "/v1/maturities/file", responses=FILES)
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


@query(router, "/v1/payment-orders/{payment_order_id}/file", responses=_XML)
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


@query(router, "/v1/bank-entries/file", responses=FILES)
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


def _entry_row(row: BankEntry) -> list[Cell]:
    shown = EntryOut.of(row).model_dump(mode="json")
    return [
        *(row.booked_on.isoformat(), row.account, row.reference, _WAYS[row.direction]),
        *("是" if row.reversal else "", row.currency, row.amount),
        *(row.other_name, row.other_account, row.other_bank, row.remittance, row.end_to_end),
        *(_STATES[row.state], row.problem or "", shown["receivable"] or "", shown["id"]),
    ]


def _order(call: Call, order: PaymentOrder) -> OrderOut:
    lines = orders.lines_of(call.session, order.id)
    return OrderOut.of(order, lines, transfers.of(call.session, order.id))
