"""Keeping a receipt still: frozen by a court or for its pledgee, disputed while goods are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, NotAllowed, NotFound
from scf.kernel.ids import new_id
from scf.receipts import queries, rules, service
from scf.receipts.models import (
    ENDS,
    Basis,
    Restraint,
    RestraintKind,
    State,
    WarehouseReceipt,
)
from scf.receipts.permissions import Action
from scf.stock.models import Lot


class RestraintUnknown(NotFound):
    """What is lifted stands against the receipt."""

    code = "receipt.restraint_unknown"
    title = "没有待解除的冻结或争议"
    title_en = "No such freeze or dispute stands against the receipt"


class NotYoursToClear(NotAllowed):
    """A dispute is cleared by the lot's keeper and its supervisor."""

    code = "receipt.not_yours_to_clear"
    title = "争议须由保管人和监管方共同解除"
    title_en = "Keeper and supervisor clear a dispute together"


class SettledByPledgor(Conflict):
    """While goods are pledged their holder alone does not say that a difference is settled."""

    code = "receipt.pledged_unsettled"
    title = "仓单已出质，差额不能仅由持有人确认结清"
    title_en = "The receipt is pledged: its holder alone cannot settle the difference"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a receipt is kept still: `reference` is the court's order, the request, or what was seen."""

    kind: RestraintKind
    basis: Basis
    reference: str


def freeze(
    session: Session, actor: Actor, receipt_id: UUID, basis: Basis, reference: str, *, now: datetime
) -> WarehouseReceipt:
    """Freeze a receipt (冻结) by a court's order or its pledgee's request. By the keeper. Raises MoveRefused."""
    receipt = service.lock_for(session, actor, receipt_id, Action.FREEZE)
    if receipt.state in ENDS:
        receipt.require_active("freeze")
    reason = Reason(RestraintKind.FREEZE, basis, reference)
    place(session, receipt, reason, actor=actor.party, now=now)
    return receipt


def thaw(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    restraint_id: UUID,
    reason: str,
    *,
    now: datetime,
) -> WarehouseReceipt:
    """Lift a freeze (解除冻结). By the keeper. Raises RestraintUnknown."""
    receipt = service.lock_for(session, actor, receipt_id, Action.FREEZE)
    restraint = _open(session, receipt, restraint_id, Basis.COURT, Basis.PLEDGEE)
    lift(session, receipt, [restraint], reason, actor=actor.party, now=now)
    return receipt


def clear(
    session: Session, actor: Actor, receipt_id: UUID, restraint_id: UUID, *, now: datetime
) -> WarehouseReceipt:
    """Say, as the lot's keeper or its supervisor, that nothing is disputed any more; both together lift it.

    Raises SubjectNotFound, RestraintUnknown, NotYoursToClear.
    """
    queries.visible(session, actor.party, receipt_id)  # a stranger is asked nothing more
    receipt = evidence.lock(session, WarehouseReceipt, receipt_id)
    restraint = session.get(Restraint, restraint_id)
    lot = session.get(Lot, restraint.lot_id) if restraint and restraint.lot_id else None
    if actor.party not in (receipt.keeper_id, lot.supervisor_id if lot else None):
        raise NotYoursToClear
    restraint = _open(session, receipt, restraint_id, Basis.LOSS)
    if actor.party == receipt.keeper_id:
        restraint.cleared_by_keeper_at = now
    else:
        restraint.cleared_by_supervisor_at = now
    supervised = lot is not None and lot.supervisor_id is not None
    if restraint.cleared_by_keeper_at and (restraint.cleared_by_supervisor_at or not supervised):
        lift(session, receipt, [restraint], "保管人与监管方共同解除", actor=actor.party, now=now)
    session.flush()
    return receipt


def settle(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    restraint_id: UUID,
    reason: str,
    *,
    now: datetime,
) -> WarehouseReceipt:
    """Say, as the holder, that the missing goods are made good (结清差额). Raises RestraintUnknown, SettledByPledgor."""
    receipt = service.lock_for(session, actor, receipt_id, Action.SETTLE)
    restraint = _open(session, receipt, restraint_id, Basis.LOSS)
    if service.encumbrancers(session, receipt):
        raise SettledByPledgor
    lift(session, receipt, [restraint], reason, actor=actor.party, now=now)
    return receipt


def place(
    session: Session,
    receipt: WarehouseReceipt,
    reason: Reason,
    *,
    now: datetime,
    actor: UUID | None,
    lot_id: UUID | None = None,
    missing: int = 0,
    fields: Mapping[str, Any] | None = None,
) -> Restraint:
    """Keep a locked receipt still, and alarm whoever holds a part of it; `fields` are what it is told.

    `missing` of the lot's goods, in the smallest part of the unit, if any are.
    """
    restraint = Restraint(
        id=new_id(),
        receipt_id=receipt.id,
        kind=reason.kind,
        basis=reason.basis,
        reference=reason.reference,
        lot_id=lot_id,
        quantity_minor=missing,
        party_id=actor,
        placed_at=now,
    )
    session.add(restraint)
    session.flush()
    event = restate(session, receipt, reason.reference, actor=actor, now=now)
    fields = fields or {"reason": reason.reference}
    service.alarm(session, receipt, event, fields, kind=_PLACED[reason.kind], now=now)
    return restraint


def lift(
    session: Session,
    receipt: WarehouseReceipt,
    restraints: Sequence[Restraint],
    reason: str,
    *,
    now: datetime,
    actor: UUID | None,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Let go of a locked receipt as far as these restraints, of one kind, go; tell as `place` does."""
    for restraint in restraints:
        restraint.lifted_at = now
    session.flush()
    event = restate(session, receipt, reason, actor=actor, now=now)
    kind = _LIFTED[restraints[0].kind]
    service.alarm(session, receipt, event, fields or {"reason": reason}, kind=kind, now=now)


def restate(
    session: Session, receipt: WarehouseReceipt, reason: str, *, now: datetime, actor: UUID | None
) -> Event:
    """Put a locked receipt where its restraints and its period leave it, and tell; one that is lost stays so."""
    kinds = [restraint.kind for restraint in standing(session, receipt.id)]
    to = rules.standing(kinds, receipt.stored_until, business_date(now))
    if receipt.state is State.LOST or receipt.state in ENDS:
        to = receipt.state
    return service.stand(session, receipt, to, reason, actor=actor, now=now)


def standing(session: Session, receipt_id: UUID) -> Sequence[Restraint]:
    """Return what stands against a receipt, oldest first."""
    found = select(Restraint).where(
        Restraint.receipt_id == receipt_id, Restraint.lifted_at.is_(None)
    )
    return session.scalars(found.order_by(Restraint.id)).all()


def _open(
    session: Session, receipt: WarehouseReceipt, restraint_id: UUID, *bases: Basis
) -> Restraint:
    """Return what stands for one of these reasons; what counts found is lifted where they are kept."""
    for restraint in standing(session, receipt.id):
        if restraint.id == restraint_id and restraint.basis in bases:
            return restraint
    raise RestraintUnknown


_PLACED: Final = {
    RestraintKind.FREEZE: "receipt.frozen",
    RestraintKind.DISPUTE: "receipt.disputed",
}
_LIFTED: Final = {
    RestraintKind.FREEZE: "receipt.thawed",
    RestraintKind.DISPUTE: "receipt.settled",
}
