"""The papers that statements are: 确权函, 质押合同要点, 贷款条件 and the others, as tables.

A form has a title, a preamble and sections; a section maps a content key to its label and the way its
value is shown. A value of an unexpected shape is shown as it stands.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from scf.kernel.money import AmountInvalid, Money
from scf.papers.amounts import capital_amount
from scf_ledger import shapes

CONSENTS: Final = {
    "pledge": "同意债权人以本应收账款设立质押",
    "assignment": "同意债权人转让本应收账款",
    "pay_only_named_account": "承诺仅向本函载明的账户付款",
    "no_red_invoice": "质押期间未经质权人书面同意，不确认相应发票的红字信息",
}
"""Consents by code; any other text is shown as it stands."""

_DAY_COUNTS: Final = {"ACT/360": "实际天数/360", "ACT/365F": "实际天数/365", "30/360": "30/360"}
_ACCOUNT: Final = {
    "name": "户名",
    "account_name": "户名",
    "account": "账号",
    "account_no": "账号",
    "bank": "开户行",
    "bank_uscc": "开户行统一社会信用代码",
}


@dataclass(frozen=True, slots=True)
class Names:
    """The registered names that the paper itself carries, by USCC."""

    by_code: Mapping[str, str]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Take the names out of a content; whatever else stands there stays."""
        names = content.get("names")
        if not isinstance(names, dict) or not all(isinstance(n, str) for n in names.values()):
            return cls({})
        return cls(content.pop("names"))

    def party(self, code: str) -> str:
        """Return an organisation by name and code."""
        if code not in self.by_code:
            return f"统一社会信用代码 {code}"
        return f"{self.by_code[code]}（统一社会信用代码 {code}）"


Show = Callable[[Names, Any], str]
Fields = Mapping[str, tuple[str, Show]]


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of paper."""

    title: str
    preamble: str
    sections: tuple[tuple[str, Fields], ...]


def plain(_: Names, value: Any) -> str:
    """Show a text as it is, null as 无, anything else as JSON."""
    if value is None:
        return "无"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def party(names: Names, value: Any) -> str:
    """Show an organisation by name and code."""
    return names.party(value) if isinstance(value, str) else plain(names, value)


def parties(names: Names, value: Any) -> str:
    """Show organisations one a line."""
    if not isinstance(value, list) or not value:
        return "无" if value == [] else plain(names, value)
    return "\n".join(party(names, item) for item in value)


def money(names: Names, value: Any) -> str:
    """Show an amount in figures and, for CNY, in capital characters (大写)."""
    try:
        amount = Money.from_json(value)
    except AmountInvalid:
        return plain(names, value)
    if amount.currency != "CNY":
        return f"{amount.currency} {amount}"
    return f"人民币 {amount} 元（大写：{capital_amount(amount.minor)}）"


def day(names: Names, value: Any) -> str:
    """Show a date as 2025年12月19日."""
    try:
        on = date.fromisoformat(value) if shapes.is_date(value) else None
    except ValueError:
        on = None
    if on is None:
        return plain(names, value)
    return f"{on.year}年{on.month}月{on.day}日"


def rate(names: Names, value: Any) -> str:
    """Show a yearly rate in per cent: 0.0385 is 3.85%."""
    if not shapes.is_rate(value):
        return plain(names, value)
    whole, _, decimals = value.partition(".")
    decimals = decimals.ljust(4, "0")
    tail = decimals[2:4] + decimals[4:].rstrip("0")
    return f"年利率 {int(whole + decimals[:2])}.{tail}%"


def days(names: Names, value: Any) -> str:
    """Show a count of days."""
    return f"{value} 天" if type(value) is int else plain(names, value)


def day_count(names: Names, value: Any) -> str:
    """Show the basis on which interest is counted."""
    return _DAY_COUNTS.get(value, value) if isinstance(value, str) else plain(names, value)


def documents(names: Names, value: Any) -> str:
    """Show invoices one a line: number, id, digest of the event that registered it."""
    if not isinstance(value, list) or not all(
        isinstance(d, dict)
        and d.keys() == {"id", "hash", "number"}
        and all(isinstance(part, str) for part in d.values())
        for d in value
    ):
        return plain(names, value)
    lines = [f"{len(value)} 份"]
    lines += [f"发票号码 {d['number']}（{d['id']}，存证摘要 {d['hash']}）" for d in value]
    return "\n".join(lines)


def account(names: Names, value: Any) -> str:
    """Show an account one member a line."""
    if not isinstance(value, dict) or not value:
        return plain(names, value)
    known = [key for key in _ACCOUNT if key in value]
    others = sorted(value.keys() - _ACCOUNT.keys())
    return "\n".join(
        f"{_ACCOUNT.get(key, key)} {plain(names, value[key])}" for key in known + others
    )


def no_setoff(names: Names, value: Any) -> str:
    """Show whether the debtor gives up its defences."""
    if type(value) is not bool:
        return plain(names, value)
    return (
        "对上述确认金额不提出抗辩，不行使抵销权" if value else "保留依法提出抗辩和行使抵销权的权利"
    )


def consents(names: Names, value: Any) -> str:
    """Show consents and undertakings one a line."""
    if not isinstance(value, list) or not value:
        return "无" if value == [] else plain(names, value)
    return "\n".join(
        f"{number}. {CONSENTS.get(item, item) if isinstance(item, str) else plain(names, item)}"
        for number, item in enumerate(value, 1)
    )


def basket(names: Names, value: Any) -> str:
    """Show how many lines a basket has, and their sum."""
    if not isinstance(value, dict) or value.keys() != {"count", "total"}:
        return plain(names, value)
    return f"共 {plain(names, value['count'])} 笔，合计 {money(names, value['total'])}"


def digests(names: Names, value: Any) -> str:
    """Show the digests of a basket's lines one a line."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return plain(names, value)
    return "\n".join(value)


