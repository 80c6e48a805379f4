"""Alarms over goods: raised with the receipts disputed and everybody told, lifted by those who may.

Keeper and supervisor lift one together, each signing; or whoever holds a pledge does. Without a supervisor and a
pledge the keeper does it with those whose the goods are. A lot is locked before the receipts over it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.devices.alarm_models import StockAlarm
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, NotAllowed
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.receipts import disputing
from scf.receipts import queries as receipts
from scf.receipts import service as keeping
from scf.receipts.models import WarehouseReceipt
from scf.stock import service as stock
from scf.stock.models import Lot, LotCount


class Found(Protocol):
    """What was found beside the book."""

    @property
    def book(self) -> int:
        """What the book says."""

    @property
    def counted(self) -> int:
        """What was found."""

    @property
    def tolerance(self) -> int:
        """How far apart they may be."""


class NotTheirs(NotAllowed):
    """Keeper and supervisor together lift an alarm, or the pledgees; with neither of these, keeper and holders."""

    code = "alarm.not_allowed"
    title = (
        "仅保管人与监管方共同、或质权人可以解除预警（无监管方且未出质的，由保管人与持有人共同解除）"
    )
    title_en = "Keeper and supervisor together, or the pledgees, lift an alarm; without them keeper and holders"


class AlarmStanding(Conflict):
    """No receipt is issued over goods of which an alarm says that they are not as the book says."""

    code = "alarm.standing"
    title = "该批货物有未解除的预警，不能填发仓单"
    title_en = "An alarm over these goods is not lifted: no receipt is issued"


class LiftingNotProposed(Conflict):
    """A lifting is proposed with its reason before it is signed, by each side once."""

    code = "alarm.lifting_not_proposed"
    title = "尚未提出解除，或本方已签署"
    title_en = "Nobody proposed to lift it, or you have signed"


def raise_alarm(
    session: Session, lot_id: UUID, source: str, said: str, found: Found, *, now: datetime
) -> StockAlarm | None:
    """Raise an alarm of a source over a lot: receipts disputed, nothing leaves, everybody told.

    None where one of the same source stands already.
    """
    lot = evidence.lock(session, Lot, lot_id)
    over = [receipt.id for receipt in receipts.on_lot(session, lot_id)]  # none comes beside it now
    standing = select(StockAlarm.id).where(
        StockAlarm.lot_id == lot_id, StockAlarm.source == source, StockAlarm.lifted_at.is_(None)
    )
    if session.scalar(standing) is not None:
        return None
    figures = {
        name: lot.quantity(minor).to_json()
        for name, minor in (
            ("book", found.book),
            ("counted", found.counted),
            ("tolerance", found.tolerance),
        )
    }
    _count(session, lot, said, found, figures, now=now)
    fields = {"lot": public_id("lot", lot.id), "source": source, **figures}
    disputed = disputing.dispute(session, over, reason=said, fields=fields, now=now)
    alarm = StockAlarm(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        lot_id=lot.id,
        source=source,
        evidence=said,
        unit=lot.unit,
        book_minor=found.book,
        counted_minor=found.counted,
        tolerance_minor=found.tolerance,
        receipts=[receipt.id for receipt in disputed],
        parties=told(session, lot),
        raised_at=now,
        owners=[],
        holders=[],
        signed=[],
        authorizations=[],
    )
    session.add(alarm)
    record = {
        "lot": public_id("lot", lot.id),
        "source": said,
        **figures,
        "receipts": [public_id("whr", one.id) for one in disputed],
    }
    _tell(session, alarm, "alarm.raised", record, now=now, actor=None)
    return alarm


def require_none(session: Session, lot: Lot) -> None:
    """Raise AlarmStanding where an alarm over a locked lot is not lifted."""
    standing = select(StockAlarm.id).where(
        StockAlarm.lot_id == lot.id, StockAlarm.lifted_at.is_(None)
    )
    found = session.scalar(standing.order_by(StockAlarm.id).limit(1))
    if found is not None:
        raise AlarmStanding(
            field="lots", lot=public_id("lot", lot.id), alarm=public_id("alm", found)
        )


def lifted_at(session: Session, lots: Collection[UUID], source: str) -> datetime | None:
    """Return when an alarm of a source over any of these lots was lifted last."""
    newest = select(func.max(StockAlarm.lifted_at)).where(
        StockAlarm.lot_id.in_(lots), StockAlarm.source == source
    )
    return session.scalar(newest)


def told(session: Session, lot: Lot) -> list[UUID]:
    """Return whom an alarm over a lot is told: its parties, holders of receipts over it, their pledgees."""
    over = receipts.on_lot(session, lot.id)
    every = {*lot.parties, *(one.holder_id for one in over), *keeping.encumbrancers(session, *over)}
    return sorted(every)


def visible(session: Session, party_id: UUID, alarm_id: UUID) -> StockAlarm:
    """Return an alarm that this party was told. Raises SubjectNotFound."""
    alarm = session.get(StockAlarm, alarm_id)
    if alarm is None or party_id not in alarm.parties:
        raise SubjectNotFound
    return alarm


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[StockAlarm]:
    """Return the alarms that a party was told, oldest first."""
    own = select(StockAlarm).where(StockAlarm.parties.contains([party_id]))
    if after is not None:
        own = own.where(StockAlarm.id > after)
    return session.scalars(own.order_by(StockAlarm.id).limit(size)).all()


def propose_lifting(
    session: Session, actor: Actor, alarm_id: UUID, *, reason: str, now: datetime
) -> StockAlarm:
    """Propose to lift an alarm, for one's own side to sign; what another side has signed so far is void.

    Raises SubjectNotFound, AlarmLifted, NotTheirs.
    """
    del now
    visible(session, actor.party, alarm_id)
    alarm = evidence.lock(session, StockAlarm, alarm_id)
    alarm.require_standing()
    lot = session.get_one(Lot, alarm.lot_id)
    sides = _sides(session, lot)
    side = next((n for n, members in enumerate(sides) if actor.party in members), None)
    if side is None:
        raise NotTheirs
    alarm.owners = list(sides[0]) if side == 0 else []
    alarm.holders = list(sides[1]) if side == 1 else []
    alarm.lift_reason = reason
    alarm.signed, alarm.authorizations = [], []
    session.flush()
    return alarm


def _sides(session: Session, lot: Lot) -> tuple[list[UUID], list[UUID]]:
    """Return who lift an alarm over a lot together: those around the keeper, or those who hold a pledge.

    The keeper alone never does: without a supervisor the pledgees are asked, and where nothing is pledged the keeper
    with the holders of the receipts, or with the depositor of what no receipt is over.
    """
    over = receipts.on_lot(session, lot.id)
    pledgees = keeping.encumbrancers(session, *over)
    if lot.supervisor_id is not None:
        return sorted({lot.keeper_id, lot.supervisor_id}), pledgees
    if pledgees:
        return [], pledgees
    whose = {one.holder_id for one in over} or {lot.depositor_id}
    return sorted({lot.keeper_id, *whose}), []


def _open(session: Session, actor: Actor, alarm_id: UUID) -> Turn[StockAlarm]:
    """Open a proposed lifting to whoever has to sign it still."""
    visible(session, actor.party, alarm_id)
    seen = session.get_one(StockAlarm, alarm_id)
    evidence.lock_all(session, WarehouseReceipt, seen.receipts)
    alarm = evidence.lock(session, StockAlarm, alarm_id)
    alarm.require_standing()
    signers = [*alarm.owners, *alarm.holders]
    if actor.party not in signers or actor.party in alarm.signed:
        raise LiftingNotProposed
    return Turn(
        paper=alarm,
        signers=signers,
        act="lift" if alarm.owners else "waive",
        subject=alarm,
        prefix="alm",
        content=_lifting(session, alarm),
        amount=None,
    )


def _lift(session: Session, actor: Actor, turn: Turn[StockAlarm], now: datetime) -> None:
    """Lift an alarm with the last signature; receipts that nothing else stands against are settled."""
    alarm = turn.paper
    alarm.lifted_at = now
    session.flush()
    _tell(
        session,
        alarm,
        "alarm.lifted",
        turn.content,
        now=now,
        actor=actor.party,
        authorizations=alarm.authorizations,
    )
    others = select(StockAlarm.receipts).where(StockAlarm.lifted_at.is_(None))
    held = {
        receipt
        for ids in session.scalars(others.where(StockAlarm.receipts.overlap(alarm.receipts)))
        for receipt in ids
    }
    free = sorted(set(alarm.receipts) - held)
    fields = {"lot": public_id("lot", alarm.lot_id), "reason": alarm.lift_reason}
    disputing.settle(session, free, reason=alarm.lift_reason or "", fields=fields, now=now)


LIFTING = Kind(_open, _lift)


def _lifting(session: Session, alarm: StockAlarm) -> dict[str, Any]:
    def codes(ids: Sequence[UUID]) -> list[str]:
        return sorted(parties.party(session, one).uscc for one in ids)

    return {
        "owners": codes(alarm.owners),
        "holders": codes(alarm.holders),
        "lot": public_id("lot", alarm.lot_id),
        "reason": alarm.lift_reason,
    }


def _count(
    session: Session,
    lot: Lot,
    said: str,
    found: Found,
    figures: dict[str, Any],
    *,
    now: datetime,
) -> None:
    """Write the count down with its lot."""
    event = stock.tell(
        session, lot, "lot.counted", {**figures, "source": said}, now=now, actor=None
    )
    session.add(
        LotCount(
            event_id=event.id,
            lot_id=lot.id,
            source=said,
            book_minor=found.book,
            counted_minor=found.counted,
            tolerance_minor=found.tolerance,
            counted_at=now,
        )
    )


def _tell(
    session: Session,
    alarm: StockAlarm,
    type_: str,
    record: Any,
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
) -> None:
    evidence.append(
        session,
        alarm,
        type_,
        record,
        now=now,
        actor=actor,
        parties=alarm.parties,
        authorizations=authorizations,
    )
