"""What a claim and a debtor's answer must be: pure checks over amounts, dates and reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from scf.kernel.errors import Invalid, LimitExceeded
from scf.kernel.money import Money, zero
from scf.rules.book import Outcome, shipped
from scf.rules.judging import judge
from scf.rules.predicates import SEPARATORS

DOCUMENTS_MAX: Final = 200
"""Documents behind one line; a month's statement of one supplier has dozens."""
COUNTERCLAIMS_MAX: Final = 50
OTHER: Final = "其他"
LISTED, FOREIGN = "PLT-01", ("RPAY-03", "RPAY-07")
"""The rules that a reason for not confirming is held to: the list, and what no label makes acceptable."""
REASONS: Final[tuple[str, ...]] = tuple(shipped().newest(LISTED).parameters["accepted"])
"""Reasons that are accepted for not confirming what is claimed."""


class ClaimExceedsDocuments(LimitExceeded):
    """A line claims no more than its documents add up to."""

    code = "receivable.claim_exceeds_documents"
    title = "申报金额超过发票合计"
    title_en = "The claim is above the sum of its documents"


class ClaimNotPositive(Invalid):
    """A line claims more than nothing."""

    code = "receivable.claim_not_positive"
    title = "申报金额必须大于零"
    title_en = "The claim must be above zero"


class DueBeforeDelivery(Invalid):
    """A debt falls due on the day of delivery or later."""

    code = "receivable.due_before_delivery"
    title = "到期日早于收货日期"
    title_en = "The due date is before the delivery"


class AnswerDoesNotAddUp(Invalid):
    """Confirmed, disputed and rejected are together what is claimed."""

    code = "receivable.answer_does_not_add_up"
    title = "确认、争议、不予确认金额之和不等于申报金额"
    title_en = "Confirmed, disputed and rejected do not add up to the claim"


class NothingConfirmed(Invalid):
    """A confirmation confirms something; otherwise dispute or reject."""

    code = "receivable.nothing_confirmed"
    title = "确认金额必须大于零，否则请提出争议或不予确认"
    title_en = "Nothing is confirmed: dispute or reject instead"


class AnswerUnclear(Invalid):
    """A line of which nothing is confirmed is disputed or rejected, and reserves nothing."""

    code = "receivable.answer_unclear"
    title = "未确认任何金额的行，只能填争议金额，或将全部申报金额填入不予确认金额，且不能另列质保金等保留事项"
    title_en = (
        "Where nothing is confirmed a line is disputed or rejected whole, with nothing reserved"
    )


class ReasonMissing(Invalid):
    """Whatever is not confirmed needs a reason, and 其他 says which."""

    code = "receivable.reason_missing"
    title = "存在争议或不予确认金额时必须填写原因，选择“其他”须说明"
    title_en = "What is not confirmed needs a reason; 其他 (other) needs words"


class AmountOutOfRange(Invalid):
    """A dispute is over more than nothing and no more than the claim."""

    code = "receivable.amount_out_of_range"
    title = "争议金额须大于零且不超过申报金额"
    title_en = "The disputed amount is not between zero and the claim"


class RetentionWrong(Invalid):
    """A retention (质保金) is a part of what is confirmed, due on a later day or the same."""

    code = "receivable.retention_wrong"
    title = "质保金须大于零且不超过金额，并注明不早于付款到期日的到期日"
    title_en = "A retention is a part of what is confirmed, and due no earlier"


class CounterclaimsWrong(Invalid):
    """What may be set off is no more than what is confirmed, and nothing where set-off is given up."""

    code = "receivable.counterclaims_wrong"
    title = "可抵销金额须大于零、合计不超过确认金额，且不能与“不行使抵销权”并存"
    title_en = "Counterclaims are within what is confirmed, and none where set-off is given up"


@dataclass(frozen=True, slots=True)
class Retention:
    """A part of what is confirmed that falls due on its own date (质保金)."""

    amount: Money
    due_on: date


@dataclass(frozen=True, slots=True)
class Counterclaim:
    """What the debtor says it may set off (CC 549, 568): why, and how much."""

    reason: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Answer:
    """A debtor's answer to a line, in amounts."""

    confirmed: Money
    disputed: Money
    rejected: Money
    reason: str | None
    compliant: bool | None
    """Whether the law accepts the reason; None without one."""

    @property
    def whole(self) -> bool:
        """Say whether all of the claim is confirmed."""
        return self.disputed.minor == 0 and self.rejected.minor == 0


