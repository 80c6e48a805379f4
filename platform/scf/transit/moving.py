"""From plan to road: the holder orders and the pledgees agree, the keeper hands over and the carrier takes over.

Each step is one paper that all its parties sign. With the carrier's signature the goods leave the lots, and what the
receipt covers of them travels: the receipt keeps its pool, its holder and its pledges. Rows are locked in the house's
order: lots, receipt, consignment, pools.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import public_id
from scf.parties import countersigning
from scf.parties.countersigning import Kind, Turn
from scf.parties.signing import Signer
from scf.receipts import service as standing
from scf.receipts.delivering import require_paid
from scf.receipts.models import ReceiptLot, WarehouseReceipt
from scf.stock import queries as stock
from scf.stock.models import Lot
from scf.transit import liens, queries
from scf.transit.models import Consignment, ConsignmentLot, State
from scf.transit.permissions import Action
from scf.transit.planning import require_unchanged, tell


class SignedAlready(Conflict):
    """Each signs its part once."""

    code = "consignment.signed_already"
    title = "您已签署，或无需在此步骤签署"
    title_en = "You have signed, or have no part in this step"


class NotHandedOver(Conflict):
    """A carrier takes over what the keeper has handed over."""

    code = "consignment.not_handed_over"
    title = "保管人尚未签署交付，承运人不能接收"
    title_en = "The keeper has not signed for handing over yet"


def draft(
    session: Session,
    actor: Actor,
    step: Kind[Consignment],
    consignment_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the caller's part of a step. Raises what the step and signing raise."""
    _drop_expired(session, actor, consignment_id, now=now)
    return countersigning.draft(
        session, actor, step, consignment_id, signers=signers, origin=origin, now=now
    )


def sign(
    session: Session,
    actor: Actor,
    step: Kind[Consignment],
    consignment_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
) -> Consignment:
    """Take the caller's part of a step, signed; the last one brings it about. Raises what the step and signing raise."""
    _drop_expired(session, actor, consignment_id, now=now)
    return countersigning.sign(session, actor, step, consignment_id, jws=jws, now=now)


def _drop_expired(session: Session, actor: Actor, consignment_id: UUID, *, now: datetime) -> None:
    """Have whoever signed a step sign it anew that not everybody signed while that statement held."""
    consignment, _, _ = lock(session, actor, consignment_id, Action.SIGN)
    countersigning.drop_lapsed(session, consignment, now=now)


def agreeing(session: Session, actor: Actor, consignment_id: UUID) -> Turn[Consignment]:
    """Open a plan to its holder, who orders it, or to a pledgee, who agrees.

    Raises SubjectNotFound, MoveRefused, SignedAlready, PlanOverdue.
    """
    consignment, receipt, _ = lock(session, actor, consignment_id, Action.SIGN)
    consignment.require_move(State.AGREED)
    signers = [consignment.holder_id, *consignment.pledgees]
    _require_turn(consignment, actor, signers)
    require_unchanged(session, consignment, receipt)
    act = "consign" if actor.party == consignment.holder_id else "consent"
    return Turn(consignment, signers, act, consignment, "csg", consignment.plan, None)


def _agree(session: Session, actor: Actor, turn: Turn[Consignment], now: datetime) -> None:
    consignment = turn.paper
    _finish(session, consignment, "consignment.agreed", turn.content, actor, now=now)
    consignment.move(State.AGREED, now=now)


def dispatching(session: Session, actor: Actor, consignment_id: UUID) -> Turn[Consignment]:
    """Open a journey to the keeper, who hands over, then to the carrier, who takes over.

    Raises SubjectNotFound, MoveRefused, SignedAlready, NotHandedOver, PlanOverdue, `receipt.fee_unpaid`.
    """
    consignment, receipt, _ = lock(session, actor, consignment_id, Action.SIGN)
    consignment.require_move(State.IN_TRANSIT)
    signers = [consignment.keeper_id, consignment.carrier_id]
    _require_turn(consignment, actor, signers)
    carrying = actor.party == consignment.carrier_id
    if carrying and consignment.keeper_id not in consignment.signed:
        raise NotHandedOver
    require_unchanged(session, consignment, receipt)
    require_paid(receipt)
    content = {
        **consignment.plan,
        "lots": [
            {
                "lot": public_id("lot", part.lot_id),
                "quantity": receipt.measure(part.quantity_minor).to_json(),
            }
            for part in _parts(receipt)
        ],
    }
    act = "take_over" if carrying else "hand_over"
    return Turn(consignment, signers, act, consignment, "csg", content, None)


