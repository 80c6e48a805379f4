"""Making the feeds again from the log: `party_events` says nothing that log entries and events do not say.

Stretch by stretch, each in a transaction of its own beside everything else that runs, with the place kept:
a rebuild that was killed goes on where it was. A row that says something else than the events goes; to the
rest of the platform the table stays append-only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from scf.db.session import Database
from scf.evidence import queries as evidence
from scf.evidence.models import PartyEvent
from scf.feed.webhook_models import FeedCursor

STRETCH: Final = 50_000
"""Log entries of one transaction: seconds of work, well below the time a statement has."""
CURSOR: Final = "rebuild"
END: Final = 2**63 - 1

_DIFFERENT: Final = text("""
WITH told AS (
  SELECT DISTINCT unnest(e.parties) AS party_id, l.index, e.id AS event_id, e.type
  FROM log_entries l JOIN events e ON e.id = l.event_id
  WHERE l.index BETWEEN :first AND :last
), stored AS (
  SELECT party_id, index, event_id, type FROM party_events WHERE index BETWEEN :first AND :last
)
SELECT party_id, index, stored.event_id, stored.type, told.event_id, told.type
FROM stored FULL JOIN told USING (party_id, index)
WHERE (stored.event_id, stored.type) IS DISTINCT FROM (told.event_id, told.type)
ORDER BY index, party_id LIMIT :most
""")
_TAKE_AWAY: Final = text(
    "DELETE FROM party_events WHERE party_id = :at_party AND index = :at_index"
)
_GUARD: Final = "ALTER TABLE party_events {} TRIGGER party_events_append_only"


@dataclass(frozen=True, slots=True)
class Row:
    """What a feed says, or should say, at a place: which event, of which type."""

    event_id: UUID
    type: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A place in a party's feed where what is stored is not what the events say; None is no row."""

    party_id: UUID
    index: int
    stored: Row | None
    told: Row | None


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found from `first` to `last`, and changed: rows added, rows taken away."""

    first: int
    last: int
    added: int = 0
    removed: int = 0
    difference: Difference | None = None


def differences(
    session: Session, first: int = -END, last: int = END, *, most: int | None = None
) -> list[Difference]:
    """Return where feeds differ from the events, by log index; `first` and `last` are included."""
    found = session.execute(_DIFFERENT, {"first": first, "last": last, "most": most})
    return [
        Difference(party_id, index, stored and Row(stored, a), told and Row(told, b))
        for party_id, index, stored, a, told, b in found
    ]


def rebuild(
    database: Database,
    *,
    stretch: int = STRETCH,
    heard: Callable[[Rebuilt], None] = lambda _: None,
) -> Rebuilt:
    """Make every feed again, from where the last rebuild was stopped; `heard` after each stretch.

    At the end the place is forgotten: the next one begins at the beginning. Raises DatabaseBusy.
    """
    done: Rebuilt | None = None
    while True:
        with database.transaction() as session:
            cursor = _cursor(session)
            done = done or Rebuilt(cursor.index + 1, cursor.index)
            size = evidence.head(session).size
            last = cursor.index + stretch
            over = last >= size - 1
            # What lies outside the log belongs to the first stretch or the last one.
            first = cursor.index + 1 if cursor.index >= 0 else -END
            _mend(session, first, END if over else last, done)
            done.last = size - 1 if over else last
            cursor.index = -1 if over else last
        heard(done)
        if over:
            return done


def _mend(session: Session, first: int, last: int, done: Rebuilt) -> None:
    """Bring a stretch to what the events say, and look again."""
    found = differences(session, first, last)
    if not found:
        return
    done.difference = done.difference or found[0]
    wrong = [one for one in found if one.stored is not None]
    if wrong:
        session.execute(text(_GUARD.format("DISABLE")))
        places = [{"at_party": one.party_id, "at_index": one.index} for one in wrong]
        session.connection().execute(_TAKE_AWAY, places)
        session.execute(text(_GUARD.format("ENABLE")))
    rows = [
        {
            "party_id": one.party_id,
            "index": one.index,
            "event_id": one.told.event_id,
            "type": one.told.type,
        }
        for one in found
        if one.told is not None
    ]
    if rows:
        session.execute(insert(PartyEvent), rows)
    assert not differences(session, first, last), "what was made from the events is what they say"
    done.added += len(rows)
    done.removed += len(wrong)


def _cursor(session: Session) -> FeedCursor:
    """Return the locked place of the rebuild, at the beginning where there was none."""
    new = postgresql.insert(FeedCursor).values(name=CURSOR, index=-1).on_conflict_do_nothing()
    session.execute(new)
    return session.scalars(
        select(FeedCursor)
        .where(FeedCursor.name == CURSOR)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