def claim(documents_total: Money, stated: Money | None) -> Money:
    """Return what a line claims: the sum of its documents unless less is stated.

    Raises ClaimNotPositive, ClaimExceedsDocuments, CurrencyMismatch.
    """
    claimed = documents_total if stated is None else stated
    if claimed.minor <= 0:
        raise ClaimNotPositive(field="claimed", claimed=claimed)
    if claimed > documents_total:
        raise ClaimExceedsDocuments(field="claimed", claimed=claimed, documents=documents_total)
    return claimed


def check_due(delivered_on: date | None, due_on: date) -> None:
    """Raise DueBeforeDelivery."""
    if delivered_on is not None and due_on < delivered_on:
        raise DueBeforeDelivery(field="due_on", due_on=due_on, delivered_on=delivered_on)


def is_compliant(reason: str) -> bool:
    """Say whether the law accepts a reason for not confirming.

    It begins with one of `REASONS` and names nothing that 保障中小企业款项支付条例 (国务院令第802号) excludes.
    What the law does not accept can be said all the same: it is recorded as a non-compliant answer, and the
    time to confirm keeps running.
    """
    book = shipped()
    results = (
        judge(book.rule(name), book.newest(name), {"reason": reason}) for name in (LISTED, *FOREIGN)
    )
    return all(result.outcome is Outcome.PASS for result in results)


def check_reason(reason: str | None) -> str:
    """Return a reason, trimmed. Raises ReasonMissing, also for 其他 (other) without words."""
    text = (reason or "").strip()
    if not text or not text.removeprefix(OTHER).strip(SEPARATORS + "）)"):
        raise ReasonMissing(field="reason", reasons=REASONS)
    return text


def answer(
    claimed: Money,
    *,
    confirmed: Money,
    disputed: Money | None,
    rejected: Money | None,
    reason: str | None,
) -> Answer:
    """Check a confirmation, whole or part.

    Raises NothingConfirmed, AnswerDoesNotAddUp, ReasonMissing, CurrencyMismatch.
    """
    nothing = zero(claimed.currency)
    disputed, rejected = disputed or nothing, rejected or nothing
    if confirmed.minor <= 0:
        raise NothingConfirmed(field="confirmed", confirmed=confirmed)
    if confirmed + disputed + rejected != claimed or min(disputed.minor, rejected.minor) < 0:
        raise AnswerDoesNotAddUp(
            field="confirmed",
            claimed=claimed,
            confirmed=confirmed,
            disputed=disputed,
            rejected=rejected,
        )
    if disputed.minor == 0 and rejected.minor == 0:
        return Answer(confirmed, disputed, rejected, None, None)
    text = check_reason(reason)
    return Answer(confirmed, disputed, rejected, text, is_compliant(text))


def check_retention(retention: Retention | None, *, confirmed: Money, due_on: date) -> None:
    """Raise RetentionWrong, CurrencyMismatch."""
    if retention is None:
        return
    nothing = zero(confirmed.currency)
    if not nothing < retention.amount <= confirmed or retention.due_on < due_on:
        raise RetentionWrong(
            field="retention",
            retention=retention.amount,
            retention_due_on=retention.due_on,
            confirmed=confirmed,
            due_on=due_on,
        )


def check_counterclaims(
    counterclaims: Sequence[Counterclaim], *, confirmed: Money, no_setoff: bool
) -> None:
    """Raise CounterclaimsWrong, CurrencyMismatch."""
    nothing = zero(confirmed.currency)
    total = sum((one.amount for one in counterclaims), nothing)
    positive = all(one.amount > nothing for one in counterclaims)
    if total > confirmed or not positive or (counterclaims and no_setoff):
        raise CounterclaimsWrong(
            field="counterclaims", counterclaims=total, confirmed=confirmed, no_setoff=no_setoff
        )


def lost_to_notes(documents: Money, confirmed: Money, noted: Money) -> Money:
    """Return what credit notes over `noted` take of what is confirmed.

    They first take what was never confirmed: a red invoice over the disputed part dilutes nothing.
    """
    return max(noted - (documents - confirmed), zero(noted.currency))


def disputed_amount(claimed: Money, stated: Money | None) -> Money:
    """Return what a dispute is over: the whole claim unless less is stated. Raises AmountOutOfRange."""
    amount = claimed if stated is None else stated
    if amount.minor <= 0 or amount > claimed:
        raise AmountOutOfRange(field="amount", amount=amount, claimed=claimed)
    return amount


def rejected_amount(claimed: Money, stated: Money | None) -> Money:
    """Return what a rejection is over: the whole claim, nothing less. Raises AnswerDoesNotAddUp."""
    if stated is not None and stated != claimed:
        raise AnswerDoesNotAddUp(field="rejected", claimed=claimed, rejected=stated)
    return claimed
