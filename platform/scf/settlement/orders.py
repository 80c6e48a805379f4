"""Payment orders: what falls due is put into one file, approved by a second person, sent to the bank.

The platform carries instructions: the bank pays, from the debtor's own account, under its own agreement with
the debtor. So an order is approved by a mandate (maker and checker, two people, each within their limit) and
not by a statement; what binds the debtor is its 确权函.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.capacity.models import Pool
from scf.db.outbox import enqueue
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.calendar import is_working_day
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid, LimitExceeded, TooLarge
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.parties import rules as signing_rules
from scf.parties.models import Party
from scf.parties.signing import Signer
from scf.receivables import parts
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable, ReceivablePayment
from scf.receivables.service import Account, lock
from scf.rules.service import evaluate
from scf.settlement import pain
from scf.settlement.matching import end_to_end_id
from scf.settlement.models import DEAD, OrderState, PaymentOrder, PaymentOrderLine

SEND: Final = "payment_order.send"
INSTRUCT: Final = "settlement.instruct"
"""The transition that rules know an approval by."""
LINES_MAX: Final = 1_000
ACT: Final = "confirm"
"""Whoever may confirm a debt for the debtor may have it paid: the same mandates count."""


class OrderTooLong(TooLarge):
    """A payment order has at most a thousand lines."""

    code = "payment_order.too_long"
    title = "付款指令笔数超过上限"
    title_en = "The payment order has too many lines"


class LineRepeated(Invalid):
    """A receivable stands once in an order for each that is paid of it."""

    code = "payment_order.line_repeated"
    title = "同一应收账款的同一收款人在付款指令中重复"
    title_en = "A receivable stands in the order twice for one payee"


class PayeeUnknown(Invalid):
    """A line pays the creditor, or whose part stands in the signed split in force."""

    code = "payment_order.payee_unknown"
    title = "收款人既不是债权人，也不在现行付款分割之内"
    title_en = "The payee is neither the creditor nor in the split that is in force"


class NotPayable(Conflict):
    """What was confirmed is paid."""

    code = "payment_order.not_payable"
    title = "该应收账款尚未确权，不能付款"
    title_en = "The receivable is not confirmed"


class MoreThanDue(LimitExceeded):
    """No more is ordered than is owed and not yet ordered."""

    code = "payment_order.more_than_due"
    title = "付款金额超过未付且未下达指令的金额"
    title_en = "More is ordered than is still to be paid"


class DayUnfit(Invalid):
    """Banks execute on working days, today or later."""

    code = "payment_order.day_unfit"
    title = "付款日须为今天或以后的工作日"
    title_en = "The day is past, or no working day"


class AccountMoved(Conflict):
    """An order pays the accounts that are named when it is approved."""

    code = "payment_order.account_moved"
    title = "回款账户已变更，请重新生成付款指令"
    title_en = "An account changed since; draft the order again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to pay; `amount` None: all that is still due.

    `payee_id` None: to the creditor; with no amount either, to everybody who has a part of it.
    """

    receivable_id: UUID
    amount: Money | None
    payee_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due to one payee of a claim, in fen, and into which account."""

    payee: Party
    pay_to: Mapping[str, str]
    minor: int


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer to be."""

    receivable: Receivable
    due: Due
    amount: Money


def draft(
    session: Session,
    actor: Actor,
    wanted: Sequence[Wanted],
    *,
    account: Account,
    execute_on: date,
    maker: Signer,
    now: datetime,
) -> PaymentOrder:
    """Put lines of the caller's own debts into one file, from one account, on one day.

    Raises SubjectNotFound for another's, OrderTooLong, LineRepeated, NotPayable, PayeeUnknown, MoreThanDue,
    DayUnfit, CurrencyMismatch, AccountUnfit, and what mandates raise.
    """
    if len(wanted) > LINES_MAX:
        raise OrderTooLong(count=len(wanted), count_max=LINES_MAX)
    require_day(execute_on, now)
    debtor = parties.active_party(session, actor.party)
    lines = [
        found
        for line in sorted(wanted, key=lambda line: line.receivable_id)
        for found in _payable(session, debtor, line)
    ]
    if len({(line.receivable.id, line.due.payee.id) for line in lines}) != len(lines):
        raise LineRepeated(field="lines")
    if len(lines) > LINES_MAX:
        raise OrderTooLong(count=len(lines), count_max=LINES_MAX)
    identity = new_id()
    initiation = _initiation(identity, debtor, account, lines, execute_on=execute_on, now=now)
    order = keep(session, identity, debtor, account, initiation, maker=maker, now=now)
    for position, line in enumerate(lines, 1):
        session.add(
            PaymentOrderLine(
                order_id=identity,
                position=position,
                receivable_id=line.receivable.id,
                payee_id=line.due.payee.id,
                amount_minor=line.amount.minor,
                pay_to=dict(line.due.pay_to),
            )
        )
    session.flush()
    return order


