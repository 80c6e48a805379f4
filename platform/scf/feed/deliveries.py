"""The queue of webhooks: what is to be sent to whom, taken, tried and tried again over three days."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.evidence import queries as evidence
from scf.feed.webhook_models import (
    DeliveryState,
    FeedCursor,
    State,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from scf.kernel.clock import instant_text
from scf.kernel.ids import public_id
from scf.tasks import kinds
from scf.tasks import service as tasks
from scf_ledger import canonical
from scf_ledger.event_types import EVENT_TYPES

CURSOR: Final = "webhooks"
CATCH_UP: Final = "webhook.catch_up"
"""The effect that goes on queueing what an endpoint missed."""
SPREAD_MAX: Final = 10_000  # log entries that one turn looks at
REPLAY_MAX: Final = 10_000  # deliveries that one replay queues
TAKEN_EACH: Final = 4  # deliveries under way to one endpoint
LEASE: Final = timedelta(seconds=60)  # longer than an attempt may take
PAUSES: Final = (
    *(timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2)),
    *(timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20)),
    timedelta(hours=24),
)
"""After the first attempt, the second …: the schedule of Standard Webhooks, 75 hours and 10 attempts."""
PATIENCE: Final = timedelta(hours=72)
"""Of failing without one success, before an endpoint is disabled."""
JITTER: Final = 0.1
RETRY_AFTER_MAX: Final = timedelta(hours=24)
ATTEMPTS_KEPT: Final = timedelta(days=30)
GONE: Final = 410

_MATCHES: Final = (
    "(p.type = ANY(w.types) OR split_part(p.type, '.', 1) || '.*' = ANY(w.types)"
    " OR '*' = ANY(w.types))"
)
_COLUMNS: Final = (
    "INSERT INTO webhook_deliveries"
    " (webhook_id, index, id, event_id, type, state, attempts, next_attempt_at, created_at)"
)
_VALUES: Final = (
    "w.id, p.index, gen_random_uuid(), p.event_id, p.type, 'waiting', 0,"
    " CASE WHEN w.state = 'active' THEN CAST(:now AS timestamptz) END, CAST(:now AS timestamptz)"
)
_SPREAD: Final = text(f"""
{_COLUMNS} SELECT {_VALUES}
FROM webhooks w JOIN party_events p ON p.party_id = w.party_id
WHERE p.index > :after AND p.index <= :until AND w.state IN ('active', 'paused') AND {_MATCHES}
ON CONFLICT DO NOTHING
""")  # noqa: S608 - of constants above
_AGAIN: Final = text(f"""
{_COLUMNS} SELECT {_VALUES}
FROM webhooks w JOIN party_events p ON p.party_id = w.party_id
WHERE w.id = :webhook_id AND p.index >= :first AND p.index <= :until AND {_MATCHES}
ORDER BY p.index LIMIT :most
ON CONFLICT (webhook_id, index) DO UPDATE SET state = 'waiting', attempts = 0, done_at = NULL,
  next_attempt_at = excluded.next_attempt_at
RETURNING index
""")  # noqa: S608
_TAKE: Final = text("""
UPDATE webhook_deliveries d SET attempts = attempts + 1,
  next_attempt_at = CAST(:now AS timestamptz) + :lease
FROM webhooks w CROSS JOIN LATERAL (
  SELECT id FROM webhook_deliveries
  WHERE webhook_id = w.id AND state = 'waiting' AND next_attempt_at <= :now
  ORDER BY next_attempt_at, index LIMIT :each FOR UPDATE SKIP LOCKED
) AS due, events e
WHERE w.state = 'active' AND w.id <> ALL(:busy) AND d.id = due.id AND e.id = d.event_id
RETURNING d.id, d.webhook_id, d.index, d.type, e.id, e.subject_id, e.occurred_at,
  w.url, w.key_number, w.previous_key_until
