"""The figures and days of a story, computed from its papers."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Final, Self

from scf.financing.rules import DAYS_MAX
from scf.kernel.calendar import add_working_days
from scf.kernel.clock import SHANGHAI
from scf.kernel.errors import Invalid
from scf.kernel.money import Money, Rounding
from scf.registry.terms import terms_on
from scf.story.papers import FIRST_DAY, Papers

RATE: Final = "0.0385"
RATE_OF_2020: Final = "0.053"  # the development plan's average of 2020
SHOPPED_RATE: Final = "0.0420"  # the second bank's
SHARE: Final = Fraction(4, 5)  # of what is confirmed, lent

AFTER_DELIVERY: Final = timedelta(days=7)  # the month's statement comes a week after the goods
AFTER_DUE: Final = timedelta(days=3)
TO_UPLOAD: Final = timedelta(days=32)
TO_ENROL: Final = timedelta(days=3)
DAY: Final = timedelta(days=1)


class TermUnfit(Invalid):
    """A claim is lent on for at least a day and at most a year before it is due."""

    code = "story.term_unfit"
    title = "付款期限不适合演示：放款日须早于到期日，且不超过一年"
    title_en = "The claim must be due after the loan is paid out, and within a year"


@dataclass(frozen=True, slots=True)
class Script:
    """What is confirmed, lent and repaid, and on which business day."""

    papers: Papers
    submitted_on: date

    @classmethod
    def of(cls, papers: Papers) -> Self:
        """Lay the days out. Raises TermUnfit, CalendarUnpublished."""
        line = papers.line
        begins = max(
            FIRST_DAY + TO_ENROL,
            (line.delivered_on or FIRST_DAY) + AFTER_DELIVERY,
            *(paper.invoice.issued_on + DAY for paper in papers.invoices),
        )
        script = cls(papers, begins)
        if not 0 < script.days <= DAYS_MAX:
            raise TermUnfit(
                disbursed_on=script.disbursed_on, due_on=script.due_on, days_max=DAYS_MAX
            )
        add_working_days(script.due_on, terms_on(script.due_on).cancel_working_days)
        return script

    @property
    def confirmed(self) -> Money:
        """What the buyer says it owes."""
        return self.papers.claimed - self.papers.disputed

    @property
    def loan(self) -> Money:
        """What the bank lends, down to the fen."""
        return self.confirmed.times(SHARE, rounding=Rounding.DOWN)

    @property
    def enrolled_on(self) -> date:
        """The parties are registered."""
        return self.submitted_on - TO_ENROL

    @property
    def confirmed_on(self) -> date:
        """The buyer answers."""
        return self.submitted_on + DAY

    @property
    def pledged_on(self) -> date:
        """The supplier asks, the bank approves, both sign."""
        return self.submitted_on + 2 * DAY

    @property
    def disbursed_on(self) -> date:
        """The loan is paid out."""
        return self.submitted_on + 3 * DAY

    @property
    def noted_on(self) -> date:
        """The red invoice over the disputed part is agreed on."""
        return self.disbursed_on

    @property
    def silent_on(self) -> date:
        """A later claim is submitted, which the buyer does not answer."""
        return self.due_on + AFTER_DUE

    @property
    def uploaded_on(self) -> date:
        """The buyer uploads its next payables, after the silent claim's days have passed."""
        return self.silent_on + TO_UPLOAD

    @property
    def due_on(self) -> date:
        """The buyer pays, the loan is repaid, the pledge released."""
        return self.papers.line.due_on

    @property
    def days(self) -> int:
        """How long the loan runs."""
        return (self.due_on - self.disbursed_on).days


def at(day: date, clock: str) -> datetime:
    """Return an instant of a business day, `clock` as on the wall in Shanghai."""
    return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)
