"""Celery's settings and what falls due when: `celery -A scf_workers.schedule beat`.

Kept apart from the tasks: the clock needs none of what they import, and starts in a fraction of the time.
"""

import logging

from celery import Celery

from scf.kernel import logs
from scf.settings import Settings

TURN_SECONDS = 0.5  # between two looks at the outbox and at the chain
VISIBILITY_SECONDS = 30  # an unfinished message comes back; longer than any task may take
TASK_SECONDS_MAX = 20

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
        "jobs": {"task": "jobs", "schedule": TURN_SECONDS, "options": {"expires": 2}},
        "match": {"task": "match", "schedule": 5.0, "options": {"expires": 5}},
        "bank": {"task": "bank", "schedule": 5.0, "options": {"expires": 5}},
        "reckon": {"task": "reckon", "schedule": 5.0, "options": {"expires": 5}},
        "hold": {"task": "hold", "schedule": 5.0, "options": {"expires": 5}},
        "watch": {"task": "watch", "schedule": 5.0, "options": {"expires": 5}},
        "quote": {"task": "quote", "schedule": 60.0, "options": {"expires": 60}},
        "mark": {"task": "mark", "schedule": 30.0, "options": {"expires": 30}},
        "lapse": {"task": "lapse", "schedule": 10.0, "options": {"expires": 10}},
        "forget": {"task": "forget", "schedule": 3600.0, "options": {"expires": 600}},
    },
)
