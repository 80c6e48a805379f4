"""Issuing a receipt over stored goods: the keeper's signature opens its pool and takes the lots'."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import SignedAct, Signer
from scf.receipts import guards
from scf.receipts.models import Medium, ReceiptLot, State, TitleKind, WarehouseReceipt
from scf.stock import permissions as lot_permissions
from scf.stock import queries as lot_queries
from scf.stock import rules as stock_rules
from scf.stock import service as stock
from scf.stock.models import Lot, LotUnit
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event_types import EVENT_TYPES

ISSUED: Final = "receipt.issued"


class NumberTaken(Conflict):
    """A receipt's number is unique, whoever issued it."""

    code = "receipt.number_taken"
    title = "仓单编号已被使用"
    title_en = "A receipt of this number exists"


class GoodsDiffer(Invalid):
    """A receipt is over goods of one kind, grade, unit and depositor, at one keeper's."""

    code = "receipt.goods_differ"
    title = "一张仓单只能对应同一存货人的同品种、同规格、同计量单位货物"
    title_en = "A receipt is over one depositor's goods of one kind, grade and unit"


class PeriodInvalid(Invalid):
    """Goods are stored until a day that has not passed."""

    code = "receipt.period_invalid"
    title = "储存期限不正确"
    title_en = "The period of storage is not valid"


