"""Splitting and merging receipts: asked for by the holder, allowed by whoever they are pledged to, done by the keeper.

What becomes of each is one step: the old receipts end, their goods and whatever is pledged of them stand under the
new ones, and at no moment is more under receipts than there is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import any_, exists, or_, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.capacity.models import Pool, PoolEntry
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.quantity import Quantity
from scf.parties import countersigning, signing
from scf.parties import queries as parties
from scf.parties.countersigning import Turn
from scf.parties.models import PartyKind
from scf.parties.signing import Signer
from scf.receipts import delivering, issuing, queries, service
from scf.receipts.models import Division, State, WarehouseReceipt
from scf.stock import rules as stock_rules
from scf.stock.models import Lot, LotUnit

DIVIDED: Final = "receipt.divided"
FAMILY: Final = "receipt"
PARTS_MAX: Final = 50


class DivisionUneven(Invalid):
    """The new receipts are together what the old ones are, lot by lot and thing by thing."""

    code = "receipt.division_uneven"
    title = "新仓单与原仓单的数量、批次或逐件清单不一致"
    title_en = "The new receipts are not together what the old ones are"


class NotAlike(Invalid):
    """Receipts are merged that have one holder, one keeper, one depositor and goods of one kind in one warehouse."""

    code = "receipt.not_alike"
    title = "合并的仓单须为同一持有人、同一保管人、同一存货人、同一仓库的同品种货物"
    title_en = "The receipts differ in holder, keeper, depositor, warehouse or goods"


class DivisionNotReady(Conflict):
    """The keeper carries out what holder and pledgees have signed, and nobody has done yet."""

    code = "receipt.division_not_ready"
    title = "分割、合并申请尚未由持有人和质权人全部签署，或已执行、已撤回"
    title_en = "Not everybody has signed the division, or it is over"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the new receipts: its number, how much of which lot, and its single things by name."""

    number: str
    lots: Sequence[tuple[UUID, Quantity]]
    units: Sequence[str] = ()

    @property
    def quantity(self) -> Quantity:
        """All of it."""
        first = self.lots[0][1]
        return first.like(sum(quantity.minor for _, quantity in self.lots))

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept until the keeper issues it."""
        return {
            "number": self.number,
            "quantity": self.quantity.to_json(),
            "lots": [
                {"lot": public_id("lot", lot), "quantity": quantity.to_json()}
                for lot, quantity in self.lots
            ],
            "units": sorted(self.units),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Part":
        """Read it back."""
        lots = [
            (parse_id("lot", one["lot"]), Quantity.from_json(one["quantity"]))
            for one in kept["lots"]
        ]
        return cls(kept["number"], lots, kept["units"])


def ask(
    session: Session,
    actor: Actor,
    receipt_ids: Sequence[UUID],
    into: Sequence[Part],
    *,
    now: datetime,
) -> Division:
    """Ask, as the holder, for one receipt to be split into several, or several to be merged into one.

    Raises SubjectNotFound, MoveRefused, NotAlike, `receipt.orders_open`, `receipt.fee_unpaid`, DivisionUneven,
    `receipt.number_taken`.
    """
    receipts, _, _ = _lock(session, actor.party, receipt_ids, holder=True)
    _check_even(session, receipts, into)
    for part in into:
        issuing.require_number(session, part.number)
    first = receipts[0]
    division = Division(
        id=new_id(),
        holder_id=first.holder_id,
        keeper_id=first.keeper_id,
        receipt_id=first.id,
        version=first.version,
        of=[receipt.id for receipt in receipts],
        into=[part.to_json() for part in into],
        pledgees=_pledgees(session, receipts),
        signed=[],
        authorizations=[],
        asked_at=now,
    )
    session.add(division)
    session.flush()
    return division


def _open_turn(session: Session, actor: Actor, division_id: UUID) -> Turn[Division]:
    """Return a division that waits for the caller: its holder, or somebody it is pledged to.

    Who has signed may do so again: what was signed expires. Raises SubjectNotFound, DivisionNotReady, and as `ask`.
    """
    division = _visible(session, actor.party, division_id, lock=True)
    receipts, _, _ = _lock(session, actor.party, division.of, holder=False)
    if actor.party not in (division.holder_id, *division.pledgees):
        raise SubjectNotFound
    _require_as_asked(session, division, receipts)
    return Turn(
        paper=division,
        signers=[division.holder_id, *division.pledgees],
        act="divide" if actor.party == division.holder_id else "consent",
        subject=receipts[0],
        prefix="whr",
        content=_content(session, division, receipts),
        amount=None,
    )


SIGNING: Final = countersigning.Kind(open=_open_turn, finish=lambda *_: None)
"""Holder and pledgees sign; the last of them makes it ready for the keeper."""


def take_back(session: Session, actor: Actor, division_id: UUID, *, now: datetime) -> Division:
    """Take a division back that was not done. By the holder. Raises DivisionNotReady."""
    division = _visible(session, actor.party, division_id, lock=True)
    if actor.party != division.holder_id:
        raise SubjectNotFound
    if division.done_at or division.ended_at:
        raise DivisionNotReady
    division.ended_at = now
    session.flush()
    return division


def draft_issues(
    session: Session,
    actor: Actor,
    division_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[list[Statement]]:
    """Write the new receipts for the keeper's maker and checker, one draft each. Raises DivisionNotReady, as signing."""
    division, receipts, lots, _ = _lock_ready(session, actor, division_id, now=now)
    keeper = parties.active_party(session, actor.party)
    drafts = []
    for kept in division.into:
        part = Part.of(kept)
        content = _receipt_content(session, receipts, part, now=now)
        first = lots[part.lots[0][0]]
        drafts.append(
            issuing.draft_of(
                session,
                keeper,
                first,
                content,
                part.units,
                signers=signers,
                origin=origin,
                now=now,
            )
        )
    return drafts


