"""Payment orders that pay something else than receivables: one transfer to one payee, told of by the payee's bank.

Drafted here, approved, sent and followed as any other order; its EndToEndId is its own MsgId. The payee's bank tells
that the money came in, or that it went back; whoever asked for the order is told so through the outbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.http.auth import Actor
from scf.kernel.ids import IdInvalid, new_id, parse_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties.models import Party
from scf.parties.signing import Signer
from scf.receivables.accounts import account_digits
from scf.receivables.service import Account
from scf.settlement import orders, pain
from scf.settlement.camt import Direction
from scf.settlement.models import (
    BankEntry,
    EntryState,
    PaymentOrder,
    PaymentOrderEntry,
    PaymentOrderTransfer,
)

TOLD: Final = "payment_order.told"
"""The effect by which whoever asked for an order learns that a bank told of it."""
OTHER_AMOUNT: Final = "金额与付款指令不一致 another amount than the order's"
OTHER_BANK: Final = "账户并非由该银行开立 the account is kept by another bank"
OTHER_CURRENCY: Final = "币种与付款指令不一致 another currency than the order's"
NOTHING_CAME: Final = "未找到被冲回的付款 nothing of this order came in that could go back"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be paid to whom, and what is written on it."""

    payee: Party
    amount: Money
    pay_to: Mapping[str, Any]
    remittance: str


def draft(
    session: Session,
    actor: Actor,
    wanted: Wanted,
    *,
    account: Account,
    execute_on: date,
    maker: Signer,
    now: datetime,
) -> PaymentOrder:
    """Put one transfer of the caller's into a payment file. Raises DayUnfit, AccountUnfit, and what mandates raise."""
    orders.require_day(execute_on, now)
    debtor = parties.active_party(session, actor.party)
    identity = new_id()
    message_id = orders.message_id(identity)
    transfer = pain.Transfer(
        end_to_end=message_id,
        amount=wanted.amount,
        to=orders.holder(wanted.pay_to, wanted.payee.uscc),
        remittance=wanted.remittance,
    )
    initiation = pain.Initiation(
        message_id=message_id,
        created_at=now,
        execute_on=execute_on,
        debtor=orders.holder(account.to_json(), debtor.uscc),
        transfers=[transfer],
    )
    order = orders.keep(session, identity, debtor, account, initiation, maker=maker, now=now)
    session.add(
        PaymentOrderTransfer(
            order_id=order.id,
            payee_id=wanted.payee.id,
            amount_minor=wanted.amount.minor,
            pay_to=dict(wanted.pay_to),
        )
    )
    session.flush()
    return order


def of(session: Session, order_id: UUID) -> PaymentOrderTransfer | None:
    """Return what an order pays that is no receivable; None of an order that pays receivables."""
    return session.get(PaymentOrderTransfer, order_id)


def named(session: Session, row: BankEntry) -> PaymentOrderTransfer | None:
    """Return the transfer that an entry names by its EndToEndId, None where it names none."""
    identity = read_end_to_end(row.end_to_end)
    return None if identity is None else session.get(PaymentOrderTransfer, identity)


def read_end_to_end(text: str) -> UUID | None:
    """Return the order that a transfer is of by its EndToEndId, None where it is no order's."""
    name = text.strip().lower()
    if not name.startswith("pmo"):
        return None
    try:
        return parse_id("pmo", f"pmo_{name.removeprefix('pmo').lstrip('_-')}")
    except IdInvalid:
        return None


def take(session: Session, bank: Party, row: BankEntry, transfer: PaymentOrderTransfer) -> None:
    """Record what a bank tells of a transfer: it came in, or went back.

    The payee's bank tells; where that is not on the platform, the payer's, of its own side. Any other side is noted.
    What does not fit waits for a person, with the reason.
    """
    session.refresh(transfer, with_for_update=True)
    order = session.get_one(PaymentOrder, transfer.order_id)
    side = _side(session, row, order, transfer)
    if side is None:
        row.state = EntryState.NOTED
        return
    came_in = (row.direction is Direction.CREDIT) is (side is transfer.pay_to)
    problems = {
        OTHER_BANK: {bank.uscc, row.bank} != {side["bank_uscc"]},
        OTHER_CURRENCY: row.currency != order.currency,
        OTHER_AMOUNT: row.amount_minor != transfer.amount_minor,
        NOTHING_CAME: not came_in and received(session, order.id) < row.amount_minor,
    }
    row.problem = next((problem for problem, stands in problems.items() if stands), None)
    if row.problem is not None:
        return
    minor = row.amount_minor if came_in else -row.amount_minor
    session.add(PaymentOrderEntry(entry_id=row.id, order_id=order.id, amount_minor=minor))
    row.state = EntryState.RECORDED
    session.flush()
    enqueue(session, TOLD, order_id=order.id)


def _side(
    session: Session, row: BankEntry, order: PaymentOrder, transfer: PaymentOrderTransfer
) -> Mapping[str, str] | None:
    """Return whose account an entry is of, where that side is the one that tells."""
    if row.account == account_digits(transfer.pay_to["account"]):
        return transfer.pay_to
    there = parties.party_by_uscc(session, transfer.pay_to["bank_uscc"])
    if there is None and row.account == account_digits(order.account["account"]):
        return order.account
    return None


def received(session: Session, order_id: UUID) -> int:
    """Return what came in of an order's transfer and did not go back, in fen."""
    total = cast(func.coalesce(func.sum(PaymentOrderEntry.amount_minor), 0), BigInteger)
    return session.scalars(select(total).where(PaymentOrderEntry.order_id == order_id)).one()


def newest_entry(session: Session, order_id: UUID) -> BankEntry | None:
    """Return the newest entry by which a bank told of an order's transfer."""
    return session.scalar(
        select(BankEntry)
        .join(PaymentOrderEntry, PaymentOrderEntry.entry_id == BankEntry.id)
        .where(PaymentOrderEntry.order_id == order_id)
        .order_by(BankEntry.id.desc())
        .limit(1)
    )
