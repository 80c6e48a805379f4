"""When the law's time runs, and where a request stands on a day: pure, from facts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from scf.confirmations.models import MomentKind, RequestState
from scf.kernel.clock import business_date
from scf.parties.models import SizeClass
from scf.rules.book import Book, shipped
from scf.rules.predicates import SMES

TERM: Final = "RPAY-09"
"""The rule that holds the statutory days."""
REMINDERS: Final = "PLT-02"
"""The rule that holds the days of reminders."""
SETTLING: Final = timedelta(minutes=2)
"""A day is judged this long after its end: a command that was called before midnight is committed by then."""
LINE_WITHDRAWN: Final = "receivable.withdrawn"
OBLIGED: Final = frozenset({SizeClass.LARGE, SizeClass.PUBLIC_BODY})


@dataclass(frozen=True, slots=True)
class Term:
    """The time to answer: `days` calendar days from day 0, the last included, and the days of reminders."""

    version: int
    days: int
    reminder_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the things that make the statutory time run, and what was found."""

    name: str
    value: str | None
    holds: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"name": self.name, "value": self.value, "holds": self.holds}


@dataclass(frozen=True, slots=True)
class Answer:
    """What followed a request. `compliant`: the law accepts it as an answer; a line taken back needs none."""

    event_id: UUID
    type: str
    at: datetime
    reason: str | None
    compliant: bool

    @property
    def on(self) -> date:
        """The business date of the answer."""
        return business_date(self.at)

    @property
    def by_debtor(self) -> bool:
        """Whether it is an answer at all: the creditor may take back the line instead."""
        return self.type != LINE_WITHDRAWN


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder or the end of the time, on its own day."""

    kind: MomentKind
    day: int
    on: date


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a request stands: `end` ended it, `dues` were reached before, `next` is the one ahead."""

    state: RequestState
    end: Answer | None
    dues: tuple[Due, ...]
    next: Due | None

    @property
    def answer(self) -> Answer | None:
        """The debtor's answer that ended it."""
        return self.end if self.end and self.end.by_debtor else None


def conditions(
    *,
    debtor_size: SizeClass | None,
    creditor_size: SizeClass | None,
    requested_on: date,
    book: Book | None = None,
) -> list[Condition]:
    """Return what article 16 of 保障中小企业款项支付条例 (国务院令第802号) asks for, and what was found.

    `creditor_size` is that of the contract's day, as declared (articles 3 and 16); None: not declared.
    """
    rule = (book or shipped()).rule(TERM).in_force(requested_on)
    return [
        Condition("debtor_obliged", debtor_size and debtor_size.value, debtor_size in OBLIGED),
        Condition(
            "creditor_sme",
            creditor_size and creditor_size.value,
            creditor_size is not None and creditor_size.value in SMES,
        ),
        Condition(
            "size_declared",
            "declared" if creditor_size else None,
            creditor_size is not None,
        ),
        Condition("rule_in_force", f"{TERM}/{rule.version}" if rule else None, rule is not None),
    ]


def term(found: Sequence[Condition], on: date, *, book: Book | None = None) -> Term | None:
    """Return the statutory term of a request made on a day; None where a condition does not hold."""
    book = book or shipped()
    version = book.rule(TERM).in_force(on)
    if version is None or not all(condition.holds for condition in found):
        return None
    days: int = version.parameters["days"]
    reminders = (book.parameters(REMINDERS, on) or {}).get("reminder_days", [])
    return Term(version.version, days, tuple(sorted(day for day in reminders if day <= days)))


def schedule(requested_on: date, days: int, reminder_days: Sequence[int]) -> list[Due]:
    """Return every day that brings something about, in order: reminders, then the day after the last."""
    due = [(MomentKind.REMINDER, day) for day in reminder_days]
    due.append((MomentKind.CONFIRM_OVERDUE, days + 1))
    return [Due(kind, day, requested_on + timedelta(days=day)) for kind, day in due]


def assess(
    state: RequestState, dues: Sequence[Due], answers: Sequence[Answer], *, now: datetime
) -> Progress:
    """Return where a request stands that was stored in `state`, by what its debtor said since.

    `dues` are those of `schedule`, none without a statutory time; `answers` are in order; the
    first compliant one, or the line's being taken back, ends the wait. What falls due on a day is reached when that day begins, so an answer of
    the same day comes after it. The same facts give the same dues however often, and whenever, one looks.
    """
    if state in _ENDED:
        return Progress(state, None, (), None)
    end = next((one for one in answers if one.compliant or not one.by_debtor), None)
    until = business_date(now - SETTLING) if end is None else end.on
    reached = tuple(due for due in dues if due.on <= until)
    overdue = state is not RequestState.OPEN or any(
        due.kind is MomentKind.CONFIRM_OVERDUE for due in reached
    )
    if end is not None:
        answered = RequestState.ANSWERED_LATE if overdue else RequestState.ANSWERED
        return Progress(answered if end.by_debtor else _WITHDRAWN, end, reached, None)
    following = next((due for due in dues if due.on > until), None)
    stands = RequestState.OVERDUE if overdue and state is RequestState.OPEN else state
    return Progress(stands, None, reached, following)


_WITHDRAWN: Final = RequestState.WITHDRAWN
_ENDED: Final = frozenset({RequestState.ANSWERED, RequestState.ANSWERED_LATE, _WITHDRAWN})
