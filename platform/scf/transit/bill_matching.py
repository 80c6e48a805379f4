"""Holding what is billed to the agreement and the book: a journey to its waybill and its proof of delivery, days to the tariff.

What is billed is over: a journey that has come to its end, days that are past; and nothing is billed twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties.models import Party
from scf.receipts.models import ReceiptLot, WarehouseReceipt
from scf.receivables.service import Account
from scf.stock.models import Lot
from scf.transit import bill_book, bill_rules, queries, tariffs
from scf.transit.bill_models import BillKind, FreightBillItem, StorageTariff
from scf.transit.bill_rules import Match
from scf.transit.models import Consignment
from scf.transit.permissions import Action

DAYS_MAX = 366
"""Of one item of storage."""


class BillKnown(Conflict):
    """A party's bills are numbered; a journey and a day of storage are billed once."""

    code = "freight_bill.known"
    title = "该账单编号、运单或仓储日期已入账"
    title_en = "A bill of this number, journey or day is entered already"


class ItemUnfit(Invalid):
    """What is billed is over, is measured in the goods' unit, and is owed by one and the same party."""

    code = "freight_bill.item_unfit"
    title = "账单明细不正确：须为已完结的运输或已过去的日期，计量单位与货物一致，且付款方相同"
    title_en = (
        "An item is of what is over, in the goods' unit, and owed by the same party as the others"
    )


class NoTariff(Invalid):
    """Storage is billed by one tariff that both sides signed; where it changes, another item begins."""

    code = "freight_bill.no_tariff"
    title = "双方在该期间没有生效的同一份仓储费率协议"
    title_en = "No one signed tariff of storage is in force between the two for all these days"


@dataclass(frozen=True, slots=True)
class Journey:
    """A consignment that has come to its end."""

    consignment: UUID


@dataclass(frozen=True, slots=True)
class Days:
    """Days of storing a receipt's goods, both ends included."""

    receipt: UUID
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class Item:
    """What is billed; `quantity` in units, or in units times days."""

    about: Journey | Days
    quantity: Quantity
    rate: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Bill:
    """What its payee enters."""

    kind: BillKind
    number: str
    due_on: date
    pay_to: Account
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Held:
    """An item as agreement and book have it: who owes it, over which receipt, due from when on at the earliest."""

    item: Item
    receipt_id: UUID
    payer_id: UUID
    earliest_due_on: date
    match: Match


def hold(session: Session, payee: Party, wanted: Bill, *, now: datetime) -> list[Held]:
    """Hold every item to agreement and book, with what it is about locked.

    Raises SubjectNotFound, ConsignmentActionNotAllowed, BillKnown, ItemUnfit, NoTariff.
    """
    journeys = [item.about for item in wanted.items if isinstance(item.about, Journey)]
    days = [item.about for item in wanted.items if isinstance(item.about, Days)]
    if (days and journeys) or bool(days) is not (wanted.kind is BillKind.STORAGE):
        raise ItemUnfit(field="items", kind=wanted.kind.value)
    if days:
        _require_apart(days)
        return _hold_days(session, payee, wanted.items, days, now=now)
    return _hold_journeys(session, payee, wanted, journeys, now=now)


def _hold_journeys(
    session: Session, payee: Party, wanted: Bill, journeys: Sequence[Journey], *, now: datetime
) -> list[Held]:
    """Hold freight to what arrived at the waybill's rate; a claim to what was lost, at what it says a unit is worth."""
    claimed = wanted.kind is BillKind.CLAIM
    locked = _lock_journeys(session, payee, [one.consignment for one in journeys], claimed=claimed)
    held = []
    for number, (item, about) in enumerate(zip(wanted.items, journeys, strict=True)):
        journey = locked[about.consignment]
        if journey.state not in bill_book.ENDED or item.quantity.unit != journey.unit:
            state = journey.state.value
            raise ItemUnfit(field=f"items.{number}", state=state, unit=journey.unit)
        book = bill_book.lost(journey) if claimed else bill_book.arrived(journey)
        agreed = item.rate if claimed else Money.from_json(journey.plan["freight_rate"])
        held.append(
            Held(
                item,
                journey.receipt_id,
                journey.carrier_id if claimed else journey.holder_id,
                business_date(now),
                bill_rules.match(item.quantity, item.rate, item.amount, book=book, agreed=agreed),
            )
        )
    return held


