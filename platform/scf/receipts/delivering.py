"""Outbound: the holder's signed 提货通知书, and the keeper's signed delivery against it.

What is pledged cannot leave: the receipt's pool has nothing free, and the database refuses. Whoever holds a pledge
is told that somebody tried. Keeper and supervisor each weigh what goes out; where what they saw is not what was ordered,
the book goes by the order, the record shows both, and everybody with a part in the goods is told.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, NotFound
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.receipts import service, weighing
from scf.receipts.models import (
    ReceiptLot,
    State,
    WarehouseReceipt,
    Withdrawal,
    WithdrawalRefusal,
)
from scf.receipts.permissions import Action
from scf.stock import rules as stock_rules
from scf.stock.models import Lot, LotUnit
from scf_ledger.encoding import b64url

ORDERED: Final = "receipt.withdrawal_ordered"
DELIVERED: Final = "receipt.delivered"
REFUSED: Final = "receipt.withdrawal_refused"


class OrderKnown(Conflict):
    """A 提货通知书 is numbered, and takes effect once."""

    code = "receipt.order_known"
    title = "该提货通知书编号已使用"
    title_en = "A withdrawal order of this number exists"


class OrderUnknown(NotFound):
    """Goods are handed over against a 提货通知书 that is open."""

    code = "receipt.order_unknown"
    title = "没有待执行的提货通知书"
    title_en = "There is no such open withdrawal order"


class OrdersOpen(Conflict):
    """An order is of its holder, over this receipt: neither changes while it is open."""

    code = "receipt.orders_open"
    title = "仓单有未执行的提货通知书，请先执行或撤回"
    title_en = "A withdrawal order over the receipt is open: it is carried out or taken back first"


class GoodsElsewhere(Conflict):
    """A keeper hands over, divides and takes back what lies in its lots, not what is on its way."""

    code = "receipt.goods_elsewhere"
    title = "货物不在库（在途），不能办理"
    title_en = "The goods do not lie in the warehouse: they are on their way"


class GoodsPledged(Conflict):
    """What is pledged leaves only after the pledgee's signed release; whoever holds the pledge is told."""

    code = "receipt.goods_pledged"
    title = "货物已出质，未经质权人签署解除不得出库"
    title_en = "The goods are pledged: nothing leaves without the pledgee's signed release"

    def __init__(self, refusal: "Refusal", **fields: Any) -> None:
        super().__init__(**fields)
        self._refusal = refusal

    def outlive(self, session: Session) -> None:
        """Keep the attempt, and alarm whoever holds the goods."""
        self._refusal.keep(session)


class FeeUnpaid(Conflict):
    """The keeper keeps the goods until it is paid for storing them (Civil Code 903, 915)."""

    code = "receipt.fee_unpaid"
    title = "仓储费（含逾期加收）未结清，保管人可留置仓储物"
    title_en = "Storage is not paid for: the keeper's lien stands"


class UnitsDiffer(Invalid):
    """Single things leave by name: of the receipt, still there, together the quantity."""

    code = "receipt.units_differ"
    title = "逐件清单与提货数量不符，或所列货物不在该仓单项下"
    title_en = "The single things are not the receipt's, have left, or are not the quantity"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt to take goods that may not leave."""

    receipt_id: UUID
    party_id: UUID
    quantity: Quantity
    now: datetime

    def keep(self, session: Session) -> None:
        """Write the attempt down and tell every holder of the receipt's pool, in its feed too."""
        receipt = evidence.lock(session, WarehouseReceipt, self.receipt_id)
        session.add(
            WithdrawalRefusal(
                id=new_id(),
                receipt_id=receipt.id,
                party_id=self.party_id,
                quantity_minor=self.quantity.minor,
                code=GoodsPledged.code,
                refused_at=self.now,
            )
        )
        asked = {"asked": self.quantity.to_json()}
        event = service.tell(
            session,
            receipt,
            REFUSED,
            asked,
            now=self.now,
            actor=self.party_id,
            others=service.encumbrancers(session, receipt),
        )
        service.alarm(session, receipt, event, asked, now=self.now)


