"""The loan and pledge contract as text: the same terms always make the same bytes.

Bank and borrower sign statements over its SHA-256; both can download it and hash it again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scf.financing.rules import Quote
from scf.kernel.money import Money
from scf.papers.amounts import capital_amount
from scf.parties.forms import Names, account, day, day_count, rate
from scf.pledges.kinds import PLEDGE, Security, SecurityKind


@dataclass(frozen=True, slots=True)
class Named:
    """A party as the contract names it."""

    name: str
    uscc: str

    def __str__(self) -> str:
        return f"{self.name}（统一社会信用代码 {self.uscc}）"


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that the contract says. Identifiers and hashes as they are shown outside."""

    financing: str
    lender: Named
    borrower: Named
    debtor: Named
    amount: Money
    rate: str
    day_count: str
    days: int
    starts_on: date
    due_on: date
    quote: Quote
    receivable: str
    receivable_event: str
    receivable_confirmed: Money
    receivable_due_on: date
    contract_no: str | None
    invoices: Sequence[str]
    pay_to: dict[str, str]
    security: Security = PLEDGE


_NOBODY = Names({})
_TEXT = """\
借款暨应收账款质押合同

合同编号：{financing}
贷款人（质权人）：{lender}
借款人（出质人）：{borrower}

第一条 借款
1. 借款本金：{amount}。
2. 借款利率：{rate}，计息基础为{day_count}，算头不算尾，利息按分四舍五入。
3. 借款期限：{days} 天，计划自 {starts_on} 至 {due_on}；利息自实际放款日起按实际天数计算。
4. 还款方式：利随本清。按计划期限，到期应付利息 {interest}，本息合计 {to_repay}。
5. 提前或部分还款的，先抵充利息，后抵充本金。

第二条 应收账款质押
1. 出质标的：借款人对 {debtor} 的应收账款 {receivable}，付款义务人已确认 {confirmed}，到期日 {claim_due_on}；\
{trade}发票号码 {invoices}。出质金额以借款人签署的质押合同要点为准。
2. 付款义务人确权的存证摘要（SHA-256）：{receivable_event}。
3. 担保范围：本合同项下借款本金、利息及实现质权的费用。
4. 质权自在动产融资统一登记公示系统办理出质登记时设立（民法典第四百四十五条），登记由贷款人办理。
5. 应收账款出质后不得转让，经贷款人书面同意的除外。

第三条 放款条件
出质登记完成、链上锁定确认、登记后复查无在先权利负担，三者齐备方可放款。

第四条 回款
1. 付款义务人应将款项付至下列账户：
{pay_to}
2. 回款先用于清偿本合同项下本息，余款归借款人。

第五条 解押与注销
主债权消灭后，贷款人应解除质押，并自主债权消灭之日起十个工作日内办理注销登记。

第六条 签署
贷款人以“贷款条件”、借款人以“应收账款质押合同要点”分别对本合同全文的 SHA-256 摘要作出电子签名，\
双方签名齐备时本合同成立。
"""