def carry_out(
    session: Session,
    actor: Actor,
    division_id: UUID,
    *,
    jws: Sequence[Sequence[str]],
    now: datetime,
) -> list[WarehouseReceipt]:
    """Take the keeper's signatures, one set for each new receipt in order: the old ones have become the new.

    Raises DivisionNotReady, DivisionUneven, and as signing.
    """
    division, receipts, lots, pools = _lock_ready(session, actor, division_id, now=now)
    keeper = parties.active_party(session, actor.party)
    parts = [Part.of(kept) for kept in division.into]
    if len(jws) != len(parts):
        raise DivisionUneven(field="issues", asked=len(parts), given=len(jws))
    _end_old(session, division, receipts, lots, pools, actor=keeper.id, now=now)
    made = []
    for part, signed in zip(parts, jws, strict=True):
        first = lots[part.lots[0][0]]
        act = signing.collect(
            session, party=keeper, act="issue", subject=first, jws=signed, now=now
        )
        if act.content["number"] != part.number:
            raise DivisionUneven(field="issues", number=act.content["number"])
        made.append(
            issuing.bring_forth(
                session,
                keeper,
                act,
                [lots[lot_id] for lot_id, _ in part.lots],
                depositor_id=receipts[0].depositor_id,
                holder_id=division.holder_id,
                now=now,
            )
        )
    for old, new, amount in _flows(receipts, made, pools):
        capacity.become(
            session,
            old.pool_id,
            new.pool_id,
            amount=old.measure(amount),
            family=FAMILY,
            now=now,
        )
    division.done_at = now
    session.flush()
    return made


def visible(session: Session, party_id: UUID, division_id: UUID) -> Division:
    """Return a division that this party takes part in. Raises SubjectNotFound."""
    return _visible(session, party_id, division_id, lock=False)


def _visible(session: Session, party_id: UUID, division_id: UUID, *, lock: bool) -> Division:
    pledged = exists().where(
        WarehouseReceipt.id == any_(Division.of),
        PoolEntry.pool_id == WarehouseReceipt.pool_id,
        PoolEntry.party_id == party_id,
    )
    own = or_(Division.holder_id == party_id, Division.keeper_id == party_id, pledged)
    statement = select(Division).where(Division.id == division_id, own)
    if lock:
        locked = statement.with_for_update(of=Division)
        statement = locked.execution_options(populate_existing=True)
    division = session.scalar(statement)
    if division is None:
        raise SubjectNotFound
    return division


