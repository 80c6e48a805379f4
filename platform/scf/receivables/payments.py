"""Banks' receipts over what debtors paid: facts, recorded whatever they do to the numbers.

What is paid goes through the pool as far as there is value left; the rest stays outside (a surplus). When
value comes back, because a payment was taken back, a surplus goes in at once: no order of receipts loses or
doubles a fen. What came to one payee of a split is its own: see `surpluses`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.capacity import service as capacity
from scf.capacity.models import Pool
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.service import require_version
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import MINOR_MAX, CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.receivables import accounts, fact_checks, parts, queries, surpluses
from scf.receivables.models import PaymentReversal, Receivable, ReceivablePayment, State
from scf.receivables.permissions import Action, ActionNotAllowed
from scf.receivables.service import lock_for


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


class ReceiptImplausible(LimitExceeded):
    """No receipt moves more than a hundredth of what an amount can be, and all of them stay an amount.

    Such a number is a mistake of the bank's. It is refused, and waits for a person where it came in a report:
    taken for a fact it would leave no amount in which the month between its two parties could be told.
    """

    code = "receivable.receipt_implausible"
    title = "回单金额超出合理范围，请核对后重新报送"
    title_en = "The receipt's amount is beyond reason: check it and report it again"


class ReversalExceeds(Conflict):
    """No more of a payment is taken back than it brought."""

    code = "receivable.reversal_exceeds"
    title = "冲回金额超过该笔付款的剩余金额"
    title_en = "More is taken back than is left of the payment"


RECEIPT_MAX: Final = MINOR_MAX // 100
"""Minor units of one receipt: a hundred thousand million yuan."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a bank says came in: on which day, into which account at which bank.

    `bank` is the USCC or the name of the bank that keeps the account, None where nothing is told of it.
    """

    receipt_no: str
    amount: Money
    paid_on: date
    account: str
    bank: str | None


@dataclass(frozen=True, slots=True)
class Takeback:
    """What a bank says was taken back of a payment, on which day."""

    receipt_no: str
    amount: Money
    reversed_on: date


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
    """Record a payment, told by the bank that keeps the named account or one that encumbers the value.

    Without another bank in the receipt the money came into an account at the one that tells. Raises ActionNotAllowed, and what `record` does.
    """
    receivable = lock_for(session, actor, receivable_id, Action.REPORT_PAYMENT)
    if not is_concerned(session, receivable, actor.party):
        raise ActionNotAllowed(action=Action.REPORT_PAYMENT.value)
    if receipt.bank is None:
        receipt = replace(receipt, bank=parties.party(session, actor.party).uscc)
    return record(
        session, actor.party, receivable, receipt, now=now, expected_version=expected_version
    )


def record(
    session: Session,
    bank_id: UUID,
    receivable: Receivable,
    receipt: Receipt,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Reported:
    """Record a payment of a locked, confirmed receivable. The same receipt again changes nothing.

    Into the account that was named on its day it pays the pool; into any other it dilutes it, and holders
    are told. Raises ReceiptUsed, PaidInFuture, CurrencyMismatch, ReceiptImplausible.
    """
    known = queries.payment(session, bank_id, receipt.receipt_no)
    if known is not None:
        if _facts(known) != (receivable.id, receipt):
            raise ReceiptUsed(field="receipt_no", receipt_no=receipt.receipt_no)
        return Reported(receivable, known, repeated=True)
    require_version(receivable, expected_version)
    _check(receivable, receipt.amount, receipt.paid_on, field="paid_on", now=now)
    _require_plausible(receivable, receipt.amount)
    payment = _record(session, bank_id, receivable, receipt, now=now)
    return Reported(receivable, payment, repeated=False)


def reverse(
    session: Session,
    bank_id: UUID,
    receivable: Receivable,
    payment: ReceivablePayment,
    takeback: Takeback,
    *,
    ended: Collection[UUID],
    now: datetime,
) -> PaymentReversal:
    """Record that a payment of a locked receivable was taken back. The same receipt again changes nothing.

    The value is there again and held by whom it was held; `ended` are encumbrances that ended meanwhile,
    read after the receivable's pool was locked. Raises ReceiptUsed, ReversalExceeds, PaidInFuture,
    CurrencyMismatch.
    """
    known = session.scalar(
        select(PaymentReversal).where(
            PaymentReversal.bank_id == bank_id, PaymentReversal.receipt_no == takeback.receipt_no
        )
    )
    if known is not None:
        facts = (known.payment_id, known.amount_minor, known.reversed_on)
        if facts != (payment.id, takeback.amount.minor, takeback.reversed_on):
            raise ReceiptUsed(field="receipt_no", receipt_no=takeback.receipt_no)
        return known
    _check(receivable, takeback.amount, takeback.reversed_on, field="reversed_on", now=now)
    left = surpluses.remainder(session, payment)
    if takeback.amount > left:
        raise ReversalExceeds(field="amount", left=left, asked=takeback.amount)
    pool = lock_pool(session, receivable)
    paid_before = session.get_one(Event, payment.event_id)
    event = _tell(
        session,
        receivable,
        bank_id,
        "receivable.payment_reversed",
        {
            "payment": evidence.hash_text(paid_before.body_hash),
            "amount": takeback.amount.to_json(),
            "reversed_on": takeback.reversed_on.isoformat(),
            "account": payment.account,
        },
        now=now,
    )
    _give_back(
        session, receivable, payment, event, pool=pool, amount=takeback.amount, ended=ended, now=now,
        actor=bank_id,
    )  # fmt: skip
    reversal = PaymentReversal(
        id=new_id(),
        payment_id=payment.id,
        bank_id=bank_id,
        receipt_no=takeback.receipt_no,
        amount_minor=takeback.amount.minor,
        reversed_on=takeback.reversed_on,
        event_id=event.id,
        reported_at=now,
    )
    _add(session, reversal)
    _absorb(session, receivable, pool, event, now=now, actor=bank_id)
    return reversal


def _give_back(
    session: Session,
    receivable: Receivable,
    payment: ReceivablePayment,
    event: Event,
    *,
    pool: Pool,
    amount: Money,
    ended: Collection[UUID],
    now: datetime,
    actor: UUID,
) -> None:
    """Let the value be there again, held by whom the payment had set free and who is still there."""
    standing = [
        holding
        for holding in surpluses.paid(session, receivable, payment)
        if holding.holder_id not in ended
    ]
    back = max(amount.minor - surpluses.before(session, receivable, payment), 0)
    if payment.to_named_account:
        receivable.paid_minor -= amount.minor
        receivable.paid_taken_minor -= back
        _settle_state(receivable)
    else:
        receivable.astray_minor -= amount.minor
        receivable.astray_taken_minor -= back
    if back:
        capacity.reverse(
            session, pool, amount=receivable.money(back), paid=standing, cause=event.body_hash,
            now=now, actor=actor,
        )  # fmt: skip


def is_concerned(session: Session, receivable: Receivable, bank_id: UUID) -> bool:
    """Say whether a bank keeps or kept the named account or a part's, or encumbers or encumbered the value."""
    if receivable.pool_id is None or receivable.pay_to is None:
        return False
    keepers = accounts.keepers(session, receivable) | parts.keepers(session, receivable)
    keeper = parties.party(session, bank_id).uscc in keepers
    return keeper or pools.has_encumbered(session, receivable.pool_id, bank_id)


