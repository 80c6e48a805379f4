"""What the workers do with a bank: send approved orders, ask what became of them, fetch its reports."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, Handler
from scf.kernel.errors import Refused
from scf.parties import queries as parties
from scf.settlement import entries, orders
from scf.settlement.bank import (
    AnswerUnreadable,
    BankRefused,
    FileState,
    FileStatus,
    HttpBank,
    Issued,
)
from scf.settlement.camt import Message, parse
from scf.settlement.models import BankFeed, OrderState, PaymentOrder

BATCH: Final = 200
FEED: Final = "bank"
OPEN: Final = (OrderState.SENT, OrderState.ACCEPTED)

log = structlog.get_logger()


def send(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Send an approved order. That it is sent is stored before it is tried; its MsgId makes it once."""
    order_id = UUID(payload["order_id"])
    with context.database.transaction() as session:
        order = _locked(session, order_id)
        if order.state is OrderState.APPROVED:
            order.move(OrderState.SENT, now=context.clock.now())
        if order.state is not OrderState.SENT:
            return
        body, message_id = order.body, order.message_id
    with HttpBank(context.settings.bank_url) as bank:
        try:
            status = bank.submit(body, message_id)
        except BankRefused as error:
            reason = str(error.fields.get("bank_code"))
            status = FileStatus(message_id, FileState.REJECTED, reason)
    _learn(context, order_id, status)


def follow(context: EffectContext) -> int:
    """Ask what became of orders that the bank has, and fetch its reports; return how many. For a clock.

    Raises BankUnavailable.
    """
    with context.database.reading() as session:
        open_ = session.execute(
            select(PaymentOrder.id, PaymentOrder.message_id)
            .where(PaymentOrder.state.in_(OPEN))
            .order_by(PaymentOrder.execute_on, PaymentOrder.id)
            .limit(BATCH)
        ).all()
        done = session.scalar(select(BankFeed.fetched).where(BankFeed.name == FEED)) or 0
    with HttpBank(context.settings.bank_url) as bank:
        for order_id, message_id in open_:
            try:
                status = bank.status(message_id)
            except (BankRefused, AnswerUnreadable) as error:
                # It is asked again, and holds nothing else up.
                log.warning("payment_order.status_refused", order=str(order_id), error=error.line())
                continue
            if status is not None:
                _learn(context, order_id, status)
        issued = _issued(bank, done)
    for one in issued:
        _take_in(context, one)
    return len(issued)


def _issued(bank: HttpBank, done: int) -> Sequence[Issued]:
    """Fetch what the bank issued since. Raises BankUnavailable, and says so where an answer makes no sense."""
    try:
        return bank.issued(done)
    except AnswerUnreadable as error:
        log.warning("bank_reports.unreadable", after=done, error=error.line())
        raise


def _learn(context: EffectContext, order_id: UUID, status: FileStatus) -> None:
    """Take over what the bank says of an order."""
    now = context.clock.now()
    with context.database.transaction() as session:
        order = _locked(session, order_id)
        if order.state not in OPEN:
            return
        if status.state is FileState.REJECTED:
            order.move(OrderState.REJECTED, now=now, problem=status.reason)
            return
        if order.state is OrderState.SENT:
            order.move(OrderState.ACCEPTED, now=now)
            session.flush()
        if status.state is FileState.EXECUTED:
            order.move(OrderState.EXECUTED, now=now)


def _take_in(context: EffectContext, issued: Issued) -> None:
    """Record one report of the bank's feed, once, in the feed's order."""
    try:
        message: Message | None = parse(issued.body)
    except Refused as error:
        log.warning(
            "bank_report.refused", number=issued.number, code=error.code, error=error.line()
        )
        message = None

    def take(session: Session) -> None:
        session.execute(insert(BankFeed).values(name=FEED, fetched=0).on_conflict_do_nothing())
        feed = session.scalars(
            select(BankFeed).where(BankFeed.name == FEED).with_for_update()
        ).one()
        if feed.fetched >= issued.number:
            return
        feed.fetched = issued.number
        if message is None:
            return
        bank = parties.party_by_uscc(session, message.reports[0].servicer)
        if bank is None or any(r.servicer != bank.uscc for r in message.reports):
            log.info("bank_report.of_a_stranger", number=issued.number)
            return
        entries.record(session, bank, message, issued.body, now=context.clock.now())

    context.database.run(take)


def _locked(session: Session, order_id: UUID) -> PaymentOrder:
    statement = select(PaymentOrder).where(PaymentOrder.id == order_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one()


HANDLERS: Final[Mapping[str, Handler]] = {orders.SEND: send}
