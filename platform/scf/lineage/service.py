"""Registering an order or goods, the buyer's signature over them, bad news of them, and conversion."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import converting
from scf.capacity import service as capacity
from scf.capacity.converting import Mark
from scf.capacity.edges import Side
from scf.capacity.models import Pool
from scf.documents import trade
from scf.documents.origins import Paper, mark, of_orders
from scf.documents.parsing.trade import TradeKind
from scf.documents.trade_models import TradeDocument
from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money, zero
from scf.lineage import permissions, queries
from scf.lineage.models import MoveRefused, StageKind, StageReduction, State, TradeStage
from scf.lineage.permissions import Action
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event_types import EVENT_TYPES

CONFIRMED: Final = "stage.confirmed"
CURRENCY: Final = "CNY"


class StageExists(Conflict):
    """One paper is one stage."""

    code = "stage.exists"
    title = "该单据已登记为订单或货物额度"
    title_en = "This paper stands for a stage already"


class PartnerUnknown(Invalid):
    """Buyer and seller of a stage are both registered, by their unified social credit codes."""

    code = "stage.partner_unknown"
    title = "单据的购方或销方尚未在平台登记"
    title_en = "The paper's buyer or seller is not registered"


class WorthUnknown(Invalid):
    """How much of a paper is of which order follows from its lines, or there is one order."""

    code = "stage.worth_unknown"
    title = "单据未载明各订单的含税金额，无法确定额度"
    title_en = "The paper does not say what it is worth by order"


class AboveWorth(LimitExceeded):
    """A buyer confirms no more than the paper says."""

    code = "stage.above_worth"
    title = "确认金额超过单据载明的含税金额"
    title_en = "More is confirmed than the paper says"


class DueInThePast(Invalid):
    """What is to be paid is due later."""

    code = "stage.due_in_the_past"
    title = "预计付款日不能早于今天"
    title_en = "The expected day of payment has passed"


class NothingLeft(Conflict):
    """A value opens once: what was sent, received or claimed of it already has pools of its own."""

    code = "stage.nothing_left"
    title = "所依据的订单没有未交付的余额，不能重复登记额度"
    title_en = "Nothing is left of the order that these goods are of"


class ReductionTooLarge(LimitExceeded):
    """What has become goods or a claim is reduced there: by its loss, or by a credit note."""

    code = "stage.reduction_too_large"
    title = "减少金额超过尚未转换的余额"
    title_en = "More is to be taken away than has not become something else"


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What a buyer wants to confirm. `amount` None: all that the paper says."""

    amount: Money | None
    due_on: date


def register(session: Session, actor: Actor, document_id: UUID, *, now: datetime) -> TradeStage:
    """Put a paper of the trade forward for its buyer to confirm. By either side.

    Raises SubjectNotFound, PartnerUnknown, StageExists.
    """
    document = trade.visible(session, actor, document_id)
    seller, buyer = (
        parties.party_by_uscc(session, code) for code in (document.seller, document.buyer)
    )
    if seller is None or buyer is None:
        raise PartnerUnknown(buyer=document.buyer, seller=document.seller)
    session.execute(
        select(TradeDocument.id).where(TradeDocument.id == document.id).with_for_update()
    )
    found = session.scalar(select(TradeStage).where(TradeStage.document_id == document.id))
    if found is not None:
        raise StageExists(stage=public_id("stg", found.id))
    kind = StageKind.ORDER if document.kind is TradeKind.ORDER else StageKind.GOODS
    stage = TradeStage(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        document_id=document.id,
        kind=kind,
        seller_id=seller.id,
        buyer_id=buyer.id,
        state=State.REGISTERED,
        currency=_currency(session, document),
        registered_at=now,
    )
    session.add(stage)
    session.flush()
    record = _paper(document, stage)
    parties_ = stage.parties
    evidence.append(
        session, stage, "stage.registered", record, now=now, actor=actor.party, parties=parties_
    )
    return stage