def retention(names: Names, value: Any) -> str:
    """Show the part that falls due on its own date."""
    if not isinstance(value, dict) or value.keys() != {"amount", "due_on"}:
        return plain(names, value)
    return f"{money(names, value['amount'])}，到期日 {day(names, value['due_on'])}"


def counterclaims(names: Names, value: Any) -> str:
    """Show what may be set off one a line."""
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and one.keys() == {"reason", "amount"} for one in value
    ):
        return plain(names, value)
    return "\n".join(
        f"{number}. {plain(names, one['reason'])}：{money(names, one['amount'])}"
        for number, one in enumerate(value, 1)
    )


def assignment_banned(names: Names, value: Any) -> str:
    """Show that a contract bans assignment, and whom that does not bind."""
    if value is not True:
        return plain(names, value)
    return "合同约定不得转让（金钱债权不得以此对抗第三人，民法典第五百四十五条）"


def principal(names: Names, value: Any) -> str:
    """Show the secured debt: contract, amount, rate, due date."""
    if not isinstance(value, dict) or value.keys() != {
        "contract_sha256",
        "amount",
        "rate",
        "due_on",
    }:
        return plain(names, value)
    return "\n".join(
        [
            f"本金 {money(names, value['amount'])}",
            f"利率 {rate(names, value['rate'])}",
            f"到期日 {day(names, value['due_on'])}",
            f"借款合同摘要 {plain(names, value['contract_sha256'])}",
        ]
    )


_SECURITIES: Final = {"assignment": "应收账款转让", "factoring": "保理"}


def security(names: Names, value: Any) -> str:
    """Show what is taken, where it is no pledge: 有追索权明保理."""
    if not isinstance(value, dict) or value.keys() != {"kind", "recourse", "disclosed"}:
        return plain(names, value)
    kind = _SECURITIES.get(value["kind"], str(value["kind"]))
    recourse = "有追索权" if value["recourse"] is True else "无追索权"
    disclosed = "通知债务人（明）" if value["disclosed"] is True else "暂不通知债务人（暗）"
    return f"{kind}，{recourse}，{disclosed}"


