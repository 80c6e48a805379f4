"""What of a receipt's items may change, under the keeper's signature: period, fee, insurance, medium; and its period's end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.db.outbox import EffectContext
from scf.evidence.models import Statement
from scf.evidence.queries import event_by_hash
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict, Unavailable
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.receipts import endorsing, restraining, rules, service
from scf.receipts.issuing import Insurance, PeriodInvalid
from scf.receipts.models import ENDS, Medium, State, WarehouseReceipt
from scf.receipts.permissions import Action
from scf_ledger.event_types import EVENT_TYPES

AMENDED: Final = "receipt.amended"
FEE_TOLD: Final = "receipt.fee_told"
BATCH: Final = 500

log = structlog.get_logger()


class NotLost(Conflict):
    """What is reported lost is a receipt on paper."""

    code = "receipt.not_on_paper"
    title = "只有纸质仓单可以挂失"
    title_en = "Only a receipt on paper is reported lost"


@dataclass(frozen=True, slots=True)
class Amendment:
    """The items as they are to stand; what is None stays as it is."""

    reason: str
    stored_until: date | None = None
    storage_fee: str | None = None
    insurance: Insurance | None = None
    medium: Medium | None = None


def draft(
    session: Session,
    actor: Actor,
    receipt_id: UUID,
    amendment: Amendment,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the receipt's items as they are to stand, for the keeper to sign.

    Raises MoveRefused where it has ended, PeriodInvalid, Encumbered where the medium of what is pledged is to
    change, and as signing.
    """
    receipt = service.lock_for(session, actor, receipt_id, Action.AMEND)
    _require_live(receipt)
    until = amendment.stored_until or receipt.stored_until
    if amendment.stored_until and until <= business_date(now):
        raise PeriodInvalid(field="stored_until", stored_until=until.isoformat())
    medium = amendment.medium or receipt.medium
    _require_medium(session, receipt, medium)
    insured = amendment.insurance.to_json() if amendment.insurance else receipt.items["insurance"]
    content = {
        "keeper": parties.party(session, receipt.keeper_id).uscc,
        "medium": medium.value,
        "stored_until": until.isoformat(),
        "storage_fee": amendment.storage_fee or receipt.items["storage_fee"],
        "insurance": insured,
        "reason": amendment.reason,
    }
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="amend",
        subject=receipt,
        prefix="whr",
        content=content,
        amount=None,
        signers=signers,
        now=now,
    )


def amend(
    session: Session, actor: Actor, receipt_id: UUID, *, jws: Sequence[str], now: datetime
) -> WarehouseReceipt:
    """Take the keeper's signature: the items stand so; what was lost is replaced, what had expired goes on.

    Raises as `draft`.
    """
    receipt = service.lock_for(session, actor, receipt_id, Action.AMEND)
    _require_live(receipt)
    keeper = parties.active_party(session, actor.party)
    act = signing.collect(session, party=keeper, act="amend", subject=receipt, jws=jws, now=now)
    content = act.content
    medium = Medium(content["medium"])
    _require_medium(session, receipt, medium)
    service.tell(
        session,
        receipt,
        AMENDED,
        {name: content[name] for name in EVENT_TYPES[AMENDED].fields if name in content},
        now=now,
        actor=keeper.id,
        authorizations=act.authorizations,
        others=service.encumbrancers(session, receipt),
    )
    until = parse_date(content["stored_until"])
    if until != receipt.stored_until:
        receipt.expiring_told_at = None
    receipt.stored_until, receipt.medium = until, medium
    changed: dict[str, Any] = {name: content[name] for name in ("storage_fee", "insurance")}
    receipt.items = {**receipt.items, **changed}
    replaced = receipt.state is State.LOST and medium is Medium.ELECTRONIC
    if replaced:
        receipt.move(State.ACTIVE, now=now)
    if replaced or (receipt.state is State.EXPIRED and until >= business_date(now)):
        restraining.restate(session, receipt, content["reason"], actor=keeper.id, now=now)
    session.flush()
    return receipt


