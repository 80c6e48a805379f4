"""What time brings about: the lapse of what nobody took up, and the end of what was kept long enough."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import delete

from scf.approvals import work as approvals
from scf.blind import effects as blind
from scf.collateral import effects as collateral
from scf.confirmations import clock as confirmations
from scf.db.outbox import Effect, EffectContext
from scf.db.session import DatabaseBusy
from scf.devices import effects as devices
from scf.feed import daily, deliveries
from scf.http import idempotency
from scf.http.auth import AccessToken
from scf.pledges import effects as pledges
from scf.pledges import realising
from scf.prices import port as prices
from scf.programmes import invitations
from scf.receipts import amending as receipts
from scf.receivables import effects as receivables
from scf.registrations import clock as registrations
from scf.settlement import effects as settlement
from scf.settlement.bank import BankUnavailable
from scf.stocktakes import effects as stocktakes
from scf.transit import effects as transit

log = structlog.get_logger()
EFFECTS_KEPT: Final = timedelta(days=30)  # done ones, for whoever asks what happened


def lapse(context: EffectContext) -> None:
    """End what nobody took up in time, and ask again for what has waited too long."""
    pledges.expire_proposals(context)
    pledges.resume(context)
    realising.turn(context)
    registrations.turn(context)
    receipts.turn(context)
    invitations.expire(context)
    receivables.lapse(context)
    approvals.settle_days(context)
    daily.turn(context)


def reckon(context: EffectContext) -> None:
    """Remind debtors of what they were asked to confirm, and tell when their time is over."""
    confirmations.turn(context)


def quote(context: EffectContext) -> None:
    """Ask price services for what is new."""
    prices.turn(context)


def mark(context: EffectContext) -> None:
    """Mark pledged goods once a day, and move the margin calls that marks and deadlines move."""
    collateral.turn(context)


def hold(context: EffectContext) -> None:
    """End holds of outside banks that ran out, and learn the tokens of papers that came in."""
    blind.turn(context)


def watch(context: EffectContext) -> None:
    """Hold what devices said to the book and to fences, turn it into events, and take stocktakes a step further."""
    for turn in (devices.turn, stocktakes.turn, transit.turn):
        try:
            turn(context)
        except DatabaseBusy:
            raise
        except Exception:  # one that fails blinds no other
            log.exception("turn.defect", task=turn.__module__)


def bank(context: EffectContext) -> None:
    """Hear what became of payment orders, and what banks tell; a bank that is away is asked again."""
    with suppress(BankUnavailable):
        settlement.follow(context)


def forget(context: EffectContext) -> None:
    """Delete answers to old commands, dead tokens, effects done long ago and readings kept for long enough."""
    now = context.clock.real()
    devices.keep_months(context)
    with context.database.transaction() as session:
        idempotency.forget(session, now=now)
        deliveries.forget(session, now=now)
        session.execute(delete(AccessToken).where(AccessToken.expires_at < now))
        session.execute(
            delete(Effect).where(Effect.done_at < now - EFFECTS_KEPT, Effect.error.is_(None))
        )
