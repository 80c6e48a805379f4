"""Bills: entered by who is owed, held to agreement and book at once (三单匹配), issued by its signature, or withdrawn.

A bill is of what is over: journeys that have come to their end, days that are past. What differs is kept and named
in fen; whether to accept it is its payer's to say.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from scf.db.locks import take_turns
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Invalid
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.receipts.models import WarehouseReceipt
from scf.rules.book import shipped
from scf.rules.service import evaluate
from scf.transit import bill_matching as matching
from scf.transit import liens, permissions
from scf.transit.bill_matching import Bill, BillKnown, Days, Held, ItemUnfit, Journey
from scf.transit.bill_models import BillKind, BillState, FreightBill, FreightBillItem

RULE: Final = "FRB-01"
MATCH: Final = "freight_bill.match"
ITEMS_MAX: Final = 200


class DueTooSoon(Invalid):
    """A bill gives the days of payment that its tariff says, and falls due on no day that is past."""

    code = "freight_bill.due_too_soon"
    title = "到期日早于约定的付款期限"
    title_en = "The bill falls due before the days of payment agreed on"


def enter(session: Session, actor: Actor, wanted: Bill, *, now: datetime) -> FreightBill:
    """Enter a bill and hold it to agreement and book. By who is owed; its payer sees it once it is issued.

    Raises SubjectNotFound, ConsignmentActionNotAllowed, BillKnown, ItemUnfit, NoTariff, DueTooSoon.
    """
    payee = parties.active_party(session, actor.party)
    held = matching.hold(session, payee, wanted, now=now)
    payers = {one.payer_id for one in held}
    if len(payers) > 1 or payee.id in payers:
        raise ItemUnfit(field="items", payers=len(payers))
    earliest = max(one.earliest_due_on for one in held)
    if wanted.due_on < earliest:
        raise DueTooSoon(field="due_on", due_on=wanted.due_on, earliest_on=earliest)
    take_turns(session, [f"freight bill {payee.id} {wanted.number}"])
    known = select(FreightBill.id).where(
        FreightBill.payee_id == payee.id, FreightBill.number == wanted.number
    )
    if session.scalar(known) is not None:
        raise BillKnown(field="number", number=wanted.number)
    tolerance = shipped().numbers(RULE, business_date(now))
    bill = FreightBill(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        kind=wanted.kind,
        payee_id=payee.id,
        payer_id=payers.pop(),
        number=wanted.number,
        due_on=wanted.due_on,
        pay_to=wanted.pay_to.to_json(),
        tolerance_bps=tolerance["tolerance_bps"],
        tolerance_minor=tolerance["tolerance_minor"],
        state=BillState.ENTERED,
        state_since=now,
        entered_at=now,
        items=[],
    )
    session.add(bill)
    session.flush()
    bill.items = [_kept(bill, number, one) for number, one in enumerate(held, 1)]
    session.flush()
    matches = [_shown_match(item) for item in bill.items]
    said = {
        **content(session, bill),
        "tolerance_bps": bill.tolerance_bps,
        "tolerance": Money(bill.tolerance_minor).to_json(),
        "matches": matches,
    }
    tell(session, bill, "freight_bill.entered", said, actor, now=now, to=[payee.id])
    _judge(session, bill, now=now)
    return bill


def draft_issue(
    session: Session,
    actor: Actor,
    bill_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the bill for its payee to sign. Raises SubjectNotFound, BillMoveRefused, and as signing."""
    bill = lock_as(session, actor, bill_id, payee=True)
    bill.require_move(BillState.ISSUED)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="bill",
        subject=bill,
        prefix="frb",
        content=content(session, bill),
        amount=bill.total,
        signers=signers,
        now=now,
    )


def issue(
    session: Session, actor: Actor, bill_id: UUID, *, jws: Sequence[str], now: datetime
) -> FreightBill:
    """Take the payee's signature: the bill is the payer's to answer. Raises as `draft_issue`."""
    bill = lock_as(session, actor, bill_id, payee=True)
    payee = parties.active_party(session, actor.party)
    act = signing.collect(session, party=payee, act="bill", subject=bill, jws=jws, now=now)
    bill.move(BillState.ISSUED, now=now)
    bill.issued_at = now
    said = content(session, bill)
    tell(
        session,
        bill,
        "freight_bill.issued",
        said,
        actor,
        now=now,
        authorizations=act.authorizations,
    )
    liens.refresh(session, [bill], actor=actor.party, now=now)
    return bill


def withdraw(
    session: Session, actor: Actor, bill_id: UUID, *, reason: str, now: datetime
) -> FreightBill:
    """Take a bill back that was not answered; what it billed may be billed anew. By its payee.

    Raises SubjectNotFound, BillMoveRefused.
    """
    bill = lock_as(session, actor, bill_id, payee=True)
    seen_by = bill.parties if bill.issued_at else [bill.payee_id]
    bill.move(BillState.WITHDRAWN, now=now)
    for item in bill.items:
        item.live = False
    said = {"reason": reason}
    tell(session, bill, "freight_bill.withdrawn", said, actor, now=now, to=seen_by)
    liens.refresh(session, [bill], actor=actor.party, now=now)
    return bill


