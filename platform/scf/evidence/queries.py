"""Looking events up, and where they stand."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import Session

from scf.evidence.log import LogClosed
from scf.evidence.models import ChainHome, Checkpoint, Event, LogEntry, LogHead, PartyEvent
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


FEED_WINDOW: Final = 10_000  # of a party's events that one page of its feed looks through
ALL_TYPES: Final = "*"


def of_types(type_: ColumnElement[str], wanted: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a type is one of these: `pledge.released`, `pledge.*`, `*`."""
    families = [one.removesuffix(ALL_TYPES) for one in wanted if one.endswith(f".{ALL_TYPES}")]
    return or_(
        literal(ALL_TYPES in wanted),
        type_.in_([one for one in wanted if ALL_TYPES not in one]),
        *(type_.startswith(family, autoescape=True) for family in families),
    )


def feed(
    session: Session,
    party_id: UUID,
    *,
    after: int,
    size: int,
    types: Sequence[str] = (ALL_TYPES,),
    only: ColumnElement[bool] | None = None,
) -> tuple[list[tuple[Event, int]], int]:
    """Return a party's events behind a log index, oldest first, and the index to go on from.

    Of these types, and as `only` says of the event. A page looks through so many of the party's events at
    most: it may be short or empty and yet not the last, as the index tells.
    """
    until = head(session).size - 1
    window = (
        select(PartyEvent.index, PartyEvent.event_id, PartyEvent.type)
        .where(PartyEvent.party_id == party_id, PartyEvent.index > after, PartyEvent.index <= until)
        .order_by(PartyEvent.index)
        .limit(FEED_WINDOW)
        .subquery()
    )
    wanted = (
        select(Event, window.c.index)
        .join(window, window.c.event_id == Event.id)
        .where(of_types(window.c.type, types))
        .order_by(window.c.index)
        .limit(size)
    )
    rows = session.execute(wanted if only is None else wanted.where(only)).all()
    found = [(event, index) for event, index in rows]
    if len(found) == size:
        return found, found[-1][1]
    looked_at, last = session.execute(select(func.count(), func.max(window.c.index))).one()
    return found, last if looked_at == FEED_WINDOW else max(until, after)


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