def keep(
    session: Session,
    identity: UUID,
    debtor: Party,
    account: Account,
    initiation: pain.Initiation,
    *,
    maker: Signer,
    now: datetime,
) -> PaymentOrder:
    """Keep a file as a draft that its maker has the mandate for. Raises AccountUnfit, and what mandates raise."""
    require_mandate(session, debtor, maker, "make", initiation.total, now=now)
    order = PaymentOrder(
        id=identity,
        debtor_id=debtor.id,
        message_id=initiation.message_id,
        account=account.to_json(),
        currency=initiation.total.currency,
        total_minor=initiation.total.minor,
        execute_on=initiation.execute_on,
        body=pain.write(initiation),
        state=OrderState.DRAFTED,
        state_since=now,
        maker_id=maker.person,
        drafted_at=now,
    )
    session.add(order)
    session.flush()
    return order


def require_day(execute_on: date, now: datetime) -> None:
    """Raise DayUnfit for a day on which no bank executes any more."""
    if execute_on < business_date(now) or not is_working_day(execute_on):
        raise DayUnfit(field="execute_on", execute_on=execute_on)


def message_id(identity: UUID) -> str:
    """Return how an order is known to banks: at most 35 characters of ISO 20022's plain set."""
    return public_id("pmo", identity).replace("_", "").upper()


def approve(
    session: Session, actor: Actor, order_id: UUID, *, checker: Signer, now: datetime
) -> PaymentOrder:
    """Approve an order by a second person's mandate; it is sent when this commits.

    Raises SubjectNotFound, MoveRefused, AccountMoved, SamePerson, RuleBlocks, DayUnfit for a day that has
    passed, MoreThanDue where it was paid otherwise since, and what mandates raise.
    """
    order = lock_own(session, actor.party, order_id)
    if order.execute_on < business_date(now):
        raise DayUnfit(field="execute_on", execute_on=order.execute_on)
    if checker.person == order.maker_id:
        raise signing_rules.SamePerson(field="checker", act=ACT)
    debtor = parties.active_party(session, actor.party)
    require_mandate(session, debtor, checker, "check", order.total, now=now)
    order.checker_id, order.approved_at = checker.person, now
    order.move(OrderState.APPROVED, now=now)
    for line in lines_of(session, order.id):
        receivable = lock(session, line.receivable_id)
        due = _dues(session, receivable).get(line.payee_id)
        if due is None or due.pay_to != line.pay_to:
            raise AccountMoved(receivable=public_id("rcv", receivable.id))
        if line.amount_minor > due.minor:
            raise MoreThanDue(
                receivable=public_id("rcv", receivable.id),
                due=receivable.money(due.minor),
                asked=receivable.money(line.amount_minor),
            )
    _hold_to_rules(session, order, debtor, now=now)
    enqueue(session, SEND, order_id=order.id)
    session.flush()
    return order


def withdraw(session: Session, actor: Actor, order_id: UUID, *, now: datetime) -> PaymentOrder:
    """Give a draft up. Raises SubjectNotFound, MoveRefused once it is approved."""
    order = lock_own(session, actor.party, order_id)
    order.move(OrderState.WITHDRAWN, now=now)
    session.flush()
    return order


