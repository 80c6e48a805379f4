"""Interest, what arrives in hand, what is owed, and why a bank may say no: pure functions.

Days are counted with the first and without the last (算头不算尾). A charge is rounded half-up to the fen at
its schedule line. What is paid goes to interest first, then to principal (Civil Code 561).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.money import Money, Rounding, round_fraction, zero

ACT_360: Final = "ACT/360"
DAY_COUNTS: Final[Mapping[str, int]] = MappingProxyType({ACT_360: 360, "ACT/365F": 365})
"""Basis -> days of a year. RMB wholesale finance counts ACT/360."""
DAYS_MAX: Final = 366
RATE_DECIMALS: Final = 6

OTHER: Final = "其他"
REFUSALS: Final = (
    "超限额",
    "行业不准入",
    "贸易背景不足",
    "已被登记",
    "信用评分不足",
    "材料不全",
    "账期过长",
    OTHER,
)
"""Why a bank says no; 其他 needs words."""


class DayCountUnknown(Invalid):
    """Interest is counted on a basis of the table."""

    code = "financing.day_count_unknown"
    title = "计息基础不受支持"
    title_en = "The day count is not known"


class DaysOutOfRange(Invalid):
    """A loan runs for at least a day, and for a year at most."""

    code = "financing.days_out_of_range"
    title = "融资期限超出范围"
    title_en = "The term is out of range"


class ReasonNotAllowed(Invalid):
    """A bank refuses for a reason of the list, and 其他 says which."""

    code = "financing.reason_not_allowed"
    title = "拒绝原因不在允许范围内，选择“其他”须说明"
    title_en = "The reason is not on the list; 其他 (other) needs words"


class DatesDoNotFit(Invalid):
    """A loan begins today or later and ends `days` after it begins."""

    code = "financing.dates_do_not_fit"
    title = "起息日、到期日与期限不一致，或起息日早于今日"
    title_en = "The term does not fit between today and the due date"


class AboveClaim(LimitExceeded):
    """A loan is not above what the debtor still owes under the receivable."""

    code = "financing.above_claim"
    title = "融资金额超过应收账款余额"
    title_en = "The loan is above the claim"


class AboveRequested(LimitExceeded):
    """A bank offers no more than was asked for."""

    code = "financing.above_requested"
    title = "批准金额超过申请金额"
    title_en = "The offer is above the request"


class Overpaid(LimitExceeded):
    """A repayment is not above what is owed that day; the rest belongs to the borrower."""

    code = "financing.overpaid"
    title = "还款金额超过应还本息"
    title_en = "The repayment is above what is owed"


class ReceiptOutOfOrder(Conflict):
    """Receipts come in the order of their dates, from the disbursement on, and not from the future."""

    code = "financing.receipt_out_of_order"
    title = "回单日期早于前一笔或晚于今日"
    title_en = "The receipt's date is out of order"


class InterestPaid(StrEnum):
    """When a loan's interest is paid."""

    AT_MATURITY = "at_maturity"  # 利随本清
    IN_ADVANCE = "in_advance"  # 贴现: deducted from what is paid out


