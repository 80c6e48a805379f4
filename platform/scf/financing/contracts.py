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


def render(terms: Terms) -> bytes:
    """Return the contract as UTF-8 text."""
    text = _TEXT.format(
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
