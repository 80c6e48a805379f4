"""How often an enterprise confirms in time (确权及时率), and the requests behind every figure.

What counts are requests under the statutory time whose last day lies in the period and that were answered
or ran out. One that the debtor contests is late until it is decided, and shown both with and without; one
whose objection was upheld leaves the figures. Withdrawing a request that ran out does not undo that it did.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from scf.access import service as access
from scf.access.models import Basis, Looked, LookUp, Purpose
from scf.access.service import Look
from scf.confirmations.models import ConfirmationRequest, Moment, MomentKind, RequestState
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Invalid
from scf.kernel.ids import public_id
from scf.parties import supervision
from scf.parties.models import Party
from scf.parties.supervision import Sight
from scf.receivables.queries import date_text

_PLACES: Final = Decimal("0.0001")
HEADER: Final = (
    "请求编号", "应收账款", "债权人", "债权人代码", "债务人", "债务人代码", "币种", "金额",
    "请求日", "期限届满日", "答复日", "状态", "计入", "按期", "有异议", "异议成立",
)  # fmt: skip


class PeriodReversed(Invalid):
    """A period ends on its first day or later."""

    code = "confirmation.period_reversed"
    title = "期间的结束日早于开始日"
    title_en = "The period ends before it begins"


class Figure(StrEnum):
    """A figure of the rate, and so a set of requests."""

    DUE = "due"
    ON_TIME = "on_time"
    LATE = "late"
    CONTESTED = "contested"
    EXCLUDED = "excluded"


def _recorded(kind: MomentKind, *, upheld: bool | None = None) -> ColumnElement[bool]:
    found = exists().where(Moment.request_id == ConfirmationRequest.id, Moment.kind == kind)
    return found if upheld is None else found.where(Moment.upheld.is_(upheld))


_RAN = or_(
    ConfirmationRequest.state == RequestState.ANSWERED, ConfirmationRequest.overdue_on.is_not(None)
)
_UPHELD = _recorded(MomentKind.DECIDED, upheld=True)
_OPEN_CONTEST = and_(_recorded(MomentKind.CONTESTED), not_(_recorded(MomentKind.DECIDED)))
_COUNTED = and_(_RAN, not_(_UPHELD))
_ON_TIME = ConfirmationRequest.state == RequestState.ANSWERED
FIGURES: Final[dict[Figure, ColumnElement[bool]]] = {
    Figure.DUE: _COUNTED,
    Figure.ON_TIME: and_(_COUNTED, _ON_TIME),
    Figure.LATE: and_(_COUNTED, not_(_ON_TIME)),
    Figure.CONTESTED: and_(_COUNTED, _OPEN_CONTEST),
    Figure.EXCLUDED: and_(_RAN, _UPHELD),
}
_COUNTS: Final = [func.count().filter(condition) for condition in FIGURES.values()]


@dataclass(frozen=True, slots=True)
class Period:
    """Both days belong to it."""

    first_on: date
    last_on: date

    def __post_init__(self) -> None:
        if self.last_on < self.first_on:
            raise PeriodReversed(field="last_on", first_on=self.first_on, last_on=self.last_on)


@dataclass(frozen=True, slots=True)
class Rate:
    """The figures of one debtor over a period; `whole` is False for a creditor, which sees its own part."""

    counts: dict[Figure, int]
    whole: bool

    @property
    def rate(self) -> str | None:
        """On time of all that was due, four decimals rounded down; None where nothing was due."""
        return _share(self.counts[Figure.ON_TIME], self.counts[Figure.DUE])

    @property
    def without_contested(self) -> str | None:
        """The same without what is contested and not decided."""
        due = self.counts[Figure.DUE] - self.counts[Figure.CONTESTED]
        return _share(self.counts[Figure.ON_TIME], due)


def rate(session: Session, actor: Actor, debtor_id: UUID, period: Period, *, now: datetime) -> Rate:
    """Return a debtor's figures: whole to itself, its regulator and the operator, to a creditor its part.

    Whole also to a bank that it lets look, which is recorded. Raises SubjectNotFound to whoever has nothing
    with it, competitors included.
    """
    let_in = _let_in(session, actor, debtor_id, period, now=now)
    visible = [] if let_in else _visible(session, actor, debtor_id, Sight.ON_TIME_RATE)
    row = session.execute(select(*_COUNTS).where(*visible, *_of([debtor_id], period))).one()
    return Rate(dict(zip(FIGURES, row, strict=True)), whole=not visible)


def _let_in(
    session: Session, actor: Actor, debtor_id: UUID, period: Period, *, now: datetime
) -> bool:
    """Tell whether the debtor consents that the caller looks; if so, it is recorded."""
    if actor.operator:
        return False
    consent = access.consent(session, actor, debtor_id, Purpose.CREDIT_REVIEW, now=now)
    if consent is None:
        return False
    look = Look(
        Looked.ON_TIME_RATE,
        f"{period.first_on}/{period.last_on}",
        Purpose.CREDIT_REVIEW,
        Basis.CONSENT,
        consent_id=consent.id,
    )
    access.record(session, actor, [debtor_id], look, now=now)
    return True


def whole_rates(
    session: Session, debtor_ids: Collection[UUID], period: Period
) -> Mapping[UUID, Rate]:
    """Return the whole figures of debtors, by id; the caller has seen to who may read them."""
    debtor = ConfirmationRequest.debtor_id
    statement = select(debtor, *_COUNTS).where(*_of(debtor_ids, period)).group_by(debtor)
    counted = {row[0]: row[1:] for row in session.execute(statement)}
    none = (0,) * len(FIGURES)
    return {
        one: Rate(dict(zip(FIGURES, counted.get(one, none), strict=True)), whole=True)
        for one in debtor_ids
    }


def requests(
    session: Session,
    actor: Actor,
    debtor_id: UUID,
    period: Period,
    figure: Figure,
    *,
    after: UUID | None,
    size: int,
    look_up: LookUp | None = None,
) -> Sequence[ConfirmationRequest]:
    """Return the requests behind a figure, oldest first; to a regulator for its recorded look-up.

    Raises SubjectNotFound, ReasonNeeded.
    """
    recorded = look_up is not None and look_up.party_id == debtor_id
    visible = [] if recorded else _visible(session, actor, debtor_id, Sight.REQUESTS)
    conditions = [*visible, *_of([debtor_id], period), FIGURES[figure]]
    if after is not None:
        conditions.append(ConfirmationRequest.id > after)
    statement = select(ConfirmationRequest).where(*conditions).order_by(ConfirmationRequest.id)
    return session.scalars(statement.limit(size)).all()


def table(
    session: Session, actor: Actor, debtor_id: UUID, period: Period
) -> Iterator[tuple[str, ...]]:
    """Give every request of the period as a row, with how it counts, after a header.

    Raises SubjectNotFound, ReasonNeeded.
    """
    visible = _visible(session, actor, debtor_id, Sight.REQUESTS)
    creditor, debtor = aliased(Party), aliased(Party)
    rows = session.execute(
        select(
            ConfirmationRequest,
            creditor,
            debtor,
            _COUNTED.label("counted"),
            _OPEN_CONTEST.label("contested"),
            _UPHELD.label("upheld"),
        )
        .join(creditor, creditor.id == ConfirmationRequest.creditor_id)
        .join(debtor, debtor.id == ConfirmationRequest.debtor_id)
        .where(*visible, *_of([debtor_id], period))
        .order_by(ConfirmationRequest.id)
        .execution_options(yield_per=500)
    )
    yield HEADER
    for request, asks, owes, counted, contested, upheld in rows:
        yield (
            public_id("cfr", request.id),
            public_id("rcv", request.receivable_id),
            asks.name,
            asks.uscc,
            owes.name,
            owes.uscc,
            request.currency,
            request.claimed.text,
            request.requested_on.isoformat(),
            date_text(request.deadline_on) or "",
            date_text(request.answered_on) or "",
            request.state.value,
            _said(counted),
            _said(request.state is RequestState.ANSWERED) if counted else "",
            _said(contested),
            _said(upheld),
        )


def _visible(
    session: Session, actor: Actor, debtor_id: UUID, sight: Sight
) -> list[ColumnElement[bool]]:
    """Return what a caller's part of a debtor's requests is: no condition where it is the whole."""
    if actor.operator or actor.party_id == debtor_id:
        if session.get(Party, debtor_id) is None:
            raise SubjectNotFound
        return []
    if supervision.sees(session, actor, debtor_id, sight):
        return []
    own = ConfirmationRequest.creditor_id == actor.party
    dealt = exists().where(own, ConfirmationRequest.debtor_id == debtor_id)
    if not session.scalar(select(dealt)):
        raise SubjectNotFound
    return [own]


def _of(debtor_ids: Collection[UUID], period: Period) -> list[ColumnElement[bool]]:
    return [
        ConfirmationRequest.debtor_id.in_(debtor_ids),
        ConfirmationRequest.statutory.is_(True),
        ConfirmationRequest.deadline_on.between(period.first_on, period.last_on),
    ]


def _share(part: int, whole: int) -> str | None:
    if whole == 0:
        return None
    return str((Decimal(part) / whole).quantize(_PLACES, ROUND_DOWN))


def _said(value: bool) -> str:
    return "是" if value else "否"
