"""Celery's tasks: `celery -A scf_workers.app worker`.

Nothing is kept in the broker that is not in PostgreSQL too: an emptied broker loses no work.
"""

from functools import cache

from scf.db.outbox import EffectContext
from scf.db.session import Database
from scf.receivables.upload_jobs import match_waiting
from scf_workers import chain, clocks, relay
from scf_workers.effects import HANDLERS
from scf_workers.jobs import jobs_turn
from scf_workers.schedule import app, settings

POOL_SIZE = 3  # database connections of one worker process


@cache
def context() -> EffectContext:
    """Return what this worker process works with; made after the fork, at the first task."""
    database = Database(settings.database_url, pool_size=POOL_SIZE)
    return EffectContext(database, settings, settings.clock)


@app.task(name="relay")
def relay_turn(**_later: object) -> None:
    """Hand over what is due."""
    relay.relay(context().database, lambda identity: effect.delay(effect_id=identity))


@app.task(name="effect")
def effect(*, effect_id: int, **_later: object) -> None:
    """Bring one effect about."""
    relay.bring_about(context(), effect_id, HANDLERS)


@app.task(name="chain")
def chain_turn(**_later: object) -> None:
    """Give the sender its turn."""
    chain.advance(context())


@app.task(name="jobs")
def jobs(**_later: object) -> None:
    """Advance what is long."""
    jobs_turn(context())


@app.task(name="match")
def match(**_later: object) -> None:
    """Turn uploaded lines into receivables whose invoices have come."""
    match_waiting(context())


@app.task(name="bank")
def bank(**_later: object) -> None:
    """Hear from the bank."""
    clocks.bank(context())


@app.task(name="reckon")
def reckon(**_later: object) -> None:
    """Count the days of requests for confirmation."""
    clocks.reckon(context())


@app.task(name="hold")
def hold(**_later: object) -> None:
    """End what outside banks held for long enough."""
    clocks.hold(context())


@app.task(name="watch")
def watch(**_later: object) -> None:
    """Look after what devices say of goods."""
    clocks.watch(context())


@app.task(name="quote")
def quote(**_later: object) -> None:
    """Hear from price services."""
    clocks.quote(context())


@app.task(name="mark")
def mark(**_later: object) -> None:
    """Mark pledged goods, and call for what they lack."""
    clocks.mark(context())


@app.task(name="lapse")
def lapse(**_later: object) -> None:
    """End what has lapsed, and wake what waits."""
    clocks.lapse(context())


@app.task(name="forget")
def forget(**_later: object) -> None:
    """Let go of what has been kept long enough."""
    clocks.forget(context())