_BASKET: Final[Fields] = {
    "basket": ("笔数与金额", basket),
    "lines": ("逐笔明细摘要", digests),
}
_CLAIM: Final[Fields] = {
    "creditor": ("债权人", party),
    "debtor": ("债务人", party),
    "programme": ("融资项目", plain),
    "line_no": ("对账单行号", plain),
    "documents": ("发票", documents),
    "contract_no": ("合同编号", plain),
    "receipt_no": ("收货单号", plain),
    "delivered_on": ("收货日期", day),
    "claimed": ("债权人申报金额", money),
    "due_on": ("付款到期日", day),
}
_CONFIRMED: Final[Fields] = {
    "confirmed": ("确认金额", money),
    "disputed": ("争议金额", money),
    "rejected": ("不予确认金额", money),
    "reason": ("争议或不予确认的原因", plain),
    "retention": ("其中质保金", retention),
}
_UNDERTAKINGS: Final[Fields] = {
    "no_setoff": ("抗辩与抵销", no_setoff),
    "counterclaims": ("可抵销的债权", counterclaims),
    "assignment_banned": ("转让限制", assignment_banned),
    "consents": ("同意与承诺", consents),
}
_POOL: Final[Fields] = {
    "pool": ("额度池编号", plain),
    "pool_secret_sha256": ("额度池密钥摘要", plain),
}
_REFUSAL: Final[Fields] = {"amount": ("涉及金额", money), "reason": ("原因", plain)}
_LOAN: Final[Fields] = {
    "lender": ("贷款人", party),
    "borrower": ("借款人", party),
    "amount": ("贷款金额", money),
    "rate": ("贷款利率", rate),
    "day_count": ("计息基础", day_count),
    "days": ("贷款期限", days),
    "starts_on": ("计划放款日", day),
    "due_on": ("计划到期日", day),
    "interest": ("到期利息", money),
    "repayment": ("还款方式", plain),
    "contract_sha256": ("借款合同摘要", plain),
    "receivable_event": ("确权存证摘要", plain),
}
_PLEDGE: Final[Fields] = {
    "pledgor": ("出质人", party),
    "pledgee": ("质权人", party),
    "amount": ("质押的应收账款金额", money),
    "receivable_event": ("确权存证摘要", plain),
    "pool": ("额度池编号", plain),
    "signed_event": ("出质人签署的存证摘要", plain),
    "security": ("担保方式", security),
}
_DEBTOR_NOTICE: Final[Fields] = {
    "pledgor": ("出质人（应收账款债权人）", party),
    "pledgee": ("质权人", party),
    "debtor": ("应收账款债务人", party),
    "amount": ("质押的应收账款金额", money),
    "receivable_event": ("确权存证摘要", plain),
    "pledge": ("质押编号", plain),
    "pledge_event": ("质押登记存证摘要", plain),
    "reg_no": ("登记证明编号", plain),
}
_SECURED: Final[Fields] = {"principal": ("被担保的主债权", principal)}
TRANSFER: Final[Fields] = {
    "pledgor": ("转让人（原债权人）", party),
    "pledgee": ("受让人（保理人）", party),
    "debtor": ("应收账款债务人", party),
    "security": ("转让方式", security),
    "amount": ("转让的应收账款金额", money),
    "receivable_event": ("确权存证摘要", plain),
    "pool": ("额度池编号", plain),
    "signed_event": ("转让人签署的存证摘要", plain),
    "pledge": ("转让编号", plain),
    "pledge_event": ("登记存证摘要", plain),
    "reg_no": ("登记证明编号", plain),
}
_PAY_TO: Final[Fields] = {"pay_to": ("付款账户", account)}
_EXTENSION: Final[Fields] = {
    "due_on_before": ("原到期日", day),
    "outstanding": ("申请展期时未还本金", money),
    "reason": ("展期原因", plain),
}
_ACCOUNT_CHANGE: Final[Mapping[str, Fields]] = {
    "claim": {
        "owners": ("债权人与付款义务人", parties),
        "holders": ("质权人", parties),
        "confirmed": ("确认金额", money),
        "outstanding": ("未付金额", money),
    },
    "change": {
        "pay_to_before": ("原回款账户", account),
        "pay_to": ("新回款账户", account),
        "reason": ("变更原因", plain),
    },
}
_RECONCILED: Final[Fields] = {
    "parties": ("对账双方", parties),
    "creditor": ("债权人", party),
    "debtor": ("债务人", party),
    "first_on": ("对账期间自", day),
    "last_on": ("对账期间至", day),
    "opening": ("期初余额", money),
    "confirmed": ("本期确认", money),
    "paid": ("本期付款", money),
    "reversed": ("本期付款冲回", money),
    "credited": ("本期红字冲减", money),
    "closing": ("期末余额", money),
    "lines_sha256": ("明细摘要", plain),
}

_STAGE: Final[Fields] = {
    "kind": ("类别", plain),
    "seller": ("销方", party),
    "buyer": ("购方", party),
    "number": ("单据号", plain),
    "issued_on": ("单据日期", day),
    "due_on": ("预计付款日", day),
    "original_sha256": ("单据原件摘要", plain),
    "confirmed": ("确认金额（含税）", money),
}