def _dispatch(session: Session, actor: Actor, turn: Turn[Consignment], now: datetime) -> None:
    """Let the goods leave their lots: from now on the consignment stands for them."""
    consignment = turn.paper
    receipt = session.get_one(WarehouseReceipt, consignment.receipt_id)
    event = _finish(session, consignment, "consignment.dispatched", turn.content, actor, now=now)
    parts = _parts(receipt)
    lots = {part.lot_id: session.get_one(Lot, part.lot_id) for part in parts}
    ids = [lot.pool_id for lot in lots.values() if lot.pool_id is not None]
    locked = {pool.id: pool for pool in capacity.lock_pools(session, ids)}
    for part in parts:
        lot, minor = lots[part.lot_id], part.quantity_minor
        assert lot.pool_id is not None, "what leaves was stored"
        pool = locked[lot.pool_id]
        capacity.deliver(
            session,
            pool,
            amount=lot.quantity(minor),
            holder_id=receipt.id,
            cause=event.body_hash,
            now=now,
            actor=consignment.keeper_id,
        )
        _leave(session, lot, receipt, everything=pool.confirmed_minor <= 0, now=now)
        session.add(
            ConsignmentLot(
                consignment_id=consignment.id,
                lot_id=lot.id,
                receipt_id=receipt.id,
                quantity_minor=minor,
            )
        )
        part.quantity_minor = 0
    consignment.move(State.IN_TRANSIT, now=now)
    consignment.dispatched_at = now
    consignment.in_transit_minor = consignment.quantity_minor
    session.flush()
    liens.restate(session, receipt, actor=consignment.carrier_id, now=now)
    reason = f"运单 {consignment.plan['waybill_no']} 已起运"  # what waits for a signature over it is overtaken
    standing.stand(session, receipt, receipt.state, reason, now=now, actor=consignment.carrier_id)
    told = {
        "consignment": public_id("csg", consignment.id),
        "quantity": consignment.quantity.to_json(),
    }
    standing.alarm(session, receipt, event, told, now=now)


AGREED: Final = Kind(agreeing, _agree)
"""The holder's order, and every pledgee's consent."""
DISPATCHED: Final = Kind(dispatching, _dispatch)
"""The keeper's handing over, and the carrier's taking over."""


def lock(
    session: Session, actor: Actor, consignment_id: UUID, action: Action
) -> tuple[Consignment, WarehouseReceipt, dict[UUID, Lot]]:
    """Return a consignment with its receipt and the lots that this lies in, all locked. Raises SubjectNotFound."""
    seen = session.get(Consignment, consignment_id)
    if seen is None:
        raise evidence.SubjectNotFound
    queries.require(session, seen, actor.party, action)
    lying = select(ReceiptLot.lot_id).where(ReceiptLot.receipt_id == seen.receipt_id)
    lots = evidence.lock_all(session, Lot, session.scalars(lying))
    receipt = evidence.lock(session, WarehouseReceipt, seen.receipt_id)
    session.refresh(receipt, ["lots"])
    return evidence.lock(session, Consignment, consignment_id), receipt, lots


def _parts(receipt: WarehouseReceipt) -> list[ReceiptLot]:
    return [part for part in receipt.lots if part.quantity_minor > 0]


def _require_turn(consignment: Consignment, actor: Actor, signers: Sequence[UUID]) -> None:
    if actor.party not in signers or actor.party in consignment.signed:
        raise SignedAlready


def _finish(
    session: Session,
    consignment: Consignment,
    type_: str,
    said: Any,
    actor: Actor,
    *,
    now: datetime,
) -> Event:
    """Tell of a step that everybody has signed, and clear the paper for the next."""
    event = tell(
        session,
        consignment,
        type_,
        said,
        now=now,
        actor=actor.party,
        authorizations=consignment.authorizations,
    )
    consignment.signed, consignment.authorizations = [], []
    return event


def _leave(
    session: Session, lot: Lot, receipt: WarehouseReceipt, *, everything: bool, now: datetime
) -> None:
    """Let the single things of a receipt leave a lot with the rest of it."""
    for unit in stock.units(session, lot.id):
        if unit.left_at is None and (everything or unit.receipt_id == receipt.id):
            unit.left_at = now
