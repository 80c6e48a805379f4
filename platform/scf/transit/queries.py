"""Reading consignments, where they were, and what they mean to whom."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.evidence.service import SubjectNotFound
from scf.receipts import service as standing
from scf.receipts.models import WarehouseReceipt
from scf.transit import permissions
from scf.transit.models import TRAVELLING, Alarm, Consignment, ConsignmentLot, Position
from scf.transit.permissions import Action


def visible(session: Session, party_id: UUID, consignment_id: UUID) -> Consignment:
    """Return a consignment that this party has a part in. Raises SubjectNotFound."""
    found = session.get(Consignment, consignment_id)
    if found is None:
        raise SubjectNotFound
    require(session, found, party_id, Action.VIEW)
    return found


def require(session: Session, consignment: Consignment, party_id: UUID, action: Action) -> None:
    """Hold a party to its part in a consignment; whoever holds a pledge of the goods by now has a pledgee's.

    Raises SubjectNotFound, ConsignmentActionNotAllowed.
    """
    receipt = session.get_one(WarehouseReceipt, consignment.receipt_id)
    pledgees = {*consignment.pledgees, *standing.encumbrancers(session, receipt)}
    permissions.require(consignment, party_id, action, pledgees)


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[Consignment]:
    """Return the consignments that a party has a part in, oldest first."""
    own = or_(
        Consignment.holder_id == party_id,
        Consignment.keeper_id == party_id,
        Consignment.carrier_id == party_id,
        Consignment.destination_id == party_id,
        Consignment.pledgees.contains([party_id]),
        Consignment.receipt_id.in_(
            select(WarehouseReceipt.id).where(
                WarehouseReceipt.pool_id.in_(
                    select(PoolEntry.pool_id)
                    .where(PoolEntry.party_id == party_id)
                    .group_by(PoolEntry.pool_id, PoolEntry.holder_id)
                    .having(func.sum(PoolEntry.used_delta_minor) > 0)
                )
            )
        ),
    )
    statement = select(Consignment).where(own).order_by(Consignment.id).limit(size)
    if after is not None:
        statement = statement.where(Consignment.id > after)
    return session.scalars(statement).all()


def in_transit(session: Session, receipt_id: UUID) -> int:
    """Return how much of a receipt's goods is on its way, in the smallest part of its unit."""
    total = cast(func.coalesce(func.sum(Consignment.in_transit_minor), 0), BigInteger)
    return session.scalars(select(total).where(Consignment.receipt_id == receipt_id)).one()


def lots(session: Session, consignment_id: UUID) -> Sequence[ConsignmentLot]:
    """Return what was taken over of which lot."""
    found = select(ConsignmentLot).where(ConsignmentLot.consignment_id == consignment_id)
    return session.scalars(found.order_by(ConsignmentLot.lot_id)).all()


def positions(
    session: Session, consignment_id: UUID, *, after: datetime | None, size: int
) -> Sequence[Position]:
    """Return where a consignment was, oldest first."""
    found = select(Position).where(Position.consignment_id == consignment_id)
    if after is not None:
        found = found.where(Position.seen_at > after)
    return session.scalars(found.order_by(Position.seen_at, Position.source).limit(size)).all()


def alarms(session: Session, consignment_id: UUID, *, standing: bool = False) -> Sequence[Alarm]:
    """Return a consignment's alarms, oldest first; those that stand alone if asked."""
    found = select(Alarm).where(Alarm.consignment_id == consignment_id)
    if standing:
        found = found.where(Alarm.cleared_at.is_(None))
    return session.scalars(found.order_by(Alarm.raised_at, Alarm.event_id)).all()


def watched(session: Session) -> Sequence[UUID]:
    """Return the consignments on their way that a device goes with, by id."""
    found = select(Consignment.id).where(
        Consignment.device_id.is_not(None), Consignment.state.in_(TRAVELLING)
    )
    return session.scalars(found.order_by(Consignment.id)).all()
