"""Financeable is at most what was received: claims held to the buyer's receipt notes behind them.

A claim's receipts are those that it names by number and those of its invoices' orders. Claims on the same
receipts share what these are worth; a receipt whose worth is not known, or that is missing, caps nothing and
is a finding.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from scf.documents import trade
from scf.documents.models import Document
from scf.kernel.errors import LimitExceeded
from scf.kernel.money import Money, zero
from scf.parties.queries import parties_of
from scf.receivables.models import GIVEN_UP, Receivable, ReceivableDocument
from scf.receivables.writing import Line

SEPARATORS: Final = r"[\s,;，；、]+"
"""Between the numbers of several receipts."""
TOLERANCE: Final = Fraction(2, 100)
"""How far an invoice may be above what was received, and this above the order, before it is mentioned."""


class ClaimExceedsReceived(LimitExceeded):
    """A line claims no more than was received, other claims on the same receipts counted."""

    code = "receivable.claim_exceeds_received"
    title = "申报金额超过已入库金额"
    title_en = "The claim is above what was received"


@dataclass(frozen=True, slots=True)
class Goods:
    """What a claim says of the goods behind it."""

    creditor: str
    debtor_id: UUID
    receipt_no: str | None
    order_nos: frozenset[str]

    @property
    def numbers(self) -> set[str]:
        """The receipts that it names."""
        return numbers_of(self.receipt_no)


def numbers_of(receipt_no: str | None) -> set[str]:
    """Return the receipts that a claim names in one text."""
    return {number for number in re.split(SEPARATORS, receipt_no or "") if number}


@dataclass(frozen=True, slots=True, eq=False)
class _Receipt:
    id: UUID
    number: str
    worth: Money | None
    orders: frozenset[str]


class Book:
    """Receipts of one buyer from one seller, what they are worth, and what claims have taken of them."""

    def __init__(
        self, session: Session, creditor_id: UUID, wanted: Sequence[Goods], *, lock: bool
    ) -> None:
        """Look up what stands behind some claims; `lock`: whoever else claims on it waits."""
        found = trade.receipts(
            session,
            wanted[0].debtor_id,
            wanted[0].creditor,
            numbers={number for goods in wanted for number in goods.numbers},
            order_nos={number for goods in wanted for number in goods.order_nos},
            lock=lock,
        )
        worth = trade.values(session, [document for document, _ in found])
        self._by_number: dict[str, list[_Receipt]] = defaultdict(list)
        self._by_order: dict[str, list[_Receipt]] = defaultdict(list)
        self._taken: dict[UUID, dict[UUID, Money]] = defaultdict(dict)
        for document, orders in found:
            receipt = _Receipt(document.id, document.number, worth[document.id], frozenset(orders))
            self._by_number[receipt.number].append(receipt)
            for order in orders:
                self._by_order[order].append(receipt)
        if found:
            claims = _claims(session, creditor_id, wanted[0], self._by_number, self._by_order)
            for identity, (goods, claimed) in claims.items():
                self._note(identity, self.receipts(goods), claimed)

    def receipts(self, goods: Goods) -> list[_Receipt]:
        """Return the receipts of a claim, by their numbers."""
        found = {
            *(one for number in goods.numbers for one in self._by_number.get(number, ())),
            *(one for number in goods.order_nos for one in self._by_order.get(number, ())),
        }
        return sorted(found, key=lambda one: one.number)

    def received(self, receipts: Iterable[_Receipt], currency: str) -> Money | None:
        """Return what receipts are worth together; None where there are none, or one's worth is not known."""
        parts = [one.worth for one in receipts]
        known = [part for part in parts if part is not None and part.currency == currency]
        return sum(known, zero(currency)) if known and len(known) == len(parts) else None

    def left(
        self, receipts: Collection[_Receipt], currency: str, *, but: UUID | None = None
    ) -> Money | None:
        """Return what other claims, those of `but` aside, have left of receipts; None where that is not known."""
        received = self.received(receipts, currency)
        if received is None:
            return None
        others = {
            identity: claimed
            for one in receipts
            for identity, claimed in self._taken[one.id].items()
            if identity != but and claimed.currency == currency
        }
        return received - sum(others.values(), zero(currency))

    def take(self, identity: UUID, goods: Goods, claimed: Money) -> None:
        """Hold a new claim to its receipts. Raises ClaimExceedsReceived, with the numbers."""
        receipts = self.receipts(goods)
        left = self.left(receipts, claimed.currency)
        if left is not None and claimed > left:
            raise ClaimExceedsReceived(
                field="claimed",
                claimed=claimed,
                received=self.received(receipts, claimed.currency),
                left=max(left, zero(left.currency)),
            )
        self._note(identity, receipts, claimed)

    def _note(self, identity: UUID, receipts: Iterable[_Receipt], claimed: Money) -> None:
        for one in receipts:
            self._taken[one.id][identity] = claimed


def hold(session: Session, lines: Sequence[Line]) -> dict[UUID, ClaimExceedsReceived]:
    """Hold new lines to what was received; return by id those that claim more, with why.

    The receipts stay locked until the caller's transaction ends.
    """
    sides: dict[tuple[UUID, UUID], list[Line]] = defaultdict(list)
    for line in lines:
        sides[line.creditor_id, line.debtor_id].append(line)
    refused = {}
    for (creditor_id, debtor_id), ours in sorted(sides.items()):
        creditor = ours[0].record["creditor"]
        if not trade.has_receipts(session, debtor_id, creditor):
            continue
        orders = _order_numbers(session, [one for line in ours for one in line.document_ids])
        goods = {
            line.id: Goods(
                creditor,
                debtor_id,
                line.receipt_no,
                frozenset(orders[one] for one in line.document_ids if one in orders),
            )
            for line in ours
        }
        book = Book(session, creditor_id, list(goods.values()), lock=True)
        for line in ours:
            try:
                book.take(line.id, goods[line.id], line.claimed)
            except ClaimExceedsReceived as error:
                refused[line.id] = error
    return refused


