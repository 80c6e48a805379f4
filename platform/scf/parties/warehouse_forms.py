"""The papers of a warehouse: 入库确认单, 仓单, 背书, 提货通知书, 出库单; and pledges over a receipt."""

from collections.abc import Mapping
from typing import Any, Final

from scf.kernel.quantity import Quantity, QuantityInvalid
from scf.parties.forms import (
    Fields,
    Form,
    Names,
    day,
    money,
    parties,
    party,
    plain,
    principal,
    rate,
)

GOODS: Final = "goods"
_MEDIA: Final = {"electronic": "电子", "paper": "纸质"}


def quantity(names: Names, value: Any) -> str:
    """Show a quantity with its unit: 140.000 吨."""
    try:
        return Quantity.from_json(value).words
    except QuantityInvalid:
        return plain(names, value)


def count(names: Names, value: Any) -> str:
    """Show a number of pieces."""
    return f"{value} 件" if type(value) is int else plain(names, value)


def share(names: Names, value: Any) -> str:
    """Show a share: 0.001 is 0.1%."""
    return rate(names, value).removeprefix("年利率 ")


def lots(names: Names, value: Any) -> str:
    """Show how much of which lot, one a line."""
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == {"lot", "quantity"} for one in value
    ):
        return plain(names, value)
    return "\n".join(f"{one['lot']}：{quantity(names, one['quantity'])}" for one in value)


def scales(names: Names, value: Any) -> str:
    """Show who saw how much leave, one a line."""
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == {"source", "quantity"} for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{party(names, one['source'])}：{quantity(names, one['quantity'])}" for one in value
    )


def insurance(names: Names, value: Any) -> str:
    """Show what the goods are insured for."""
    if not isinstance(value, dict) or value.keys() != {"insurer", "policy", "amount", "until"}:
        return "未办理" if value is None else plain(names, value)
    return (
        f"{plain(names, value['insurer'])}，保单 {plain(names, value['policy'])}，保险金额 "
        f"{money(names, value['amount'])}，至 {day(names, value['until'])}"
    )