def visible(session: Session, party_id: UUID, bill_id: UUID) -> FreightBill:
    """Return a bill to its payee, and to its payer once it was issued. Raises SubjectNotFound."""
    found = session.scalar(select(FreightBill).where(FreightBill.id == bill_id, _seen_by(party_id)))
    if found is None:
        raise evidence.SubjectNotFound
    return found


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[FreightBill]:
    """Return the bills that a party is owed or owes, oldest first."""
    statement = select(FreightBill).where(_seen_by(party_id))
    if after is not None:
        statement = statement.where(FreightBill.id > after)
    return session.scalars(statement.order_by(FreightBill.id).limit(size)).all()


def lock_as(session: Session, actor: Actor, bill_id: UUID, *, payee: bool) -> FreightBill:
    """Return a bill to one of its sides, locked after the receipts that it is about. Raises SubjectNotFound, NotYours."""
    seen = visible(session, actor.party, bill_id)
    if (actor.party == seen.payee_id) is not payee:
        raise permissions.BillActionNotAllowed(needed="payee" if payee else "payer")
    (found,) = lock_bills(session, [bill_id])
    return found


def lock_bills(session: Session, ids: Sequence[UUID]) -> list[FreightBill]:
    """Return bills by id, locked after the receipts that they are about, in the house's order."""
    about = select(FreightBillItem.receipt_id).where(FreightBillItem.bill_id.in_(ids)).distinct()
    evidence.lock_all(session, WarehouseReceipt, session.scalars(about))
    locked = evidence.lock_all(session, FreightBill, ids)
    for bill in locked.values():
        session.refresh(bill, ["items"])
        for item in bill.items:
            session.refresh(item)
    return [locked[one] for one in sorted(locked)]


def content(session: Session, bill: FreightBill) -> dict[str, Any]:
    """Return what a bill's payee signs."""
    return {
        "kind": bill.kind.value,
        "payee": parties.party(session, bill.payee_id).uscc,
        "payer": parties.party(session, bill.payer_id).uscc,
        "number": bill.number,
        "due_on": bill.due_on.isoformat(),
        "pay_to": bill.pay_to,
        "items": [_shown(item) for item in bill.items],
        "total": bill.total.to_json(),
    }


def tell(
    session: Session,
    bill: FreightBill,
    type_: str,
    said: dict[str, Any],
    actor: Actor | None,
    *,
    now: datetime,
    to: Sequence[UUID] | None = None,
    authorizations: Sequence[bytes] = (),
) -> Event:
    """Append an event of a locked bill, shown to both sides unless to some alone."""
    return evidence.append(
        session,
        bill,
        type_,
        said,
        now=now,
        actor=actor.party if actor else None,
        parties=bill.parties if to is None else to,
        authorizations=authorizations,
    )


def _seen_by(party_id: UUID) -> ColumnElement[bool]:
    issued = FreightBill.issued_at.is_not(None)
    return or_(FreightBill.payee_id == party_id, (FreightBill.payer_id == party_id) & issued)


def _kept(bill: FreightBill, position: int, held: Held) -> FreightBillItem:
    item, match, about = held.item, held.match, held.item.about
    days = about if isinstance(about, Days) else None
    return FreightBillItem(
        bill_id=bill.id,
        position=position,
        payee_id=bill.payee_id,
        receipt_id=held.receipt_id,
        consignment_id=about.consignment if isinstance(about, Journey) else None,
        claimed=bill.kind is BillKind.CLAIM,
        first_on=days and days.first_on,
        last_on=days and days.last_on,
        unit=item.quantity.unit,
        quantity_minor=item.quantity.minor,
        rate_minor=item.rate.minor,
        amount_minor=item.amount.minor,
        book_minor=match.quantity.minor,
        agreed_minor=match.rate.minor,
        expected_minor=match.expected.minor,
        within=match.is_within(bps=bill.tolerance_bps, least=Money(bill.tolerance_minor)),
        accepted_minor=0,
        conceded_minor=0,
        paid_minor=0,
        live=True,
    )


def _shown(item: FreightBillItem) -> dict[str, Any]:
    return {
        "receipt": public_id("whr", item.receipt_id),
        "consignment": public_id("csg", item.consignment_id) if item.consignment_id else None,
        "first_on": item.first_on.isoformat() if item.first_on else None,
        "last_on": item.last_on.isoformat() if item.last_on else None,
        "quantity": item.measure(item.quantity_minor).to_json(),
        "rate": Money(item.rate_minor).to_json(),
        "amount": Money(item.amount_minor).to_json(),
    }


def _shown_match(item: FreightBillItem) -> dict[str, Any]:
    match = item.match
    amounts = ("rate", "expected", "by_quantity", "by_rate", "by_sum")
    return {
        "quantity": match.quantity.to_json(),
        **{name: getattr(match, name).to_json() for name in amounts},
        "within": item.within,
    }


def _judge(session: Session, bill: FreightBill, *, now: datetime) -> None:
    """Hold a bill to the rule of its day, so that what is beyond the tolerance is reported."""
    facts = {
        "expected_minor": [item.expected_minor for item in bill.items],
        "billed_minor": [item.amount_minor for item in bill.items],
    }
    evaluate(
        session,
        MATCH,
        public_id("frb", bill.id),
        facts,
        on=business_date(now),
        now=now,
        parties=[bill.payee_id],
    )
