"""When a debt falls due, by which article, and what it costs to be late: pure, parameters from the rules.

The term runs from delivery; where acceptance is agreed, from passing it, but from the agreed day at the
latest (国务院令第802号 art. 10). The version of a rule is the one in force on the day of delivery.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from scf.kernel.errors import Invalid
from scf.kernel.money import Money, Rounding, parse_rate
from scf.receivables.rules import DueBeforeDelivery, Retention, check_retention
from scf.rules.book import Book, Outcome, shipped
from scf.rules.judging import RuleResult, consider, judge
from scf.rules.predicates import LARGE, PUBLIC_BODY, SMES

AGREED_DAYS_MAX: Final = 3_660
PUBLIC, LARGE_TO_SME, LATE = "RPAY-01", "RPAY-02", "RPAY-10"
CONTRACT: Final = "contract"
ON_DELIVERY: Final = "RCC-628"
"""Without an agreement, and where no statutory term fits, the price is paid on receipt (Civil Code 628)."""


class AgreedTwice(Invalid):
    """A term is agreed in days or as a date."""

    code = "terms.agreed_twice"
    title = "付款期限请填天数或日期之一"
    title_en = "Give the agreed term in days or as a date, not both"


class AcceptedBeforeDelivery(Invalid):
    """Goods are accepted on the day of delivery or later."""

    code = "terms.accepted_before_delivery"
    title = "验收日期早于交付日期"
    title_en = "Acceptance is before the delivery"


class LateRateUnknown(Invalid):
    """A debt that fell due before the law set a late rate needs an agreed one."""

    code = "terms.late_rate_unknown"
    title = "到期日早于法定逾期利率施行日，请填写约定利率"
    title_en = "No statutory late rate on that due date: give the agreed one"


class Base(StrEnum):
    """From what a term runs."""

    DELIVERY = "delivery"
    ACCEPTANCE = "acceptance"
    ACCEPTANCE_DEADLINE = "acceptance_deadline"


@dataclass(frozen=True, slots=True)
class Deal:
    """What is known of a delivery and of its contract; sizes are those at the contract."""

    delivered_on: date
    debtor_size: str | None = None
    creditor_size: str | None = None
    accepted_on: date | None = None
    acceptance_due_on: date | None = None
    agreed_days: int | None = None
    agreed_due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """The lawful due date: from which day, by which rule (or the contract), and what was found.

    `agreed_on` is what the contract says; where the law cuts it short, the two differ.
    """

    due_on: date
    basis: str
    base: Base
    base_on: date
    agreed_on: date | None
    results: list[RuleResult]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an amount with its own due date; the retention's is its own."""

    amount: Money
    due_on: date


@dataclass(frozen=True, slots=True)
class LateInterest:
    """What being late costs: amount, days, and the rate of a day as exact decimal or fraction text."""

    interest: Money
    days: int
    daily_rate: str
    basis: str
    results: list[RuleResult]


def due(deal: Deal, *, on: date, book: Book | None = None) -> Due:
    """Return when a debt falls due, as seen on a day.

    Raises AgreedTwice, AcceptedBeforeDelivery, DueBeforeDelivery.
    """
    book = book or shipped()
    base, base_on = _base(deal)
    agreed_on = _agreed(deal, base_on)
    due_on, basis = _lawful(deal, base_on, agreed_on, book)
    facts: dict[str, Any] = {
        "debtor_size": deal.debtor_size,
        "creditor_size": deal.creditor_size,
        "base_on": base_on.isoformat(),
        "due_on": (agreed_on or due_on).isoformat(),
        "accepted_on": deal.accepted_on and deal.accepted_on.isoformat(),
        "acceptance_due_on": deal.acceptance_due_on and deal.acceptance_due_on.isoformat(),
        "on": on.isoformat(),
    }
    rules = book.on("terms.due", deal.delivered_on)
    results = [judge(rule, version, facts) for rule, version in rules]
    return Due(due_on, basis, base, base_on, agreed_on, results)


