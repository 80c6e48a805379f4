"""A dealer's vehicles in the second act: pledged as one receipt, each leaving by its VIN once it is paid for."""

from typing import Any, Final

from scf.kernel.calendar import add_months
from scf.kernel.money import Money
from scf.story.goods import (
    contract,
    hand_over,
    issue,
    offer,
    pieces,
    release_part,
    take_in,
    text_of,
)
from scf.story.scenes import text_of as yuan
from scf.story.warehouse import Yard

VEHICLES: Final = {
    "LSVAA4189R2123453": "HGZ-2026-0453",
    "LSVAA4180R2123454": "HGZ-2026-0454",
    "LSVAA4182R2123455": "HGZ-2026-0455",
}
"""VIN -> number of its certificate (合格证)."""
SOLD: Final = tuple(VEHICLES)[:2]
PAID: Final = Money.parse("84000.00")  # what is repaid for each
ONE: Final = pieces(1)


def store(yard: Yard) -> dict[str, Any]:
    """Three vehicles come in, each by VIN and with its certificate; one receipt covers them."""
    yard.story.on("车辆入库", "A dealer's vehicles come in", yard.season.stored_on, "15:00")
    units = [
        {"name": vin, "certificate_no": certificate, "quantity": ONE}
        for vin, certificate in VEHICLES.items()
    ]
    lot = take_in(
        yard,
        "QC-01",
        yard.dealer,
        pieces(len(VEHICLES)),
        goods="乘用车",
        warehouse="港桥 3 号车库",
        location="V-01",
        units=units,
    )
    terms = {"quality": "新车，随车合格证", "storage_fee": "每辆每日 8 元"}
    issued = issue(yard, "QC-01", lot, **terms)
    rows = {"仓单号": issued["number"], "数量": text_of(issued["quantity"])}
    rows |= {
        f"第 {place} 辆": f"{vin}，合格证 {VEHICLES[vin]}" for place, vin in enumerate(VEHICLES, 1)
    }
    yard.story.show(yard.keeper, "电子仓单（车辆）", rows, result="已签发，逐辆登记车架号")
    return issued


def pledge(yard: Yard, found: dict[str, Any]) -> str:
    """The dealer pledges them for what the bank lends on all three; return the pledge."""
    lent = Money(PAID.minor * len(VEHICLES))
    text = f"{yard.dealer.name}以仓单 {found['number']} 出质，向{yard.bank.name}借款 {lent} 元"
    principal = {
        "contract_sha256": contract(yard, "车辆质押合同.txt", [text]),
        "amount": lent.to_json(),
        "rate": "0.0480",
        "due_on": add_months(yard.season.pledged_on, 3).isoformat(),
    }
    return offer(yard, "QC-01", yard.dealer, found, principal)


def sell(yard: Yard, pledge_id: str, found: dict[str, Any]) -> dict[str, Any]:
    """Each vehicle that is paid for is signed free by the bank, ordered out by its VIN, and handed over.

    Return which have left against which payment, and how many are pledged still, for the report.
    """
    gone, rest = [], found["quantity"]
    yard.story.on("车辆还款赎货", "Vehicles leave one by one", yard.season.topped_on, "10:30")
    for place, vin in enumerate(SOLD, 1):
        name, repaid = f"QC-01:{vin}", f"HK{yard.season.topped_on:%Y%m%d}{place:05}"
        reason = f"{vin} 已还款 {PAID} 元，回单 {repaid}"
        release_part(yard, name, pledge_id, ONE, reason)
        order = {
            "order_no": f"QC-{place:04}",
            "quantity": ONE,
            "taker": "购车人自提",
            "units": [vin],
        }
        left = hand_over(yard, name, yard.dealer, found, order)
        rest = left["lots"][0]["quantity"]
        gone.append({"vin": vin, "repaid": PAID.to_json(), "receipt_no": repaid})
        rows = {
            "还款": f"{yuan(PAID.to_json())}，回单 {repaid}",
            "部分解除质押通知书": f"{text_of(ONE)}，银行经办、复核已签",
            "提货通知书": f"{order['order_no']}，车架号 {vin}",
            "在库、仍质押": text_of(rest),
        }
        yard.story.show(yard.keeper, f"出库第 {place} 辆", rows, result="钱到车放")
    return {"left": gone, "pledged": rest}