def _order_numbers(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return by document the order that it names."""
    rows = session.execute(
        select(Document.id, Document.order_no).where(
            Document.id.in_(list(ids)), Document.order_no.is_not(None)
        )
    )
    return {identity: number for identity, number in rows if number}


def findings(
    session: Session, receivables: Sequence[Receivable]
) -> dict[UUID, list[tuple[str, dict[str, Any]]]]:
    """Return by claim what is to be looked at in its receipts: code and figures."""
    goods, invoiced = _goods(session, receivables), _invoiced(session, receivables)
    sides: dict[tuple[UUID, UUID], list[Receivable]] = defaultdict(list)
    for receivable in receivables:
        sides[receivable.creditor_id, receivable.debtor_id].append(receivable)
    found = {}
    for (creditor_id, debtor_id), ours in sides.items():
        book = Book(session, creditor_id, [goods[one.id] for one in ours], lock=False)
        orders = {
            one.id: goods[one.id].order_nos.union(
                *(receipt.orders for receipt in book.receipts(goods[one.id]))
            )
            for one in ours
        }
        every = frozenset[str]().union(*orders.values())
        delivered = trade.delivered(session, debtor_id, goods[ours[0].id].creditor, every)
        for receivable in ours:
            own = found[receivable.id] = _look(book, goods[receivable.id], receivable)
            own += _beyond(book, goods[receivable.id], invoiced[receivable.id])
            own += [
                ("receipt.above_order", _figures(order=number, ordered=asked, received=got))
                for number, (asked, got) in sorted(delivered.items())
                if number in orders[receivable.id] and _above(got, asked)
            ]
    return found


def _beyond(book: Book, goods: Goods, invoiced: Money) -> list[tuple[str, dict[str, Any]]]:
    """Hold the invoices of a claim to what was received."""
    received = book.received(book.receipts(goods), invoiced.currency)
    if received is None or not _above(invoiced, received):
        return []
    return [("invoice.above_received", _figures(invoiced=invoiced, received=received))]


def _above(amount: Money, base: Money) -> bool:
    return amount > base and amount.minor > base.minor * (1 + TOLERANCE)


def _figures(**values: Money | str) -> dict[str, Any]:
    return {
        name: value.to_json() if isinstance(value, Money) else value
        for name, value in values.items()
    }


def _invoiced(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, Money]:
    """Return by claim what its invoices are over."""
    rows = session.execute(
        select(
            ReceivableDocument.receivable_id,
            func.min(Document.currency),
            func.sum(Document.total_minor),
        )
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_([one.id for one in receivables]))
        .group_by(ReceivableDocument.receivable_id)
    )
    return {identity: Money(int(minor), currency) for identity, currency, minor in rows}


def _look(book: Book, goods: Goods, receivable: Receivable) -> list[tuple[str, dict[str, Any]]]:
    receipts = book.receipts(goods)
    numbers: dict[str, Any] = {"receipts": [one.number for one in receipts]}
    if not receipts:
        return [("receipt.missing", {"receipt_no": receivable.receipt_no})]
    left = book.left(receipts, receivable.currency, but=receivable.id)
    if left is None:
        return [("receipt.unvalued", numbers)]
    if receivable.claimed > left:
        figures = {"claimed": receivable.claimed.to_json(), "left": left.to_json()}
        return [("receipt.below_claim", {**numbers, **figures})]
    return []


def _goods(session: Session, receivables: Sequence[Receivable]) -> dict[UUID, Goods]:
    parties = parties_of(session, receivables)
    orders: dict[UUID, set[str]] = defaultdict(set)
    rows = session.execute(
        select(ReceivableDocument.receivable_id, Document.order_no)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_([one.id for one in receivables]))
    )
    for identity, number in rows:
        if number:
            orders[identity].add(number)
    return {
        one.id: Goods(
            parties[one.creditor_id].uscc,
            one.debtor_id,
            one.receipt_no,
            frozenset(orders[one.id]),
        )
        for one in receivables
    }


def _claims(
    session: Session,
    creditor_id: UUID,
    sides: Goods,
    numbers: Iterable[str],
    order_nos: Iterable[str],
) -> dict[UUID, tuple[Goods, Money]]:
    """Return the live claims between two parties that name some receipts, or orders that these are about."""
    of_orders = (
        select(ReceivableDocument.receivable_id)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(Document.order_no.in_(list(order_nos)))
    )
    named = func.regexp_split_to_array(Receivable.receipt_no, SEPARATORS)
    found = session.scalars(
        select(Receivable).where(
            Receivable.creditor_id == creditor_id,
            Receivable.debtor_id == sides.debtor_id,
            Receivable.state.not_in(GIVEN_UP),
            or_(
                named.op("&&")(cast(list(numbers), ARRAY(Text))),
                Receivable.id.in_(of_orders),
            ),
        )
    ).all()
    goods = _goods(session, found)
    return {one.id: (goods[one.id], one.claimed) for one in found}