@dataclass(frozen=True, slots=True)
class Insurance:
    """What the goods are insured for, with whom, until when (Civil Code 909, item 7)."""

    insurer: str
    policy: str
    amount: Money
    until: date

    def to_json(self) -> dict[str, Any]:
        """Return it as records say it."""
        return {
            "insurer": self.insurer,
            "policy": self.policy,
            "amount": self.amount.to_json(),
            "until": self.until.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """What a keeper puts on a receipt beside what its lots say (Civil Code 909)."""

    number: str
    lots: Sequence[tuple[UUID, Quantity]]
    depositor_address: str
    quality: str
    pieces: int | None
    stored_until: date
    storage_fee: str
    insurance: Insurance | None
    issued_at: str
    kind: TitleKind = TitleKind.WAREHOUSE_RECEIPT
    medium: Medium = Medium.ELECTRONIC
    units: Sequence[str] = ()
    """Which of the lots' single things, by name; all that no receipt is over, where none is named."""


def draft_issue(
    session: Session,
    actor: Actor,
    terms: Terms,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the receipt for the keeper's maker and checker; reserve its pool's id and secret.

    It is about the first of its lots, at that version. Raises SubjectNotFound, NumberTaken, GoodsDiffer,
    PeriodInvalid, `capacity.exceeded`, what `guards` raise, and as signing.
    """
    lots = _lock_lots(session, actor, [lot_id for lot_id, _ in terms.lots])
    _check(session, lots, terms, now=now)
    for lot, (_, quantity) in zip(lots, terms.lots, strict=True):
        (pool,) = capacity.lock_pools(session, [lot.pool_id or lot.id])
        capacity.require_free(pool, quantity, viewer=actor.party)
    units = _pick_units(session, lots, terms)
    content = _content(session, lots, terms, units, now=now)
    keeper = parties.active_party(session, actor.party)
    return draft_of(
        session, keeper, lots[0], content, units, signers=signers, origin=origin, now=now
    )


def draft_of(
    session: Session,
    keeper: Party,
    lot: Lot,
    content: Mapping[str, Any],
    units: Sequence[str],
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write a receipt that says `content`, about the first of its lots; raises as signing."""
    secret = evidence.new_secret()
    return signing.draft(
        session,
        origin=origin,
        party=keeper,
        act="issue",
        subject=lot,
        prefix="lot",
        content={
            **content,
            "pool": public_id("cap", new_id()),
            "pool_secret_sha256": b64url(hashlib.sha256(secret).digest()),
        },
        amount=None,
        signers=signers,
        now=now,
        reserved={"pool_secret": b64url(secret), "units": list(units)},
    )


def issue(
    session: Session, actor: Actor, lot_id: UUID, *, jws: Sequence[str], now: datetime
) -> WarehouseReceipt:
    """Take the keeper's signatures: the receipt is there, its goods are taken from their lots.

    Raises NumberTaken, `capacity.exceeded` (no receipt without goods), what `guards` raise, and as signing.
    """
    first = stock.lock_for(session, actor, lot_id, lot_permissions.Action.STORE)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(session, party=keeper, act="issue", subject=first, jws=jws, now=now)
    named = [parse_id("lot", part["lot"]) for part in act.content["lots"]]
    lots = _lock_lots(session, actor, named)
    for lot in lots:
        guards.require(session, lot)
    return bring_forth(
        session,
        keeper,
        act,
        lots,
        depositor_id=lots[0].depositor_id,
        holder_id=lots[0].depositor_id,
        now=now,
    )


def bring_forth(
    session: Session,
    keeper: Party,
    act: SignedAct,
    lots: Sequence[Lot],
    *,
    depositor_id: UUID,
    holder_id: UUID,
    now: datetime,
) -> WarehouseReceipt:
    """Make a signed receipt be there: its event, its goods from their locked lots, its pool.

    Raises NumberTaken, GoodsDiffer, `capacity.exceeded`.
    """
    content = act.content
    require_number(session, content["number"])
    receipt = _receipt(
        session, keeper, content, depositor_id=depositor_id, holder_id=holder_id, now=now
    )
    said = {name: content[name] for name in EVENT_TYPES[ISSUED].fields if name in content}
    event = evidence.append(
        session,
        receipt,
        ISSUED,
        said,
        now=now,
        actor=keeper.id,
        parties=receipt.parties,
        authorizations=act.authorizations,
    )
    receipt.issued_event_hash = receipt.title_event_hash = event.body_hash
    for lot, part in zip(lots, content["lots"], strict=True):
        quantity = Quantity.from_json(part["quantity"])
        take(session, receipt, lot, quantity, cause=event.body_hash, actor=keeper.id, now=now)
    _take_units(session, receipt, lots, act.reserved.get("units", []))
    opening = capacity.Opening(
        pool_id=receipt.pool_id,
        secret=from_b64url(act.reserved["pool_secret"]),
        asset=public_id("whr", receipt.id),
        asset_id=receipt.id,
        owner_id=receipt.holder_id,
        confirmed=receipt.quantity,
        cause=event.body_hash,
        parties=receipt.parties,
    )
    capacity.open_pools(session, [opening], now=now, actor=keeper.id)
    return receipt


def take(
    session: Session,
    receipt: WarehouseReceipt,
    lot: Lot,
    quantity: Quantity,
    *,
    cause: bytes,
    actor: UUID,
    now: datetime,
) -> None:
    """Take goods of a lot for a receipt. Raises `capacity.exceeded`: never more receipts than goods."""
    assert lot.pool_id is not None, "what a receipt is over is stored"
    (pool,) = capacity.lock_pools(session, [lot.pool_id])
    capacity.reserve(
        session,
        pool,
        holder_id=receipt.id,
        holder=public_id("whr", receipt.id),
        amount=quantity,
        cause=cause,
        now=now,
        actor=actor,
    )
    session.add(ReceiptLot(receipt_id=receipt.id, lot_id=lot.id, quantity_minor=quantity.minor))


def _lock_lots(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[Lot]:
    """Return the keeper's lots, locked in id order, in the order asked for."""
    if len(set(ids)) != len(ids):
        raise GoodsDiffer(field="lots")
    store = lot_permissions.Action.STORE
    locked = {one: stock.lock_for(session, actor, one, store) for one in sorted(ids)}
    return [locked[one] for one in ids]


def _check(session: Session, lots: Sequence[Lot], terms: Terms, *, now: datetime) -> None:
    require_number(session, terms.number)
    if terms.stored_until <= business_date(now):
        raise PeriodInvalid(field="stored_until", stored_until=terms.stored_until.isoformat())
    first = lots[0]
    for lot, (_, quantity) in zip(lots, terms.lots, strict=True):
        lot.require_stored()
        guards.require(session, lot)
        same = (first.goods, first.grade, first.unit, first.depositor_id, first.warehouse)
        own = (lot.goods, lot.grade, quantity.code, lot.depositor_id, lot.warehouse)
        if same != own or lot.unit != first.unit:
            raise GoodsDiffer(field="lots", lot=public_id("lot", lot.id))


def require_number(session: Session, number: str) -> None:
    """Raise NumberTaken where a receipt of this number exists."""
    taken = select(WarehouseReceipt.id).where(WarehouseReceipt.number == number)
    if session.scalar(taken) is not None:
        raise NumberTaken(field="number", number=number)


def _content(
    session: Session,
    lots: Sequence[Lot],
    terms: Terms,
    units: Sequence[str],
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return what the receipt says: the items of Civil Code 909."""
    first = lots[0]
    total = Quantity(sum(quantity.minor for _, quantity in terms.lots), first.unit)
    depositor = parties.party(session, first.depositor_id).uscc
    return {
        "kind": terms.kind.value,
        "medium": terms.medium.value,
        "number": terms.number,
        "keeper": parties.party(session, first.keeper_id).uscc,
        "depositor": depositor,
        "depositor_address": terms.depositor_address,
        "holder": depositor,
        "goods": first.goods,
        "grade": first.grade,
        "quality": terms.quality,
        "packing": first.packing,
        "pieces": terms.pieces,
        "marks": first.marks,
        "quantity": total.to_json(),
        "units_sha256": stock_rules.names_sha256(units),
        "loss_standard": first.loss_standard,
        "warehouse": first.warehouse,
        "location": first.location,
        "stored_from": (first.stored_on or business_date(now)).isoformat(),
        "stored_until": terms.stored_until.isoformat(),
        "storage_fee": terms.storage_fee,
        "insurance": terms.insurance.to_json() if terms.insurance else None,
        "issued_at": terms.issued_at,
        "issued_on": business_date(now).isoformat(),
        "lots": [
            {"lot": public_id("lot", lot_id), "quantity": quantity.to_json()}
            for lot_id, quantity in terms.lots
        ],
        "of": [],
    }


def _pick_units(session: Session, lots: Sequence[Lot], terms: Terms) -> list[str]:
    """Return the names of a receipt's single things: each there, under no receipt, together its quantity.

    Raises GoodsDiffer.
    """
    picked: list[str] = []
    for lot, (_, quantity) in zip(lots, terms.lots, strict=True):
        loose = {
            unit.name: unit.quantity_minor
            for unit in lot_queries.units(session, lot.id)
            if unit.left_at is None and unit.receipt_id is None
        }
        own = [name for name in terms.units if name in loose] if terms.units else list(loose)
        if loose and sum(loose[name] for name in own) != quantity.minor:
            raise GoodsDiffer(field="units", lot=public_id("lot", lot.id), listed=len(own))
        picked += own
    if strange := sorted(set(terms.units) - set(picked)):
        raise GoodsDiffer(field="units", units=strange[:20])
    return sorted(picked)


def _take_units(
    session: Session, receipt: WarehouseReceipt, lots: Sequence[Lot], names: Sequence[str]
) -> None:
    """Put single things under a receipt. Raises GoodsDiffer where one has gone, or is under another."""
    loose = select(LotUnit).where(
        LotUnit.lot_id.in_([lot.id for lot in lots]),
        LotUnit.name.in_(names),
        LotUnit.left_at.is_(None),
        LotUnit.receipt_id.is_(None),
    )
    units = session.scalars(loose).all()
    if len(units) != len(names):
        raise GoodsDiffer(field="units", listed=len(names), loose=len(units))
    for unit in units:
        unit.receipt_id = receipt.id


def _receipt(
    session: Session,
    keeper: Party,
    content: Mapping[str, Any],
    *,
    depositor_id: UUID,
    holder_id: UUID,
    now: datetime,
) -> WarehouseReceipt:
    quantity = Quantity.from_json(content["quantity"])
    receipt = WarehouseReceipt(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        kind=TitleKind(content["kind"]),
        medium=Medium(content["medium"]),
        number=content["number"],
        keeper_id=keeper.id,
        depositor_id=depositor_id,
        holder_id=holder_id,
        goods=content["goods"],
        grade=content["grade"],
        unit=quantity.code,
        quantity_minor=quantity.minor,
        stored_until=parse_date(content["stored_until"]),
        items={name: content[name] for name in ITEMS},
        pool_id=parse_id("cap", content["pool"]),
        issued_event_hash=b"",
        title_event_hash=b"",
        state=State.ACTIVE,
        state_since=now,
        issued_at=now,
    )
    session.add(receipt)
    session.flush()
    return receipt


ITEMS: Final = (
    *("depositor_address", "quality", "packing", "pieces", "marks", "loss_standard", "warehouse"),
    *("location", "stored_from", "storage_fee", "insurance", "issued_at", "issued_on"),
)
"""What of a receipt's items no rule asks about: kept as issued."""
