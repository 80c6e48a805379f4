"""Settling bills between two parties (物流结算): both sides' bills against each other, and one payment order for the rest.

Whoever pays sets its own bills that are due off against what it owes (Civil Code 568), and instructs its bank. The
platform moves no money: a bill is paid when a bank tells that the transfer came in, and open again if it went back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.parties.signing import Signer
from scf.receivables.service import Account
from scf.settlement import orders, transfers
from scf.settlement.models import DEAD, BankEntry, PaymentOrder
from scf.transit import liens
from scf.transit.answering import close
from scf.transit.bill_models import (
    BillState,
    FreightBill,
    FreightBillItem,
    FreightSettlement,
    FreightSettlementPart,
    SettlementState,
)
from scf.transit.billing import lock_bills, tell

BILLS_MAX: Final = 500
"""Of one settlement, both sides together."""


class NothingToSettle(Conflict):
    """A settlement pays what its payer has accepted, and more than it is owed itself."""

    code = "freight_settlement.nothing_to_pay"
    title = "没有可由您支付的账单金额，或轧差后应由对方付款"
    title_en = "Nothing that you accepted is open, or the other side is to pay"


class AccountsDiffer(Conflict):
    """One settlement is one transfer to one account; bills that name another are settled by themselves."""

    code = "freight_settlement.accounts_differ"
    title = "账单载明的收款账户不一致，请分别结算"
    title_en = "The bills name different accounts: settle them apart"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a party settles with, by USCC; `bills` None: all that are open between the two."""

    counterparty: str
    bills: Sequence[UUID] | None
    account: Account
    execute_on: date
    maker: Signer


@dataclass(frozen=True, slots=True)
class Part:
    """What of an item is settled."""

    bill: FreightBill
    item: FreightBillItem
    amount_minor: int


def settle(session: Session, actor: Actor, wanted: Wanted, *, now: datetime) -> FreightSettlement:
    """Net both sides' bills and draft the order for the rest; it is approved as any payment order is. By who pays.

    Raises SubjectNotFound, NothingToSettle, AccountsDiffer, DayUnfit, `payment_order.account_unfit`, and what
    mandates raise.
    """
    payer = parties.active_party(session, actor.party)
    payee = parties.party_by_uscc(session, wanted.counterparty)
    if payee is None or payee.id == payer.id:
        raise evidence.SubjectNotFound
    bills = _between(session, payer, payee, wanted.bills)
    settled = _settled(session, [bill.id for bill in bills])
    parts = [
        Part(bill, item, minor)
        for bill in bills
        if bill.payer_id == payer.id or bill.due_on <= business_date(now)
        for item in bill.items
        if (minor := item.accepted_minor - settled.get((bill.id, item.position), 0)) > 0
    ]
    owing = [part for part in parts if part.bill.payer_id == payer.id]
    owed = sum(part.amount_minor for part in owing)
    set_off = sum(part.amount_minor for part in parts) - owed
    if not owed or set_off > owed:
        raise NothingToSettle(owed=Money(owed), set_off=Money(set_off))
    settlement = FreightSettlement(
        id=new_id(),
        payer_id=payer.id,
        payee_id=payee.id,
        owed_minor=owed,
        set_off_minor=set_off,
        state=SettlementState.INSTRUCTED,
        state_since=now,
        made_at=now,
        order_id=_instruct(
            session, actor, wanted, payee, owing, net=Money(owed - set_off), now=now
        ),
    )
    session.add(settlement)
    session.flush()
    _keep_parts(session, settlement, parts, actor, now=now)
    if settlement.order_id is None:
        _pay(session, settlement, bills, None, actor, now=now)
    return settlement


