"""Selling what was not cured: notice signed by the bank, sale after its days, the surplus back to the pledgor.

Civil Code 433 and 436: at the market, by auction or sale; 438: what is left over is the pledgor's. The platform touches
neither goods nor money: the bank signs, sells and pays, and says so here with its evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.collateral import agreements, calling, permissions
from scf.collateral.calls import Stage
from scf.collateral.models import (
    ControlAgreement,
    Disposal,
    MarginCall,
    Mark,
    MarkLine,
    MoveRefused,
    SurplusReturn,
)
from scf.collateral.permissions import Action
from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.clock import business_date, parse_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import public_id
from scf.kernel.money import CurrencyMismatch, Money
from scf.kernel.quantity import UNITS
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.pledges.models import Pledge
from scf.tasks import kinds
from scf.tasks import service as tasks

BELOW_MARKET_BPS: Final = 9_500
"""A sale other than by auction brings at least this of what the goods are at the spot prices of the newest mark."""


class TooEarly(Conflict):
    """Goods are sold from the day that the notice names, not before and not in the future."""

    code = "disposal.too_early"
    title = "处置日期早于通知的处置起始日，或尚未到来"
    title_en = "The sale is before the day that was notified, or in the future"


class BelowMarket(Invalid):
    """A sale refers to the market (Civil Code 436): well below it only an auction may go."""

    code = "disposal.below_market"
    title = "变卖价款明显低于市场价格"
    title_en = "The proceeds of this sale are well below the market"


class SurplusUnreturned(Invalid):
    """A surplus goes back to the pledgor, by a receipt of the bank's; where there is none there is no receipt."""

    code = "disposal.surplus_receipt"
    title = "有余款须附返还凭证；无余款则不需要"
    title_en = "A surplus needs the receipt of its return; without one there is none"


@dataclass(frozen=True, slots=True)
class Sale:
    """How the goods were sold: to whom, for how much, by auction or sale, and what shows the market."""

    sold_on: date
    buyer: str
    manner: str
    evidence: str
    proceeds: Money


def draft_notice(
    session: Session,
    actor: Actor,
    call_id: UUID,
    *,
    reason: str,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the notice of sale for the bank's maker and checker. Raises MoveRefused, and as signing."""
    agreement, call = locked(session, actor, call_id)
    _require(call, Stage.NOTICED)
    from_on = business_date(now) + timedelta(days=agreement.notice_days)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="dispose",
        subject=call,
        prefix="mgc",
        content={"reason": reason, "sale_from_on": from_on.isoformat()},
        amount=None,
        signers=signers,
        now=now,
    )


def notice(
    session: Session, actor: Actor, call_id: UUID, *, jws: Sequence[str], now: datetime
) -> MarginCall:
    """Take the notice of sale: from its day on the goods may be sold. Raises MoveRefused, and as signing."""
    agreement, call = locked(session, actor, call_id)
    _require(call, Stage.NOTICED)
    bank = parties.active_party(session, actor.party)
    act = signing.collect(session, party=bank, act="dispose", subject=call, jws=jws, now=now)
    call.move(Stage.NOTICED, now=now)
    call.sale_from_on = parse_date(act.content["sale_from_on"])
    said = {name: act.content[name] for name in ("reason", "sale_from_on")}
    _tell(session, agreement, call, now=now, actor=bank.id, said=said, signed=act.authorizations)
    return call


def sell(session: Session, actor: Actor, call_id: UUID, sale: Sale, *, now: datetime) -> MarginCall:
    """Take the bank's word of a sale. Raises MoveRefused, TooEarly, BelowMarket, CurrencyMismatch."""
    agreement, call = locked(session, actor, call_id)
    _require(call, Stage.SOLD)
    assert call.sale_from_on is not None, "a notice names its day"
    if not call.sale_from_on <= sale.sold_on <= business_date(now):
        raise TooEarly(field="sold_on", sale_from_on=call.sale_from_on.isoformat())
    if sale.proceeds.currency != agreement.currency:
        raise CurrencyMismatch(left=agreement.currency, right=sale.proceeds.currency)
    mark = session.get_one(Mark, agreement.mark_id)
    market = _market(session, agreement)
    least = market * BELOW_MARKET_BPS // 10_000
    if sale.manner == "sale" and sale.proceeds.minor < least:
        raise BelowMarket(field="proceeds", asked=sale.proceeds, least=agreement.money(least))
    surplus = max(sale.proceeds.minor - mark.exposure_minor, 0)
    call.move(Stage.SOLD, now=now)
    said = {
        "sold_on": sale.sold_on.isoformat(),
        "buyer": sale.buyer,
        "manner": sale.manner,
        "evidence": sale.evidence,
        "proceeds": sale.proceeds.to_json(),
        "market": agreement.money(market).to_json(),
        "owed": agreement.money(mark.exposure_minor).to_json(),
        "surplus": agreement.money(surplus).to_json(),
    }
    event_id = _tell(session, agreement, call, now=now, actor=actor.party, said=said)
    session.add(
        Disposal(
            call_id=call.id,
            event_id=event_id,
            sold_on=sale.sold_on,
            buyer=sale.buyer,
            manner=sale.manner,
            evidence=sale.evidence,
            proceeds_minor=sale.proceeds.minor,
            market_minor=market,
            owed_minor=mark.exposure_minor,
            surplus_minor=surplus,
            told_at=now,
        )
    )
    session.flush()
    return call


