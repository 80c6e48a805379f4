"""Money that moved, as the bank reports it: paid out, paid back. The platform touches none of it.

A receipt is a fact reported by its source: its number is used once, and the same again changes nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.evidence.models import Event
from scf.evidence.service import require_version
from scf.financing import checks, desk, queries, ranking, rules
from scf.financing.models import Financing, FinancingReceipt, RankStep, ReceiptKind, State
from scf.financing.permissions import Action
from scf.financing.rules import Owed, Payment
from scf.financing.service import lock_for, tell
from scf.http.auth import Actor
from scf.kernel.clock import business_date, instant_text, start_of
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id
from scf.kernel.money import Money, zero
from scf.pledges import queries as pledge_queries
from scf.pledges import rules as pledge_rules
from scf.pledges import service as pledges
from scf.pledges.models import State as PledgeState
from scf.registrations import cancelling
from scf.registry.terms import terms_on


class NotReady(Conflict):
    """Money is paid out once the pledge is registered, locked on chain, and searched clean again."""

    code = "financing.not_ready"
    title = "放款条件尚未齐备"
    title_en = "The pledge is not ready for disbursement"


class SearchOutdated(Conflict):
    """Money moves on a search of the register that is recent: REG-06 says for how many hours it is."""

    code = "financing.search_outdated"
    title = "登记查询已超过有效时限，请重新查询后再放款"
    title_en = "The last search of the register is too old: have it searched again before paying"


class AmountDiffers(Invalid):
    """What is paid out is what the contract says."""

    code = "financing.amount_differs"
    title = "放款金额与合同金额不一致"
    title_en = "The amount paid out is not the contract's"


class ReceiptConflict(Conflict):
    """A bank's receipt number stands for one receipt."""

    code = "financing.receipt_conflict"
    title = "回单编号已用于另一笔款项"
    title_en = "The receipt number was used for other money"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the bank reports."""

    receipt_no: str
    amount: Money
    on: date


class Parts(NamedTuple):
    """What a receipt's money was for."""

    principal: Money
    interest: Money


