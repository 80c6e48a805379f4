"""Goods in: entered, weighed and assayed by two independent sources, stored under the keeper's signature."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.measure import UnitMismatch
from scf.kernel.quantity import Quantity
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import Signer
from scf.stock import permissions, queries, rules
from scf.stock.models import Lot, LotChange, LotPaper, LotUnit, PaperKind, State
from scf.stock.permissions import Action
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event_types import EVENT_TYPES

STORED: Final = "lot.stored"


class KeeperAlone(Invalid):
    """Keeper, supervisor and depositor are different parties: the supervisor watches for whoever lends."""

    code = "lot.keeper_alone"
    title = "保管人、监管方和存货人须各不相同"
    title_en = "Keeper, supervisor and depositor are three different parties"


class UnitStoredAlready(Conflict):
    """A thing with a name of its own is in one place at a time."""

    code = "lot.unit_stored_already"
    title = "该编号的货物已在库"
    title_en = "A thing of this name is stored already"


class PaperKnown(Conflict):
    """A source numbers its papers, and hands each in once."""

    code = "lot.paper_known"
    title = "同一来源的该编号单据已登记"
    title_en = "This source's paper of that number is registered"


class PaperLacks(Invalid):
    """A weighing says how much, an assay whether the goods passed."""

    code = "lot.paper_lacks"
    title = "单据缺少数量或检验结论"
    title_en = "The paper says no quantity, or not whether the goods passed"


class PaperFromFuture(Invalid):
    """A paper is made before it is handed in."""

    code = "lot.paper_from_future"
    title = "单据日期不得晚于今天"
    title_en = "The paper is dated after today"


class OrderNotWeighed(Invalid):
    """Goods of a stored lot are weighed or tallied out for an order."""

    code = "lot.order_not_weighed"
    title = "只有在库货物的磅单、码单可以对应提货通知书"
    title_en = "Only a weighing or a tally of stored goods is for a withdrawal order"


class NotYetSeen(Conflict):
    """Goods are stored once two independent sources have weighed and assayed them."""

    code = "lot.not_yet_seen"
    title = "须有两个独立来源的称重和质检后方可确认入库"
    title_en = "Two independent sources have to weigh and to assay the goods first"


@dataclass(frozen=True, slots=True)
class Unit:
    """A thing with a name of its own; `certificate_no` is its 合格证."""

    name: str
    certificate_no: str | None
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Goods:
    """What a keeper enters: whose goods, of what kind, where, and how much the depositor says.

    Depositor and supervisor by their codes (USCC), as papers name them.
    """

    depositor: str
    supervisor: str | None
    goods: str
    grade: str | None
    packing: str | None
    marks: str | None
    warehouse: str
    location: str
    loss_standard: str
    declared: Quantity
    units: Sequence[Unit] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of the warehouse; the original as its source made it. `order_id`: it weighed goods out for that order."""

    kind: PaperKind
    number: str
    made_on: date
    quantity: Quantity | None
    passed: bool | None
    original: bytes
    order_id: UUID | None = None


def enter(session: Session, actor: Actor, goods: Goods, *, now: datetime) -> Lot:
    """Enter goods that a depositor brings (入库申请). By the keeper.

    Raises SubjectNotFound, KeeperAlone, LossStandardTooWide, UnitNamesInvalid, UnitStoredAlready.
    """
    keeper = parties.active_party(session, actor.party)
    depositor = _named(session, goods.depositor)
    supervisor = _named(session, goods.supervisor) if goods.supervisor else None
    if supervisor is not None and supervisor.id in (keeper.id, depositor.id):
        raise KeeperAlone(field="supervisor")
    if keeper.id == depositor.id:
        raise KeeperAlone(field="depositor")
    rules.check_loss_standard(goods.loss_standard)
    if goods.units:
        names = [unit.name for unit in goods.units]
        rules.check_names(names, [unit.quantity for unit in goods.units], goods.declared)
        present = queries.present(session, names)
        if present:
            raise UnitStoredAlready(field="units", units=present[:20])
    lot = Lot(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        keeper_id=keeper.id,
        depositor_id=depositor.id,
        supervisor_id=supervisor.id if supervisor else None,
        goods=goods.goods,
        grade=goods.grade,
        packing=goods.packing,
        marks=goods.marks,
        warehouse=goods.warehouse,
        location=goods.location,
        loss_standard=goods.loss_standard,
        unit=goods.declared.code,
        declared_minor=goods.declared.minor,
        state=State.ENTERED,
        state_since=now,
        entered_at=now,
    )
    session.add(lot)
    session.flush()
    _name_units(session, lot, goods.units)
    tell(session, lot, "lot.entered", record(session, lot), now=now, actor=keeper.id)
    return lot


def _name_units(session: Session, lot: Lot, units: Sequence[Unit]) -> None:
    """Give a lot its single things. Raises UnitStoredAlready, also where another lot took a name this moment."""
    try:
        with session.begin_nested():
            session.add_all(
                LotUnit(
                    lot_id=lot.id,
                    name=unit.name,
                    certificate_no=unit.certificate_no,
                    quantity_minor=unit.quantity.minor,
                )
                for unit in units
            )
    except IntegrityError as error:
        names = [unit.name for unit in units]
        raise UnitStoredAlready(field="units", units=names[:20]) from error