def _lock_ready(
    session: Session, actor: Actor, division_id: UUID, *, now: datetime
) -> tuple[Division, list[WarehouseReceipt], dict[UUID, Lot], dict[UUID, Pool]]:
    """Return a division that everybody has signed, and all that it changes, locked, to its keeper."""
    division = _visible(session, actor.party, division_id, lock=True)
    if actor.party != division.keeper_id:
        raise SubjectNotFound
    receipts, lots, pools = _lock(session, actor.party, division.of, holder=False)
    _require_as_asked(session, division, receipts)
    countersigning.drop_lapsed(session, division, now=now)
    if set(division.signed) != {division.holder_id, *division.pledgees}:
        raise DivisionNotReady
    _check_even(session, receipts, [Part.of(kept) for kept in division.into])
    return division, receipts, lots, pools


def _require_as_asked(
    session: Session, division: Division, receipts: Sequence[WarehouseReceipt]
) -> None:
    """Raise DivisionNotReady where it is over, or receipt or pledgees are others since it was asked for.

    All sign the same, which names the pledgees.
    """
    over = division.done_at or division.ended_at or division.version != receipts[0].version
    if over or division.pledgees != _pledgees(session, receipts):
        raise DivisionNotReady


def _lock(
    session: Session, party_id: UUID, ids: Sequence[UUID], *, holder: bool
) -> tuple[list[WarehouseReceipt], dict[UUID, Lot], dict[UUID, Pool]]:
    """Return the receipts in the order asked for, their lots, and the pools of both, all locked.

    Raises SubjectNotFound, NotAlike, MoveRefused, `receipt.orders_open`, `receipt.fee_unpaid`, `receipt.goods_elsewhere`.
    """
    for one in ids if holder else ():
        if queries.visible(session, party_id, one).holder_id != party_id:
            raise SubjectNotFound
    lots, found = service.lock_with_lots(session, ids)
    if len(set(ids)) != len(ids) or len(found) != len(ids):
        raise NotAlike(field="of")
    receipts = [found[one] for one in ids]
    for receipt in receipts:
        receipt.require_active("divide")
        if _likeness(receipt) != _likeness(receipts[0]):
            raise NotAlike(field="of", receipt=public_id("whr", receipt.id))
        delivering.require_no_orders(session, receipt)
        delivering.require_paid(receipt)
    pool_ids = [lot.pool_id for lot in lots.values() if lot.pool_id is not None]
    pools = {
        pool.id: pool
        for pool in capacity.lock_pools(session, [*(one.pool_id for one in receipts), *pool_ids])
    }
    for receipt in receipts:
        delivering.require_there(receipt, receipt.measure(pools[receipt.pool_id].confirmed_minor))
    return receipts, lots, pools


def _likeness(receipt: WarehouseReceipt) -> tuple[Any, ...]:
    ids = (receipt.keeper_id, receipt.depositor_id, receipt.holder_id)
    goods = (receipt.goods, receipt.grade, receipt.unit, receipt.items["warehouse"])
    return (*ids, receipt.kind, receipt.medium, *goods)


def _check_even(
    session: Session, receipts: Sequence[WarehouseReceipt], into: Sequence[Part]
) -> None:
    """Hold the new receipts to the old, by lot and by name. Raises DivisionUneven."""
    if {len(receipts), len(into)} == {1} or min(len(receipts), len(into)) != 1:
        raise DivisionUneven(field="into", of=len(receipts), into=len(into))
    there: Counter[UUID] = Counter()
    for receipt in receipts:
        for own in receipt.lots:
            there[own.lot_id] += own.quantity_minor
    wanted: Counter[UUID] = Counter()
    for lot_id, quantity in (pair for part in into for pair in part.lots):
        if quantity.code != receipts[0].unit:
            raise DivisionUneven(field="into", unit=quantity.code)
        wanted[lot_id] += quantity.minor
    if +there != wanted:
        measure = receipts[0].measure
        of, becomes = measure(there.total()), measure(wanted.total())
        raise DivisionUneven(field="into", of=of, into=becomes)
    _check_units(session, receipts, into)