""")


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery under way, with all that sending it needs. `subject` is a public id."""

    id: UUID
    webhook_id: UUID
    index: int
    type: str
    event_id: UUID
    subject_id: UUID
    occurred_at: datetime
    url: str
    key_number: int
    previous_key_until: datetime | None

    def body(self, public_url: str) -> bytes:
        """Return the payload: thin, so that what is private is asked for with a token; always the same."""
        event = public_id("evt", self.event_id)
        kind = EVENT_TYPES[self.type]
        subject = public_id(kind.prefix, self.subject_id)
        links = {
            "event": f"{public_url}/v1/events/{event}",
            "proof": f"{public_url}/v1/events/{event}/proof",
        }
        if kind.subject == "pledge":
            path = f"{public_url}/v1/pledge-records/{subject}"
            links["record"] = f"{path}?as_of_index={self.index}"
        data = {"index": self.index, "event": event, "subject": subject, "links": links}
        at = instant_text(self.occurred_at)
        return canonical.encode({"type": self.type, "timestamp": at, "data": data})

    def key_numbers(self, now: datetime) -> list[int]:
        """Return the numbers of the keys that sign now, the newest first."""
        until = self.previous_key_until
        overlaps = until is not None and until > now
        return [self.key_number, self.key_number - 1] if overlaps else [self.key_number]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: an answer's status, or the problem that there was none."""

    status: int | None
    problem: str | None
    excerpt: str | None
    duration_ms: int
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """Say whether the receiver has taken it (2xx)."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


def lock_cursor(session: Session) -> FeedCursor:
    """Return how far events are queued; whoever changes what is queued takes turns here."""
    locked = select(FeedCursor).where(FeedCursor.name == CURSOR).with_for_update()
    found = session.scalar(locked)
    if found is None:
        session.execute(
            text(
                "INSERT INTO feed_cursors (name, index) VALUES (:name, -1) ON CONFLICT DO NOTHING"
            ),
            {"name": CURSOR},
        )
        found = session.scalars(locked).one()
    return found


def spread(session: Session, *, now: datetime) -> bool:
    """Queue what came into the log for every endpoint that wants it; say whether there is more."""
    cursor = lock_cursor(session)
    last = evidence.head(session).size - 1
    until = min(last, cursor.index + SPREAD_MAX)
    if until > cursor.index:
        session.execute(_SPREAD, {"after": cursor.index, "until": until, "now": now})
        cursor.index = until
    return until < last


def again(
    session: Session, webhook: Webhook, *, first: int, until: int, now: datetime
) -> list[int]:
    """Queue a stretch of the log (once more); return the indexes, `REPLAY_MAX` at most."""
    values = {"webhook_id": webhook.id, "first": first, "until": until, "now": now}
    return sorted(session.scalars(_AGAIN, {**values, "most": REPLAY_MAX}))


def catch_up(session: Session, webhook: Webhook, *, first: int, until: int, now: datetime) -> None:
    """Queue what an endpoint missed, `REPLAY_MAX` now and the rest by a worker, as often as it takes."""
    queued = again(session, webhook, first=first, until=until, now=now)
    if len(queued) == REPLAY_MAX:
        enqueue(session, CATCH_UP, webhook_id=webhook.id, first=queued[-1] + 1, until=until)


def take(session: Session, *, now: datetime, busy: Collection[UUID] = ()) -> list[Taken]:
    """Take what is due, a few for each endpoint that is not busy; theirs is the lease."""
    values = {"now": now, "lease": LEASE, "each": TAKEN_EACH, "busy": list(busy)}
    return [Taken(*row) for row in session.execute(_TAKE, values)]


def lock(session: Session, webhook_id: UUID) -> Webhook | None:
    """Return an endpoint, locked: before its deliveries, and before the cursor."""
    statement = select(Webhook).where(Webhook.id == webhook_id).with_for_update(key_share=True)
    return session.scalar(statement.execution_options(populate_existing=True))


def settle(session: Session, taken: Taken, outcome: Outcome, *, now: datetime) -> None:
    """Keep how an attempt ended, and what follows from it for the delivery and its endpoint."""
    webhook = lock(session, taken.webhook_id)
    assert webhook is not None, "endpoints are never taken out"
    row: WebhookDelivery = session.scalars(
        select(WebhookDelivery).where(WebhookDelivery.id == taken.id).with_for_update()
    ).one()
    session.add(
        WebhookAttempt(
            delivery_id=taken.id,
            at=now,
            duration_ms=outcome.duration_ms,
            status=outcome.status,
            problem=outcome.problem,
            excerpt=outcome.excerpt,
        )
    )
    if outcome.is_success:
        row.state, row.done_at, row.next_attempt_at = DeliveryState.DELIVERED, now, None
        webhook.failing_since = None
        return
    webhook.failing_since = webhook.failing_since or now
    if row.attempts > len(PAUSES):
        row.state, row.done_at, row.next_attempt_at = DeliveryState.FAILED, now, None
        if webhook.failing_since <= now - PATIENCE:
            disable(session, webhook, "failing", now=now)
    elif webhook.state is State.ACTIVE:
        row.next_attempt_at = now + pause(row.attempts, outcome.retry_after)
    if outcome.status == GONE:
        disable(session, webhook, "gone", now=now)


def pause(attempts: int, retry_after: timedelta | None) -> timedelta:
    """Return how long to wait after so many attempts; longer where the receiver asked for it."""
    planned = PAUSES[attempts - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311 - no secret
    return max(planned, min(retry_after or timedelta(), RETRY_AFTER_MAX))


def disable(session: Session, webhook: Webhook, reason: str, *, now: datetime) -> None:
    """Stop sending to an endpoint, and give its owner the task to mend it."""
    if webhook.state is not State.ACTIVE:
        return
    index = lock_cursor(session).index
    webhook.move(State.DISABLED, now=now)
    webhook.reason, webhook.stopped_at_index = reason, index
    session.flush()
    hold(session, webhook)
    tasks.raise_task(
        session,
        kinds.WEBHOOK_MEND,
        public_id("whk", webhook.id),
        party_id=webhook.party_id,
        role="integrator",
        due_on=None,
        now=now,
        occasion=instant_text(now),
        fields={"url": webhook.url, "reason": reason, "index": index},
    )


def hold(session: Session, webhook: Webhook) -> None:
    """Keep what waits for an endpoint from being sent."""
    _schedule(session, webhook, None)


def let_go(session: Session, webhook: Webhook, *, now: datetime) -> None:
    """Send what was held back."""
    _schedule(session, webhook, now)


def _schedule(session: Session, webhook: Webhook, at: datetime | None) -> None:
    session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.webhook_id == webhook.id,
            WebhookDelivery.state == DeliveryState.WAITING,
        )
        .values(next_attempt_at=at)
    )


def page(
    session: Session,
    webhook: Webhook,
    *,
    after: int,
    size: int,
    state: DeliveryState | None = None,
) -> Sequence[WebhookDelivery]:
    """Return an endpoint's deliveries behind a log index, oldest first."""
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.index > after)
        .order_by(WebhookDelivery.index)
        .limit(size)
    )
    if state is not None:
        statement = statement.where(WebhookDelivery.state == state)
    return session.scalars(statement).all()


def attempts(session: Session, delivery_id: UUID) -> Sequence[WebhookAttempt]:
    """Return what was tried of a delivery, oldest first."""
    made = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    return session.scalars(made.order_by(WebhookAttempt.id)).all()


def forget(session: Session, *, now: datetime) -> None:
    """Let go of attempts, and of deliveries that are over, after a month."""
    session.execute(delete(WebhookAttempt).where(WebhookAttempt.at < now - ATTEMPTS_KEPT))
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.done_at < now - ATTEMPTS_KEPT))
