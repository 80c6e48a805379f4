"""Proposing, signing and accepting a pledge; `ending` has its other half."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.db.outbox import enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.lineage.models import TradeStage
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import SignedAct, Signer
from scf.pledges import permissions, rules
from scf.pledges.kinds import PLEDGE, Security
from scf.pledges.models import (
    LockState,
    MoveRefused,
    Pledge,
    PledgeLock,
    PledgeRegistration,
    State,
)
from scf.pledges.permissions import Action
from scf.receipts.models import WarehouseReceipt
from scf.receivables import parts
from scf.receivables.models import Receivable

Claim = Receivable | TradeStage | WarehouseReceipt
"""What can be pledged: a confirmed claim, an order or goods that will be one, a receipt."""


class NotConfirmed(Conflict):
    """Only a claim that its debtor has confirmed can be pledged here."""

    code = "pledge.receivable_not_confirmed"
    title = "应收账款尚未确权，不能出质"
    title_en = "The receivable is not confirmed"


class TitleMoved(Conflict):
    """A receipt is pledged by its holder."""

    code = "pledge.title_moved"
    title = "仓单已背书转让，出质人不再是持有人"
    title_en = "The receipt was endorsed to somebody else since"


class SignedWithContract(Conflict):
    """A claim is pledged with the contract that its financing comes to."""

    code = "pledge.signed_with_contract"
    title = "该质押随借款合同一并签署"
    title_en = "This pledge is signed with its financing's contract"


@dataclass(frozen=True, slots=True)
class Principal:
    """The debt that a pledge secures (主债权)."""

    contract_sha256: bytes
    amount: Money
    rate: str
    due_on: date


def propose(
    session: Session,
    pledgee: Party,
    claim: Claim,
    *,
    principal: Principal,
    amount: Money | Quantity | None,
    now: datetime,
    security: Security = PLEDGE,
) -> Pledge:
    """Propose a pledge of a locked claim, or its assignment: of the whole claim unless said.

    Of a receivable, of an order or goods that will be one, or of the goods of a receipt.

    Capacity is looked at, not taken: it may be gone when the pledge is accepted. Raises NotConfirmed,
    `capacity.insufficient` (no number, no name), PartNotSplit, `pledge.below_principal`,
    `receipt.state_forbids`.
    """
    if claim.pool_id is None or claim.confirmed_event_hash is None:
        raise NotConfirmed
    is_claim = not isinstance(claim, WarehouseReceipt)
    if isinstance(claim, WarehouseReceipt):
        claim.require_active("pledge")
    (pool,) = capacity.lock_pools(session, [claim.pool_id])
    pledged = amount or pool.confirmed
    capacity.require_free(pool, pledged, viewer=pledgee.id)
    if isinstance(pledged, Money):
        rules.check_amount(pledged, principal.amount)
    if isinstance(claim, Receivable) and isinstance(pledged, Money):
        _require_part(session, claim, pool, pledgee.id, pledged)
    identity = new_id()
    pledge = Pledge(
        id=identity,
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        kind=security.kind,
        recourse=security.recourse,
        disclosed=security.disclosed,
        pledgor_id=_pledgor(claim),
        pledgee_id=pledgee.id,
        receivable_id=claim.id if isinstance(claim, Receivable) else None,
        stage_id=claim.id if isinstance(claim, TradeStage) else None,
        receipt_id=None if is_claim else claim.id,
        receivable_event=claim.confirmed_event_hash,
        pool_id=pool.id,
        currency=principal.amount.currency,
        unit=pledged.unit,
        amount_minor=pledged.minor,
        contract_sha256=principal.contract_sha256,
        principal_minor=principal.amount.minor,
        rate=principal.rate,
        principal_due_on=principal.due_on,
        state=State.PROPOSED,
        state_since=now,
        expires_at=now + rules.PROPOSAL_LIVES,
        registration=PledgeRegistration(reference=public_id("plg", identity)),
        lock=PledgeLock(state=LockState.NONE, since=now),
    )
    session.add(pledge)
    session.flush()
    proposer = pledgee.id if isinstance(claim, Receivable) else pledge.pledgor_id
    tell(session, pledge, "pledge.proposed", terms(session, pledge), now=now, actor=proposer)
    return pledge


def draft_signature(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the pledge for the pledgor to sign. Raises MoveRefused and what signing raises."""
    pledge = lock_for(session, actor, pledge_id, Action.SIGN)
    require_move(pledge, State.SIGNED)
    return draft(
        session,
        actor,
        pledge,
        "pledge",
        terms(session, pledge),
        amount=pledge.principal if pledge.receipt_id else pledge.money,
        signers=signers,
        origin=origin,
        now=now,
    )


