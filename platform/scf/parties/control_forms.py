"""Papers of goods that are pledged and watched: 监管协议, 出质通知书 with its 回执, 处置通知书."""

from collections.abc import Mapping
from typing import Any, Final

from scf.parties.forms import Fields, Form, Names, day, money, party, plain

KEPT: Final = "kept"
_KINDS: Final = {"static": "静态质押", "floating": "动态质押（最低控货）"}
_SHARES: Final = {
    "advance_bps": "质押率",
    "warning_bps": "预警线高于补货线",
    "disposal_bps": "处置线（债务占质物价值）",
    "price_fall_bps": "价格较出质时下跌的处置线",
    "stale_bps": "价格过期时另扣",
}
_DAYS: Final = {
    "stale_days": "价格过期（交易日）",
    "cure_days": "补足期限（工作日）",
    "notice_days": "处置前通知（日）",
}


def kind(names: Names, value: Any) -> str:
    """Show whether the goods stay, or may come and go above a floor."""
    return _KINDS.get(str(value)) or plain(names, value)


def shares(names: Names, value: Any) -> str:
    """Show the lines as per cent, each under its name."""
    if not isinstance(value, dict) or not value.keys() <= _SHARES.keys():
        return plain(names, value)
    return "\n".join(f"{_SHARES[name]}：{_percent(value[name])}" for name in sorted(value))


def days(names: Names, value: Any) -> str:
    """Show the days, each under its name."""
    if not isinstance(value, dict) or not value.keys() <= _DAYS.keys():
        return plain(names, value)
    return "\n".join(f"{_DAYS[name]}：{value[name]}" for name in sorted(value))


def goods(names: Names, value: Any) -> str:
    """Show each kind of goods with the series that prices it and its haircuts."""
    known = {"goods", "series", "quality_bps", "liquidity_bps"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == known for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{number}. {plain(names, one['goods'])}，价格序列 {plain(names, one['series'])}，"
        f"质量折扣 {_percent(one['quality_bps'])}，流动性折扣 {_percent(one['liquidity_bps'])}"
        for number, one in enumerate(value, 1)
    )


def pledges(names: Names, value: Any) -> str:
    """Show each pledge with its receipt and quantity."""
    known = {"pledge", "receipt", "goods", "quantity"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == known and isinstance(one["quantity"], dict)
        for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{number}. 仓单 {plain(names, one['receipt'])}，{plain(names, one['goods'])} "
        f"{one['quantity'].get('quantity')} {one['quantity'].get('unit')}（{one['pledge']}）"
        for number, one in enumerate(value, 1)
    )


def insured(names: Names, value: Any) -> str:
    """Show whether insurance is owed."""
    told = {True: "保险金额不低于质物价值，到期前续保", False: "未约定"}
    return told[value] if isinstance(value, bool) else plain(names, value)


def _percent(value: Any) -> str:
    whole, rest = divmod(value, 100) if isinstance(value, int) else (value, 0)
    return f"{whole}.{rest:02d}%"


_THREE: Final[Fields] = {
    "pledgor": ("出质人", party),
    "pledgee": ("质权人", party),
    "supervisor": ("监管方", party),
}
_CONTROL: Final = (
    ("三方", {**_THREE, "contract_sha256": ("主债权合同", plain)}),
    (
        "质物",
        {
            "kind": ("质押方式", kind),
            "goods": ("品种与计价", goods),
            "floor": (
                "约定最低控货价值",
                lambda n, v: "按质押率计算" if v is None else money(n, v),
            ),
            "insured": ("保险", insured),
        },
    ),
    (
        "控货线",
        {"currency": ("币种", plain), "shares_bps": ("比例", shares), "days": ("期限", days)},
    ),
)
_KEEPING: Final = (
    ("各方", {**_THREE, "keeper": ("保管人", party)}),
    ("出质货物", {"pledges": ("仓单与数量", pledges)}),
)
CONTROL_FORMS: Final[Mapping[str, Form]] = {
    "entrust": Form(
        "质物监管协议（出质人）",
        "我单位以下列条件将质物交由监管方监管；质物价值低于约定各线时按约定补足，逾期未补足的质权人可依法处置：",
        _CONTROL,
    ),
    "supervise": Form(
        "质物监管协议（监管方）",
        "我单位接受质权人委托监管质物，非经质权人签署的解除通知不放行：",
        _CONTROL,
    ),
    "appoint": Form(
        "质物监管协议（质权人）",
        "我行委托监管方按下列条件监管质物：",
        _CONTROL,
    ),
    "dispose": Form(
        "质物处置通知书",
        "因担保未按约补足，我行自下列日期起可依法拍卖、变卖质物，参照市场价格，余款返还出质人"
        "（民法典第四百三十三条、第四百三十六条、第四百三十八条）：",
        (("处置", {"sale_from_on": ("可处置起始日", day), "reason": ("原因", plain)}),),
    ),
}
CONTROL_VARIANTS: Final[Mapping[tuple[str, str], Form]] = {
    ("notify", KEPT): Form(
        "出质通知书（出质人）", "我单位已将存放于贵处的下列货物出质：", _KEEPING
    ),
    ("countersign", KEPT): Form(
        "出质通知书（质权人）", "我行为下列货物的质权人，非经我行签署解除通知不得出库：", _KEEPING
    ),
    ("acknowledge", KEPT): Form(
        "出质通知书回执", "我单位已收到出质通知书，凭质权人签署的解除通知放货：", _KEEPING
    ),
}