def lock_own(session: Session, debtor_id: UUID, order_id: UUID) -> PaymentOrder:
    """Return a debtor's own order, locked. Raises SubjectNotFound."""
    found = session.scalar(
        select(PaymentOrder)
        .where(PaymentOrder.id == order_id, PaymentOrder.debtor_id == debtor_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise SubjectNotFound
    return found


def own(session: Session, debtor_id: UUID, order_id: UUID) -> PaymentOrder:
    """Return a debtor's own order. Raises SubjectNotFound."""
    found = session.get(PaymentOrder, order_id)
    if found is None or found.debtor_id != debtor_id:
        raise SubjectNotFound
    return found


def page(
    session: Session, debtor_id: UUID, *, after: UUID | None, size: int
) -> Sequence[PaymentOrder]:
    """Return a debtor's orders, oldest first."""
    statement = select(PaymentOrder).where(PaymentOrder.debtor_id == debtor_id)
    if after is not None:
        statement = statement.where(PaymentOrder.id > after)
    return session.scalars(statement.order_by(PaymentOrder.id).limit(size)).all()


def lines_of(session: Session, order_id: UUID) -> Sequence[PaymentOrderLine]:
    """Return an order's lines, in the order of the file."""
    return session.scalars(
        select(PaymentOrderLine)
        .where(PaymentOrderLine.order_id == order_id)
        .order_by(PaymentOrderLine.position)
    ).all()


def under_way(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Return what is ordered for receivables and no bank has told of yet, in fen."""
    found: Counter[UUID] = Counter()
    for (identity, _), minor in under_way_to(session, ids).items():
        found[identity] += minor
    return found


def under_way_to(session: Session, ids: Sequence[UUID]) -> Mapping[tuple[UUID, UUID], int]:
    """Return what is ordered by receivable and payee, and no bank has told of yet, in fen.

    What is executed counts until as much was told of since the first of those orders' days: of a part what went into
    its account, of the creditor's what went anywhere else.
    """
    executed = PaymentOrder.state == OrderState.EXECUTED
    amount = PaymentOrderLine.amount_minor
    who = (PaymentOrderLine.receivable_id, PaymentOrderLine.payee_id)
    lines = session.execute(
        select(
            *who,
            Receivable.creditor_id,
            func.coalesce(func.sum(amount).filter(~executed), 0),
            func.coalesce(func.sum(amount).filter(executed), 0),
            func.min(PaymentOrder.execute_on).filter(executed),
            func.array_agg(PaymentOrderLine.pay_to["account"].astext),
        )
        .join(PaymentOrder, PaymentOrder.id == PaymentOrderLine.order_id)
        .join(Receivable, Receivable.id == PaymentOrderLine.receivable_id)
        .where(PaymentOrderLine.receivable_id.in_(ids), PaymentOrder.state.not_in(DEAD))
        .group_by(*who, Receivable.creditor_id)
    ).all()
    into = {
        (identity, account_digits(account)): payee
        for identity, payee, creditor, _, _, _, accounts in lines
        for account in accounts
        if payee != creditor
    }
    days = {(row[0], row[1]): row[5] for row in lines if row[5] is not None}
    told: Counter[tuple[UUID, UUID]] = Counter()
    creditors = {row[0]: row[2] for row in lines}
    for payment in session.scalars(
        select(ReceivablePayment).where(
            ReceivablePayment.receivable_id.in_({identity for identity, _ in days})
        )
    ):
        identity = payment.receivable_id
        payee = into.get((identity, account_digits(payment.account)), creditors[identity])
        since = days.get((identity, payee))
        told[identity, payee] += (
            payment.amount_minor if since is not None and payment.paid_on >= since else 0
        )
    return {
        (identity, payee): int(open_) + max(int(done) - told[identity, payee], 0)
        for identity, payee, _, open_, done, _, _ in lines
    }


def _hold_to_rules(session: Session, order: PaymentOrder, debtor: Party, *, now: datetime) -> None:
    """Hold an approved order to the rules of settlement. Raises RuleBlocks."""
    bank = order.account["bank_uscc"]
    facts = {
        "debtor": debtor.uscc,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "bank_uscc": bank,
        "payer_bank_uscc": bank,
        "payer_approved": order.checker_id is not None,
    }
    evaluate(
        session,
        INSTRUCT,
        public_id("pmo", order.id),
        facts,
        on=business_date(now),
        now=now,
        parties=[debtor.id],
    )


def _payable(session: Session, debtor: Party, line: Wanted) -> list[Line]:
    """Return what to pay of a receivable of the debtor, locked, and to whom."""

    def require(receivable: Receivable) -> None:
        if receivable.debtor_id != debtor.id:
            raise SubjectNotFound

    receivable = evidence.lock(session, Receivable, line.receivable_id, require=require)
    if receivable.pool_id is None:
        raise NotPayable(receivable=public_id("rcv", receivable.id))
    ordered = under_way_to(session, [receivable.id])
    dues = {
        payee: replace(due, minor=max(due.minor - ordered.get((receivable.id, payee), 0), 0))
        for payee, due in _dues(session, receivable).items()
    }
    if line.payee_id is None and line.amount is None and receivable.parts:
        some = [one for one in dues.values() if one.minor > 0]
        if some:
            return [Line(receivable, one, receivable.money(one.minor)) for one in some]
    due = dues.get(line.payee_id or receivable.creditor_id)
    if due is None:
        raise PayeeUnknown(field="payee", receivable=public_id("rcv", receivable.id))
    left = receivable.money(due.minor)
    amount = left if line.amount is None else line.amount
    if amount.minor <= 0 or amount > left:
        raise MoreThanDue(receivable=public_id("rcv", receivable.id), due=left, asked=amount)
    return [Line(receivable, due, amount)]


def _dues(session: Session, receivable: Receivable) -> dict[UUID, Due]:
    """Return what is due to each payee of a receivable, in fen: those of the parts of a split, and the creditor."""
    left = max(receivable.confirmed_minor - receivable.paid_minor, 0)
    split = list(receivable.parts or ())
    minors = [
        parts.due_into(session, receivable, account_digits(part["pay_to"]["account"])).minor
        for part in split
    ]
    rest = max(left - sum(minors), 0)
    if split:
        rest = min(rest, session.get_one(Pool, receivable.pool_id).free_minor)
    found = [Due(parties.party(session, receivable.creditor_id), receivable.pay_to or {}, rest)]
    for part, minor in zip(split, within(minors, left), strict=True):
        payee = parties.party_by_uscc(session, part["payee"])
        assert payee is not None, "whoever has a part is registered"
        found.append(Due(payee, part["pay_to"], minor))
    return {due.payee.id: due for due in found}


def within(dues: Sequence[int], left: int) -> list[int]:
    """Return what may be paid of each of several dues, in fen, with so much left in all.

    Where less is left than they come to, each may have what is left beside the others, which may be nothing: who has
    to stand back is not the payer's to say.
    """
    short = max(sum(dues) - left, 0)
    return [max(due - short, 0) for due in dues]


def _initiation(
    identity: UUID,
    debtor: Party,
    account: Account,
    lines: Sequence[Line],
    *,
    execute_on: date,
    now: datetime,
) -> pain.Initiation:
    transfers = [
        pain.Transfer(
            end_to_end=_named(line),
            amount=line.amount,
            to=holder(line.due.pay_to, line.due.payee.uscc),
            remittance=f"{line.receivable.line_no} {line.receivable.contract_no or ''}",
        )
        for line in lines
    ]
    currencies = sorted({transfer.amount.currency for transfer in transfers})
    if len(currencies) > 1:
        raise CurrencyMismatch(left=currencies[0], right=currencies[1])
    return pain.Initiation(
        message_id=message_id(identity),
        created_at=now,
        execute_on=execute_on,
        debtor=holder(account.to_json(), debtor.uscc),
        transfers=transfers,
    )


def _named(line: Line) -> str:
    """Return a transfer's EndToEndId: the claim's, or a part's."""
    payee = line.due.payee.id
    own = payee == line.receivable.creditor_id
    return end_to_end_id(line.receivable.id, None if own else payee)


def holder(account: Mapping[str, Any], code: str) -> pain.Holder:
    """Return an account's holder; the name is the account's own, the code its owner's."""
    return pain.Holder(
        account["name"], code, account["account"], account["bank"], account["bank_uscc"]
    )


def require_mandate(
    session: Session, debtor: Party, signer: Signer, step: str, total: Money, *, now: datetime
) -> None:
    """Hold a person who makes or checks an order to its mandate and limit. Raises what mandates raise."""
    signing_rules.check_party(debtor, ACT)
    mandate = parties.mandate(session, signer.mandate, lock=True)
    signing_rules.check_mandate(
        mandate, party=debtor.id, person=signer.person, act=ACT, step=step, now=now
    )
    signing_rules.check_limit(mandate, total)
