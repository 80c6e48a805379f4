"""Looking events up, and where they stand."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.log import LogClosed
from scf.evidence.models import ChainHome, Checkpoint, Event, LogEntry, LogHead
from scf.http.metrics import gauge
from scf.kernel.errors import NotFound


class EventNotFound(NotFound):
    """An event is shown to its parties only."""

    code = "event.not_found"
    title = "未找到该事件"
    title_en = "No such event"


def head(session: Session) -> LogHead:
    """Return the log's own row. Raises LogClosed."""
    found: LogHead | None = session.scalar(select(LogHead))
    if found is None:
        raise LogClosed
    return found


def chain_home(session: Session) -> ChainHome | None:
    """Return where the log is anchored, once the contracts are there."""
    return session.scalar(select(ChainHome))


def event(session: Session, identity: UUID) -> Event:
    """Return an event. Raises EventNotFound."""
    found = session.scalar(select(Event).where(Event.id == identity))
    if found is None:
        raise EventNotFound
    return found


def event_by_hash(session: Session, body_hash: bytes) -> Event:
    """Return the event with this body. Raises EventNotFound."""
    found = session.scalar(select(Event).where(Event.body_hash == body_hash))
    if found is None:
        raise EventNotFound
    return found


def history(session: Session, subject_id: UUID, *, up_to: int | None = None) -> list[Event]:
    """Return a subject's events in the order of their versions, the first `up_to` of them."""
    query = select(Event).where(Event.subject_id == subject_id).order_by(Event.version)
    return list(session.scalars(query.where(Event.version <= up_to) if up_to else query))


def index_of(session: Session, identity: UUID) -> int | None:
    """Return an event's place in the log, None while it waits."""
    return session.scalar(select(LogEntry.index).where(LogEntry.event_id == identity))


def first_covering(session: Session, index: int) -> Checkpoint | None:
    """Return the oldest published head with this entry under it, None while there is none."""
    covering = select(Checkpoint).where(Checkpoint.size > index).order_by(Checkpoint.size)
    return session.scalar(covering.limit(1))


gauge("scf_log_size", "Entries in the log", "SELECT size FROM log_head")
gauge("scf_events_waiting", "Events not yet in the log", "SELECT count(*) FROM event_queue")
gauge(
    "scf_log_anchored_size",
    "Entries under the newest anchored head",
    "SELECT coalesce(max(a.size), 0) FROM anchors a"
    " JOIN chain_transactions t ON t.id = a.transaction_id WHERE t.state = 'final'",
)
gauge(
    "scf_chain_transactions",
    "Chain transactions by state",
    "SELECT state, count(*) FROM chain_transactions GROUP BY state",
)
gauge(
    "scf_chain_oldest_open_seconds",
    "Age of the oldest chain transaction that is not final",
    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
    " FROM chain_transactions WHERE state NOT IN ('final', 'failed')",
)
gauge(
    "scf_outbox_waiting",
    "Effects not yet brought about, by kind",
    "SELECT kind, count(*) FROM outbox WHERE done_at IS NULL GROUP BY kind",
)
gauge(
    "scf_outbox_given_up",
    "Effects that ended with an error, by kind",
    "SELECT kind, count(*) FROM outbox WHERE done_at IS NOT NULL AND error IS NOT NULL"
    " GROUP BY kind",
)
gauge(
    "scf_outbox_oldest_seconds",
    "Age of the oldest effect not yet brought about",
    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
    " FROM outbox WHERE done_at IS NULL",
)