@dataclass(frozen=True, slots=True)
class Quote:
    """What the borrower gets and pays. `yearly` is the cost of what is in hand, as a rate."""

    principal: Money
    interest: Money
    in_hand: Money
    to_repay: Money
    yearly: str


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan paid out."""

    principal: Money
    rate: Fraction
    day_count: str
    disbursed_on: date


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received from the borrower or out of the proceeds."""

    on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed on a day."""

    principal: Money
    interest: Money

    @property
    def total(self) -> Money:
        """Principal and interest."""
        return self.principal + self.interest


def interest(principal: Money, rate: Fraction, days: int, *, day_count: str = ACT_360) -> Money:
    """Return the interest of a span of days, half-up to the fen. Raises DayCountUnknown."""
    if day_count not in DAY_COUNTS:
        raise DayCountUnknown(field="day_count", day_count=day_count[:20], known=list(DAY_COUNTS))
    share = rate * days / DAY_COUNTS[day_count]
    return principal.times(share, rounding=Rounding.HALF_UP)


def quote(
    principal: Money,
    rate: Fraction,
    days: int,
    *,
    day_count: str = ACT_360,
    paid: InterestPaid = InterestPaid.AT_MATURITY,
) -> Quote:
    """Return what arrives in hand (到手多少). Raises DayCountUnknown, DaysOutOfRange, DatesDoNotFit."""
    check_days(days)
    charge = interest(principal, rate, days, day_count=day_count)
    in_advance = paid is InterestPaid.IN_ADVANCE
    in_hand = principal - charge if in_advance else principal
    if in_hand.minor <= 0:
        raise DaysOutOfRange(field="days", days=days, interest=charge, principal=principal)
    to_repay = principal if in_advance else principal + charge
    yearly = Fraction(charge.minor, in_hand.minor) * DAY_COUNTS[day_count] / days
    return Quote(principal, charge, in_hand, to_repay, rate_text(yearly))


def rate_text(rate: Fraction) -> str:
    """Write a rate as decimal text of six places, half-up."""
    digits = str(round_fraction(rate * 10**RATE_DECIMALS, Rounding.HALF_UP))
    digits = digits.rjust(RATE_DECIMALS + 1, "0")
    return f"{digits[:-RATE_DECIMALS]}.{digits[-RATE_DECIMALS:]}"


def owed(loan: Loan, payments: Iterable[Payment], on: date) -> Owed:
    """Return what is owed on a day, `payments` in order of their dates.

    Interest runs on the principal still out, a schedule line from payment to payment.
    """
    principal, accrued = loan.principal, zero(loan.principal.currency)
    since = loan.disbursed_on
    for payment in payments:
        accrued += _accrual(loan, principal, since, payment.on)
        to_interest = min(accrued, payment.amount)
        accrued -= to_interest
        principal -= payment.amount - to_interest
        since = payment.on
    return Owed(principal, accrued + _accrual(loan, principal, since, on))


def _accrual(loan: Loan, principal: Money, since: date, until: date) -> Money:
    days = max((until - since).days, 0)
    return interest(principal, loan.rate, days, day_count=loan.day_count)


def check_payment(
    loan: Loan, payments: Sequence[Payment], payment: Payment, *, today: date
) -> Owed:
    """Return what is owed after a payment. Raises ReceiptOutOfOrder, Overpaid, CurrencyMismatch."""
    earliest = payments[-1].on if payments else loan.disbursed_on
    if not earliest <= payment.on <= today:
        raise ReceiptOutOfOrder(
            field="repaid_on", earliest=earliest, repaid_on=payment.on, today=today
        )
    before = owed(loan, payments, payment.on)
    if payment.amount > before.total:
        raise Overpaid(
            field="amount",
            asked=payment.amount,
            owed=before.total,
            principal=before.principal,
            interest=before.interest,
        )
    return owed(loan, [*payments, payment], payment.on)


def check_days(days: int) -> None:
    """Raise DaysOutOfRange."""
    if not 0 < days <= DAYS_MAX:
        raise DaysOutOfRange(field="days", days=days, days_max=DAYS_MAX)


def check_dates(*, days: int, starts_on: date, due_on: date, today: date) -> None:
    """Raise DaysOutOfRange, DatesDoNotFit."""
    check_days(days)
    if starts_on < today or (due_on - starts_on).days != days:
        raise DatesDoNotFit(
            field="due_on", days=days, starts_on=starts_on, due_on=due_on, today=today
        )


def check_reason(reason: str, note: str | None) -> str:
    """Return the reason as recorded. Raises ReasonNotAllowed."""
    if reason not in REFUSALS or (reason == OTHER and not note):
        raise ReasonNotAllowed(field="reason", reason=reason[:40], allowed=list(REFUSALS))
    return f"{reason}：{note}" if note else reason
