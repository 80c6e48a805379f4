"""Passing a receipt on, or handing it in: the holder signs, the keeper attests, and then it is so (Civil Code 910).

Both sign about the same version: whatever happens to the receipt in between takes what the holder signed away. So
does time: a statement that has expired makes nothing come about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, NotFound
from scf.kernel.ids import new_id
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.receipts import delivering, queries, service
from scf.receipts.models import Endorsement, Medium, State, WarehouseReceipt
from scf.receipts.permissions import Action
from scf.stock.models import LotUnit
from scf_ledger.encoding import b64url
from scf_ledger.event_types import EVENT_TYPES

ENDORSED: Final = "receipt.endorsed"
CANCELLED: Final = "receipt.cancelled"


class Encumbered(Conflict):
    """A receipt is passed on, or handed in, only free of pledges."""

    code = "receipt.encumbered"
    title = "仓单已出质，不能背书、注销或变更介质"
    title_en = "The receipt is pledged: it is neither passed on nor handed in"


class EndorsementOpen(Conflict):
    """One holder at any time: one endorsement at a time."""

    code = "receipt.endorsement_open"
    title = "已有待保管人签章的背书或注销申请"
    title_en = "An endorsement waits for the keeper already"


class EndorsementUnknown(NotFound):
    """The keeper attests what the holder signed and nothing has overtaken."""

    code = "receipt.endorsement_unknown"
    title = "没有待签章的背书或注销申请（可能已撤回，或仓单其后有变动）"
    title_en = "No endorsement waits: it was taken back, or the receipt has changed since"


class EndorseeInvalid(Invalid):
    """A receipt passes to an enterprise or a bank that neither holds it nor keeps the goods."""

    code = "receipt.endorsee_invalid"
    title = "被背书人不能是保管人或持有人本人"
    title_en = "A receipt does not pass to its keeper or to its own holder"


class OnPaper(Conflict):
    """What exists on paper is endorsed on paper."""

    code = "receipt.on_paper"
    title = "纸质仓单须先收回并转为电子仓单"
    title_en = "The receipt is on paper: it is handed in and made electronic first"


@dataclass(frozen=True, slots=True)
class Way:
    """What the holder signs and what the keeper does: passing on, or handing in."""

    act: str
    answer: str
    event: str


PASSING: Final = Way("endorse", "attest", ENDORSED)
HANDING_IN: Final = Way("surrender", "cancel", CANCELLED)


def draft(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    to: str | None,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write what the holder signs: an endorsement `to` somebody, by its code, or a surrender.

    Raises SubjectNotFound, MoveRefused, Encumbered, `receipt.orders_open`, EndorsementOpen, EndorseeInvalid,
    OnPaper, `receipt.goods_elsewhere` of a surrender, and as signing.
    """
    receipt, pool = _lock_free(session, actor, receipt_id, Action.ENDORSE)
    _require_none_open(session, receipt, now=now)
    endorsee = None
    if to is not None:
        named = parties.party_by_uscc(session, to)
        if named is None:
            raise SubjectNotFound
        endorsee = parties.active_party(session, named.id)
        if endorsee.id in (receipt.keeper_id, receipt.holder_id):
            raise EndorseeInvalid(field="to")
        if receipt.medium is Medium.PAPER:
            raise OnPaper
    else:
        delivering.require_there(receipt, receipt.measure(pool.confirmed_minor))
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=(PASSING if to else HANDING_IN).act,
        subject=receipt,
        prefix="whr",
        content=_content(session, receipt, pool, endorsee.id if endorsee else None),
        amount=None,
        signers=signers,
        now=now,
    )


def sign(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    *,
    passing: bool,
    jws: Sequence[str],
    now: datetime,
) -> Endorsement:
    """Take the holder's signature: it waits for the keeper. Raises as `draft`."""
    receipt, _ = _lock_free(session, actor, receipt_id, Action.ENDORSE)
    _require_none_open(session, receipt, now=now)
    way = PASSING if passing else HANDING_IN
    holder = parties.active_party(session, actor.party)
    act = signing.collect(session, party=holder, act=way.act, subject=receipt, jws=jws, now=now)
    to = parties.party_by_uscc(session, act.content["to"]) if passing else None
    found = Endorsement(
        id=new_id(),
        receipt_id=receipt.id,
        from_id=holder.id,
        to_id=to.id if to else None,
        title_event_hash=receipt.title_event_hash,
        version=receipt.version,
        authorizations=act.authorizations,
        signed_at=now,
    )
    session.add(found)
    session.flush()
    return found


def take_back(
    session: Session, actor: Actor, receipt_id: UUID, *, now: datetime
) -> WarehouseReceipt:
    """Take back what waits for the keeper. By the holder. Raises EndorsementUnknown."""
    receipt = service.lock_for(session, actor, receipt_id, Action.ENDORSE)
    waiting = waiting_for(session, receipt.id)
    if waiting is None:
        raise EndorsementUnknown
    waiting.ended_at = now
    session.flush()
    return receipt


