"""The clock's turn: every agreement marked once a day, and what marks and deadlines make of margin calls."""

import time
from typing import Final

import structlog

from scf.collateral import agreements, alarms, calling, marking
from scf.collateral.models import ControlAgreement
from scf.db.outbox import EffectContext
from scf.db.session import DatabaseBusy
from scf.evidence import service as evidence
from scf.kernel.errors import SCFError
from scf.kernel.ids import public_id

log = structlog.get_logger()
SLICE: Final = 2_000  # agreements of one transaction
TURN_SECONDS: Final = 10.0  # of a worker's time; the next turn goes on


def turn(context: EffectContext) -> None:
    """Mark what has no mark of today, then move the calls that it moves; stopped anywhere, the next turn goes on."""
    ends = time.monotonic() + TURN_SECONDS
    marked, of_turn = SLICE, 0
    while marked == SLICE and time.monotonic() < ends:
        with context.database.transaction() as session:
            marked = marking.mark_slice(session, now=context.clock.now(), size=SLICE)
            of_turn += marked
            if of_turn and marked < SLICE:  # with the last of the day's marks
                alarms.concentration(session, now=context.clock.now())
    with context.database.reading() as session:
        due = calling.due(session, now=context.clock.now(), size=SLICE)
    for identity in due:
        if time.monotonic() > ends:
            return
        try:
            with context.database.transaction() as session:
                agreement = evidence.lock(session, ControlAgreement, identity)
                calling.judge(session, agreement, now=context.clock.now())
        except DatabaseBusy:
            raise
        except SCFError as error:  # such as holidays not yet published, of this one's deadline
            control = public_id(agreements.PREFIX, identity)
            log.warning("margin_call.put_off", agreement=control, error=error.line())