def settle(
    session: Session,
    actor: Actor,
    call_id: UUID,
    *,
    returned_on: date,
    receipt_no: str | None,
    now: datetime,
) -> MarginCall:
    """Take the bank's receipt of the surplus given back: the call is over. Raises MoveRefused, SurplusUnreturned."""
    agreement, call = locked(session, actor, call_id)
    _require(call, Stage.SETTLED)
    sale = session.get_one(Disposal, call.id)
    if (sale.surplus_minor > 0) is not (receipt_no is not None):
        raise SurplusUnreturned(surplus=agreement.money(sale.surplus_minor))
    if not sale.sold_on <= returned_on <= business_date(now):
        raise TooEarly(field="returned_on", sold_on=sale.sold_on.isoformat())
    call.move(Stage.SETTLED, now=now)
    said = {
        "surplus": agreement.money(sale.surplus_minor).to_json(),
        "returned_on": returned_on.isoformat(),
        "receipt_no": receipt_no,
    }
    event_id = _tell(session, agreement, call, now=now, actor=actor.party, said=said)
    session.add(
        SurplusReturn(
            call_id=call.id,
            event_id=event_id,
            receipt_no=receipt_no,
            returned_on=returned_on,
            told_at=now,
        )
    )
    tasks.close(session, kinds.MARGIN_DISPOSE, public_id("mgc", call.id), now=now)
    session.flush()
    return call


def locked(
    session: Session, actor: Actor, call_id: UUID, action: Action = Action.LEAD
) -> tuple[ControlAgreement, MarginCall]:
    """Return a call and its agreement, both locked, for an action. Raises SubjectNotFound."""
    seen, _ = visible(session, actor.party, call_id)
    agreement = agreements.lock_for(session, actor, seen.id, action)
    return agreement, evidence.lock(session, MarginCall, call_id)


def visible(session: Session, party_id: UUID, call_id: UUID) -> tuple[ControlAgreement, MarginCall]:
    """Return a call and its agreement to one of its parties. Raises SubjectNotFound."""
    found = session.execute(
        select(ControlAgreement, MarginCall)
        .join(MarginCall, MarginCall.agreement_id == ControlAgreement.id)
        .where(MarginCall.id == call_id, permissions.is_party(party_id))
    ).one_or_none()  # one question: what is another's costs what is nobody's does
    if found is None:
        raise SubjectNotFound
    agreement, call = found
    return agreement, call


def _market(session: Session, agreement: ControlAgreement) -> int:
    """Return what the goods of the newest mark are at its spot prices: no average, no invoice, no haircut; rounded down."""
    lines = session.execute(
        select(MarkLine.quantity_minor, MarkLine.spot_minor, Pledge.unit)
        .join(Pledge, Pledge.id == MarkLine.pledge_id)
        .where(MarkLine.mark_id == agreement.mark_id)
    )
    return sum(quantity * spot // 10 ** UNITS[unit][1] for quantity, spot, unit in lines)


def _require(call: MarginCall, to: Stage) -> None:
    """Raise MoveRefused before anything is written."""
    before = {Stage.NOTICED: Stage.BREACHED, Stage.SOLD: Stage.NOTICED, Stage.SETTLED: Stage.SOLD}
    if call.state is not before[to]:
        raise MoveRefused(state=call.state.value, asked=to.value)


def _tell(
    session: Session,
    agreement: ControlAgreement,
    call: MarginCall,
    *,
    now: datetime,
    actor: UUID,
    said: Mapping[str, Any],
    signed: Sequence[bytes] = (),
) -> UUID:
    mark = session.get_one(Mark, agreement.mark_id)
    event = calling.tell(
        session, agreement, call, mark, now=now, actor=actor, authorizations=signed, **said
    )
    return event.id
