"""What a debtor has to pay, by day: to whom, into which account of which bank, what is paid already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, tuple_, union_all
from sqlalchemy.orm import Session

from scf.kernel.clock import parse_date
from scf.kernel.errors import TooLarge
from scf.kernel.ids import IdInvalid, parse_id, public_id
from scf.kernel.money import Money
from scf.parties.models import Party
from scf.parties.queries import parties_by_id
from scf.receivables.models import Receivable
from scf.settlement import orders

EXPORT_MAX: Final = 20_000  # rows of one file


class TooManyRows(TooLarge):
    """A file has at most twenty thousand rows; a narrower range of days has fewer."""

    code = "maturity.too_many_rows"
    title = "导出行数超过上限，请缩小日期范围"
    title_en = "Too many rows for one file"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which days, whose claims. `unpaid` leaves out what is paid."""

    first_on: date | None = None
    last_on: date | None = None
    supplier_id: UUID | None = None
    unpaid: bool = False


class Part(StrEnum):
    """What of a receivable falls due: all but the retention (质保金), or that, on its own date."""

    MAIN = "MAIN"
    RETENTION = "RETENTION"


@dataclass(frozen=True, slots=True)
class Due:
    """What falls due on a day, with its supplier.

    What is paid goes to the main part first; `ordered` is what is ordered of the whole receivable and no bank
    has told of yet.
    """

    receivable: Receivable
    supplier: Party
    part: Part
    due_on: date
    confirmed: Money
    paid: Money
    ordered: Money

    @property
    def outstanding(self) -> Money:
        """What is still to be paid."""
        return self.confirmed - self.paid


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one day and supplier."""

    due_on: date
    supplier: Party
    count: int
    confirmed: Money
    paid: Money
    outstanding: Money


_RETAINED = func.coalesce(Receivable.retention_minor, 0)
_MAIN = Receivable.confirmed_minor - _RETAINED
_PARTS = union_all(
    select(
        Receivable.id,
        Receivable.due_on.label("due_on"),
        literal(Part.MAIN.value).label("part"),
        _MAIN.label("confirmed"),
        func.least(Receivable.paid_minor, _MAIN).label("paid"),
    ).where(Receivable.pool_id.is_not(None), _MAIN > 0),
    select(
        Receivable.id,
        Receivable.retention_due_on,
        literal(Part.RETENTION.value),
        _RETAINED,
        func.least(func.greatest(Receivable.paid_minor - _MAIN, 0), _RETAINED),
    ).where(Receivable.pool_id.is_not(None), _RETAINED > 0),
).subquery("parts")
"""What falls due of everything confirmed; the database filters inside."""
_KEY = (_PARTS.c.due_on, _PARTS.c.id, _PARTS.c.part)


def page(
    session: Session, debtor_id: UUID, wanted: Filter, *, after: str | None, size: int
) -> list[Due]:
    """Return what a debtor has to pay, by day and id, from after a cursor. Raises IdInvalid."""
    statement = (
        select(Receivable, Party, *_KEY[::2], _PARTS.c.confirmed, _PARTS.c.paid)
        .join(_PARTS, _PARTS.c.id == Receivable.id)
        .join(Party, Party.id == Receivable.creditor_id)
        .where(*_conditions(debtor_id, wanted))
    )
    if after is not None:
        statement = statement.where(tuple_(*_KEY) > tuple_(*read_cursor(after)))
    rows = session.execute(statement.order_by(*_KEY).limit(size)).all()
    ordered = orders.under_way(session, [row[0].id for row in rows])
    return [
        Due(
            receivable=receivable,
            supplier=supplier,
            part=Part(part),
            due_on=day,
            confirmed=receivable.money(confirmed),
            paid=receivable.money(paid),
            ordered=receivable.money(ordered.get(receivable.id, 0)),
        )
        for receivable, supplier, day, part, confirmed, paid in rows
    ]


def whole(session: Session, debtor_id: UUID, wanted: Filter) -> list[Due]:
    """Return the whole list for a file. Raises TooManyRows."""
    found = page(session, debtor_id, wanted, after=None, size=EXPORT_MAX + 1)
    if len(found) > EXPORT_MAX:
        raise TooManyRows(count_max=EXPORT_MAX)
    return found


def totals(session: Session, debtor_id: UUID, wanted: Filter) -> list[Total]:
    """Return the sums per day, supplier and currency."""
    columns = (_PARTS.c.due_on, Receivable.creditor_id, Receivable.currency)
    sums = (_PARTS.c.confirmed, _PARTS.c.paid, _PARTS.c.confirmed - _PARTS.c.paid)
    rows = session.execute(
        select(*columns, func.count(), *(func.sum(column) for column in sums))
        .join(_PARTS, _PARTS.c.id == Receivable.id)
        .where(*_conditions(debtor_id, wanted))
        .group_by(*columns)
        .order_by(*columns)
    ).all()
    suppliers = parties_by_id(session, {row[1] for row in rows})
    return [
        Total(day, suppliers[supplier], count, *(Money(int(minor), currency) for minor in minors))
        for day, supplier, currency, count, *minors in rows
    ]


def cursor(found: Sequence[Due], size: int) -> str | None:
    """Return the cursor after a full page: day, id and part."""
    if len(found) < size:
        return None
    last = found[-1]
    return f"{last.due_on.isoformat()}.{public_id('rcv', last.receivable.id)}.{last.part.value}"


def read_cursor(text: str) -> tuple[date, UUID, str]:
    """Read a cursor. Raises IdInvalid, ValueInvalid."""
    day, _, rest = text.partition(".")
    identity, _, part = rest.partition(".")
    if part not in set(Part):
        raise IdInvalid(field="cursor", value=text[:40], expected="2025-12-19.rcv_….MAIN")
    return parse_date(day, field="cursor"), parse_id("rcv", identity, field="cursor"), part


def _conditions(debtor_id: UUID, wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Receivable.debtor_id == debtor_id]
    if wanted.first_on is not None:
        found.append(_PARTS.c.due_on >= wanted.first_on)
    if wanted.last_on is not None:
        found.append(_PARTS.c.due_on <= wanted.last_on)
    if wanted.supplier_id is not None:
        found.append(Receivable.creditor_id == wanted.supplier_id)
    if wanted.unpaid:
        found.append(_PARTS.c.confirmed > _PARTS.c.paid)
    return found