def draft_confirmation(
    session: Session,
    actor: Actor,
    stage_id: UUID,
    undertaking: Undertaking,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the 订单（货物）确认书 for the buyer's maker and checker; reserve its pool's id and secret.

    Raises MoveRefused, AboveWorth, WorthUnknown, DueInThePast, and as signing.
    """
    stage = _lock_for(session, actor, stage_id, Action.CONFIRM, expected_version)
    stage.require_move(State.CONFIRMED)
    document = session.get_one(TradeDocument, stage.document_id)
    worth = _worth(session, document)
    amount = undertaking.amount or worth
    if amount is None:
        raise WorthUnknown(field="amount")
    if amount.minor <= 0 or amount.currency != stage.currency:
        raise capacity.AmountNotPositive(field="amount", amount=amount)
    if worth is not None and amount > worth:
        raise AboveWorth(field="amount", asked=amount, worth=worth)
    if undertaking.due_on < business_date(now):
        raise DueInThePast(field="due_on", due_on=undertaking.due_on.isoformat())
    _by_order(session, document, amount)
    secret = evidence.new_secret()
    content = {
        **_paper(document, stage),
        "due_on": undertaking.due_on.isoformat(),
        "confirmed": amount.to_json(),
        "pool": public_id("cap", new_id()),
        "pool_secret_sha256": b64url(hashlib.sha256(secret).digest()),
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="undertake",
        subject=stage,
        prefix="stg",
        content=content,
        amount=amount,
        signers=signers,
        now=now,
        reserved={"pool_secret": b64url(secret)},
    )


def confirm(
    session: Session,
    actor: Actor,
    stage_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> TradeStage:
    """Take the buyer's signatures: the stage's pool is opened, linked to what it came of.

    Goods of an order that has a pool are that order's value: they open only as far as it is left.
    Raises MoveRefused, NothingLeft, and as signing.
    """
    stage = _lock_for(session, actor, stage_id, Action.CONFIRM, expected_version)
    buyer = parties.active_party(session, actor.party)
    act = signing.collect(session, party=buyer, act="undertake", subject=stage, jws=jws, now=now)
    stage.require_move(State.CONFIRMED)
    content = act.content
    confirmed = Money.from_json(content["confirmed"])
    document = session.get_one(TradeDocument, stage.document_id)
    event = evidence.append(
        session,
        stage,
        CONFIRMED,
        {name: content[name] for name in EVENT_TYPES[CONFIRMED].fields if name in content},
        now=now,
        actor=buyer.id,
        parties=stage.parties,
        authorizations=act.authorizations,
    )
    stage.state = State.CONFIRMED
    stage.confirmed_minor = confirmed.minor
    stage.due_on = parse_date(content["due_on"])
    stage.pool_id = parse_id("cap", content["pool"])
    stage.confirmed_event_hash = event.body_hash
    session.flush()
    opening = capacity.Opening(
        pool_id=stage.pool_id,
        secret=from_b64url(act.reserved["pool_secret"]),
        asset=public_id("stg", stage.id),
        asset_id=stage.id,
        owner_id=stage.seller_id,
        confirmed=confirmed,
        cause=event.body_hash,
        parties=stage.parties,
        marks=_marks(session, document, stage.kind, confirmed),
    )
    capacity.open_pools(session, [opening], now=now, actor=buyer.id)
    _require_covered(session, stage, opening)
    return stage


def reduce(
    session: Session,
    actor: Actor,
    stage_id: UUID,
    *,
    amount: Money | None,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> TradeStage:
    """Record bad news: an order (partly) cancelled, goods lost; whoever encumbers them is told.

    `amount` None: all that is left of it. Never refused for what is encumbered; what has become something
    else is reduced there. Raises MoveRefused, ReductionTooLarge, StageActionNotAllowed.
    """
    stage = evidence.lock(
        session,
        TradeStage,
        stage_id,
        require=lambda one: permissions.require(one, actor.party, permissions.reduction(one)),
    )
    evidence.require_version(stage, expected_version)
    if stage.pool_id is None:
        raise MoveRefused(state=stage.state.value, asked="reduce")
    (pool,) = capacity.lock_pools(session, [stage.pool_id])
    left = pool.money(max(pool.confirmed_minor - converting.carried_out(session, pool.id), 0))
    lost = amount or left
    if lost.minor <= 0:
        raise capacity.AmountNotPositive(field="amount", amount=lost)
    if lost > left:
        raise ReductionTooLarge(field="amount", asked=lost, left=left)
    event = evidence.append(
        session,
        stage,
        "stage.reduced",
        {"amount": lost.to_json(), "reason": reason},
        now=now,
        actor=actor.party,
        parties=stage.parties,
    )
    session.add(
        StageReduction(
            event_id=event.id,
            stage_id=stage.id,
            party_id=actor.party,
            amount_minor=lost.minor,
            reason=reason,
            told_at=now,
        )
    )
    capacity.dilute(session, pool, amount=lost, cause=event.body_hash, now=now, actor=actor.party)
    return stage


def convert(
    session: Session,
    actor: Actor,
    pool_id: UUID,
    *,
    holder: str,
    amount: Money | None,
    now: datetime,
) -> Pool:
    """Take an encumbrance of the caller's along into a later form of its value.

    Raises SubjectNotFound, `capacity.nothing_to_convert`.
    """
    holder_id = queries.own_holder(session, actor.party, holder)
    return capacity.convert(session, pool_id, holder_id=holder_id, amount=amount, now=now)


def _lock_for(
    session: Session,
    actor: Actor,
    stage_id: UUID,
    action: Action,
    expected_version: int | None,
) -> TradeStage:
    stage = evidence.lock(
        session,
        TradeStage,
        stage_id,
        require=lambda found: permissions.require(found, actor.party, action),
    )
    evidence.require_version(stage, expected_version)
    return stage


def _paper(document: TradeDocument, stage: TradeStage) -> dict[str, Any]:
    """Return what record and statement say of the paper."""
    return {
        "kind": stage.kind.value,
        "seller": document.seller,
        "buyer": document.buyer,
        "number": document.number,
        "issued_on": document.issued_on.isoformat(),
        "original_sha256": evidence.hash_text(document.original_sha256),
    }


def _currency(session: Session, document: TradeDocument) -> str:
    worth = _worth(session, document)
    return worth.currency if worth else CURRENCY


def _worth(session: Session, document: TradeDocument) -> Money | None:
    """Return what a paper is worth with tax by its own lines; None where it does not say."""
    parts = trade.values_by_order(session, document)
    return None if parts is None else _total(parts)


def _total(parts: Mapping[str, Money]) -> Money | None:
    currencies = {part.currency for part in parts.values()}
    return sum(parts.values(), zero(currencies.pop())) if len(currencies) == 1 else None


def _by_order(session: Session, document: TradeDocument, confirmed: Money) -> dict[str, Money]:
    """Return how much of what is confirmed is of which order, at most. Raises WorthUnknown."""
    parts = trade.values_by_order(session, document)
    if parts is not None:
        return {number: min(part, confirmed) for number, part in parts.items()}
    lines = trade.lines_of(session, [document.id])[document.id]
    numbers = {line.order_no or document.number for line in lines}
    if len(numbers) != 1:
        raise WorthUnknown(field="amount", orders=sorted(numbers))
    return {numbers.pop(): confirmed}


def _marks(
    session: Session, document: TradeDocument, kind: StageKind, confirmed: Money
) -> list[Mark]:
    """Name the paper that a stage is, and what it came of."""
    buyer, seller = document.buyer, document.seller
    if kind is StageKind.ORDER:
        own = (Side.IS, Paper.ORDER)
        return [mark(*own, buyer=buyer, seller=seller, number=document.number, amount=confirmed)]
    orders = _by_order(session, document, confirmed).items()
    received = document.kind is TradeKind.RECEIPT
    own_kind = Paper.RECEIVED if received else Paper.SENT
    before = (Paper.SENT, Paper.ORDER) if received else (Paper.ORDER,)
    marks = [
        mark(Side.IS, own_kind, buyer=buyer, seller=seller, number=number, amount=part)
        for number, part in orders
    ]
    if received:
        receipt = (Side.IS, Paper.RECEIPT)
        number = document.number
        marks.append(mark(*receipt, buyer=buyer, seller=seller, number=number, amount=confirmed))
    return [*marks, *of_orders(before, orders, buyer=buyer, seller=seller)]


def _require_covered(session: Session, stage: TradeStage, opening: capacity.Opening) -> None:
    """Raise NothingLeft where goods of a known order are more than is left of it."""
    known = queries.opened_of(session, [one.text for one in opening.marks if one.side is Side.OF])
    if stage.kind is StageKind.GOODS and known:
        covered = queries.come_of(session, opening.pool_id)
        if covered < opening.confirmed.minor:
            left = opening.confirmed.like(covered)
            raise NothingLeft(confirmed=opening.confirmed, left=left)
