"""The end of a journey: weighed in at the new keeper's for the same receipt, or handed out to the buyer.

Weighed in: the new keeper signs two papers at once, for its lot and for the receipt, so the goods are never in its
books without being the receipt's. What is missing dilutes the receipt; its pledgees are told. Handed out: only what
no pledge holds back; whoever holds one is told of the attempt.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import public_id
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.receipts import issuing
from scf.receipts import service as standing
from scf.receipts.delivering import GoodsPledged, Refusal
from scf.receipts.models import State as ReceiptState
from scf.receipts.models import WarehouseReceipt
from scf.stock import permissions as lot_permissions
from scf.stock import queries as stock
from scf.stock import rules as stock_rules
from scf.stock import service as storing
from scf.stock.models import Lot
from scf.transit import liens
from scf.transit.models import Consignment, DestinationKind, State
from scf.transit.moving import lock
from scf.transit.permissions import Action
from scf.transit.planning import tell
from scf_ledger.encoding import b64url
from scf_ledger.event_transit import HANDED_OUT, RELOCATED

PAPERS: Final = ("store", "receive")
"""What the new keeper signs together."""
MOVED: Final = "receipt.relocated"


class DestinationOther(Conflict):
    """Goods for a warehouse are weighed in there, goods for a buyer are handed out."""

    code = "consignment.destination_other"
    title = "运单的目的地类型不允许此操作"
    title_en = "The consignment goes elsewhere: to a warehouse, or to a buyer"


class HolderOther(Conflict):
    """Goods are handed out to the buyer that their present holder named, not one before it."""

    code = "consignment.holder_other"
    title = "仓单已转让，收货方并非现持有人所指定，不能交付"
    title_en = "The receipt was passed on: its present holder did not name this buyer"


class LotUnfit(Invalid):
    """What arrives is weighed and assayed as a lot of the same goods, for the depositor that the receipt names."""

    code = "consignment.lot_unfit"
    title = "到货批次与仓单的货物、规格、单位或存货人不一致"
    title_en = "The lot is of other goods, grade, unit or depositor than the receipt's"


def draft_arrival(
    session: Session,
    actor: Actor,
    consignment_id: UUID,
    lot_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> tuple[list[Statement], list[Statement]]:
    """Write what the new keeper signs: that the lot is in, and that it is the receipt's.

    Raises SubjectNotFound, MoveRefused, DestinationOther, LotUnfit, `lot.not_yet_seen`, and as signing.
    """
    lot = _lock_lot(session, actor, lot_id)
    consignment, receipt, _ = _lock_arriving(session, actor, consignment_id)
    _check_lot(lot, consignment, receipt)
    stored = storing.draft_storing(session, actor, lot.id, signers=signers, origin=origin, now=now)
    weighed = stock_rules.weighed(stock.seen(session, lot))
    assert weighed is not None, "what was weighed stays weighed"
    received = signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="receive",
        subject=receipt,
        prefix="whr",
        content=_relocation(session, consignment, receipt, lot, weighed),
        amount=None,
        signers=signers,
        now=now,
    )
    return stored, received


def arrive(
    session: Session,
    actor: Actor,
    consignment_id: UUID,
    lot_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
) -> Consignment:
    """Take both papers of the new keeper: the goods are a lot of its own, and the receipt's as before.

    Raises SubjectNotFound, MoveRefused, DestinationOther, LotUnfit, and as signing.
    """
    lot = _lock_lot(session, actor, lot_id)
    consignment, receipt, _ = _lock_arriving(session, actor, consignment_id)
    said = signing.by_act(jws, PAPERS)
    if len(said) != len(PAPERS):
        raise signing.StatementUnknown(field="authorizations")
    _check_lot(lot, consignment, receipt)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(
        session, party=keeper, act="receive", subject=receipt, jws=said["receive"], now=now
    )
    if act.content["lot"] != public_id("lot", lot.id):
        raise signing.StatementAltered(field="authorizations")
    storing.store(session, actor, lot.id, jws=said["store"], now=now)
    event = _relocate(session, consignment, receipt, lot, act, now=now)
    quantity, lost = (Quantity.from_json(act.content[name]) for name in ("quantity", "lost"))
    if quantity.minor:
        issuing.take(
            session, receipt, lot, quantity, cause=event.body_hash, actor=keeper.id, now=now
        )
    if lost.minor:
        (pool,) = capacity.lock_pools(session, [receipt.pool_id])
        cause = event.body_hash
        capacity.dilute(session, pool, amount=lost, cause=cause, now=now, actor=keeper.id)
    _end(session, consignment, State.ARRIVED, quantity.minor, now=now)
    liens.restate(session, receipt, actor=keeper.id, now=now)
    fields = {
        "relocated": b64url(event.body_hash),
        "quantity": quantity.to_json(),
        "lost": lost.to_json(),
    }
    ended = tell(session, consignment, "consignment.arrived", fields, now=now, actor=keeper.id)
    standing.alarm(session, receipt, ended, fields, now=now)
    session.flush()
    return consignment


def draft_delivery(
    session: Session,
    actor: Actor,
    consignment_id: UUID,
    papers: Sequence[bytes],
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write what the carrier signs: handed out to the buyer. `papers` are its proof of delivery.

    Raises SubjectNotFound, MoveRefused, DestinationOther, HolderOther, `receipt.goods_pledged`, and as signing.
    """
    consignment, receipt, _ = lock(session, actor, consignment_id, Action.HAND_OUT)
    _require_free(session, actor, consignment, receipt, now=now)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="deliver",
        subject=consignment,
        prefix="csg",
        content={
            "consignment": public_id("csg", consignment.id),
            "receipt": public_id("whr", receipt.id),
            "holder": parties.party(session, receipt.holder_id).uscc,
            "carrier": parties.party(session, consignment.carrier_id).uscc,
            "consignee": parties.party(session, consignment.destination_id).uscc,
            "quantity": consignment.quantity.to_json(),
            "papers": [b64url(hashlib.sha256(paper).digest()) for paper in papers],
        },
        amount=None,
        signers=signers,
        now=now,
    )