def _check_units(
    session: Session, receipts: Sequence[WarehouseReceipt], into: Sequence[Part]
) -> None:
    units = {unit.name: unit for unit in _units(session, receipts)}
    names = [name for part in into for name in part.units]
    if sorted(names) != sorted(units):
        raise DivisionUneven(field="units", of=len(units), into=len(names))
    for part in into:
        listed = sum(units[name].quantity_minor for name in part.units)
        if units and listed != part.quantity.minor:
            raise DivisionUneven(field="units", number=part.number, listed=listed)


def _units(session: Session, receipts: Sequence[WarehouseReceipt]) -> Sequence[LotUnit]:
    found = select(LotUnit).where(
        LotUnit.receipt_id.in_([receipt.id for receipt in receipts]), LotUnit.left_at.is_(None)
    )
    return session.scalars(found).all()


def _pledgees(session: Session, receipts: Sequence[WarehouseReceipt]) -> list[UUID]:
    """Return whoever has to consent: the banks that hold a part of the goods."""
    found = service.encumbrancers(session, *receipts)
    kinds = {one: parties.party(session, one).kind for one in found}
    return [one for one in found if kinds[one] is PartyKind.BANK]


def _content(
    session: Session, division: Division, receipts: Sequence[WarehouseReceipt]
) -> dict[str, Any]:
    return {
        "holder": parties.party(session, division.holder_id).uscc,
        "keeper": parties.party(session, division.keeper_id).uscc,
        "pledgees": sorted(parties.party(session, one).uscc for one in division.pledgees),
        "of": [public_id("whr", receipt.id) for receipt in receipts],
        "into": [{"number": one["number"], "quantity": one["quantity"]} for one in division.into],
    }


def _receipt_content(
    session: Session, receipts: Sequence[WarehouseReceipt], part: Part, *, now: datetime
) -> dict[str, Any]:
    """Return what a new receipt says: the items of the old, for its own goods (Civil Code 909)."""
    old = receipts[0]
    return {
        **old.items,
        "kind": old.kind.value,
        "medium": old.medium.value,
        "number": part.number,
        "keeper": parties.party(session, old.keeper_id).uscc,
        "depositor": parties.party(session, old.depositor_id).uscc,
        "holder": parties.party(session, old.holder_id).uscc,
        "goods": old.goods,
        "grade": old.grade,
        "pieces": None,
        "quantity": part.quantity.to_json(),
        "units_sha256": stock_rules.names_sha256(part.units),
        "stored_until": min(receipt.stored_until for receipt in receipts).isoformat(),
        "issued_on": business_date(now).isoformat(),
        "lots": part.to_json()["lots"],
        "of": [public_id("whr", receipt.id) for receipt in receipts],
    }


def _end_old(
    session: Session,
    division: Division,
    receipts: Sequence[WarehouseReceipt],
    lots: Mapping[UUID, Lot],
    pools: Mapping[UUID, Pool],
    *,
    actor: UUID,
    now: datetime,
) -> None:
    """End the old receipts, and free their goods in the lots for the new ones that follow at once."""
    content = _content(session, division, receipts)
    for receipt in receipts:
        event = service.tell(
            session,
            receipt,
            DIVIDED,
            content,
            now=now,
            actor=actor,
            authorizations=division.authorizations,
            others=service.encumbrancers(session, receipt),
        )
        for part in receipt.lots:
            lot_pool = lots[part.lot_id].pool_id
            if part.quantity_minor == 0 or lot_pool is None:
                continue
            capacity.release(
                session,
                pools[lot_pool],
                holder_id=receipt.id,
                cause=event.body_hash,
                now=now,
                actor=actor,
            )
            part.quantity_minor = 0
        receipt.move(State.DIVIDED, now=now)
    for unit in _units(session, receipts):
        unit.receipt_id = None
    session.flush()


def _flows(
    old: Sequence[WarehouseReceipt], new: Sequence[WarehouseReceipt], pools: Mapping[UUID, Pool]
) -> list[tuple[WarehouseReceipt, WarehouseReceipt, int]]:
    """Return how much of which old receipt becomes which new one: one of many, or many of one."""
    if len(old) == 1:
        return [(old[0], one, one.quantity_minor) for one in new]
    left = {one.id: pools[one.pool_id].confirmed_minor for one in old}
    return [(one, new[0], left[one.id]) for one in old if left[one.id] > 0]