def restate_fee(
    session: Session,
    receipt: WarehouseReceipt,
    owed: Money,
    *,
    as_of: date,
    actor: UUID | None,
    now: datetime,
) -> None:
    """State what is owed for storing a locked receipt's goods (欠付仓储费): nothing leaves until it is nothing.

    It is what the keeper's bills that are due come to (`scf.transit.liens`). Nobody is told twice of the same.
    """
    if receipt.fee_owed_minor == owed.minor:
        return
    event = service.tell(
        session,
        receipt,
        FEE_TOLD,
        {"owed": owed.to_json(), "as_of": as_of.isoformat()},
        now=now,
        actor=actor,
        others=service.encumbrancers(session, receipt),
    )
    receipt.fee_owed_minor = owed.minor
    service.alarm(session, receipt, event, {"owed": owed.to_json()}, now=now)
    session.flush()


def report_lost(
    session: Session, actor: Actor, receipt_id: UUID, reference: str, *, now: datetime
) -> WarehouseReceipt:
    """Report the paper lost (挂失): nothing happens with it until the keeper makes it electronic. By the holder.

    Raises MoveRefused, NotLost, Encumbered.
    """
    receipt = service.lock_for(session, actor, receipt_id, Action.REPORT_LOST)
    receipt.require_active("report_lost")
    if receipt.medium is not Medium.PAPER:
        raise NotLost
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    if pool.used_minor > 0:
        raise endorsing.Encumbered(pledged=pool.measure(pool.used_minor))
    service.stand(session, receipt, State.LOST, reference, actor=actor.party, now=now)
    return receipt


def turn(context: EffectContext) -> int:
    """Let receipts expire whose period is over, and tell of those whose period ends soon. For a clock.

    Each is a transaction of its own; one that somebody is at waits for the next turn.
    """
    today, done = business_date(context.clock.now()), 0
    with context.database.reading() as session:
        ids = session.scalars(_due(today)).all()
    for identity in ids:
        try:
            with context.database.transaction() as session:
                _settle(session, identity, now=context.clock.now())
            done += 1
        except Unavailable as error:
            log.warning("receipt.put_off", receipt=public_id("whr", identity), error=error.line())
    return done


def _due(today: date) -> Select[UUID]:
    over = (WarehouseReceipt.state == State.ACTIVE) & (WarehouseReceipt.stored_until < today)
    soon = (
        WarehouseReceipt.state.not_in([*ENDS, State.EXPIRED])
        & (WarehouseReceipt.stored_until <= today + rules.EXPIRING)
        & WarehouseReceipt.expiring_told_at.is_(None)
    )
    return select(WarehouseReceipt.id).where(over | soon).order_by(WarehouseReceipt.id).limit(BATCH)


def _settle(session: Session, receipt_id: UUID, *, now: datetime) -> None:
    _, found = service.lock_with_lots(session, [receipt_id])
    receipt, today = found[receipt_id], business_date(now)
    if receipt.expiring_told_at is None and receipt.state not in ENDS:
        _tell_expiring(session, receipt, now=now)
    if receipt.state is State.ACTIVE and receipt.stored_until < today:
        restraining.restate(session, receipt, "储存期限届满", actor=None, now=now)


def _tell_expiring(session: Session, receipt: WarehouseReceipt, *, now: datetime) -> None:
    assert receipt.head_hash is not None, "an issued receipt has told of its issue"
    event = event_by_hash(session, receipt.head_hash)
    key = public_id("whr", receipt.id)
    fields = {"receipt": key, "stored_until": receipt.stored_until.isoformat()}
    kind = "receipt.expiring"
    capacity.notify(
        session, event, receipt.holder_id, kind=kind, subject=key, fields=fields, now=now
    )
    service.alarm(session, receipt, event, fields, kind=kind, now=now)
    receipt.expiring_told_at = now
    session.flush()


def _require_live(receipt: WarehouseReceipt) -> None:
    if receipt.state in ENDS:
        receipt.require_active("amend")


def _require_medium(session: Session, receipt: WarehouseReceipt, medium: Medium) -> None:
    """Take one medium in before the other is there: never of what is pledged or kept still."""
    if medium is receipt.medium:
        return
    if receipt.state is not State.LOST:
        receipt.require_active("amend")
    (pool,) = capacity.lock_pools(session, [receipt.pool_id])
    if pool.used_minor > 0:
        raise endorsing.Encumbered(pledged=pool.measure(pool.used_minor))
