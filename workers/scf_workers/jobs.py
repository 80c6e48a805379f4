"""A worker's turn at jobs."""

from typing import Final

from scf.db.outbox import EffectContext
from scf.jobs import running
from scf.receivables.upload_jobs import KINDS

TURN_SECONDS: Final = 1.0
"""A worker's time at jobs before it looks at other work again; a slice under way is finished."""


def jobs_turn(context: EffectContext) -> None:
    """Advance jobs for a while."""
    running.turn(context.database, KINDS, context.clock, seconds=TURN_SECONDS)