def texts(names: Names, value: Any) -> str:
    """Show texts one a line."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return plain(names, value)
    return "\n".join(value) or "无"


def medium(names: Names, value: Any) -> str:
    """Show how a receipt exists."""
    return _MEDIA.get(value, value) if isinstance(value, str) else plain(names, value)


def numbers(names: Names, value: Any) -> str:
    """Show the receipts that others become, one a line."""
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == {"number", "quantity"} for one in value
    ):
        return plain(names, value)
    return "\n".join(f"{one['number']}：{quantity(names, one['quantity'])}" for one in value)


_PARTIES: Final[Fields] = {
    "keeper": ("保管人", party),
    "supervisor": ("监管方", party),
    "depositor": ("存货人", party),
    "depositor_address": ("存货人住所", plain),
    "holder": ("持有人", party),
}
_GOODS: Final[Fields] = {
    "goods": ("仓储物名称", plain),
    "grade": ("规格、牌号", plain),
    "quality": ("质量", plain),
    "packing": ("包装", plain),
    "pieces": ("件数", count),
    "marks": ("标记", plain),
    "quantity": ("数量", quantity),
    "declared": ("申报数量", quantity),
    "loss_standard": ("损耗标准", share),
    "units_sha256": ("逐件清单摘要", plain),
    "warehouse": ("储存场所", plain),
    "location": ("库位", plain),
    "lots": ("所在批次", lots),
}
_TERMS: Final[Fields] = {
    "kind": ("凭证种类", plain),
    "medium": ("介质", medium),
    "number": ("仓单编号", plain),
    "stored_from": ("储存起始日", day),
    "stored_until": ("储存期限至", day),
    "storage_fee": ("仓储费", plain),
    "insurance": ("保险", insurance),
    "issued_at": ("填发地", plain),
    "issued_on": ("填发日期", day),
    "of": ("由下列仓单分割或合并而成", texts),
}
_PROOF: Final[Fields] = {
    "papers": ("所附单据摘要", texts),
    "pool": ("额度池编号", plain),
    "pool_secret_sha256": ("额度池密钥摘要", plain),
}
_ENDORSEMENT: Final[Fields] = {
    "from": ("背书人", party),
    "to": ("被背书人", party),
    "keeper": ("保管人", party),
    "title": ("背书人取得仓单的存证摘要", plain),
}
_WITHDRAWAL: Final[Fields] = {
    "order_no": ("提货通知书编号", plain),
    "holder": ("提货人（持有人）", party),
    "keeper": ("保管人", party),
    "quantity": ("提货数量", quantity),
    "units_sha256": ("逐件清单摘要", plain),
    "taker": ("承运人、车号或领货人", plain),
    "rest": ("出库后剩余数量", quantity),
    "weighed": ("各方称重", scales),
    "papers": ("磅单、出库单、出门证摘要", texts),
}
_DIVISION: Final[Fields] = {
    "holder": ("持有人", party),
    "keeper": ("保管人", party),
    "pledgees": ("质权人", parties),
    "of": ("原仓单", texts),
    "into": ("新仓单", numbers),
}
_CANCELLATION: Final[Fields] = {
    "holder": ("持有人", party),
    "keeper": ("保管人", party),
    "rest": ("仓单项下剩余数量", quantity),
    "title": ("持有人取得仓单的存证摘要", plain),
}
_AMENDMENT: Final[Fields] = {
    "keeper": ("保管人", party),
    "medium": ("介质", medium),
    "stored_until": ("储存期限至", day),
    "storage_fee": ("仓储费", plain),
    "insurance": ("保险", insurance),
    "reason": ("变更原因", plain),
}
_PLEDGE: Final[Fields] = {
    "pledgor": ("出质人", party),
    "pledgee": ("质权人", party),
    "amount": ("质押的仓储物数量", quantity),
    "receivable_event": ("仓单填发或背书的存证摘要", plain),
    "pool": ("额度池编号", plain),
    "signed_event": ("出质人签署的存证摘要", plain),
}
_SECURED: Final[Fields] = {"principal": ("被担保的主债权", principal)}
_RELEASED: Final[Fields] = {
    "pledgee": ("质权人", party),
    "released": ("本次解除的数量", quantity),
    "rest": ("仍质押的数量", quantity),
    "reason": ("原因", plain),
}

_ALARM: Final[Fields] = {
    "lot": ("货物批次", plain),
    "owners": ("保管人与监管方", parties),
    "holders": ("质权人", parties),
    "reason": ("查明的原因", plain),
}

WAREHOUSE_FORMS: Final[Mapping[str, Form]] = {
    "store": Form(
        "入库确认单",
        "我单位作为保管人，确认下列货物已验收入库（民法典第九百零七条、第九百零八条）：",
        (("当事人", _PARTIES), ("货物", _GOODS), ("依据", _PROOF)),
    ),
    "lift": Form(
        "库存预警解除单",
        "经共同核查，下列货物账实相符，预警所依据的差异已查明原因，现解除预警、恢复仓单效力：",
        (("预警", _ALARM),),
    ),
    "waive": Form(
        "质权人解除库存预警通知书",
        "我行作为质权人，已知悉差异及其原因，同意解除下列货物的预警、恢复仓单效力：",
        (("预警", _ALARM),),
    ),
    "issue": Form(
        "仓单",
        "我单位作为保管人，填发下列仓单；仓单是提取仓储物的凭证（民法典第九百零八条至第九百一十条）：",
        (("当事人", _PARTIES), ("仓储物", _GOODS), ("仓单事项", _TERMS), ("依据", _PROOF)),
    ),
    "endorse": Form(
        "仓单背书",
        "我单位作为仓单持有人，将下列仓单背书转让；经保管人签章后生效（民法典第九百一十条）：",
        (("背书", _ENDORSEMENT),),
    ),
    "attest": Form(
        "仓单背书签章",
        "我单位作为保管人，对下列仓单背书签章，此后向被背书人交付仓储物（民法典第九百一十条）：",
        (("背书", _ENDORSEMENT),),
    ),
    "withdraw": Form(
        "提货通知书",
        "我单位作为仓单持有人，请保管人按下列内容交付仓储物：",
        (("提货", _WITHDRAWAL),),
    ),
    "deliver": Form(
        "出库单",
        "我单位作为保管人，已按提货通知书交付下列仓储物：",
        (("出库", _WITHDRAWAL),),
    ),
    "divide": Form(
        "仓单分割、合并申请",
        "我单位作为仓单持有人，请保管人将下列仓单分割或合并，另行填发仓单：",
        (("分割、合并", _DIVISION),),
    ),
    "surrender": Form(
        "仓单注销申请",
        "我单位作为仓单持有人，交回下列仓单并请保管人注销，不提取仓储物：",
        (("注销", _CANCELLATION),),
    ),
    "cancel": Form(
        "仓单注销",
        "我单位作为保管人，已收回并注销下列仓单：",
        (("注销", _CANCELLATION),),
    ),
    "amend": Form(
        "仓单变更",
        "我单位作为保管人，将下列事项记载于仓单：",
        (("变更后的事项", _AMENDMENT),),
    ),
}
"""Act -> the paper."""

GOODS_VARIANTS: Final[Mapping[tuple[str, str], Form]] = {
    ("pledge", GOODS): Form(
        "仓单质押合同要点",
        "我单位以下列仓单项下的仓储物出质，担保质权人的债权；以仓单出质的，质权自交付仓单时设立，没有权利凭证的，"
        "自办理出质登记时设立（民法典第四百四十一条）：",
        (("质押", _PLEDGE), ("担保", _SECURED)),
    ),
    ("accept", GOODS): Form(
        "接受仓单质押通知书",
        "我行接受下列仓单质押，并将办理登记：",
        (("质押", _PLEDGE), ("担保", _SECURED)),
    ),
    ("consent", GOODS): Form(
        "质权人同意仓单分割、合并",
        "我行作为质权人，同意将下列仓单分割或合并，质权及于新仓单：",
        (("分割、合并", _DIVISION),),
    ),
    ("release", GOODS): Form(
        "部分解除质押通知书",
        "我行解除下列数量仓储物的质押，其余仍为我行债权的担保：",
        (("解除", _RELEASED),),
    ),
}
"""(act, what it is about) -> the paper over goods."""


def is_over_goods(content: Mapping[str, Any]) -> bool:
    """Say whether a pledge, a release or a consent is about a quantity of goods."""
    measured = content.get("released", content.get("amount"))
    return "into" in content or (isinstance(measured, dict) and "unit" in measured)