def add_paper(
    session: Session,
    actor: Actor,
    lot_id: UUID,
    paper: Paper,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Lot:
    """Add a paper of the warehouse; weighings and assays of its two sources carry the lot on.

    Bad news is kept: sources that disagree, or an assay that failed, leave the lot where it is. Raises
    SubjectNotFound, LotActionNotAllowed, PaperFromFuture, PaperKnown, PaperLacks, OrderNotWeighed, UnitMismatch.
    """
    lot = lock_for(session, actor, lot_id, Action.ADD_PAPER, expected_version)
    source = parties.active_party(session, actor.party)
    permissions.require_kind(lot, source.id, paper.kind)
    if paper.made_on > business_date(now):
        raise PaperFromFuture(field="made_on", made_on=paper.made_on.isoformat())
    _check_paper(session, lot, source.uscc, paper)
    digest = hashlib.sha256(paper.original).digest()
    told = {
        "kind": paper.kind.value,
        "source": source.uscc,
        "number": paper.number,
        "made_on": paper.made_on.isoformat(),
        "quantity": paper.quantity.to_json() if paper.quantity else None,
        "passed": paper.passed,
        "original_sha256": evidence.hash_text(digest),
        "order": public_id("wdr", paper.order_id) if paper.order_id else None,
    }
    event = tell(session, lot, "lot.paper_added", told, now=now, actor=source.id)
    session.add(
        LotPaper(
            event_id=event.id,
            lot_id=lot.id,
            kind=paper.kind,
            source=source.uscc,
            number=paper.number,
            made_on=paper.made_on,
            quantity_minor=paper.quantity.minor if paper.quantity else None,
            passed=paper.passed,
            original=paper.original,
            original_sha256=digest,
            order_id=paper.order_id,
            added_at=now,
        )
    )
    session.flush()
    _carry_on(session, lot, now=now)
    return lot


def draft_storing(
    session: Session,
    actor: Actor,
    lot_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the 入库确认单 for the keeper to sign; reserve the pool's id and secret.

    What came after is seen by the signature: it is for the lot at this version. Raises MoveRefused, SourcesDisagree,
    AssayFailed, NotYetSeen, and as signing.
    """
    lot = lock_for(session, actor, lot_id, Action.STORE, expected_version)
    seen = queries.seen(session, lot)
    quantity, assayed = rules.weighed(seen), rules.assayed(seen)
    if lot.state in (State.ENTERED, State.WEIGHED):
        raise NotYetSeen(state=lot.state.value, sources_needed=rules.SOURCES)
    lot.require_move(State.STORED)
    assert assayed, "what was assayed stays assayed, or AssayFailed was raised"
    assert quantity is not None, "what was weighed stays weighed"
    secret = evidence.new_secret()
    content = {
        **record(session, lot),
        "quantity": lot.quantity(quantity).to_json(),
        "papers": queries.paper_hashes(session, lot.id),
        "pool": public_id("cap", new_id()),
        "pool_secret_sha256": b64url(hashlib.sha256(secret).digest()),
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="store",
        subject=lot,
        prefix="lot",
        content=content,
        amount=None,
        signers=signers,
        now=now,
        reserved={"pool_secret": b64url(secret)},
    )


def store(
    session: Session,
    actor: Actor,
    lot_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Lot:
    """Take the keeper's signature: the goods are there, and the lot's pool is opened.

    Raises MoveRefused, and as signing.
    """
    lot = lock_for(session, actor, lot_id, Action.STORE, expected_version)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(session, party=keeper, act="store", subject=lot, jws=jws, now=now)
    content = act.content
    quantity = Quantity.from_json(content["quantity"])
    said = {name: content[name] for name in EVENT_TYPES[STORED].fields if name in content}
    event = tell(
        session, lot, STORED, said, now=now, actor=keeper.id, authorizations=act.authorizations
    )
    lot.move(State.STORED, now=now)
    lot.stored_minor = quantity.minor
    lot.stored_on = business_date(now)
    lot.pool_id = parse_id("cap", content["pool"])
    lot.stored_event_hash = event.body_hash
    session.flush()
    opening = capacity.Opening(
        pool_id=lot.pool_id,
        secret=from_b64url(act.reserved["pool_secret"]),
        asset=public_id("lot", lot.id),
        asset_id=lot.id,
        owner_id=lot.keeper_id,
        confirmed=quantity,
        cause=event.body_hash,
        parties=lot.parties,
    )
    capacity.open_pools(session, [opening], now=now, actor=keeper.id)
    return lot


def turn_away(session: Session, actor: Actor, lot_id: UUID, *, reason: str, now: datetime) -> Lot:
    """Turn goods away that were not stored (拒绝入库). By the keeper. Raises MoveRefused."""
    lot = lock_for(session, actor, lot_id, Action.TURN_AWAY)
    lot.move(State.TURNED_AWAY, now=now)
    for unit in queries.units(session, lot.id):
        unit.left_at = now
    tell(session, lot, "lot.turned_away", {"reason": reason}, now=now, actor=actor.party)
    return lot


def change(
    session: Session,
    lot: Lot,
    quantity: Quantity,
    *,
    reason: str,
    actor: UUID,
    now: datetime,
) -> Event:
    """Record goods lost (below zero) or found again, of a locked and stored lot; its pool follows.

    Never refused for what receipts stand over it: the shortfall shows, and their holders are told.
    """
    assert lot.pool_id is not None, "what is lost was stored"
    (pool,) = capacity.lock_pools(session, [lot.pool_id])
    moved = quantity.like(abs(quantity.minor))
    type_ = "lot.lost" if quantity.minor < 0 else "lot.found"
    told = {"quantity": moved.to_json(), "reason": reason}
    event = tell(session, lot, type_, told, now=now, actor=actor)
    session.add(
        LotChange(
            event_id=event.id,
            lot_id=lot.id,
            party_id=actor,
            quantity_minor=quantity.minor,
            reason=reason,
            told_at=now,
        )
    )
    cause = event.body_hash
    if quantity.minor < 0:
        capacity.dilute(session, pool, amount=moved, cause=cause, now=now, actor=actor)
    else:
        capacity.reverse(session, pool, amount=moved, paid=(), cause=cause, now=now, actor=actor)
    return event


def record(session: Session, lot: Lot) -> dict[str, Any]:
    """Return what records and statements say of the goods."""
    supervisor = parties.party(session, lot.supervisor_id) if lot.supervisor_id else None
    return {
        "keeper": parties.party(session, lot.keeper_id).uscc,
        "depositor": parties.party(session, lot.depositor_id).uscc,
        "supervisor": supervisor.uscc if supervisor else None,
        "goods": lot.goods,
        "grade": lot.grade,
        "packing": lot.packing,
        "marks": lot.marks,
        "warehouse": lot.warehouse,
        "location": lot.location,
        "loss_standard": lot.loss_standard,
        "declared": lot.quantity(lot.declared_minor).to_json(),
        "units_sha256": rules.names_sha256([u.name for u in queries.units(session, lot.id)]),
    }


def tell(
    session: Session,
    lot: Lot,
    type_: str,
    said: dict[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    authorizations: Sequence[bytes] = (),
) -> Event:
    """Append an event of a locked lot."""
    return evidence.append(
        session,
        lot,
        type_,
        said,
        now=now,
        actor=actor,
        parties=lot.parties,
        authorizations=authorizations,
    )


def lock_for(
    session: Session,
    actor: Actor,
    lot_id: UUID,
    action: Action,
    expected_version: int | None = None,
) -> Lot:
    """Return a lot, locked, for an action that this party may take; a stranger waits for nobody.

    Raises SubjectNotFound, LotActionNotAllowed.
    """
    lot = evidence.lock(
        session, Lot, lot_id, require=lambda one: permissions.require(one, actor.party, action)
    )
    evidence.require_version(lot, expected_version)
    return lot


def _named(session: Session, code: str) -> Party:
    """Return an active party by its code. Raises SubjectNotFound."""
    party = parties.party_by_uscc(session, code)
    if party is None:
        raise evidence.SubjectNotFound
    return parties.active_party(session, party.id)


def _check_paper(session: Session, lot: Lot, source: str, paper: Paper) -> None:
    known = select(LotPaper.event_id).where(
        LotPaper.lot_id == lot.id,
        LotPaper.kind == paper.kind,
        LotPaper.source == source,
        LotPaper.number == paper.number,
    )
    if session.scalar(known) is not None:
        raise PaperKnown(field="number", number=paper.number)
    if paper.quantity is not None and paper.quantity.code != lot.unit:
        raise UnitMismatch(field="quantity", left=lot.unit, right=paper.quantity.code)
    says_how_much = paper.kind in (PaperKind.WEIGHING, PaperKind.TALLY, PaperKind.DAILY_STOCK)
    if says_how_much and paper.quantity is None:
        raise PaperLacks(field="quantity", kind=paper.kind.value)
    weighs = paper.kind in (PaperKind.WEIGHING, PaperKind.TALLY)
    if paper.order_id is not None and not (weighs and lot.state is State.STORED):
        raise OrderNotWeighed(field="order", kind=paper.kind.value, state=lot.state.value)
    if (paper.kind is PaperKind.ASSAY) != (paper.passed is not None):
        raise PaperLacks(field="passed", kind=paper.kind.value)


def _carry_on(session: Session, lot: Lot, *, now: datetime) -> None:
    """Move a lot as far as its papers carry it; bad news stops it where it is, for storing to be refused."""
    seen = queries.seen(session, lot)
    with suppress(rules.SourcesDisagree, rules.AssayFailed):
        if lot.state is State.ENTERED and rules.weighed(seen) is not None:
            lot.move(State.WEIGHED, now=now)
        if lot.state is State.WEIGHED and rules.assayed(seen):
            lot.move(State.ASSAYED, now=now)
