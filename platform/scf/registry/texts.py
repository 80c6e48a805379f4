"""How collateral is described, in the manner of the descriptions that banks publish in the register.

Who owes whom, under which contract, by which invoices, how much, until when: told apart from any other claim.
Too vague a text is the usual failure (Civil Code 400, 427; 担保制度解释 53).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from scf.kernel.money import Money
from scf.papers.amounts import capital_amount
from scf.registry.port import Business

DESCRIPTION_MAX: Final = 3_000
"""Characters of the form's field; longer lists of invoices go into an attachment."""

_OPENINGS: Final = {
    Business.RECEIVABLE_PLEDGE: "出质人（应收账款债权人）{creditor}以其对应收账款债务人{debtor}享有的应收账款出质",
    Business.RECEIVABLE_ASSIGNMENT: "转让人（应收账款债权人）{creditor}转让其对应收账款债务人{debtor}享有的应收账款",
    Business.FACTORING: "转让人（应收账款债权人）{creditor}为办理保理业务转让其对应收账款债务人{debtor}享有的应收账款",
}
_TAKEN: Final = {
    Business.RECEIVABLE_PLEDGE: "其中出质",
    Business.RECEIVABLE_ASSIGNMENT: "其中转让",
    Business.FACTORING: "其中转让",
}


@dataclass(frozen=True, slots=True)
class Collateral:
    """A claim that is given as security, whole or in part (`taken` of `amount`)."""

    business: Business
    creditor: str
    debtor: str
    contract_no: str | None
    invoices: Sequence[str]
    amount: Money
    taken: Money
    due_on: date


@dataclass(frozen=True, slots=True)
class WarehouseReceipt:
    """A receipt for stored goods (仓单), by what tells it and them from any other.

    `quantity` in `unit`; `location` is where the goods lie (仓储场所), `issued_on` when it was made out (填发日期).
    """

    number: str
    keeper: str
    goods: str
    specification: str
    quantity: Decimal
    unit: str
    location: str
    issued_on: date


def receipts_text(depositor: str, receipts: Sequence[WarehouseReceipt]) -> str:
    """Describe pledged warehouse receipts for the register's form, one by one where they fit.

    Source: Civil Code 909 (what a receipt states), 427 (a description that tells the collateral).
    """
    text = _receipts(depositor, receipts, "；".join(map(_receipt, receipts)))
    if len(text) <= DESCRIPTION_MAX:
        return text
    return _receipts(depositor, receipts, "仓单编号及各仓单记载事项见附件《仓单清单》")


def _receipts(depositor: str, receipts: Sequence[WarehouseReceipt], said: str) -> str:
    return f"出质人（存货人）{depositor}以其持有的下列仓单（共{len(receipts)}张）出质；{said}。"


def _receipt(receipt: WarehouseReceipt) -> str:
    return "，".join(
        (
            f"仓单编号：{receipt.number}",
            f"保管人：{receipt.keeper}",
            f"仓储物：{receipt.goods}",
            f"规格：{receipt.specification}",
            f"数量：{receipt.quantity:f}{receipt.unit}",
            f"仓储场所：{receipt.location}",
            f"填发日期：{receipt.issued_on.isoformat()}",
        )
    )


def collateral_text(claim: Collateral) -> str:
    """Describe a claim for the register's form (担保财产描述), its invoices one by one where they fit."""
    text = _text(claim, "、".join(claim.invoices))
    return text if len(text) <= DESCRIPTION_MAX else _text(claim, "见附件《发票清单》")


def _text(claim: Collateral, numbers: str) -> str:
    opening = _OPENINGS[claim.business].format(creditor=claim.creditor, debtor=claim.debtor)
    parts = [
        opening,
        *([f"基础合同号：{claim.contract_no}"] if claim.contract_no else []),
        f"发票号码：{numbers}（共{len(claim.invoices)}张）"
        if claim.invoices
        else "将有的应收账款，发票尚未开具",
        f"应收账款金额：{_amount(claim.amount)}",
        *([f"{_TAKEN[claim.business]}：{_amount(claim.taken)}"] if _is_part(claim) else []),
        f"应收账款到期日：{claim.due_on.isoformat()}",
    ]
    return "；".join(parts) + "。"


def _is_part(claim: Collateral) -> bool:
    return claim.taken != claim.amount


def _amount(money: Money) -> str:
    """Write an amount so that no digit can be added: 人民币1245000.00元（大写：壹佰贰拾肆万伍仟元整）."""
    if money.currency != "CNY":
        return f"{money.currency} {money.text}"
    words = capital_amount(money.minor).removeprefix("人民币")
    return f"人民币{money.text}元（大写：{words}）"