def sign(
    session: Session, actor: Actor, pledge_id: UUID, *, jws: Sequence[str], now: datetime
) -> tuple[Pledge, SignedAct]:
    """Take the pledgor's signature. Raises MoveRefused and what signing raises."""
    pledge = lock_for(session, actor, pledge_id, Action.SIGN)
    act = collect(session, actor, pledge, "pledge", jws, to=State.SIGNED, now=now)
    event = tell(
        session,
        pledge,
        "pledge.signed",
        terms(session, pledge),
        now=now,
        actor=actor.party,
        act=act,
    )
    pledge.signed_event = event.body_hash
    return pledge, act


def draft_acceptance(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the acceptance for the pledgee's maker and checker. Raises MoveRefused, and as signing."""
    pledge = lock_for(session, actor, pledge_id, Action.ACCEPT, expected_version)
    require_move(pledge, State.RESERVED)
    return draft(
        session,
        actor,
        pledge,
        "accept",
        _signed_terms(session, pledge),
        amount=pledge.principal,
        signers=signers,
        origin=origin,
        now=now,
    )


def accept(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Take the pledgee's acceptance and the pool with it; the register and the chain come after.

    Raises MoveRefused, `capacity.insufficient` (whoever is first has it), PartNotSplit where the split has
    changed since, and what signing raises.
    """
    pledge = lock_for(session, actor, pledge_id, Action.ACCEPT, expected_version)
    act = collect(session, actor, pledge, "accept", jws, to=State.RESERVED, now=now)
    assert pledge.signed_event is not None
    pledge.reserved_at = now
    receivable = None
    if pledge.receivable_id is not None:
        receivable = evidence.lock(session, Receivable, pledge.receivable_id)
    if pledge.receipt_id is not None:
        _require_title(session, pledge, pledge.receipt_id)
    (pool,) = capacity.lock_pools(session, [pledge.pool_id])
    capacity.require_free(pool, pledge.amount, viewer=pledge.pledgee_id)
    if receivable is not None:
        _require_part(session, receivable, pool, pledge.pledgee_id, pledge.money)
    capacity.reserve(
        session,
        pool,
        holder_id=pledge.id,
        holder=public_id("plg", pledge.id),
        amount=pledge.amount,
        cause=pledge.signed_event,
        now=now,
        actor=pledge.pledgee_id,
    )
    record = _signed_terms(session, pledge)
    tell(session, pledge, "pledge.accepted", record, now=now, actor=actor.party, act=act)
    enqueue(session, rules.PERFECT, pledge_id=pledge.id)
    return pledge


def _pledgor(claim: Claim) -> UUID:
    if isinstance(claim, Receivable):
        return claim.creditor_id
    return claim.seller_id if isinstance(claim, TradeStage) else claim.holder_id


def _require_title(session: Session, pledge: Pledge, receipt_id: UUID) -> None:
    """Raise TitleMoved where a receipt is not the pledgor's any more, MoveRefused where it does not stand."""
    receipt = evidence.lock(session, WarehouseReceipt, receipt_id)
    if receipt.title_event_hash != pledge.receivable_event:
        raise TitleMoved
    receipt.require_active("pledge")


def _require_part(
    session: Session, receivable: Receivable, pool: Pool, taker: UUID, taken: Money
) -> None:
    """Raise PartNotSplit where less than the whole is taken without a split that says so."""
    held = pool.money(pools.held_by(session, pool, taker).minor)
    whole = pool.money(pool.confirmed_minor)
    parts.require_part(session, receivable, taker, taken, held=held, whole=whole)


def terms(session: Session, pledge: Pledge) -> dict[str, Any]:
    """Return what is pledged and for what, as statements and records say it."""
    pledgor = parties.party(session, pledge.pledgor_id)
    pledgee = parties.party(session, pledge.pledgee_id)
    security = pledge.security.to_json()
    return {
        **({} if security is None else {"security": security}),
        "pledgor": pledgor.uscc,
        "pledgee": pledgee.uscc,
        "receivable_event": evidence.hash_text(pledge.receivable_event),
        "pool": public_id("cap", pledge.pool_id),
        "amount": pledge.amount.to_json(),
        "principal": {
            "contract_sha256": evidence.hash_text(pledge.contract_sha256),
            "amount": pledge.principal.to_json(),
            "rate": pledge.rate,
            "due_on": pledge.principal_due_on.isoformat(),
        },
    }


def _signed_terms(session: Session, pledge: Pledge) -> dict[str, Any]:
    assert pledge.signed_event is not None
    signed_event = evidence.hash_text(pledge.signed_event)
    return {**terms(session, pledge), "signed_event": signed_event}


def tell(
    session: Session,
    pledge: Pledge,
    type_: str,
    record: dict[str, Any],
    *,
    now: datetime,
    actor: UUID | None,
    act: SignedAct | None = None,
) -> Event:
    """Append an event of a locked pledge."""
    return evidence.append(
        session,
        pledge,
        type_,
        record,
        now=now,
        actor=actor,
        parties=pledge.parties,
        authorizations=act.authorizations if act else (),
    )


def notify(
    session: Session, pledge: Pledge, event: Event, fields: dict[str, Any], *, now: datetime
) -> None:
    """Tell the pledgee what happened; it never hears who else is there."""
    capacity.notify(
        session,
        event,
        pledge.pledgee_id,
        kind=event.type,
        subject=public_id("plg", pledge.id),
        fields=fields,
        now=now,
    )


def lock(session: Session, pledge_id: UUID) -> Pledge:
    """Return a pledge, its row locked and read afresh. Raises SubjectNotFound."""
    return evidence.lock(session, Pledge, pledge_id)


def lock_for(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    action: Action,
    expected_version: int | None = None,
) -> Pledge:
    """Return a pledge, locked, for an action that this party may take."""
    pledge = evidence.lock(
        session,
        Pledge,
        pledge_id,
        require=lambda found: permissions.require(found, actor.party, action),
    )
    evidence.require_version(pledge, expected_version)
    return pledge


def require_move(pledge: Pledge, to: State) -> None:
    """Raise MoveRefused where the table does not allow a move, or an end has begun."""
    if not pledge.may_become(to) or pledge.ending is not None:
        raise MoveRefused(state=pledge.state.value, asked=to.value)


def draft(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    act: str,
    content: dict[str, Any],
    *,
    amount: Money,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write what this party is to sign about a pledge. Raises what signing raises."""
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=act,
        subject=pledge,
        prefix="plg",
        content=content,
        amount=amount,
        signers=signers,
        now=now,
    )


def collect(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    act: str,
    jws: Sequence[str],
    *,
    to: State,
    now: datetime,
) -> SignedAct:
    """Believe the signatures, then move as the table says."""
    require_move(pledge, to)
    party = parties.active_party(session, actor.party)
    signed = signing.collect(session, party=party, act=act, subject=pledge, jws=jws, now=now)
    pledge.move(to, now=now)
    return signed
