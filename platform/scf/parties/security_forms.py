"""Papers that read otherwise for an assignment, a factoring or a split than for a pledge of the whole."""

from collections.abc import Mapping
from typing import Any, Final

from scf.parties.control_forms import CONTROL_FORMS, CONTROL_VARIANTS, KEPT
from scf.parties.forms import (
    FORMS,
    TRANSFER,
    Fields,
    Form,
    Names,
    account,
    money,
    parties,
    party,
    plain,
    principal,
)
from scf.parties.transit_forms import (
    TRANSIT,
    TRANSIT_FORMS,
    TRANSIT_VARIANTS,
    is_journey,
)
from scf.parties.warehouse_forms import GOODS, GOODS_VARIANTS, WAREHOUSE_FORMS, is_over_goods

SPLIT: Final = "split"
RELEASED: Final = "released"
REASSIGNED: Final = "reassigned"


def parts(names: Names, value: Any) -> str:
    """Show who is paid how much, into which account, one after the other."""
    known = {"payee", "amount", "pay_to"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == known for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{number}. {party(names, one['payee'])}：{money(names, one['amount'])}\n"
        + account(names, one["pay_to"])
        for number, one in enumerate(value, 1)
    )


_FUNDED: Final[Fields] = {"principal": ("融资款", principal)}
_PAY_TO: Final[Fields] = {"pay_to": ("付款账户", account)}
_REASON: Final[Fields] = {"reason": ("原因", plain)}
_SPLIT: Final = (
    (
        "应收账款",
        {
            "owners": ("债权人与付款义务人", parties),
            "holders": ("权利人", parties),
            "confirmed": ("确认金额", money),
            "outstanding": ("未付金额", money),
        },
    ),
    (
        "分割",
        {
            "parts": ("各权利人的份额与账户", parts),
            "rest": ("债权人的份额", money),
            "pay_to": ("债权人的账户", account),
            "reason": ("分割原因", plain),
        },
    ),
)

VARIANTS: Final[Mapping[tuple[str, str], Form]] = {
    ("account", SPLIT): Form(
        "应收账款付款分割协议",
        "我单位同意将下列应收账款的付款分割为各权利人的份额；付款义务人按份额分别向各账户付款：",
        _SPLIT,
    ),
    ("consent", SPLIT): Form(
        "权利人同意付款分割通知书",
        "我行作为权利人，同意下列应收账款的付款分割：",
        _SPLIT,
    ),
    ("acknowledge", RELEASED): Form(
        "解除应收账款质押通知书回执",
        "我单位作为应收账款债务人，已收到解除质押的通知，此后按下列账户付款：",
        (*FORMS["acknowledge"].sections,),
    ),
    ("acknowledge", REASSIGNED): Form(
        "应收账款反转让通知书回执",
        "我单位作为应收账款债务人，已收到应收账款转回原债权人的通知，此后按下列账户付款：",
        (("所收到的通知", TRANSFER), ("付款账户", _PAY_TO), ("原因", _REASON)),
    ),
    **{
        (act, kind): form
        for kind, name in (("assignment", "应收账款转让"), ("factoring", "保理"))
        for act, form in {
            "pledge": Form(
                f"{name}合同要点",
                "我单位将下列应收账款转让给受让人，取得融资；转让自合同成立时在双方之间生效，登记后可对抗其他权利人，"
                "通知债务人后对债务人发生效力（民法典第五百四十五条、第五百四十六条、第七百六十八条）：",
                (("转让", TRANSFER), ("融资", _FUNDED)),
            ),
            "accept": Form(
                "接受应收账款转让通知书",
                "我行接受下列应收账款转让，并将办理登记：",
                (("转让", TRANSFER), ("融资", _FUNDED)),
            ),
            "release": Form(
                "应收账款反转让通知书",
                "我行将下列应收账款转回转让人，并将办理注销登记：",
                (("转让", TRANSFER), ("融资", _FUNDED), ("反转让", _REASON)),
            ),
            "acknowledge": Form(
                "应收账款转让通知书回执",
                "我单位作为应收账款债务人，已收到下列应收账款转让通知书，知悉应收账款已经转让，并按下列账户付款：",
                (("所收到的通知", TRANSFER), ("付款账户", _PAY_TO)),
            ),
        }.items()
    },
}
"""(act, what its content tells) -> the paper."""


def form_of(value: Mapping[str, Any]) -> Form:
    """Return the paper that a statement is, by its act and by what its content tells."""
    act, content = value["act"], value["content"]
    variant = (act, _variant(act, content))
    varied = VARIANTS.get(variant) or GOODS_VARIANTS.get(variant) or CONTROL_VARIANTS.get(variant)
    varied = varied or TRANSIT_VARIANTS.get(variant)
    rest = {**CONTROL_FORMS, **TRANSIT_FORMS, **WAREHOUSE_FORMS}
    return varied or FORMS.get(act) or rest[act]


def _variant(act: str, content: Mapping[str, Any]) -> str:
    if "parts" in content:
        return SPLIT
    if "keeper" in content and "pledges" in content:
        return KEPT
    if is_journey(content):
        return TRANSIT
    if is_over_goods(content):
        return GOODS
    security = content.get("security")
    kind = str(security.get("kind")) if isinstance(security, dict) else ""
    if act == "acknowledge" and "reason" in content:
        return REASSIGNED if kind else RELEASED
    return kind