def lock_pool(session: Session, receivable: Receivable) -> Pool:
    """Return the pool of a locked, confirmed receivable, locked in its turn."""
    assert receivable.pool_id is not None, "only what was confirmed is paid"
    (pool,) = capacity.lock_pools(session, [receivable.pool_id])
    return pool


def _record(
    session: Session, bank_id: UUID, receivable: Receivable, receipt: Receipt, *, now: datetime
) -> ReceivablePayment:
    expected = accounts.in_force(accounts.history(session, receivable), receipt.paid_on)
    payee = _payee(session, receivable, receipt)
    named = payee is not None or accounts.fits(expected, receipt.account, receipt.bank)
    pool = lock_pool(session, receivable)
    fact_checks.check_payment(session, receivable, receipt.amount, on=receipt.paid_on, now=now)
    event = _tell(
        session,
        receivable,
        bank_id,
        "receivable.paid",
        {
            "amount": receipt.amount.to_json(),
            "paid_on": receipt.paid_on.isoformat(),
            "account": receipt.account,
            **({"bank": receipt.bank} if receipt.bank else {}),
        },
        now=now,
    )
    if named:
        receivable.paid_minor += receipt.amount.minor
        _settle_state(receivable)
    else:
        receivable.astray_minor += receipt.amount.minor
        _warn(session, receivable, receipt, event, expected=expected[0], pool=pool, now=now)
    split = named and (payee is not None or bool(receivable.parts))
    most = _most_of_part(session, pool, payee, receipt.amount) if split else None
    taken = _absorb(
        session, receivable, pool, event, now=now, actor=bank_id, payee=payee, most=most
    )
    payment = ReceivablePayment(
        id=new_id(),
        receivable_id=receivable.id,
        bank_id=bank_id,
        receipt_no=receipt.receipt_no,
        amount_minor=receipt.amount.minor,
        currency=receipt.amount.currency,
        paid_on=receipt.paid_on,
        account=receipt.account,
        bank=receipt.bank,
        to_named_account=named,
        taken_minor=taken if split else None,
        event_id=event.id,
        reported_at=now,
    )
    _add(session, payment)
    return payment