def visible(session: Session, party_id: UUID, settlement_id: UUID) -> FreightSettlement:
    """Return a settlement to one of its two sides. Raises SubjectNotFound."""
    found = session.get(FreightSettlement, settlement_id)
    if found is None or party_id not in (found.payer_id, found.payee_id):
        raise evidence.SubjectNotFound
    return found


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[FreightSettlement]:
    """Return the settlements that a party has a side in, oldest first."""
    own = or_(FreightSettlement.payer_id == party_id, FreightSettlement.payee_id == party_id)
    statement = select(FreightSettlement).where(own)
    if after is not None:
        statement = statement.where(FreightSettlement.id > after)
    return session.scalars(statement.order_by(FreightSettlement.id).limit(size)).all()


def learn(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Take over what a bank told of a settlement's order: its bills are paid, or open again. Twice is as once."""
    order_id, now = UUID(payload["order_id"]), context.clock.now()
    with context.database.transaction() as session:
        found = session.scalar(
            select(FreightSettlement).where(FreightSettlement.order_id == order_id)
        )
        if found is None:
            return  # another feature's order
        bills = lock_bills(session, sorted({part.bill_id for part in found.parts}))
        session.refresh(found, with_for_update=True)
        told = transfers.received(session, order_id)
        entry = transfers.newest_entry(session, order_id)
        if found.state is SettlementState.INSTRUCTED and told >= found.net.minor:
            _pay(session, found, bills, entry, None, now=now)
        elif found.state is SettlementState.PAID and told < found.net.minor:
            _unpay(session, found, bills, entry, now=now)


def _between(
    session: Session, payer: Party, payee: Party, ids: Sequence[UUID] | None
) -> list[FreightBill]:
    """Return the answered bills between two, locked: all, or those named. Raises SubjectNotFound for any other."""
    both = [payer.id, payee.id]
    found = select(FreightBill.id).where(
        FreightBill.payer_id.in_(both),
        FreightBill.payee_id.in_(both),
        FreightBill.state == BillState.ANSWERED,
    )
    if ids is not None:
        found = found.where(FreightBill.id.in_(ids))
    chosen = session.scalars(found.order_by(FreightBill.id).limit(BILLS_MAX)).all()
    if ids is not None and len(chosen) < len(set(ids)):
        raise evidence.SubjectNotFound
    bills = lock_bills(session, chosen)
    return [bill for bill in bills if bill.state is BillState.ANSWERED]


def _settled(session: Session, ids: Sequence[UUID]) -> dict[tuple[UUID, int], int]:
    """Return what of bills' items is paid or under way, in fen: all but what came back, or was never carried out."""
    part = FreightSettlementPart
    rows = session.execute(
        select(part.bill_id, part.position, cast(func.sum(part.amount_minor), BigInteger))
        .join(FreightSettlement, FreightSettlement.id == part.settlement_id)
        .outerjoin(PaymentOrder, PaymentOrder.id == FreightSettlement.order_id)
        .where(
            part.bill_id.in_(ids),
            FreightSettlement.state != SettlementState.RETURNED,
            or_(PaymentOrder.id.is_(None), PaymentOrder.state.not_in(DEAD)),
        )
        .group_by(part.bill_id, part.position)
    )
    return {(bill, position): minor for bill, position, minor in rows}


def _instruct(
    session: Session,
    actor: Actor,
    wanted: Wanted,
    payee: Party,
    owing: Sequence[Part],
    *,
    net: Money,
    now: datetime,
) -> UUID | None:
    """Draft the order for what is left, to the one account that the payee's bills name; None where nothing is."""
    accounts = {tuple(sorted(part.bill.pay_to.items())): part.bill.pay_to for part in owing}
    if len(accounts) > 1:
        raise AccountsDiffer(accounts=len(accounts))
    if not net.minor:
        payer = parties.active_party(session, actor.party)
        orders.require_mandate(session, payer, wanted.maker, "make", net, now=now)
        return None
    (pay_to,) = accounts.values()
    numbers = dict.fromkeys(part.bill.number for part in owing)
    order = transfers.draft(
        session,
        actor,
        transfers.Wanted(payee, net, pay_to, " ".join(numbers)),
        account=wanted.account,
        execute_on=wanted.execute_on,
        maker=wanted.maker,
        now=now,
    )
    return order.id


def _keep_parts(
    session: Session,
    settlement: FreightSettlement,
    parts: Sequence[Part],
    actor: Actor,
    *,
    now: datetime,
) -> None:
    """Keep what is settled of which item, and tell both sides of every bill."""
    by_bill: dict[UUID, int] = {}
    for part in parts:
        by_bill[part.bill.id] = by_bill.get(part.bill.id, 0) + part.amount_minor
        session.add(
            FreightSettlementPart(
                settlement_id=settlement.id,
                bill_id=part.bill.id,
                position=part.item.position,
                amount_minor=part.amount_minor,
            )
        )
    session.flush()
    session.refresh(settlement, ["parts"])
    common = {
        "settlement": public_id("fst", settlement.id),
        "order": public_id("pmo", settlement.order_id) if settlement.order_id else None,
        "owed": Money(settlement.owed_minor).to_json(),
        "set_off": Money(settlement.set_off_minor).to_json(),
        "net": settlement.net.to_json(),
    }
    for bill in {part.bill.id: part.bill for part in parts}.values():
        said = {**common, "amount": Money(by_bill[bill.id]).to_json()}
        tell(session, bill, "freight_bill.instructed", said, actor, now=now)


def _pay(
    session: Session,
    settlement: FreightSettlement,
    bills: Sequence[FreightBill],
    entry: BankEntry | None,
    actor: Actor | None,
    *,
    now: datetime,
) -> None:
    """Let bills be paid as a settlement says; `entry` None where set-off left nothing to pay."""
    _move(settlement, SettlementState.PAID, now=now)
    for bill, parts in _parts_of(settlement, bills):
        for part in parts:
            bill.items[part.position - 1].paid_minor += part.amount_minor
        said = _told(settlement, parts, entry, now=now)
        tell(session, bill, "freight_bill.paid", said, actor, now=now)
        close(bill, now=now)
    liens.refresh(session, bills, actor=actor.party if actor else None, now=now)
    session.flush()


def _unpay(
    session: Session,
    settlement: FreightSettlement,
    bills: Sequence[FreightBill],
    entry: BankEntry | None,
    *,
    now: datetime,
) -> None:
    """Open bills again whose payment went back, and what was set off with it."""
    _move(settlement, SettlementState.RETURNED, now=now)
    for bill, parts in _parts_of(settlement, bills):
        for part in parts:
            bill.items[part.position - 1].paid_minor -= part.amount_minor
        if bill.state is BillState.SETTLED:
            bill.move(BillState.ANSWERED, now=now)
        said = _told(settlement, parts, entry, now=now)
        tell(session, bill, "freight_bill.payment_reversed", said, None, now=now)
    liens.refresh(session, bills, actor=None, now=now)
    session.flush()


def _move(settlement: FreightSettlement, to: SettlementState, *, now: datetime) -> None:
    settlement.state, settlement.state_since = to, now


def _parts_of(
    settlement: FreightSettlement, bills: Sequence[FreightBill]
) -> list[tuple[FreightBill, list[FreightSettlementPart]]]:
    """Return the bills that a settlement has a part of, each with its parts."""
    found = [
        (bill, [part for part in settlement.parts if part.bill_id == bill.id]) for bill in bills
    ]
    return [(bill, parts) for bill, parts in found if parts]


def _told(
    settlement: FreightSettlement,
    parts: Sequence[FreightSettlementPart],
    entry: BankEntry | None,
    *,
    now: datetime,
) -> dict[str, Any]:
    return {
        "settlement": public_id("fst", settlement.id),
        "parts": [
            {"item": part.position, "amount": Money(part.amount_minor).to_json()} for part in parts
        ],
        "amount": Money(sum(part.amount_minor for part in parts)).to_json(),
        "receipt_no": entry.receipt_no if entry else None,
        "on": (entry.booked_on if entry else business_date(now)).isoformat(),
    }
