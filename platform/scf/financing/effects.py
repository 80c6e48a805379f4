"""What the workers do for financings: hear that a pledge is over, and draw the consequence."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from scf.db.outbox import EffectContext, Handler
from scf.evidence import service as evidence
from scf.financing import receipts, service
from scf.financing.models import Financing, State
from scf.pledges import rules as pledge_rules
from scf.pledges import service as pledges
from scf.pledges.models import OVER

PLEDGE_OVER: Final = "其他：质押未能设立或已解除"


def on_pledge_ended(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Close what is repaid and released; decline what was contracted on a pledge that is no more.

    An offer whose pledge was given up before it was signed still stands: another may be proposed.
    """
    pledge_id, now = UUID(payload["pledge_id"]), context.clock.now()
    with context.database.transaction() as session:
        identity = session.scalar(select(Financing.id).where(Financing.pledge_id == pledge_id))
        if identity is None:
            return
        financing = evidence.lock(session, Financing, identity)
        receipts.close_if_done(session, financing, now=now)
        pledge = pledges.lock(session, pledge_id)
        if pledge.state in OVER and financing.state is State.CONTRACTED:
            service.decline(session, financing, reason=PLEDGE_OVER, now=now, actor=None)


HANDLERS: Final[Mapping[str, Handler]] = {
    pledge_rules.ENDED: on_pledge_ended,
}