def parts(amount: Money, due_on: date, retention: Part | None) -> list[Part]:
    """Return what falls due when: the amount, or the rest of it and the retention on its own date.

    Raises RetentionWrong, CurrencyMismatch.
    """
    if retention is None:
        return [Part(amount, due_on)]
    kept = Retention(retention.amount, retention.due_on)
    check_retention(kept, confirmed=amount, due_on=due_on)
    rest = amount - retention.amount
    return [Part(rest, due_on), retention] if rest.minor else [retention]


def late_interest(
    unpaid: Money,
    *,
    due_on: date,
    until: date,
    agreed_rate: str | None = None,
    contract_on: date | None = None,
    book: Book | None = None,
) -> LateInterest:
    """Return what is owed for the days from the due date up to `until`, half-up to the fen.

    The agreed yearly rate over 360 where it is at least the one-year LPR on the day of the contract (the
    due date where that day is not given), else the statutory rate of a day. Raises LprNotOnFile,
    LateRateUnknown.
    """
    book = book or shipped()
    days = max((until - due_on).days, 0)
    law = book.parameters(LATE, due_on)
    results: list[RuleResult] = []
    if agreed_rate is not None and law is not None:
        facts = {"agreed_rate": agreed_rate, "lpr": book.lpr_on(contract_on or due_on)}
        results = consider("terms.late_interest", facts, on=due_on, book=book)
    if agreed_rate is not None and all(result.outcome is Outcome.PASS for result in results):
        rate, text, basis = parse_rate(agreed_rate) / 360, f"{agreed_rate}/360", CONTRACT
    elif law is not None:
        rate, text, basis = Fraction(law["daily"]), law["daily"], LATE
    else:
        raise LateRateUnknown(field="agreed_rate", due_on=due_on)
    interest = unpaid.times(rate * days, rounding=Rounding.HALF_UP)
    return LateInterest(interest, days, text, basis, results)


def _base(deal: Deal) -> tuple[Base, date]:
    accepted, deadline = deal.accepted_on, deal.acceptance_due_on
    for name, day in (("accepted_on", accepted), ("acceptance_due_on", deadline)):
        if day is not None and day < deal.delivered_on:
            raise AcceptedBeforeDelivery(field=name, delivered_on=deal.delivered_on)
    if accepted is not None and (deadline is None or accepted <= deadline):
        return Base.ACCEPTANCE, accepted
    if deadline is not None:
        return Base.ACCEPTANCE_DEADLINE, deadline
    return Base.DELIVERY, deal.delivered_on


def _agreed(deal: Deal, base_on: date) -> date | None:
    if deal.agreed_days is None:
        agreed_on = deal.agreed_due_on
    elif deal.agreed_due_on is not None:
        raise AgreedTwice(field="agreed_days")
    else:
        agreed_on = base_on + timedelta(days=deal.agreed_days)
    if agreed_on is not None and agreed_on < deal.delivered_on:
        raise DueBeforeDelivery(
            field="agreed_due_on", due_on=agreed_on, delivered_on=deal.delivered_on
        )
    return agreed_on


def _lawful(deal: Deal, base_on: date, agreed_on: date | None, book: Book) -> tuple[date, str]:
    public = book.parameters(PUBLIC, deal.delivered_on)
    if deal.debtor_size == PUBLIC_BODY and public is not None:
        default = base_on + timedelta(days=public["default_days"])
        longest = base_on + timedelta(days=public["longest_days"])
        if agreed_on is not None and agreed_on <= longest:
            return agreed_on, CONTRACT
        return (default if agreed_on is None else longest), PUBLIC
    if agreed_on is not None:
        return agreed_on, CONTRACT
    large = book.parameters(LARGE_TO_SME, deal.delivered_on)
    if deal.debtor_size == LARGE and deal.creditor_size in SMES and large is not None:
        return base_on + timedelta(days=large["days"]), LARGE_TO_SME
    return base_on, ON_DELIVERY