def draft_answer(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write what the keeper signs to what waits. Raises EndorsementUnknown, MoveRefused, Encumbered, as signing."""
    receipt, pool = _lock_free(session, actor, receipt_id, Action.ATTEST)
    waiting = _require_waiting(session, receipt, now=now)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=_way(waiting).answer,
        subject=receipt,
        prefix="whr",
        content=_content(session, receipt, pool, waiting.to_id),
        amount=None,
        signers=signers,
        now=now,
    )


def answer(
    session: Session, actor: Actor, receipt_id: UUID, *, jws: Sequence[str], now: datetime
) -> WarehouseReceipt:
    """Take the keeper's signature: the receipt has its new holder, or is no more. Raises as `draft_answer`."""
    receipt, pool = _lock_free(session, actor, receipt_id, Action.ATTEST)
    waiting = _require_waiting(session, receipt, now=now)
    way = _way(waiting)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(session, party=keeper, act=way.answer, subject=receipt, jws=jws, now=now)
    if waiting.to_id is not None:
        parties.active_party(session, waiting.to_id)
        receipt.holder_id = waiting.to_id
        pool.owner_id = waiting.to_id
        pool.parties = sorted({*receipt.parties, waiting.from_id})
    event = service.tell(
        session,
        receipt,
        way.event,
        {name: act.content[name] for name in EVENT_TYPES[way.event].fields if name in act.content},
        now=now,
        actor=keeper.id,
        authorizations=[*waiting.authorizations, *act.authorizations],
        others=[waiting.from_id],
    )
    waiting.attested_at = now
    if waiting.to_id is not None:
        receipt.title_event_hash = event.body_hash
    else:
        _end(session, receipt, pool, cause=event.body_hash, actor=keeper.id, now=now)
    session.flush()
    return receipt


def waiting_for(session: Session, receipt_id: UUID) -> Endorsement | None:
    """Return what of a receipt waits for its keeper."""
    return session.scalar(
        select(Endorsement).where(
            Endorsement.receipt_id == receipt_id,
            Endorsement.attested_at.is_(None),
            Endorsement.ended_at.is_(None),
        )
    )


def _end(
    session: Session,
    receipt: WarehouseReceipt,
    pool: Pool,
    *,
    cause: bytes,
    actor: UUID,
    now: datetime,
) -> None:
    """Give a cancelled receipt's goods back to their lots. Raises `receipt.goods_elsewhere`."""
    delivering.require_there(receipt, receipt.measure(pool.confirmed_minor))
    if pool.confirmed_minor > 0:
        rest = pool.confirmed
        capacity.deliver(session, pool, amount=rest, cause=cause, now=now, actor=actor)
    lots, _ = service.lock_with_lots(session, [receipt.id])
    for part in receipt.lots:
        own = lots[part.lot_id].pool_id
        assert own is not None, "what a receipt is over is stored"
        if part.quantity_minor:
            (lot_pool,) = capacity.lock_pools(session, [own])
            capacity.release(
                session, lot_pool, holder_id=receipt.id, cause=cause, now=now, actor=actor
            )
            part.quantity_minor = 0
    for unit in session.scalars(
        select(LotUnit).where(LotUnit.receipt_id == receipt.id, LotUnit.left_at.is_(None))
    ):
        unit.receipt_id = None
    receipt.move(State.CANCELLED, now=now)


def _lock_free(
    session: Session, actor: Actor, receipt_id: UUID, action: Action
) -> tuple[WarehouseReceipt, Pool]:
    """Return a receipt that nothing stands against or is asked of, and its pool, locked after its lots."""
    queries.visible(session, actor.party, receipt_id)  # a stranger is asked nothing more
    service.lock_with_lots(session, [receipt_id])
    receipt = service.lock_for(session, actor, receipt_id, action)
    receipt.require_active("endorse")
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    if pool.used_minor > 0:
        raise Encumbered(pledged=pool.measure(pool.used_minor))
    delivering.require_no_orders(session, receipt)
    return receipt, pool


def _require_none_open(session: Session, receipt: WarehouseReceipt, *, now: datetime) -> None:
    waiting = waiting_for(session, receipt.id)
    if waiting is None:
        return
    if not _is_over(session, waiting, receipt, now=now):
        raise EndorsementOpen
    waiting.ended_at = now
    session.flush()


def _require_waiting(session: Session, receipt: WarehouseReceipt, *, now: datetime) -> Endorsement:
    waiting = waiting_for(session, receipt.id)
    if waiting is None or _is_over(session, waiting, receipt, now=now):
        raise EndorsementUnknown
    return waiting


def _is_over(
    session: Session, waiting: Endorsement, receipt: WarehouseReceipt, *, now: datetime
) -> bool:
    """Say whether what the holder signed was overtaken: about an earlier version, or expired."""
    lapsed = select(Statement.id).where(
        Statement.authorization_hash.in_(waiting.authorizations), Statement.expires_at <= now
    )
    return waiting.version != receipt.version or session.scalar(lapsed.limit(1)) is not None


def _way(waiting: Endorsement) -> Way:
    return PASSING if waiting.to_id else HANDING_IN


def _content(
    session: Session, receipt: WarehouseReceipt, pool: Pool, to: UUID | None
) -> dict[str, Any]:
    holder = parties.party(session, receipt.holder_id).uscc
    common = {
        "title": b64url(receipt.title_event_hash),
        "keeper": parties.party(session, receipt.keeper_id).uscc,
    }
    if to is None:
        return {**common, "holder": holder, "rest": pool.confirmed.to_json()}
    return {**common, "from": holder, "to": parties.party(session, to).uscc}