@dataclass(frozen=True, slots=True)
class Order:
    """What the holder wants handed over, and to whom; single things by name."""

    order_no: str
    quantity: Quantity
    taker: str
    units: Sequence[str] = ()


def draft_withdrawal(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    order: Order,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the 提货通知书 for the holder to sign. Raises MoveRefused, GoodsPledged, OrderKnown, as signing."""
    receipt = service.lock_for(session, actor, receipt_id, Action.WITHDRAW)
    _require_takeable(session, receipt, order.quantity, actor, now=now)
    _require_new(session, receipt, order.order_no)
    _pick_units(session, receipt, order.units, order.quantity)
    content = {
        "holder": parties.party(session, receipt.holder_id).uscc,
        "keeper": parties.party(session, receipt.keeper_id).uscc,
        "order_no": order.order_no,
        "quantity": order.quantity.to_json(),
        "units_sha256": stock_rules.names_sha256(order.units),
        "taker": order.taker,
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="withdraw",
        subject=receipt,
        prefix="whr",
        content=content,
        amount=None,
        signers=signers,
        now=now,
        reserved={"units": sorted(order.units)},
    )


def order_withdrawal(
    session: Session, actor: Actor, receipt_id: UUID, *, jws: Sequence[str], now: datetime
) -> Withdrawal:
    """Take the holder's signature: the keeper may hand the goods over. Raises as `draft_withdrawal`."""
    receipt = service.lock_for(session, actor, receipt_id, Action.WITHDRAW)
    holder = parties.active_party(session, actor.party)
    act = signing.collect(session, party=holder, act="withdraw", subject=receipt, jws=jws, now=now)
    quantity = Quantity.from_json(act.content["quantity"])
    _require_takeable(session, receipt, quantity, actor, now=now)
    _require_new(session, receipt, act.content["order_no"])
    _pick_units(session, receipt, act.reserved["units"], quantity)
    evidence.append(
        session,
        receipt,
        ORDERED,
        {name: act.content[name] for name in _WITHDRAWAL},
        now=now,
        actor=holder.id,
        parties=receipt.parties,
        authorizations=act.authorizations,
    )
    withdrawal = Withdrawal(
        id=new_id(),
        receipt_id=receipt.id,
        order_no=act.content["order_no"],
        quantity_minor=quantity.minor,
        units=list(act.reserved["units"]) or None,
        taker=act.content["taker"],
        ordered_at=now,
    )
    session.add(withdrawal)
    session.flush()
    return withdrawal


def take_back(
    session: Session, actor: Actor, receipt_id: UUID, order_no: str, *, now: datetime
) -> WarehouseReceipt:
    """Take an order back that was not carried out (撤回提货). By the holder. Raises OrderUnknown."""
    receipt = service.lock_for(session, actor, receipt_id, Action.WITHDRAW)
    withdrawal = _open_order(session, receipt, order_no)
    withdrawal.ended_at = now
    reason = f"撤回提货通知书 {order_no}"
    service.stand(session, receipt, receipt.state, reason, actor=actor.party, now=now)
    session.flush()
    return receipt


def draft_delivery(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    order_no: str,
    papers: Sequence[bytes],
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the delivery for the keeper to sign; `papers` are its 出库单 and 出门证 beside what was weighed.

    Raises OrderUnknown, MoveRefused, GoodsPledged, `receipt.exit_unweighed`, and as signing.
    """
    receipt = service.lock_for(session, actor, receipt_id, Action.DELIVER)
    withdrawal = _open_order(session, receipt, order_no)
    quantity = receipt.measure(withdrawal.quantity_minor)
    pool = _require_takeable(session, receipt, quantity, actor, now=now)
    scales = weighing.scales(session, receipt, withdrawal)
    content = {
        "holder": parties.party(session, receipt.holder_id).uscc,
        "keeper": parties.party(session, receipt.keeper_id).uscc,
        "order_no": withdrawal.order_no,
        "quantity": quantity.to_json(),
        "units_sha256": stock_rules.names_sha256(withdrawal.units or []),
        "taker": withdrawal.taker,
        "rest": receipt.measure(pool.confirmed_minor - quantity.minor).to_json(),
        "weighed": weighing.seen(receipt, scales),
        "papers": [
            *(b64url(paper.original_sha256) for paper in scales),
            *(b64url(hashlib.sha256(paper).digest()) for paper in papers),
        ],
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="deliver",
        subject=receipt,
        prefix="whr",
        content=content,
        amount=None,
        signers=signers,
        now=now,
        reserved={"withdrawal": public_id("wdr", withdrawal.id)},
    )


def deliver(
    session: Session, actor: Actor, receipt_id: UUID, *, jws: Sequence[str], now: datetime
) -> WarehouseReceipt:
    """Take the keeper's signature: the goods have left the lots, and the receipt's pool.

    Raises OrderUnknown, MoveRefused, GoodsPledged, and as signing.
    """
    receipt = service.lock_for(session, actor, receipt_id, Action.DELIVER)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(session, party=keeper, act="deliver", subject=receipt, jws=jws, now=now)
    withdrawal = session.get_one(Withdrawal, parse_id("wdr", act.reserved["withdrawal"]))
    if withdrawal.delivered_at is not None or withdrawal.ended_at is not None:
        raise OrderUnknown(order_no=withdrawal.order_no)
    quantity = receipt.measure(withdrawal.quantity_minor)
    pool = _require_takeable(session, receipt, quantity, actor, now=now)
    concerned = [*weighing.supervisors(session, receipt), *service.encumbrancers(session, receipt)]
    event = service.tell(
        session,
        receipt,
        DELIVERED,
        {name: act.content[name] for name in (*_WITHDRAWAL, "rest", "weighed", "papers")},
        now=now,
        actor=keeper.id,
        authorizations=act.authorizations,
        others=concerned,
    )
    if weighing.differs(quantity, act.content["weighed"]):
        said = {name: act.content[name] for name in ("order_no", "quantity", "weighed")}
        weighing.tell_difference(session, receipt, event, said, concerned, now=now)
    cause = event.body_hash
    capacity.deliver(session, pool, amount=quantity, cause=cause, now=now, actor=keeper.id)
    _leave_lots(session, receipt, withdrawal, quantity, cause=cause, actor=keeper.id, now=now)
    withdrawal.delivered_at = now
    withdrawal.delivered_event_id = event.id
    session.flush()
    if pool.confirmed_minor <= 0:
        receipt.move(State.DELIVERED, now=now)
        for left in session.scalars(_open_orders(receipt)):
            left.ended_at = now  # there is nothing left to carry it out with
    return receipt


def require_paid(receipt: WarehouseReceipt) -> None:
    """Raise FeeUnpaid where the keeper has a lien on the goods."""
    if receipt.fee_owed_minor:
        raise FeeUnpaid(owed=Money(receipt.fee_owed_minor))


def require_no_orders(session: Session, receipt: WarehouseReceipt) -> None:
    """Raise OrdersOpen where goods of a receipt are ordered out and not handed over yet."""
    number = session.scalar(_open_orders(receipt).with_only_columns(Withdrawal.order_no).limit(1))
    if number is not None:
        raise OrdersOpen(field="receipt", order_no=number)


def require_there(receipt: WarehouseReceipt, quantity: Quantity) -> None:
    """Raise GoodsElsewhere where less than that lies in the keeper's lots."""
    there = sum(part.quantity_minor for part in receipt.lots)
    if quantity.minor > there:
        raise GoodsElsewhere(field="quantity", asked=quantity, there=receipt.measure(there))


def _own_parts(session: Session, receipt: WarehouseReceipt) -> list[ReceiptLot]:
    """Return what of a receipt lies at its keeper's: what it can hand over."""
    own = select(Lot.id).where(Lot.keeper_id == receipt.keeper_id)
    ids = set(session.scalars(own.where(Lot.id.in_([part.lot_id for part in receipt.lots]))))
    return [part for part in receipt.lots if part.lot_id in ids]


def _require_takeable(
    session: Session, receipt: WarehouseReceipt, quantity: Quantity, actor: Actor, *, now: datetime
) -> Pool:
    """Return the receipt's pool, locked, where so much of it may leave."""
    receipt.require_deliverable()
    require_paid(receipt)
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    if quantity > pool.free:
        if pool.used_minor > 0:
            refusal = Refusal(receipt.id, actor.party, quantity, now)
            raise GoodsPledged(refusal, field="quantity", asked=quantity, free=pool.free)
        capacity.require_free(pool, quantity, viewer=pool.owner_id)
    require_there(receipt, quantity)
    own = receipt.measure(sum(part.quantity_minor for part in _own_parts(session, receipt)))
    if quantity > own:  # the rest was found again at another keeper's
        raise GoodsElsewhere(field="quantity", asked=quantity, there=own)
    return pool


def _require_new(session: Session, receipt: WarehouseReceipt, order_no: str) -> None:
    known = select(Withdrawal.id).where(
        Withdrawal.receipt_id == receipt.id, Withdrawal.order_no == order_no
    )
    if session.scalar(known) is not None:
        raise OrderKnown(field="order_no", order_no=order_no)


def _open_order(session: Session, receipt: WarehouseReceipt, order_no: str) -> Withdrawal:
    found = session.scalar(_open_orders(receipt).where(Withdrawal.order_no == order_no))
    if found is None:
        raise OrderUnknown(order_no=order_no)
    return found


def _open_orders(receipt: WarehouseReceipt) -> Select[Withdrawal]:
    return select(Withdrawal).where(
        Withdrawal.receipt_id == receipt.id,
        Withdrawal.delivered_at.is_(None),
        Withdrawal.ended_at.is_(None),
    )


def _pick_units(
    session: Session, receipt: WarehouseReceipt, names: Sequence[str], quantity: Quantity
) -> list[LotUnit]:
    """Return the single things that are to leave; none where the receipt has none. Raises UnitsDiffer."""
    own = select(LotUnit).where(LotUnit.receipt_id == receipt.id, LotUnit.left_at.is_(None))
    units = {unit.name: unit for unit in session.scalars(own.order_by(LotUnit.name))}
    if not units and not names:
        return []
    strange = sorted(set(names) - units.keys())
    picked = [units[name] for name in sorted(set(names)) if name in units]
    if (
        strange
        or len(picked) != len(names)
        or sum(unit.quantity_minor for unit in picked) != quantity.minor
    ):
        raise UnitsDiffer(field="units", strange=strange[:20], listed=len(picked))
    return picked


def _leave_lots(
    session: Session,
    receipt: WarehouseReceipt,
    withdrawal: Withdrawal,
    quantity: Quantity,
    *,
    cause: bytes,
    actor: UUID,
    now: datetime,
) -> None:
    """Let goods leave the lots that the receipt has them in, oldest lot first; single things from their own."""
    units = _pick_units(session, receipt, withdrawal.units or (), quantity)
    by_lot = Counter[UUID]()
    for unit in units:
        by_lot[unit.lot_id] += unit.quantity_minor
        unit.left_at = now
    left = quantity.minor
    for part in _own_parts(session, receipt):
        taken = by_lot[part.lot_id] if units else min(left, part.quantity_minor)
        if taken == 0:
            continue
        lot = session.get_one(Lot, part.lot_id)
        assert lot.pool_id is not None, "what leaves was stored"
        (pool,) = capacity.lock_pools(session, [lot.pool_id])
        capacity.deliver(
            session,
            pool,
            amount=lot.quantity(taken),
            holder_id=receipt.id,
            cause=cause,
            now=now,
            actor=actor,
        )
        part.quantity_minor -= taken
        left -= taken


_WITHDRAWAL: Final = ("holder", "keeper", "order_no", "quantity", "units_sha256", "taker")
