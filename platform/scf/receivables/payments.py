"""Banks' receipts over what debtors paid: facts, recorded whatever they do to the numbers."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.service import require_version
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id
from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.receivables import permissions, queries
from scf.receivables.models import Receivable, ReceivablePayment, State
from scf.receivables.permissions import Action, ActionNotAllowed
from scf.receivables.service import lock


class ReceiptUsed(Conflict):
    """A bank's receipt number stands for one payment."""

    code = "receivable.receipt_used"
    title = "该回单号已用于另一笔付款"
    title_en = "The receipt number stands for another payment"


class PaidInFuture(Invalid):
    """A receipt is about money that has come in."""

    code = "receivable.paid_in_future"
    title = "付款日期晚于今天"
    title_en = "The payment lies in the future"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a bank says came in: into which account, on which day."""

    receipt_no: str
    amount: Money
    paid_on: date
    account: str


@dataclass(frozen=True, slots=True)
class Reported:
    """What a receipt was recorded as; `repeated` when it was known already."""

    receivable: Receivable
    payment: ReceivablePayment
    repeated: bool


def report(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    receipt: Receipt,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Reported:
    """Record a payment. The same receipt again changes nothing.

    Into the account named in the 确权函 it pays the pool; into any other it dilutes it, and holders are
    told. Only the bank that keeps the named account, or one that encumbers the value, reports it. Raises
    ActionNotAllowed, ReceiptUsed, PaidInFuture, CurrencyMismatch.
    """
    receivable = lock(session, receivable_id)
    permissions.require(receivable, actor.party, Action.REPORT_PAYMENT)
    _require_concerned(session, receivable, actor.party)
    known = queries.payment(session, actor.party, receipt.receipt_no)
    if known is not None:
        if _facts(known) != (receivable.id, receipt):
            raise ReceiptUsed(field="receipt_no", receipt_no=receipt.receipt_no)
        return Reported(receivable, known, repeated=True)
    require_version(receivable, expected_version)
    if receipt.paid_on > business_date(now):
        raise PaidInFuture(field="paid_on", paid_on=receipt.paid_on)
    if receipt.amount.currency != receivable.currency:
        raise CurrencyMismatch(left=receivable.currency, right=receipt.amount.currency)
    return Reported(
        receivable, _record(session, actor, receivable, receipt, now=now), repeated=False
    )


def _record(
    session: Session, actor: Actor, receivable: Receivable, receipt: Receipt, *, now: datetime
) -> ReceivablePayment:
    assert receivable.pay_to is not None
    assert receivable.pool_id is not None
    named = account_digits(receipt.account) == account_digits(receivable.pay_to["account"])
    (pool,) = capacity.lock_pools(session, [receivable.pool_id])
    if named:
        receivable.paid_minor += receipt.amount.minor
        whole = receivable.paid_minor >= receivable.confirmed_minor
        receivable.advance(State.PAID if whole else State.PARTLY_PAID)
    receivable.changed_at = now
    event = evidence.append(
        session,
        receivable,
        "receivable.paid",
        {
            "amount": receipt.amount.to_json(),
            "paid_on": receipt.paid_on.isoformat(),
            "account": receipt.account,
        },
        now=now,
        actor=actor.party,
        parties=receivable.parties,
    )
    lost = min(receipt.amount, pool.confirmed)
    if named:
        capacity.pay(
            session, pool, amount=receipt.amount, cause=event.body_hash, now=now, actor=actor.party
        )
    elif lost.minor > 0:
        capacity.dilute(
            session, pool, amount=lost, cause=event.body_hash, now=now, actor=actor.party
        )
    payment = ReceivablePayment(
        id=new_id(),
        receivable_id=receivable.id,
        bank_id=actor.party,
        receipt_no=receipt.receipt_no,
        amount_minor=receipt.amount.minor,
        currency=receipt.amount.currency,
        paid_on=receipt.paid_on,
        account=receipt.account,
        to_named_account=named,
        event_id=event.id,
        reported_at=now,
    )
    session.add(payment)
    try:
        session.flush()
    except IntegrityError as error:  # the same number, at this moment, for another receivable
        raise ReceiptUsed(field="receipt_no", receipt_no=receipt.receipt_no) from error
    return payment


def _require_concerned(session: Session, receivable: Receivable, bank_id: UUID) -> None:
    """Raise ActionNotAllowed for a bank that neither keeps the named account nor encumbers."""
    if receivable.pool_id is not None and receivable.pay_to is not None:
        keeper = parties.party(session, bank_id).uscc == receivable.pay_to["bank_uscc"]
        if keeper or pools.has_encumbered(session, receivable.pool_id, bank_id):
            return
    raise ActionNotAllowed(action=Action.REPORT_PAYMENT.value)


def _facts(payment: ReceivablePayment) -> tuple[UUID, Receipt]:
    amount = Money(payment.amount_minor, payment.currency)
    return payment.receivable_id, Receipt(
        payment.receipt_no, amount, payment.paid_on, payment.account
    )


def account_digits(account: str) -> str:
    """Return an account number without the spaces and dashes that people write into it."""
    return re.sub(r"[\s-]", "", account)