def deliver(
    session: Session, actor: Actor, consignment_id: UUID, *, jws: Sequence[str], now: datetime
) -> Consignment:
    """Take the carrier's signature: the buyer has the goods, and the receipt is done. Raises as `draft_delivery`."""
    consignment, receipt, _ = lock(session, actor, consignment_id, Action.HAND_OUT)
    carrier = parties.active_party(session, actor.party)
    act = signing.collect(
        session, party=carrier, act="deliver", subject=consignment, jws=jws, now=now
    )
    _require_free(session, actor, consignment, receipt, now=now)
    event = tell(
        session,
        consignment,
        "consignment.delivered",
        {name: act.content[name] for name in HANDED_OUT},
        now=now,
        actor=carrier.id,
        authorizations=act.authorizations,
    )
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    amount, cause = consignment.quantity, event.body_hash
    capacity.deliver(session, pool, amount=amount, cause=cause, now=now, actor=carrier.id)
    _end(session, consignment, State.DELIVERED, consignment.quantity_minor, now=now)
    reason = f"运单 {consignment.plan['waybill_no']} 已交付收货方"
    standing.stand(session, receipt, ReceiptState.DELIVERED, reason, now=now, actor=carrier.id)
    session.flush()
    return consignment


def _lock_lot(session: Session, actor: Actor, lot_id: UUID) -> Lot:
    """Return the new keeper's own lot, locked. Raises SubjectNotFound."""
    store = lot_permissions.Action.STORE
    return evidence.lock(
        session,
        Lot,
        lot_id,
        require=lambda lot: lot_permissions.require(lot, actor.party, store),
    )


def _lock_arriving(
    session: Session, actor: Actor, consignment_id: UUID
) -> tuple[Consignment, WarehouseReceipt, dict[UUID, Lot]]:
    found = lock(session, actor, consignment_id, Action.RECEIVE)
    consignment = found[0]
    if consignment.destination is not DestinationKind.WAREHOUSE:
        raise DestinationOther(destination=consignment.destination.value)
    consignment.require_move(State.ARRIVED)
    return found


def _check_lot(lot: Lot, consignment: Consignment, receipt: WarehouseReceipt) -> None:
    if lot.keeper_id != consignment.destination_id:
        raise evidence.SubjectNotFound
    expected = (receipt.goods, receipt.grade, receipt.unit)
    owners = (receipt.depositor_id, receipt.holder_id)
    if (lot.goods, lot.grade, lot.unit) != expected or lot.depositor_id not in owners:
        raise LotUnfit(field="lot", lot=public_id("lot", lot.id))


def _relocation(
    session: Session,
    consignment: Consignment,
    receipt: WarehouseReceipt,
    lot: Lot,
    weighed: int,
) -> dict[str, Any]:
    """Return what the new keeper signs of the receipt: never more than was carried, whatever the scale says."""
    there = min(weighed, consignment.in_transit_minor)
    return {
        "consignment": public_id("csg", consignment.id),
        "title": b64url(receipt.title_event_hash),
        "carrier": parties.party(session, consignment.carrier_id).uscc,
        "keeper_before": parties.party(session, receipt.keeper_id).uscc,
        "keeper": parties.party(session, consignment.destination_id).uscc,
        "warehouse": lot.warehouse,
        "location": lot.location,
        "lot": public_id("lot", lot.id),
        "carried": consignment.quantity.to_json(),
        "quantity": consignment.measure(there).to_json(),
        "lost": consignment.measure(consignment.in_transit_minor - there).to_json(),
    }


def _relocate(
    session: Session,
    consignment: Consignment,
    receipt: WarehouseReceipt,
    lot: Lot,
    act: signing.SignedAct,
    *,
    now: datetime,
) -> Event:
    """Give a receipt its new keeper, and tell whoever has a part in it, the old keeper too."""
    told = {*receipt.parties, *consignment.parties}
    receipt.keeper_id = consignment.destination_id
    receipt.items = {**receipt.items, "warehouse": lot.warehouse, "location": lot.location}
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    pool.parties = receipt.parties
    return evidence.append(
        session,
        receipt,
        MOVED,
        {name: act.content[name] for name in RELOCATED},
        now=now,
        actor=receipt.keeper_id,
        parties=told,
        authorizations=act.authorizations,
    )


def _end(
    session: Session, consignment: Consignment, to: State, arrived: int, *, now: datetime
) -> None:
    consignment.move(to, now=now)
    consignment.in_transit_minor = 0
    consignment.arrived_minor = arrived
    session.flush()


def _require_free(
    session: Session,
    actor: Actor,
    consignment: Consignment,
    receipt: WarehouseReceipt,
    *,
    now: datetime,
) -> None:
    """Raise GoodsPledged, which alarms whoever holds the pledge, unless everything is free and its holder's to sell.

    Raises MoveRefused, DestinationOther, HolderOther.
    """
    if consignment.destination is not DestinationKind.BUYER:
        raise DestinationOther(destination=consignment.destination.value)
    consignment.require_move(State.DELIVERED)
    receipt.require_deliverable()
    if receipt.holder_id != consignment.holder_id:
        raise HolderOther(receipt=public_id("whr", receipt.id))
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    quantity = consignment.quantity
    if quantity > pool.free:
        refusal = Refusal(receipt.id, actor.party, quantity, now)
        raise GoodsPledged(refusal, field="quantity", asked=quantity, free=pool.free)
