"""Goods that go missing, or are found again: told as they are, shared out, and disputed.

What nobody has a receipt over goes first; the rest falls on the lot's receipts pro rata. Never refused for what
stands on it: a pledge shows a shortfall, and its holder is told.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.kernel.measure import UnitMismatch
from scf.kernel.quantity import Quantity
from scf.receipts import restraining, rules, service
from scf.receipts.models import (
    Basis,
    ReceiptLot,
    Restraint,
    RestraintKind,
    WarehouseReceipt,
)
from scf.receipts.restraining import Reason
from scf.stock import permissions as lot_permissions
from scf.stock import service as stock
from scf.stock.models import Lot, LotChange


class MoreThanThere(Conflict):
    """Goods are lost of what is there, and found of what was lost."""

    code = "lot.more_than_there"
    title = "数量超过在库数量或此前的短少数量"
    title_en = "More than is there, or than was lost"


def lose(
    session: Session, actor: Actor, lot_id: UUID, quantity: Quantity, reason: str, *, now: datetime
) -> Lot:
    """Tell that goods of a lot are gone. By its keeper or its supervisor. Raises MoveRefused, MoreThanThere."""
    lot, receipts, pools = _lock(session, actor, lot_id, quantity)
    own = pools[_pool_id(lot)]
    if quantity.minor > own.confirmed_minor:
        raise MoreThanThere(field="quantity", there=own.confirmed)
    beyond = max(quantity.minor - own.free_minor, 0)
    lost = quantity.like(-quantity.minor)
    event = stock.change(session, lot, lost, reason=reason, actor=actor.party, now=now)
    cause = event.body_hash
    parts = _parts(receipts, lot)
    hit = rules.spread(beyond, [part.quantity_minor for part in parts])
    for receipt, part, minor in zip(receipts, parts, hit, strict=True):
        if minor == 0:
            continue
        amount = lot.quantity(minor)
        capacity.release(
            session,
            own,
            holder_id=receipt.id,
            amount=amount,
            cause=cause,
            now=now,
            actor=actor.party,
        )
        pool = pools[receipt.pool_id]
        capacity.dilute(session, pool, amount=amount, cause=cause, now=now, actor=actor.party)
        part.quantity_minor -= minor
        part.lost_minor += minor
    session.flush()
    _dispute(session, lot, receipts, hit, reason, actor=actor.party, now=now)
    return lot


def find(
    session: Session, actor: Actor, lot_id: UUID, quantity: Quantity, reason: str, *, now: datetime
) -> Lot:
    """Tell that lost goods are there again: the receipts that lost them have them back, the rest is free.

    By the lot's keeper or its supervisor. Raises MoveRefused, MoreThanThere.
    """
    lot, receipts, pools = _lock(session, actor, lot_id, quantity)
    own = pools[_pool_id(lot)]
    missing = lost_of(session, lot.id)
    if quantity.minor > missing:
        raise MoreThanThere(field="quantity", lost=lot.quantity(missing))
    event = stock.change(session, lot, quantity, reason=reason, actor=actor.party, now=now)
    cause = event.body_hash
    parts = _parts(receipts, lot)
    back = rules.spread(quantity.minor, [part.lost_minor for part in parts])
    for receipt, part, minor in zip(receipts, parts, back, strict=True):
        if minor == 0:
            continue
        amount = lot.quantity(minor)
        capacity.reserve(
            session,
            own,
            holder_id=receipt.id,
            holder=public_id("whr", receipt.id),
            amount=amount,
            cause=cause,
            now=now,
            actor=lot.keeper_id,  # where they were found, though the receipt may lie elsewhere by now
        )
        pool = pools[receipt.pool_id]
        capacity.reverse(
            session, pool, amount=amount, paid=(), cause=cause, now=now, actor=actor.party
        )
        part.quantity_minor += minor
        part.lost_minor -= minor
    session.flush()
    if not _is_beyond(session, lot):
        _undispute(session, lot, receipts, actor=actor.party, now=now)
    return lot


def lost_of(session: Session, lot_id: UUID) -> int:
    """Return what is lost of a lot and not found again, in the smallest part of its unit."""
    total = cast(func.coalesce(func.sum(LotChange.quantity_minor), 0), BigInteger)
    return -session.scalars(select(total).where(LotChange.lot_id == lot_id)).one()


def _lock(
    session: Session, actor: Actor, lot_id: UUID, quantity: Quantity
) -> tuple[Lot, list[WarehouseReceipt], dict[UUID, Pool]]:
    lot = stock.lock_for(session, actor, lot_id, lot_permissions.Action.TELL_LOSS)
    lot.require_stored()
    _require_unit(lot, quantity)
    receipts = service.lock_live_on(session, lot)
    ids = [_pool_id(lot), *(receipt.pool_id for receipt in receipts)]
    return lot, receipts, {pool.id: pool for pool in capacity.lock_pools(session, ids)}


def _pool_id(lot: Lot) -> UUID:
    assert lot.pool_id is not None, "what is stored has a pool"
    return lot.pool_id


def _require_unit(lot: Lot, quantity: Quantity) -> None:
    if quantity.code != lot.unit:
        raise UnitMismatch(field="quantity", left=lot.unit, right=quantity.code)


def _parts(receipts: Sequence[WarehouseReceipt], lot: Lot) -> list[ReceiptLot]:
    return [next(part for part in one.lots if part.lot_id == lot.id) for one in receipts]


def _is_beyond(session: Session, lot: Lot) -> bool:
    assert lot.stored_minor is not None, "what is lost was stored"
    return rules.beyond_standard(lost_of(session, lot.id), lot.stored_minor, lot.loss_standard)


def _dispute(
    session: Session,
    lot: Lot,
    receipts: Sequence[WarehouseReceipt],
    hit: Sequence[int],
    reason: str,
    *,
    actor: UUID,
    now: datetime,
) -> None:
    """Dispute the receipts that a loss beyond the lot's standard falls on; one that is already shows how much more."""
    if not _is_beyond(session, lot):
        return
    loss = Reason(RestraintKind.DISPUTE, Basis.LOSS, reason)
    for receipt, missing in zip(receipts, hit, strict=True):
        if not missing:
            continue
        for one in _over_losses(session, lot, receipt):
            one.quantity_minor += missing
            break
        else:
            restraining.place(
                session, receipt, loss, lot_id=lot.id, missing=missing, actor=actor, now=now
            )


def _undispute(
    session: Session,
    lot: Lot,
    receipts: Sequence[WarehouseReceipt],
    *,
    actor: UUID,
    now: datetime,
) -> None:
    for receipt in receipts:
        own = _over_losses(session, lot, receipt)
        if own:
            restraining.lift(session, receipt, own, "短少货物已找回", actor=actor, now=now)


def _over_losses(session: Session, lot: Lot, receipt: WarehouseReceipt) -> list[Restraint]:
    return [
        one
        for one in restraining.standing(session, receipt.id)
        if one.lot_id == lot.id and one.basis is Basis.LOSS
    ]
