"""The due-date calculator: when is it due, by which article, and what would being late cost."""

from datetime import date
from typing import Annotated, Final, Self

from fastapi import APIRouter, Query
from pydantic import Field

from scf.http.calls import Call, query
from scf.http.schemas import DateText, In, MoneyOut, Out, RateText
from scf.kernel.clock import business_date
from scf.kernel.money import AmountInvalid, Money
from scf.parties.models import SizeClass
from scf.receivables import terms
from scf.receivables.rules import RetentionWrong
from scf.receivables.terms import Base, Deal, Due, LateInterest, Part
from scf.rules.book import shipped
from scf.rules.schemas import ResultOut

router = APIRouter(tags=["receivables 应收账款"])
ARTICLES: Final = {
    terms.CONTRACT: "合同约定 as agreed",
    terms.ON_DELIVERY: "民法典第六百二十八条",
}


class TermsIn(In):
    """A delivery and its contract; what is not known is left out. Amounts as decimal text."""

    delivered_on: DateText
    debtor_size: SizeClass | None = None
    creditor_size: SizeClass | None = None
    accepted_on: DateText | None = None
    acceptance_due_on: DateText | None = Field(None, description="约定验收期满日")
    agreed_days: Annotated[int, Field(ge=0, le=terms.AGREED_DAYS_MAX)] | None = None
    agreed_due_on: DateText | None = None
    currency: str = "CNY"
    amount: str | None = Field(None, examples=["500000.00"])
    retention: str | None = Field(None, description="质保金")
    retention_due_on: DateText | None = None
    until: DateText | None = Field(None, description="逾期利息算至 late interest up to this day")
    agreed_rate: RateText | None = Field(None, description="约定逾期年利率")
    contract_on: DateText | None = None

    def deal(self) -> Deal:
        """Return what the calculator asks."""
        return Deal(
            delivered_on=self.delivered_on,
            debtor_size=self.debtor_size and self.debtor_size.value,
            creditor_size=self.creditor_size and self.creditor_size.value,
            accepted_on=self.accepted_on,
            acceptance_due_on=self.acceptance_due_on,
            agreed_days=self.agreed_days,
            agreed_due_on=self.agreed_due_on,
        )

    def money(self, field: str) -> Money | None:
        """Return one of the amounts. Raises AmountInvalid, also below zero."""
        text: str | None = getattr(self, field)
        if text is None:
            return None
        try:
            found = Money.parse(text, self.currency)
        except AmountInvalid as error:
            raise AmountInvalid(field=error.field or field, **error.fields) from None
        if found.minor < 0:
            raise AmountInvalid(field=field, amount=text, amount_min="0")
        return found


class PartOut(Out):
    """What falls due when, and what it costs to be late up to the day asked for."""

    amount: MoneyOut
    due_on: DateText
    retention: bool
    late_days: int | None
    late_interest: MoneyOut | None
    daily_rate: str | None
    late_basis: str | None


class TermsOut(Out):
    """The lawful due date, its basis, and every rule that was asked."""

    due_on: DateText
    basis: str = Field(examples=["RPAY-01"])
    article: str
    base: Base
    base_on: DateText
    agreed_on: DateText | None
    parts: list[PartOut]
    results: list[ResultOut]

    @classmethod
    def of(cls, due: Due, asked: TermsIn) -> Self:
        """Show an answer."""
        parts, results = _parts(due, asked)
        found = [*due.results, *(result for late in results for result in late.results)]
        return cls(
            due_on=due.due_on,
            basis=due.basis,
            article=_article(due, asked.delivered_on),
            base=due.base,
            base_on=due.base_on,
            agreed_on=due.agreed_on,
            parts=parts,
            results=[ResultOut.of(result, shipped(), asked.currency) for result in found],
        )


@query(router, "/v1/terms")
def due_date(call: Call, asked: Annotated[TermsIn, Query()]) -> TermsOut:
    """到期日与逾期利息计算 When a debt falls due, by which article, and what being late costs."""
    return TermsOut.of(terms.due(asked.deal(), on=business_date(call.now)), asked)


def _parts(due: Due, asked: TermsIn) -> tuple[list[PartOut], list[LateInterest]]:
    amount, retained = asked.money("amount"), asked.money("retention")
    if amount is None:
        return [], []
    retention = None
    if retained is not None or asked.retention_due_on is not None:
        if retained is None or asked.retention_due_on is None:
            raise RetentionWrong(field="retention")
        retention = Part(retained, asked.retention_due_on)
    shown, lates = [], []
    for part in terms.parts(amount, due.due_on, retention):
        late = _late(part, asked)
        lates += [late] if late else []
        shown.append(
            PartOut(
                amount=part.amount,
                due_on=part.due_on,
                retention=part is retention,
                late_days=late.days if late else None,
                late_interest=late.interest if late else None,
                daily_rate=late.daily_rate if late else None,
                late_basis=late.basis if late else None,
            )
        )
    return shown, lates[:1]


def _late(part: Part, asked: TermsIn) -> LateInterest | None:
    if asked.until is None:
        return None
    return terms.late_interest(
        part.amount,
        due_on=part.due_on,
        until=asked.until,
        agreed_rate=asked.agreed_rate,
        contract_on=asked.contract_on,
    )


def _article(due: Due, on: date) -> str:
    if due.basis in ARTICLES:
        return ARTICLES[due.basis]
    version = shipped().rule(due.basis).in_force(on)
    assert version is not None, "a date rests on a version in force"
    return version.article