_TRANSFER = """\
{title}

合同编号：{financing}
{holder}（受让人）：{lender}
转让人：{borrower}

第一条 融资
1. 融资款：{amount}。
2. 融资利率：{rate}，计息基础为{day_count}，算头不算尾，利息按分四舍五入。
3. 融资期限：{days} 天，计划自 {starts_on} 至 {due_on}；利息自实际放款日起按实际天数计算。
4. 到期一次清偿。按计划期限，到期应付利息 {interest}，合计 {to_repay}。
5. 提前或部分清偿的，先抵充利息，后抵充融资款。

第二条 应收账款转让
1. 转让标的：转让人对 {debtor} 的应收账款 {receivable}，付款义务人已确认 {confirmed}，到期日 {claim_due_on}；\
{trade}发票号码 {invoices}。转让金额以转让人签署的合同要点为准。
2. 付款义务人确权的存证摘要（SHA-256）：{receivable_event}。
3. 转让自本合同成立时在双方之间生效（民法典第五百四十五条），由受让人在动产融资统一登记公示系统办理登记，\
按登记时间先后对抗其他权利人（民法典第七百六十八条）。
4. 转让人声明：应收账款已经存在，不是未来应收账款；货物不是寄售或者由供应商管理的库存；权属清楚，未设立其他负担。

第三条 追索
{recourse}

第四条 通知债务人
{disclosure}

第五条 放款条件
登记完成、链上锁定确认、登记后复查无在先权利负担{notified}，齐备方可放款。

第六条 回款
1. 付款义务人应将款项付至下列账户：
{pay_to}
2. {surplus}

第七条 反转让与注销
融资款本息清偿或者应收账款回购后，受让人应将应收账款转回转让人，通知过债务人的另行通知债务人，\
并自债务消灭之日起十个工作日内办理注销登记。

第八条 签署
受让人以“贷款条件”、转让人以“{title}要点”分别对本合同全文的 SHA-256 摘要作出电子签名，\
双方签名齐备时本合同成立。
"""
_RECOURSE = {
    True: "有追索权：受让人可以向转让人主张返还融资款本息或者回购应收账款债权，也可以向付款义务人主张应收账款债权"
    "（民法典第七百六十六条）。",
    False: "无追索权：付款义务人不能清偿的信用风险由受让人承担，受让人不向转让人追索；"
    "应收账款存在争议或者转让人违反声明的除外（民法典第七百六十七条）。",
}
_DISCLOSURE = {
    True: "合同成立后即通知付款义务人；通知由双方签署，表明受让人身份并附登记证明"
    "（民法典第五百四十六条、第七百六十四条）。",
    False: "暂不通知付款义务人。转让人预先签署转让通知书；发生约定情形的，受让人可以自行发出通知"
    "（民法典第五百四十六条、第七百六十四条）。",
}
_SURPLUS = {
    True: "回款扣除融资款本息和相关费用后有剩余的，剩余部分返还转让人（民法典第七百六十六条）。",
    False: "回款超过融资款本息和相关费用的部分归受让人（民法典第七百六十七条）。",
}


def render(terms: Terms) -> bytes:
    """Return the contract as UTF-8 text: of a loan with a pledge, or of a funded transfer."""
    security = terms.security
    text = (_TRANSFER if security.transfers else _TEXT).format(
        title="保理合同" if security.kind is SecurityKind.FACTORING else "应收账款转让合同",
        holder=security.law.holder,
        recourse=_RECOURSE[security.recourse],
        disclosure=_DISCLOSURE[security.disclosed],
        notified="、转让通知已到达付款义务人" if security.disclosed else "",
        surplus=_SURPLUS[security.recourse],
        financing=terms.financing,
        lender=terms.lender,
        borrower=terms.borrower,
        debtor=terms.debtor,
        amount=_amount(terms.amount),
        rate=rate(_NOBODY, terms.rate),
        day_count=day_count(_NOBODY, terms.day_count),
        days=terms.days,
        starts_on=_day(terms.starts_on),
        due_on=_day(terms.due_on),
        interest=_amount(terms.quote.interest),
        to_repay=_amount(terms.quote.to_repay),
        receivable=terms.receivable,
        receivable_event=terms.receivable_event,
        confirmed=_amount(terms.receivable_confirmed),
        claim_due_on=_day(terms.receivable_due_on),
        trade=f"基础合同编号 {terms.contract_no}；" if terms.contract_no else "",
        invoices="、".join(terms.invoices),
        pay_to=account(_NOBODY, terms.pay_to),
    )
    return text.encode()


def sha256(text: bytes) -> bytes:
    """Return the hash that both parties sign."""
    return hashlib.sha256(text).digest()


def _amount(money: Money) -> str:
    return f"人民币 {money} 元（大写：{capital_amount(money.minor)}）"


def _day(on: date) -> str:
    return day(_NOBODY, on.isoformat())