def _lock_journeys(
    session: Session, payee: Party, ids: Sequence[UUID], *, claimed: bool
) -> dict[UUID, Consignment]:
    """Return consignments, locked after their receipts, none of which is billed so yet."""
    seen = session.scalars(
        select(Consignment).where(
            Consignment.id.in_(ids),
            or_(
                *(
                    role == payee.id
                    for role in (
                        Consignment.holder_id,
                        Consignment.keeper_id,
                        Consignment.carrier_id,
                        Consignment.destination_id,
                    )
                ),
                Consignment.pledgees.contains([payee.id]),
            ),
        )
    ).all()
    if len(seen) < len(set(ids)):
        raise evidence.SubjectNotFound
    for one in seen:
        queries.require(session, one, payee.id, Action.CLAIM if claimed else Action.BILL)
    evidence.lock_all(session, WarehouseReceipt, [one.receipt_id for one in seen])
    billed = select(FreightBillItem.consignment_id).where(
        FreightBillItem.consignment_id.in_(ids),
        FreightBillItem.claimed == claimed,
        FreightBillItem.live,
    )
    known = set(session.scalars(billed))
    for number, identity in enumerate(ids):
        if identity in known or identity in ids[:number]:
            named = public_id("csg", identity)
            raise BillKnown(field=f"items.{number}.consignment", consignment=named)
    return evidence.lock_all(session, Consignment, ids)


def _hold_days(
    session: Session, payee: Party, items: Sequence[Item], days: Sequence[Days], *, now: datetime
) -> list[Held]:
    """Hold storage to what lay at the payee's day by day, at the tariff between it and the receipt's holder."""
    ids = {about.receipt for about in days}
    kept = (
        select(ReceiptLot.receipt_id)
        .join(Lot, Lot.id == ReceiptLot.lot_id)
        .where(Lot.keeper_id == payee.id)
    )
    seen = session.scalars(
        select(WarehouseReceipt).where(WarehouseReceipt.id.in_(ids), WarehouseReceipt.id.in_(kept))
    ).all()
    moved = {one.id: bill_book.changes(session, one, payee.id) for one in seen}
    if len(seen) < len(ids) or not all(moved.values()):
        raise evidence.SubjectNotFound
    locked = evidence.lock_all(session, WarehouseReceipt, ids)
    held = []
    for number, (item, about) in enumerate(zip(items, days, strict=True)):
        field, receipt = f"items.{number}", locked[about.receipt]
        over = about.last_on < business_date(now)
        if not over or about.first_on > about.last_on or item.quantity.unit != receipt.unit:
            raise ItemUnfit(field=field, unit=receipt.unit)
        _require_unbilled(session, payee, about, field)
        tariff = _tariff(session, payee, receipt, about, field)
        book = bill_book.unit_days(receipt, moved[receipt.id], about.first_on, about.last_on)
        agreed = Money(tariff.rate_minor)
        held.append(
            Held(
                item,
                receipt.id,
                receipt.holder_id,
                business_date(now) + timedelta(days=tariff.payment_days),
                bill_rules.match(item.quantity, item.rate, item.amount, book=book, agreed=agreed),
            )
        )
    return held


def _require_apart(days: Sequence[Days]) -> None:
    """Raise BillKnown where a bill has a day of storage twice, ItemUnfit where an item has more than a year of them."""
    for number, one in enumerate(days):
        if (one.last_on - one.first_on).days >= DAYS_MAX:
            raise ItemUnfit(field=f"items.{number}", days_max=DAYS_MAX)
    ordered = sorted(days, key=lambda one: (one.receipt, one.first_on))
    for one, other in pairwise(ordered):
        if one.receipt == other.receipt and other.first_on <= one.last_on:
            raise BillKnown(field="items", receipt=public_id("whr", one.receipt))


def _require_unbilled(session: Session, payee: Party, about: Days, field: str) -> None:
    billed = select(FreightBillItem.bill_id).where(
        FreightBillItem.receipt_id == about.receipt,
        FreightBillItem.payee_id == payee.id,
        FreightBillItem.live,
        FreightBillItem.first_on <= about.last_on,
        FreightBillItem.last_on >= about.first_on,
    )
    if session.scalar(billed.limit(1)) is not None:
        raise BillKnown(field=f"{field}.first_on", receipt=public_id("whr", about.receipt))


def _tariff(
    session: Session, keeper: Party, receipt: WarehouseReceipt, about: Days, field: str
) -> StorageTariff:
    """Return the one tariff that is in force on every day of a period; none begins within. Raises NoTariff."""
    in_force = {
        tariffs.in_force(session, keeper.id, receipt.holder_id, receipt.unit, day)
        for day in bill_rules.days_of(about.first_on, about.last_on)
    }
    if len(in_force) > 1 or None in in_force:
        raise NoTariff(field=field, first_on=about.first_on, last_on=about.last_on)
    (found,) = (one for one in in_force if one is not None)
    return found
