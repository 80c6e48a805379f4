"""The goods under agreements as they stand: what each pledge holds of which receipts, what was heard of them last, its rank."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.collateral.models import ControlAgreement, ControlledPledge, MarkLine
from scf.devices import queries as devices
from scf.devices.queries import LastReading
from scf.kernel.quantity import Quantity
from scf.pledges import encumbrances, priority
from scf.pledges.models import Pledge
from scf.pledges.priority import Asset
from scf.receipts.models import WarehouseReceipt


@dataclass(frozen=True, slots=True)
class Held:
    """What a pledge holds of one receipt, and what was heard last of the lots that it lies in."""

    receipt: WarehouseReceipt
    minor: int
    last: LastReading | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A watched pledge: what it holds now, its line in the newest mark, and where it ranks.

    `rank` is the lowest of its ranks on the receipts that it holds of, the keeper's lien for unpaid storage among
    the claims; None where no right has arisen or nothing is left. `realise_from` is the day from which a receipt's
    goods may be taken where the debt falls due only later (Civil Code 442).
    """

    agreement: ControlAgreement
    watched: ControlledPledge
    pledge: Pledge
    line: MarkLine | None
    held: Sequence[Held] = field(default_factory=list)
    rank: int | None = None

    @property
    def quantity(self) -> Quantity:
        """What is pledged still."""
        return Quantity(sum(one.minor for one in self.held), self.watched.unit)

    @property
    def last(self) -> LastReading | None:
        """What was heard last of any of its goods."""
        return newest(one.last for one in self.held)

    @property
    def realise_from(self) -> date | None:
        """The first day on which a receipt ends before the debt does."""
        early = [one.receipt.stored_until for one in self.held]
        return min((on for on in early if on < self.pledge.principal_due_on), default=None)


_HELD: Final = text("""
SELECT c.agreement_id, c.pledge_id, r.id AS receipt_id, sum(e.used_delta_minor)::bigint AS minor
FROM controlled_pledges c
JOIN pool_entries e ON e.holder_id = c.pledge_id
JOIN warehouse_receipts r ON r.pool_id = e.pool_id
WHERE c.agreement_id = ANY (:ids)
GROUP BY c.agreement_id, c.pledge_id, r.id
HAVING sum(e.used_delta_minor) > 0
ORDER BY c.agreement_id, c.pledge_id, r.id
""")
_LOTS: Final = text("""
SELECT receipt_id, lot_id FROM receipt_lots WHERE receipt_id = ANY (:ids) AND quantity_minor > 0
""")


def last_readings(session: Session, ids: Collection[UUID]) -> Mapping[UUID, LastReading]:
    """Return by agreement what was heard last of any of its goods; three questions, however many agreements."""
    found: dict[UUID, LastReading] = {}
    rows = _held(session, ids)
    heard = _heard(session, {row["receipt_id"] for row in rows})
    for row in rows:
        one = newest((found.get(row["agreement_id"]), heard.get(row["receipt_id"])))
        if one is not None:
            found[row["agreement_id"]] = one
    return found


def of(
    session: Session, agreement: ControlAgreement, lines: Sequence[MarkLine]
) -> Sequence[Holding]:
    """Return what an agreement watches or has watched, by pledge; `lines` are those of its newest mark."""
    watched = session.scalars(
        select(ControlledPledge)
        .where(ControlledPledge.agreement_id == agreement.id)
        .order_by(ControlledPledge.pledge_id)
    ).all()
    rows = _held(session, [agreement.id])
    receipts = {row["receipt_id"] for row in rows}
    heard, by_id = _heard(session, receipts), _by_id(session, WarehouseReceipt, receipts)
    pledges = _by_id(session, Pledge, {row.pledge_id for row in watched})
    marked = {line.pledge_id: line for line in lines}
    ranks = {receipt.id: _ranks(session, receipt) for receipt in by_id.values()}
    found = []
    for one in watched:
        own = [row for row in rows if row["pledge_id"] == one.pledge_id]
        held = [
            Held(by_id[row["receipt_id"]], row["minor"], heard.get(row["receipt_id"]))
            for row in own
        ]
        placed = [ranks[row["receipt_id"]].get(one.pledge_id) for row in own]
        rank = None if None in placed else max((at for at in placed if at), default=None)
        line = marked.get(one.pledge_id)
        found.append(Holding(agreement, one, pledges[one.pledge_id], line, held, rank))
    return found


def held(session: Session, pledge_id: UUID) -> int:
    """Return what a pledge holds still of all receipts together, in smallest parts."""
    taken = select(func.sum(PoolEntry.used_delta_minor)).where(PoolEntry.holder_id == pledge_id)
    return int(session.scalar(taken) or 0)


def newest(readings: Iterable[LastReading | None]) -> LastReading | None:
    """Return the newest of some readings, of which any may be missing."""
    return max((one for one in readings if one is not None), key=lambda one: one.at, default=None)


def _ranks(session: Session, receipt: WarehouseReceipt) -> Mapping[UUID, int]:
    """Return by pledge its rank on a receipt's goods; one that has not arisen has none."""
    taken = encumbrances.taken_here(session, [receipt.pool_id])
    lien = encumbrances.lien(receipt)
    every = taken if lien is None else [lien, *taken]
    pledges = {one.claim.ref: one.pledge_id for one in taken}
    return {
        pledge_id: one.rank
        for one in priority.order(Asset.GOODS, [one.claim for one in every])
        if one.secured and (pledge_id := pledges.get(one.claim.ref)) is not None
    }


def _held(session: Session, ids: Collection[UUID]) -> Sequence[RowMapping]:
    return session.execute(_HELD, {"ids": list(ids)}).mappings().all() if ids else []


def _heard(session: Session, receipts: Collection[UUID]) -> Mapping[UUID, LastReading]:
    """Return by receipt what was heard last of the lots that it has goods in."""
    rows = session.execute(_LOTS, {"ids": list(receipts)}).all()
    readings = devices.last_readings(session, {lot_id for _, lot_id in rows})
    found: dict[UUID, LastReading] = {}
    for receipt_id, lot_id in rows:
        one = newest((found.get(receipt_id), readings.get(lot_id)))
        if one is not None:
            found[receipt_id] = one
    return found


def _by_id(session: Session, kind: Any, ids: Collection[UUID]) -> Mapping[UUID, Any]:
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(ids)))}