FORMS: Final[Mapping[str, Form]] = {
    "confirm": Form(
        "应收账款确权函",
        "我单位作为付款义务人，就下列应收账款向债权人确认如下：",
        (
            ("清单", _BASKET),
            ("应收账款", _CLAIM),
            ("确认结果", _CONFIRMED),
            ("回款账户", {"pay_to": ("回款账户", account)}),
            ("承诺", _UNDERTAKINGS),
            ("额度登记", _POOL),
        ),
    ),
    "dispute": Form(
        "应收账款争议通知书",
        "我单位作为付款义务人，对下列应收账款提出争议：",
        (("清单", _BASKET), ("应收账款", _CLAIM), ("争议内容", _REFUSAL)),
    ),
    "reject": Form(
        "应收账款不予确认通知书",
        "我单位作为付款义务人，对下列应收账款不予确认：",
        (("清单", _BASKET), ("应收账款", _CLAIM), ("不予确认内容", _REFUSAL)),
    ),
    "offer": Form(
        "贷款条件",
        "我行同意按下列条件向借款人发放贷款：",
        (("贷款要素", _LOAN),),
    ),
    "pledge": Form(
        "应收账款质押合同要点",
        "我单位以下列应收账款出质，担保主债权的清偿；质权自办理出质登记时设立（民法典第四百四十五条）：",
        (("质押", _PLEDGE), ("主债权", _SECURED)),
    ),
    "accept": Form(
        "接受应收账款质押通知书",
        "我行接受下列应收账款质押，并将办理出质登记：",
        (("质押", _PLEDGE), ("主债权", _SECURED)),
    ),
    "extend": Form(
        "借款展期协议（贷款人）",
        "我行同意将下列借款展期至新的到期日；担保所担保的主债权随之展期，其余约定不变：",
        (("担保", _PLEDGE), ("展期后的主债权", _SECURED), ("展期", _EXTENSION)),
    ),
    "prolong": Form(
        "借款展期协议（借款人）",
        "我单位作为借款人和出质人，申请将下列借款展期至新的到期日，并同意继续以原应收账款提供担保，其余约定不变：",
        (("担保", _PLEDGE), ("展期后的主债权", _SECURED), ("展期", _EXTENSION)),
    ),
    "release": Form(
        "解除应收账款质押通知书",
        "我行同意解除下列应收账款质押，并将办理注销登记：",
        (("质押", _PLEDGE), ("主债权", _SECURED), ("解除", {"reason": ("解除原因", plain)})),
    ),
    "account": Form(
        "回款账户变更协议",
        "我单位同意变更下列应收账款的回款账户；自变更生效时起，付款义务人仅向新账户付款：",
        (
            ("应收账款", _ACCOUNT_CHANGE["claim"]),
            ("变更内容", _ACCOUNT_CHANGE["change"]),
        ),
    ),
    "consent": Form(
        "质权人同意变更回款账户通知书",
        "我行作为质权人，同意变更下列应收账款的回款账户：",
        (
            ("应收账款", _ACCOUNT_CHANGE["claim"]),
            ("变更内容", _ACCOUNT_CHANGE["change"]),
        ),
    ),
    "reconcile": Form(
        "往来款项对账函",
        "我单位确认与对方单位在下列期间的往来款项余额：",
        (("对账结果", _RECONCILED),),
    ),
    "notify": Form(
        "应收账款转让通知书",
        "我单位已将对贵单位的下列应收账款转让给受让人，请贵单位向受让人履行付款义务（民法典第五百四十六条）：",
        (("转让", TRANSFER), ("付款账户", _PAY_TO)),
    ),
    "countersign": Form(
        "应收账款转让通知书（受让人）",
        "我行为下列应收账款的受让人；办理保理业务的，特此表明保理人身份并附登记证明（民法典第七百六十四条）：",
        (("转让", TRANSFER), ("付款账户", _PAY_TO)),
    ),
    "recourse": Form(
        "应收账款回购（追索）通知书",
        "我行依约要求转让人返还融资款本息或者回购下列应收账款（民法典第七百六十六条）：",
        (
            ("转让", {key: field for key, field in TRANSFER.items() if key != "amount"}),
            ("融资", _SECURED),
            (
                "追索",
                {
                    "amount": ("追索金额", money),
                    "due_on": ("最迟付款日", day),
                    "reason": ("追索原因", plain),
                },
            ),
        ),
    ),
    "acknowledge": Form(
        "应收账款质押通知书回执",
        "我单位作为应收账款债务人，已收到下列应收账款质押通知书，知悉应收账款已经出质，并按下列账户付款：",
        (
            ("所收到的通知", _DEBTOR_NOTICE),
            ("付款账户", _PAY_TO),
            ("其他", {"security": ("转让方式", security), "reason": ("原因", plain)}),
        ),
    ),
    "undertake": Form(
        "订单（货物）确认书",
        "我单位作为购方，确认下列订单（货物）真实有效；其后形成的应收账款与其为同一价值，不重复计算：",
        (("订单（货物）", _STAGE), ("额度登记", _POOL)),
    ),
}
