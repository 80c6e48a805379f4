"""Conditions before paying that a machine answers from what stands here: pure functions over facts.

None as an answer: the condition does not apply to this loan. What it saw is kept with each answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scf.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a loan's security on a day. `checked` holds by invoice when and how it was checked."""

    today: date
    loan: Money
    outstanding: Money
    shortfall: Money
    reg_no: str | None
    registered_on: date | None
    registered_until: date | None
    due_on: date
    lock_final: bool
    second_search_clean: bool | None
    searched_on: date | None
    notified_on: date | None
    checked: Mapping[str, tuple[date, bool] | None]
    pay_to: Mapping[str, str]
    notified_pay_to: Mapping[str, str] | None
    bank: str
    disclosed: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a condition holds, and what says so (JSON values)."""

    holds: bool | None
    seen: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A condition of the catalogue; `takes_days` where the policy sets how old something may be."""

    title: str
    title_en: str
    answer: Callable[[Facts, int], Answer]
    takes_days: bool = False


def _text(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def _registered(facts: Facts, _: int) -> Answer:
    return Answer(
        facts.reg_no is not None,
        {"reg_no": facts.reg_no, "registered_on": _text(facts.registered_on)},
    )


def _registered_long_enough(facts: Facts, days: int) -> Answer:
    until = facts.registered_until
    holds = until is not None and (until - facts.due_on).days >= days
    seen = {"registered_until": _text(until), "due_on": facts.due_on.isoformat(), "days": days}
    return Answer(holds, seen)


def _locked(facts: Facts, _: int) -> Answer:
    return Answer(facts.lock_final, {"lock_final": facts.lock_final})


def _searched_again(facts: Facts, days: int) -> Answer:
    fresh = facts.searched_on is not None and (facts.today - facts.searched_on).days <= days
    seen = {
        "clean": facts.second_search_clean,
        "searched_on": _text(facts.searched_on),
        "days": days,
    }
    return Answer(facts.second_search_clean is True and fresh, seen)


def _notified(facts: Facts, _: int) -> Answer:
    seen = {"delivered_on": _text(facts.notified_on), "disclosed": facts.disclosed}
    if not facts.disclosed and facts.notified_on is None:
        return Answer(None, seen)
    return Answer(facts.notified_on is not None, seen)


def _invoices_fresh(facts: Facts, days: int) -> Answer:
    stale = sorted(
        number
        for number, check in facts.checked.items()
        if check is None or not check[1] or (facts.today - check[0]).days > days
    )
    return Answer(not stale, {"invoices": len(facts.checked), "not_fresh": stale, "days": days})


def _account_named(facts: Facts, _: int) -> Answer:
    moved = facts.notified_pay_to is not None and facts.notified_pay_to != facts.pay_to
    seen = {
        "account": facts.pay_to.get("account"),
        "bank_uscc": facts.pay_to.get("bank_uscc"),
        "same_as_notified": None if facts.notified_pay_to is None else not moved,
    }
    return Answer(bool(facts.pay_to) and not moved, seen)


def _account_here(facts: Facts, _: int) -> Answer:
    held_at = facts.pay_to.get("bank_uscc")
    return Answer(held_at == facts.bank, {"bank_uscc": held_at, "lender": facts.bank})


def _claim_covers(facts: Facts, _: int) -> Answer:
    seen = {
        "outstanding": facts.outstanding.to_json(),
        "shortfall": facts.shortfall.to_json(),
        "loan": facts.loan.to_json(),
    }
    return Answer(facts.outstanding >= facts.loan and facts.shortfall.minor == 0, seen)


CATALOGUE: Final[Mapping[str, Known]] = {
    "registered": Known("已办理登记，取得登记编号", "Registered, with a number", _registered),
    "registered_long_enough": Known(
        "登记期限覆盖借款到期日及宽限天数",
        "Registered until the loan is due, and so many days more",
        _registered_long_enough,
        takes_days=True,
    ),
    "lock_final": Known("链上锁定已确认", "The lock on chain is final", _locked),
    "second_search_clean": Known(
        "登记后复查无在先权利，且在规定天数内",
        "Searched again and clean, no more than so many days ago",
        _searched_again,
        takes_days=True,
    ),
    "debtor_notified": Known(
        "债务人已收到通知（暗保理、暗转让不适用）",
        "The debtor has the notice; does not apply to what is undisclosed",
        _notified,
    ),
    "invoices_fresh": Known(
        "全部发票状态正常，且在规定天数内查验",
        "Every invoice in force, checked no more than so many days ago",
        _invoices_fresh,
        takes_days=True,
    ),
    "account_named": Known(
        "回款账户为确权函载明且已通知的账户",
        "The account is the one that the debtor confirmed and was told",
        _account_named,
    ),
    "account_here": Known("回款账户开立于本行", "The account is held at this bank", _account_here),
    "claim_covers": Known(
        "应收账款余额不低于借款金额，且无缺口",
        "What is still owed covers the loan, without shortfall",
        _claim_covers,
    ),
}
"""Code -> condition. What a policy asks for beyond these is ticked by a named person."""