def _absorb(
    session: Session,
    receivable: Receivable,
    pool: Pool,
    event: Event,
    *,
    now: datetime,
    actor: UUID,
    payee: UUID | None = None,
    most: int | None = None,
) -> int:
    """Take what was paid through the pool, as far as there is value left in it.

    Of a split payment that is `most` fen; else what came in whole. Return what of it paid the value, in fen.
    """
    cause = event.body_hash
    left = max(pool.confirmed_minor, 0)
    taken = min(surpluses.shared(session, receivable) if most is None else most, left)
    if taken:
        amount = receivable.money(taken)
        capacity.pay(session, pool, amount=amount, cause=cause, now=now, actor=actor, payee=payee)
        receivable.paid_taken_minor += taken
    lost = min(receivable.astray_minor - receivable.astray_taken_minor, left - taken)
    if lost:
        amount = receivable.money(lost)
        capacity.dilute(session, pool, amount=amount, cause=cause, now=now, actor=actor)
        receivable.astray_taken_minor += lost
    session.flush()
    return taken


def _payee(session: Session, receivable: Receivable, receipt: Receipt) -> UUID | None:
    """Return whose part the account was on the day of a receipt, None where it was no part's."""
    splits = accounts.on_day(parts.history(session, receivable), receipt.paid_on)
    code = parts.payee_of(splits, receipt.account, receipt.bank)
    found = None if code is None else parties.party_by_uscc(session, code)
    return None if found is None else found.id


def _most_of_part(session: Session, pool: Pool, payee: UUID | None, amount: Money) -> int:
    """Return how much of a receipt counts where the payment is split, in fen.

    What its payee holds and what is free: what somebody got beyond that is a surplus in its hands, and
    nobody else is paid by it.
    """
    own = pools.held_by(session, pool, payee).minor if payee is not None else 0
    return min(amount.minor, own + pool.free_minor)


def _settle_state(receivable: Receivable) -> None:
    whole = receivable.paid_minor >= receivable.confirmed_minor
    receivable.advance(State.PAID if whole else State.PARTLY_PAID)


def _warn(
    session: Session,
    receivable: Receivable,
    receipt: Receipt,
    event: Event,
    *,
    expected: accounts.Account,
    pool: Pool,
    now: datetime,
) -> None:
    """Tell whoever encumbers the value, and the debtor, that money went elsewhere, and what told so."""
    fields = {
        "amount": receipt.amount.to_json(),
        "account": receipt.account,
        "bank": receipt.bank,
        "named_account": expected["account"],
        "named_bank": expected["bank"],
        "compared": list(accounts.compared(receipt.bank)),
        "differs": accounts.differs(expected, receipt.account, receipt.bank),
    }
    told = {holding.party_id: holding.holder for holding in pools.holdings(session, pool.id)}
    told.setdefault(receivable.debtor_id, public_id("rcv", receivable.id))
    for party_id, subject in told.items():
        capacity.notify(
            session,
            event,
            party_id,
            kind="receivable.paid_elsewhere",
            subject=subject,
            fields=fields,
            now=now,
        )


def _tell(
    session: Session,
    receivable: Receivable,
    bank_id: UUID,
    type_: str,
    facts: dict[str, object],
    *,
    now: datetime,
) -> Event:
    receivable.changed_at = now
    return evidence.append(
        session, receivable, type_, facts, now=now, actor=bank_id, parties=receivable.parties
    )


def _check(receivable: Receivable, amount: Money, day: date, *, field: str, now: datetime) -> None:
    if day > business_date(now):
        raise PaidInFuture(field=field, paid_on=day)
    if amount.currency != receivable.currency:
        raise CurrencyMismatch(left=receivable.currency, right=amount.currency)


def _require_plausible(receivable: Receivable, amount: Money) -> None:
    told = max(receivable.paid_minor, receivable.astray_minor)
    if amount.minor > RECEIPT_MAX or told + amount.minor > MINOR_MAX:
        limit = receivable.money(min(RECEIPT_MAX, MINOR_MAX - told))
        raise ReceiptImplausible(field="amount", amount_max=limit, asked=amount)


def _add(session: Session, receipt: ReceivablePayment | PaymentReversal) -> None:
    session.add(receipt)
    try:
        session.flush()
    except IntegrityError as error:  # the same number, at this moment, for another receivable
        raise ReceiptUsed(field="receipt_no", receipt_no=receipt.receipt_no) from error


def _facts(payment: ReceivablePayment) -> tuple[UUID, Receipt]:
    amount = Money(payment.amount_minor, payment.currency)
    return payment.receivable_id, Receipt(
        payment.receipt_no, amount, payment.paid_on, payment.account, payment.bank
    )
