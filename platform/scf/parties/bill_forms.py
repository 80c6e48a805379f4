"""The papers of carriers' and keepers' bills: 仓储费率协议, 物流费用账单, 账单确认书."""

from collections.abc import Mapping
from typing import Any, Final

from scf.parties.forms import Fields, Form, Names, account, day, days, money, parties, party, plain
from scf.parties.warehouse_forms import quantity

_KINDS: Final = {"freight": "运费", "storage": "仓储费", "claim": "货损索赔"}
_UNITS: Final = {"TNE": "吨", "KGM": "千克", "MTQ": "立方米", "C62": "件"}
_ITEM: Final = {"receipt", "consignment", "first_on", "last_on", "quantity", "rate", "amount"}


def kind(names: Names, value: Any) -> str:
    """Show what is billed."""
    return _KINDS.get(value, value) if isinstance(value, str) else plain(names, value)


def unit(names: Names, value: Any) -> str:
    """Show a unit of goods by its Chinese name."""
    return _UNITS.get(value, value) if isinstance(value, str) else plain(names, value)


def items(names: Names, value: Any) -> str:
    """Show what is billed, one a line: a journey, or days of storage; so much, at which rate."""
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == _ITEM for one in value
    ):
        return plain(names, value)
    return "\n".join(f"{number}. {_item(names, one)}" for number, one in enumerate(value, 1))


def _item(names: Names, one: Mapping[str, Any]) -> str:
    if one["consignment"] is not None:
        of, much = f"运单 {one['consignment']}", quantity(names, one["quantity"])
    else:
        period = f"{day(names, one['first_on'])}至{day(names, one['last_on'])}"
        of, much = f"仓单 {one['receipt']} {period}", f"{quantity(names, one['quantity'])}·日"
    return f"{of}，{much}，费率 {money(names, one['rate'])}，金额 {money(names, one['amount'])}"


def answers(names: Names, value: Any) -> str:
    """Show what is accepted of each item, one a line, and why not the whole."""
    known = {"item", "accepted", "reason"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == known for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"第 {one['item']} 项：接受 {money(names, one['accepted'])}"
        + (f"；理由：{one['reason']}" if one["reason"] else "")
        for one in value
    )


def until(names: Names, value: Any) -> str:
    """Show the last day of a tariff."""
    return "长期有效" if value is None else day(names, value)


_SIDES: Final[Fields] = {"payee": ("收款方", party), "payer": ("付款方", party)}
_TARIFF: Final[Fields] = {
    "parties": ("双方", parties),
    "keeper": ("保管人", party),
    "client": ("存货方", party),
    "rate": ("每计量单位每日费率", money),
    "unit": ("计量单位", unit),
    "payment_days": ("付款期限", days),
    "first_on": ("起始日期", day),
    "last_on": ("截止日期", until),
}
_BILLED: Final[Fields] = {
    "kind": ("费用种类", kind),
    "number": ("账单编号", plain),
    "items": ("明细", items),
    "total": ("合计", money),
    "due_on": ("付款到期日", day),
    "pay_to": ("收款账户", account),
}
_ANSWERED: Final[Fields] = {
    "number": ("账单编号", plain),
    "answers": ("逐项答复", answers),
    "accepted": ("接受金额合计", money),
}

BILL_FORMS: Final[Mapping[str, Form]] = {
    "tariff": Form(
        "仓储费率协议",
        "双方就仓储费率约定如下；仓储费按每日终了时在库数量计算，入库当日计、出库当日不计：",
        (("费率", _TARIFF),),
    ),
    "bill": Form(
        "物流费用账单",
        "我单位就下列已完成的服务或已发生的货损，请贵单位付款：",
        (("双方", _SIDES), ("账单", _BILLED)),
    ),
    "answer": Form(
        "账单确认书",
        "我单位对下列账单逐项答复；接受的金额由我单位按期支付，其余不予接受：",
        (("双方", _SIDES), ("答复", _ANSWERED)),
    ),
}
"""Act -> the paper."""
