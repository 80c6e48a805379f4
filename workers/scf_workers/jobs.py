"""The one table from kinds of jobs to what does them, and a worker's turn at them."""

from collections.abc import Mapping
from typing import Final

from scf.db.outbox import EffectContext
from scf.jobs import running
from scf.jobs.running import Kind
from scf.receivables import upload_jobs

TURN_SECONDS: Final = 1.0
"""A worker's time at jobs before it looks at other work again; a slice under way is finished."""

KINDS: Final[Mapping[str, Kind]] = {**upload_jobs.KINDS}


def jobs_turn(context: EffectContext) -> None:
    """Advance jobs for a while."""
    running.turn(context.database, KINDS, context.clock, seconds=TURN_SECONDS)