def disburse(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    receipt: Receipt,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Financing:
    """Record the disbursement. Raises NotReady with what is missing, SearchOutdated, AmountDiffers.

    ReceiptConflict, MoveRefused in another state, ReceiptOutOfOrder for a day before the pledge was ready or to come, RuleBlocks.
    """
    financing = lock_for(session, actor, financing_id, Action.REPORT_RECEIPT)
    if _is_repeated(session, financing, ReceiptKind.DISBURSEMENT, receipt):
        return financing
    require_version(financing, expected_version)
    financing.require_move(State.DISBURSED)
    ready_on = _ready_on(session, financing)
    if receipt.amount != financing.amount:
        raise AmountDiffers(field="amount", contract=financing.amount, asked=receipt.amount)
    today = business_date(now)
    if not ready_on <= receipt.on <= today:
        raise rules.ReceiptOutOfOrder(
            field="disbursed_on", earliest=ready_on, disbursed_on=receipt.on, today=today
        )
    _require_recent_search(session, financing, on=receipt.on, now=now)
    checks.check_disbursement(session, financing, on=receipt.on, now=now)
    conditions = desk.require_clearing(session, financing, now=now)
    ranking.state(session, financing, RankStep.DISBURSEMENT, now=now)
    financing.disbursed_on = receipt.on
    financing.move(State.DISBURSED, now=now)
    event = _tell(session, financing, "financing.disbursed", receipt, now=now, actor=actor)
    parts = Parts(receipt.amount, zero(receipt.amount.currency))
    _keep(
        session,
        financing,
        receipt,
        kind=ReceiptKind.DISBURSEMENT,
        parts=parts,
        event=event,
        now=now,
    )
    desk.lent(session, financing, on=receipt.on, conditions=conditions, now=now)
    return financing


def repay(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    receipt: Receipt,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Financing:
    """Record a repayment, whole or in part: interest first, then principal.

    Raises Overpaid with what is owed, ReceiptOutOfOrder, ReceiptConflict, MoveRefused.
    """
    financing = lock_for(session, actor, financing_id, Action.REPORT_RECEIPT)
    if _is_repeated(session, financing, ReceiptKind.REPAYMENT, receipt):
        return financing
    require_version(financing, expected_version)
    financing.require_move(State.REPAID)
    after, parts = _allocate(session, financing, receipt, today=business_date(now))
    financing.repaid_minor += receipt.amount.minor
    financing.repaid_on = receipt.on
    if after.total.minor == 0:
        financing.move(State.REPAID, now=now)
        _extinguish(session, financing, on=receipt.on, now=now)
        desk.finished(session, financing, now=now)
    event = _tell(session, financing, "financing.repaid", receipt, now=now, actor=actor)
    _keep(
        session,
        financing,
        receipt,
        kind=ReceiptKind.REPAYMENT,
        parts=parts,
        event=event,
        now=now,
    )
    close_if_done(session, financing, now=now)
    return financing


def _extinguish(session: Session, financing: Financing, *, on: date, now: datetime) -> None:
    """Let the pledge know that the debt behind it is paid: its registration is to be cancelled in time."""
    if financing.pledge_id is not None:
        pledge = pledges.lock(session, financing.pledge_id)
        cancelling.debt_extinguished(session, pledge, on=on, now=now)


def close_if_done(session: Session, financing: Financing, *, now: datetime) -> None:
    """Close a locked financing once it is repaid and its pledge released, in whichever order."""
    if financing.state is not State.REPAID or financing.pledge_id is None:
        return
    if pledges.lock(session, financing.pledge_id).state is PledgeState.RELEASED:
        if financing.taken.transfers:
            checks.check_settlement(session, financing, now=now)
        financing.move(State.CLOSED, now=now)
        tell(session, financing, "financing.closed", now=now, actor=None)


def _ready_on(session: Session, financing: Financing) -> date:
    """Return the day from which money may be paid out. Raises NotReady."""
    assert financing.pledge_id is not None
    pledge = pledges.lock(session, financing.pledge_id)
    if pledge.ready_to_disburse_at is None:
        searches = pledge_queries.searches(session, pledge.id)
        missing = [item.value for item in pledge_rules.missing(pledge, searches)]
        raise NotReady(pledge=pledge.state.value, missing=missing)
    return business_date(pledge.ready_to_disburse_at)


def _require_recent_search(
    session: Session, financing: Financing, *, on: date, now: datetime
) -> None:
    """Raise SearchOutdated where the newest search was too old when the money moved.

    That is now, or, where an earlier day's payment is told, the first moment of that day.
    """
    assert financing.pledge_id is not None
    searched_at = pledge_queries.searches(session, financing.pledge_id).at
    assert searched_at is not None, "a pledge is ready once it was searched again"
    hours = terms_on(on).search_valid_hours
    moved_at = now if on == business_date(now) else start_of(on)
    if moved_at - searched_at > timedelta(hours=hours):
        raise SearchOutdated(searched_at=instant_text(searched_at), hours=hours)


def _allocate(
    session: Session, financing: Financing, receipt: Receipt, *, today: date
) -> tuple[Owed, Parts]:
    rows = queries.receipts(session, [financing.id])[financing.id]
    loan, earlier = queries.loan(financing), queries.payments(financing, rows)
    assert loan is not None
    payment = Payment(receipt.on, receipt.amount)
    before = rules.owed(loan, earlier, receipt.on)
    after = rules.check_payment(loan, earlier, payment, today=today)
    return after, Parts(before.principal - after.principal, before.interest - after.interest)


def _is_repeated(
    session: Session, financing: Financing, kind: ReceiptKind, receipt: Receipt
) -> bool:
    """Say whether this receipt was recorded before. Raises ReceiptConflict."""
    known = queries.receipt(session, financing.lender_id, receipt.receipt_no)
    if known is None:
        return False
    same = (known.financing_id, known.kind, known.on, known.amount_minor) == (
        financing.id,
        kind,
        receipt.on,
        receipt.amount.minor,
    )
    if not same:
        raise ReceiptConflict(field="receipt_no", receipt_no=receipt.receipt_no)
    return True


def _tell(
    session: Session,
    financing: Financing,
    type_: str,
    receipt: Receipt,
    *,
    now: datetime,
    actor: Actor,
) -> Event:
    return tell(
        session,
        financing,
        type_,
        now=now,
        actor=actor.party,
        amount=receipt.amount,
        receipt_no=receipt.receipt_no,
    )


def _keep(
    session: Session,
    financing: Financing,
    receipt: Receipt,
    *,
    kind: ReceiptKind,
    parts: Parts,
    event: Event,
    now: datetime,
) -> None:
    session.add(
        FinancingReceipt(
            id=new_id(),
            financing_id=financing.id,
            lender_id=financing.lender_id,
            kind=kind,
            receipt_no=receipt.receipt_no,
            on=receipt.on,
            amount_minor=receipt.amount.minor,
            principal_minor=parts.principal.minor,
            interest_minor=parts.interest.minor,
            event_id=event.id,
            reported_at=now,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:  # the same number, at this moment, for another loan
        raise ReceiptConflict(field="receipt_no", receipt_no=receipt.receipt_no) from error
