"""The papers of a journey: 托运单, 移库同意书, 交运单, 承运接收单, 到货接管确认书, 交付确认单; and of its bills."""

from collections.abc import Mapping
from typing import Any, Final

from scf.parties.bill_forms import BILL_FORMS
from scf.parties.forms import Fields, Form, Names, day, money, parties, party, plain
from scf.parties.warehouse_forms import lots, quantity, share, texts

TRANSIT: Final = "transit"
_MODES: Final = {"road": "公路", "rail": "铁路", "river": "内河", "multimodal": "多式联运"}
_ENDS: Final = {"warehouse": "入库", "buyer": "交付买方"}
_ROLES: Final = {"broker": "中介", "guarantor": "担保", "principal": "自营"}
_FENCES: Final = {"polygon": "区域", "corridor": "沿线"}


def mode(names: Names, value: Any) -> str:
    """Show how the goods travel."""
    return _MODES.get(value, value) if isinstance(value, str) else plain(names, value)


def route(names: Names, value: Any) -> str:
    """Show the stops and their times, one a line."""
    known = {"place", "at", "lat", "lon"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == known for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{number}. {one['place']}（{one['lat']}, {one['lon']}），{day(names, one['at'])}"
        for number, one in enumerate(value, 1)
    )


def fence(names: Names, value: Any) -> str:
    """Show where the goods may be."""
    if not isinstance(value, dict) or value.keys() != {"kind", "points", "tolerance"}:
        return plain(names, value)
    points = "；".join(f"{point['lat']}, {point['lon']}" for point in value["points"])
    kind = _FENCES.get(value["kind"], value["kind"])
    return f"{kind}，容差 {value['tolerance']} 米：{points}"


def minutes(names: Names, value: Any) -> str:
    """Show for how long the goods may stand."""
    if type(value) is not int:
        return plain(names, value)
    return f"{value} 分钟" if value else "不限"


def destination(names: Names, value: Any) -> str:
    """Show where the goods go, and what happens there."""
    if not isinstance(value, dict) or value.keys() != {"kind", "party", "address"}:
        return plain(names, value)
    kind = _ENDS.get(value["kind"], value["kind"])
    return f"{kind}：{party(names, value['party'])}，{value['address']}"


def role(names: Names, value: Any) -> str:
    """Show what the carrier is to the deal."""
    if not isinstance(value, dict) or value.keys() != {"kind", "amount", "fee_rate"}:
        return plain(names, value)
    said = [_ROLES.get(value["kind"]) or plain(names, value["kind"])]
    if value["amount"] is not None:
        said.append(money(names, value["amount"]))
    if value["fee_rate"] is not None:
        said.append(f"费率 {share(names, value['fee_rate'])}")
    return "，".join(said)


_PARTIES: Final[Fields] = {
    "holder": ("托运人（仓单持有人）", party),
    "keeper": ("保管人", party),
    "carrier": ("承运人", party),
    "pledgees": ("质权人", parties),
}
_GOODS: Final[Fields] = {
    "receipt": ("仓单", plain),
    "title": ("持有人取得仓单的存证摘要", plain),
    "quantity": ("数量", quantity),
    "lots": ("所在批次", lots),
}
_JOURNEY: Final[Fields] = {
    "waybill_no": ("运单编号", plain),
    "mode": ("运输方式", mode),
    "vehicles": ("车号、车皮号、船名", texts),
    "device": ("随车定位设备", plain),
    "route": ("路线与时间", route),
    "fence": ("电子围栏", fence),
    "halt_minutes": ("允许停留", minutes),
    "destination": ("目的地", destination),
}
_TERMS: Final[Fields] = {
    "freight_rate": ("每计量单位运费", money),
    "role": ("物流企业角色", role),
}
_PLANNED: Final = (
    ("当事人", _PARTIES),
    ("货物", _GOODS),
    ("运输", _JOURNEY),
    ("费用与角色", _TERMS),
)
_RELOCATED: Final[Fields] = {
    "consignment": ("运单", plain),
    "title": ("持有人取得仓单的存证摘要", plain),
    "carrier": ("承运人", party),
    "keeper_before": ("原保管人", party),
    "keeper": ("现保管人", party),
    "warehouse": ("储存场所", plain),
    "location": ("库位", plain),
    "lot": ("入库批次", plain),
    "carried": ("承运数量", quantity),
    "quantity": ("到货数量", quantity),
    "lost": ("途中短少", quantity),
}
_HANDED_OUT: Final[Fields] = {
    "consignment": ("运单", plain),
    "receipt": ("仓单", plain),
    "holder": ("仓单持有人", party),
    "carrier": ("承运人", party),
    "consignee": ("收货方", party),
    "quantity": ("交付数量", quantity),
    "papers": ("签收单摘要", texts),
}

TRANSIT_FORMS: Final[Mapping[str, Form]] = {
    "consign": Form(
        "托运单",
        "我单位作为仓单持有人，委托承运人运输下列货物；仓单及其上的权利不变：",
        _PLANNED,
    ),
    "hand_over": Form(
        "交运单",
        "我单位作为保管人，已将下列货物交付承运人：",
        _PLANNED,
    ),
    "take_over": Form(
        "承运接收单",
        "我单位作为承运人，已接收下列货物，代仓单持有人与质权人占有，未经质权人解除质押不交付他人：",
        _PLANNED,
    ),
    "receive": Form(
        "到货接管确认书",
        "我单位作为目的地保管人，已将下列货物验收入库，自此按原仓单保管，仓单及其上的质权不变：",
        (("到货", _RELOCATED),),
    ),
    **BILL_FORMS,
}
"""Act -> the paper."""

TRANSIT_VARIANTS: Final[Mapping[tuple[str, str], Form]] = {
    ("consent", TRANSIT): Form(
        "质权人同意移库通知书",
        "我行作为质权人，同意下列出质货物按运单运输，质权不变：",
        _PLANNED,
    ),
    ("deliver", TRANSIT): Form(
        "交付确认单",
        "我单位作为承运人，已将下列货物交付收货方：",
        (("交付", _HANDED_OUT),),
    ),
}
"""(act, what it is about) -> the paper of a journey."""


def is_journey(content: Mapping[str, Any]) -> bool:
    """Say whether a paper is about goods that travel."""
    return "carrier" in content
