"""Celery: `celery -A scf_workers.app worker` and one `beat`.

Nothing is kept in the broker that is not in PostgreSQL too: an emptied broker loses no work.
"""

import logging
from functools import cache

from celery import Celery

from scf.db.outbox import EffectContext
from scf.db.session import Database
from scf.kernel import logs
from scf.settings import Settings
from scf_workers import chain, clocks, relay
from scf_workers.effects import HANDLERS

TURN_SECONDS = 0.5  # between two looks at the outbox and at the chain
VISIBILITY_SECONDS = 30  # an unfinished message comes back; longer than any task may take
TASK_SECONDS_MAX = 20
POOL_SIZE = 3  # database connections of one worker process

logs.configure()
settings = Settings.load()

# Turns come twice a second: that they came is no news, what went wrong in one is.
for name in ("celery.app.trace", "celery.worker.strategy"):
    logging.getLogger(name).setLevel(logging.WARNING)
logging.getLogger("celery.beat").addFilter(lambda record: "due task" not in str(record.msg))

app = Celery("scf", broker=settings.redis_url)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=TASK_SECONDS_MAX,
    task_soft_time_limit=TASK_SECONDS_MAX - 2,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    # Without the two intervals the broker's own sweep for lost messages takes a hundred seconds.
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    timezone="UTC",
    beat_schedule={
        # A turn missed is not made up for: the next one sees everything.
        "relay": {"task": "relay", "schedule": TURN_SECONDS, "options": {"expires": 2}},
        "chain": {"task": "chain", "schedule": TURN_SECONDS, "options": {"expires": 2}},
        "lapse": {"task": "lapse", "schedule": 60.0, "options": {"expires": 60}},
        "forget": {"task": "forget", "schedule": 3600.0, "options": {"expires": 600}},
    },
)


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


@app.task(name="lapse")
def lapse(**_later: object) -> None:
    """End what has lapsed, and wake what waits."""
    clocks.lapse(context())


@app.task(name="forget")
def forget(**_later: object) -> None:
    """Let go of what has been kept long enough."""
    clocks.forget(context())
