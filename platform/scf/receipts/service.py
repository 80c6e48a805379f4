"""What every command on a receipt needs: its row locked in the house's order, its events, its alarms.

The order is lots, receipts, pools, each by id: issuing and losses begin at a lot, and no receipt comes to a lot
without the lot's row.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.ids import public_id
from scf.receipts import permissions
from scf.receipts.models import ENDS, ReceiptLot, State, WarehouseReceipt
from scf.receipts.permissions import Action
from scf.stock.models import Lot

MOVED = "receipt.moved"


def lock_for(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    action: Action,
    expected_version: int | None = None,
) -> WarehouseReceipt:
    """Return a receipt, locked, for an action that this party may take; a stranger waits for nobody.

    Raises SubjectNotFound, ReceiptActionNotAllowed.
    """
    receipt = evidence.lock(
        session,
        WarehouseReceipt,
        receipt_id,
        require=lambda one: permissions.require(one, actor.party, action),
    )
    evidence.require_version(receipt, expected_version)
    return receipt


def lock_with_lots(
    session: Session, ids: Iterable[UUID]
) -> tuple[dict[UUID, Lot], dict[UUID, WarehouseReceipt]]:
    """Return receipts and the lots that they have goods in, locked, by id; missing receipts are left out."""
    wanted = list(ids)
    lots = select(ReceiptLot.lot_id).where(ReceiptLot.receipt_id.in_(wanted)).distinct()
    locked = evidence.lock_all(session, Lot, session.scalars(lots))
    return locked, evidence.lock_all(session, WarehouseReceipt, wanted)


def lock_live_on(session: Session, lot: Lot) -> list[WarehouseReceipt]:
    """Return the receipts with goods in a locked lot that have not ended, locked, by id."""
    ids = select(ReceiptLot.receipt_id).where(ReceiptLot.lot_id == lot.id)
    locked = evidence.lock_all(session, WarehouseReceipt, session.scalars(ids))
    return [locked[one] for one in sorted(locked) if locked[one].state not in ENDS]


def tell(
    session: Session,
    receipt: WarehouseReceipt,
    type_: str,
    said: Mapping[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
    others: Iterable[UUID] = (),
) -> Event:
    """Append an event of a locked receipt, shown to its parties and to `others`."""
    return evidence.append(
        session,
        receipt,
        type_,
        said,
        now=now,
        actor=actor,
        parties=sorted({*receipt.parties, *others}),
        authorizations=authorizations,
    )


def stand(
    session: Session,
    receipt: WarehouseReceipt,
    to: State,
    reason: str,
    *,
    now: datetime,
    actor: UUID | None,
) -> Event:
    """Move a locked receipt, and tell whoever has a part in it; where it stays, since when and why stays too."""
    if to is not receipt.state:
        receipt.move(to, now=now, reason=reason)
    said = {"state": to.value, "reason": reason}
    holders = encumbrancers(session, receipt)
    return tell(session, receipt, MOVED, said, now=now, actor=actor, others=holders)


def encumbrancers(session: Session, *receipts: WarehouseReceipt) -> list[UUID]:
    """Return the parties that hold a part of these receipts' goods: their pledgees, whom what happens to them is told."""
    found = {
        holding.told
        for receipt in receipts
        for holding in pools.holdings(session, receipt.pool_id)
        if holding.minor > 0
    }
    return sorted(party for party in found if party is not None)


def alarm(
    session: Session,
    receipt: WarehouseReceipt,
    event: Event,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    kind: str | None = None,
) -> None:
    """Tell everybody who holds a part of a receipt's goods what an event is about."""
    for holding in pools.holdings(session, receipt.pool_id):
        if holding.minor > 0 and holding.told is not None:
            capacity.notify(
                session,
                event,
                holding.told,
                kind=kind or event.type,
                subject=holding.holder,
                fields={"receipt": public_id("whr", receipt.id), **fields},
                now=now,
            )
