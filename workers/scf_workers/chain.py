"""The sender's turn: what is open goes one step further, and the newest head is asked to be anchored."""

from datetime import timedelta
from functools import cache
from typing import Final

import structlog

from scf.db.outbox import EffectContext
from scf.evidence.chain import anchor_newest
from scf.evidence.contracts import make_sender
from scf.evidence.sender import Sender
from scf.kernel.errors import Unavailable
from scf_ledger.chain.errors import ChainError

IDLE: Final = timedelta(seconds=2)  # lost blocks are noticed so soon, and an idle chain left alone

log = structlog.get_logger()


@cache
def sender(context: EffectContext) -> Sender:
    """Return this process's sender."""
    return make_sender(context.settings, context.database, idle=IDLE)


def advance(context: EffectContext) -> None:
    """Do what can be done now; what the chain does not answer is for the next turn."""
    try:
        anchor_newest(context.database, sender(context).chain, context.clock)
        sender(context).advance()
    except (ChainError, Unavailable) as error:
        log.warning("chain.unanswered", code=error.code, **error.fields)
