"""Copper in the second act: stored, put on a receipt once, pledged, and kept where it lies."""

from datetime import date
from typing import Any, Final

from scf.kernel.calendar import add_months
from scf.story.goods import contract, issue, offer, perfect, receipt, take_in, text_of, tonnes
from scf.story.scenes import percent, time_of
from scf.story.scenes import text_of as yuan
from scf.story.warehouse import Yard, money

GOODS: Final = "阴极铜"
WAREHOUSE: Final = "港桥 1 号仓"
PLACE: Final = "A-12"
STORED: Final = tonnes("140.000")
OVER: Final = tonnes("1.000")
WANTED: Final = tonnes("10.000")
LENT: Final = money("7000000.00")
RATE: Final = "0.0435"
CONTRACT: Final = "仓单质押合同.txt"
TERMS: Final = {"quality": "Cu+Ag ≥ 99.95%", "storage_fee": "每吨每日 0.60 元"}


def store(yard: Yard) -> dict[str, Any]:
    """140 t come in, weighed and assayed by two sources; one receipt covers them, and no second one does."""
    yard.story.on("货物入库", "Goods come in", yard.season.stored_on, "10:00")
    lot: dict[str, Any] = take_in(yard, "TJ-01", yard.trader, STORED, **described(PLACE))
    rows = {
        "货物": f"{lot['goods']} {lot['grade']}，{text_of(lot['stored'])}",
        "库位": f"{lot['warehouse']} {lot['location']}",
        "称重、质检": "保管人、监管方各一份，原件留存摘要",
    }
    yard.story.show(yard.keeper, "入库确认单", rows, result="已入库，货物额度池已开立")
    return lot


def put_on_receipt(yard: Yard, lot: dict[str, Any]) -> dict[str, Any]:
    """Clerk and manager sign the receipt; the lot has nothing left for another."""
    yard.story.on("签发仓单", "The keeper issues the receipt", yard.season.stored_on, "14:00")
    issued = issue(yard, "TJ-01", lot, **TERMS)
    rows = {
        "仓单号": issued["number"],
        "货物": f"{issued['goods']} {text_of(issued['quantity'])}",
        "存货人 / 持单人": yard.trader.name,
        "储存至": issued["stored_until"],
        "签署": "保管人经办、复核各一枚证书",
    }
    yard.story.show(yard.keeper, "电子仓单（民法典第九百零九条）", rows, result="已签发")
    body = receipt(yard, "TJ-02", lot, **TERMS)
    body["lots"] = [{"lot": lot["id"], "quantity": OVER}]
    yard.refused(
        "a second receipt over the same goods",
        yard.keeper,
        "就同一批货物再开仓单",
        "second-receipt",
        "/v1/warehouse-receipts/draft",
        signers=yard.keeper.desk.signers("issue"),
        **body,
    )
    return issued


def pledge(yard: Yard, name: str, found: dict[str, Any]) -> str:
    """The trader pledges a receipt for the one debt; return the pledge."""
    return offer(yard, name, yard.trader, found, principal(yard))


def principal(yard: Yard) -> dict[str, Any]:
    """Return the debt that the copper secures: 7,000,000.00 for half a year."""
    lines = (
        f"借款人、出质人：{yard.trader.name}；贷款人、质权人：{yard.bank.name}",
        f"借款 {yuan(LENT)}，年利率 {percent(RATE)}，{due_on(yard)} 到期",
        f"质物：存放于{yard.keeper.name}的{GOODS}，质押率 70%",
    )
    return {
        "contract_sha256": contract(yard, CONTRACT, lines),
        "amount": LENT,
        "rate": RATE,
        "due_on": due_on(yard).isoformat(),
    }


def due_on(yard: Yard) -> date:
    """Return when the debt is due."""
    return add_months(yard.season.pledged_on, 6)


def show_pledge(yard: Yard, pledge_id: str, found: dict[str, Any]) -> None:
    """The three dates of the receipt's pledge."""
    ready = perfect(yard, "TJ-01", pledge_id)
    rows = {
        "仓单": found["number"],
        "质押数量": text_of(ready["amount"]),
        "主债权": yuan(ready["principal"]["amount"]),
        "登记编号": ready["registration"]["reg_no"],
        "质权设立": time_of(ready["legally_effective_at"]),
        "链上锁定确认": time_of(ready["lock_final_at"]),
        "复查无异议，可放款": time_of(ready["ready_to_disburse_at"]),
    }
    yard.story.show(yard.bank, "仓单质押（登记生效）", rows, result="质权已设立")


def hold_back(yard: Yard, pledge_id: str, found: dict[str, Any]) -> None:
    """The trader orders pledged goods out; nothing leaves, and the bank is told."""
    yard.story.on(
        "未经解除提货", "Goods ordered out without a release", yard.season.pledged_on, "13:30"
    )
    order_out(yard, found, "pledged goods ordered out without a release", "TH-0001")
    told = yard.told("receipt.withdrawal_refused", pledge_id)
    rows = {"事由": "质押货物被申请提货，已拒绝", "数量": text_of(told["fields"]["asked"])}
    rows["通知时间"] = time_of(told["told_at"])
    yard.story.show(yard.bank, "质权人通知", rows, result="货物未动")


def order_out(yard: Yard, found: dict[str, Any], what: str, order_no: str) -> None:
    """The trader drafts a 提货通知书 that is refused."""
    yard.refused(
        what,
        yard.trader,
        "提货通知书",
        f"{order_no}:refused",
        f"/v1/warehouse-receipts/{found['id']}/withdrawal-draft",
        order_no=order_no,
        quantity=WANTED,
        taker="渝川物流 渝C12345",
        signers=yard.trader.desk.signers("withdraw"),
    )


def described(place: str) -> dict[str, Any]:
    """Return what is said of copper at a place."""
    return {
        "goods": GOODS,
        "grade": "Cu-CATH-1",
        "packing": "捆",
        "warehouse": WAREHOUSE,
        "location": place,
        "loss_standard": "0.001",
    }
