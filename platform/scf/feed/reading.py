"""Reading pledge records: all of a bank's in the order of the log, and one as it stood at a moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.evidence import log
from scf.evidence import queries as evidence
from scf.evidence.log import Covering
from scf.evidence.models import Event, LogEntry, Statement
from scf.evidence.service import SubjectNotFound
from scf.feed import folding, permissions
from scf.feed.folding import History, Standing, Told
from scf.feed.permissions import Action, Relation
from scf.kernel.errors import Invalid, NotFound
from scf.kernel.ids import parse_id, public_id
from scf.kernel.measure import Measure
from scf.kernel.quantity import read_measure
from scf.parties.models import Certificate
from scf.pledges.models import Pledge
from scf.pledges.notice_models import DebtorNotice
from scf.rules.models import RuleEvaluation
from scf_ledger.encoding import from_b64url
from scf_ledger.event_types import EVENT_TYPES

RECORDS: Final = ("pledge.*",)


class AheadOfLog(Invalid):
    """What is asked of lies in the log already, and not in the future."""

    code = "feed.ahead_of_log"
    title = "所查询的时点或日志序号尚未到达"
    title_en = "That moment, or that place in the log, has not come yet"


class NotYet(NotFound):
    """A pledge has a record from its first event in the log on."""

    code = "feed.not_yet"
    title = "该时点日志中尚无此质押"
    title_en = "The log did not have this pledge yet"


class TypeUnknown(Invalid):
    """A filter names events of pledges that there are: a misspelt one would hide records for ever."""

    code = "feed.type_unknown"
    title = "质押记录中没有此类事件"
    title_en = "Pledge records have no such event type"


@dataclass(frozen=True, slots=True)
class Moment:
    """Up to where events count: a place in the log, or a business time; neither: all."""

    index: int | None = None
    at: datetime | None = None

    def reaches(self, one: Told) -> bool:
        """Say whether an event lies before it, or at it."""
        return (self.index is None or one.index <= self.index) and (
            self.at is None or one.occurred_at <= self.at
        )


@dataclass(frozen=True, slots=True)
class PoolThen:
    """A pool of which the pledge held a part: its events, that part, and who stood on it by rank."""

    id: UUID
    history: History
    held: Measure
    standings: list[Standing]


@dataclass(frozen=True, slots=True)
class RecordThen:
    """A pledge as it stood, and what it rested on.

    `index` is the place of the newest event that counted, `log_size` the size of the log that was read.
    """

    pledge: Pledge
    relation: Relation
    history: History
    confirmation: Event
    confirmation_serials: Sequence[str]
    pools: Sequence[PoolThen]
    rules: Sequence[RuleEvaluation]
    covering: Covering | None
    index: int
    log_size: int


def records(
    session: Session, party_id: UUID, *, after: int, size: int, types: Sequence[str] = RECORDS
) -> tuple[list[tuple[Event, int]], int]:
    """Return every version of every pledge that a party holds, behind a log index, and where to go on.

    Raises TypeUnknown.
    """
    for one in types:
        if one not in (*RECORDS, *EVENT_TYPES):
            raise TypeUnknown(field="types", type=one)
    held = select(Pledge.id).where(Pledge.pledgee_id == party_id, Pledge.id == Event.subject_id)
    return evidence.feed(session, party_id, after=after, size=size, types=types, only=held.exists())


def record(session: Session, party_id: UUID, pledge_id: UUID, moment: Moment) -> RecordThen:
    """Return a pledge as it stood, told from events alone, to one of its parties.

    Rows say only which events to read. Raises SubjectNotFound, AheadOfLog, NotYet.
    """
    pledge, relation = visible(session, party_id, pledge_id, Action.VIEW_RECORD)
    size = evidence.head(session).size
    if moment.index is not None and moment.index >= size:
        raise AheadOfLog(field="as_of_index", as_of_index=moment.index, size=size)
    subjects = {pledge.id, pledge.pool_id, *pools.pools_of(session, pledge.id)}
    told = histories(session, subjects, moment)
    if pledge.id not in told:
        raise NotYet(pledge=public_id("plg", pledge.id))
    history = told.pop(pledge.id)
    confirmation = evidence.event_by_hash(
        session, from_b64url(history.told[0].record["receivable_event"])
    )
    newest = max(one.newest.index for one in (history, *told.values()))
    return RecordThen(
        pledge=pledge,
        relation=relation,
        history=history,
        confirmation=confirmation,
        confirmation_serials=_serials(session, confirmation),
        pools=_pools(session, pledge, history, told, moment),
        rules=_rules(session, pledge, party_id, moment.at or history.newest.occurred_at),
        covering=log.covering(session, newest + 1),
        index=newest,
        log_size=size,
    )


def visible(
    session: Session, party_id: UUID, pledge_id: UUID, action: Action
) -> tuple[Pledge, Relation]:
    """Return a pledge and what this party is to it. Raises SubjectNotFound, RecordNotAllowed."""
    pledge = session.get(Pledge, pledge_id)
    if pledge is None:
        raise SubjectNotFound
    return pledge, permissions.require(pledge, party_id, action)


def histories(session: Session, subjects: Collection[UUID], moment: Moment) -> dict[UUID, History]:
    """Return subjects' events that are in the log, up to a moment; who has none then is not there."""
    if not subjects:
        return {}
    rows = session.execute(
        select(
            *(Event.subject_id, Event.id, Event.type, Event.version, Event.occurred_at),
            *(Event.body_hash, LogEntry.index, Event.disclosures, Event.authorizations),
        )
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(Event.subject_id.in_(subjects))
        .order_by(Event.subject_id, Event.version)
    )
    whole = folding.split_by_subject((row[0], Told(*row[1:])) for row in rows)
    cut = {key: list(takewhile(moment.reaches, one.told)) for key, one in whole.items()}
    return {key: History(told) for key, told in cut.items() if told}


def _pools(
    session: Session,
    pledge: Pledge,
    history: History,
    known: dict[UUID, History],
    moment: Moment,
) -> list[PoolThen]:
    """Return the pools that a pledge stood on, with everybody who did."""
    own = list(known)
    while missing := _carried(known.values()) - known.keys():
        known |= histories(session, missing, moment) or dict.fromkeys(missing, History([]))
    held = {identity: _held(identity, known) for identity in own}
    me = public_id("plg", pledge.id)
    refs = {ref for one in held.values() for ref in one if ref.startswith("plg_")}
    ids = {parse_id("plg", ref): ref for ref in refs if ref != me}
    others = {ids[key]: told for key, told in histories(session, ids.keys(), moment).items()}
    arrived = _arrivals(session, {pledge.id: me, **ids}, moment)
    return [
        PoolThen(
            id=identity,
            history=known[identity],
            held=_measure(known[identity], held[identity].get(me, 0)),
            standings=folding.ranked(
                {
                    ref: _measure(known[identity], minor)
                    for ref, minor in held[identity].items()
                    if ref in refs
                },
                {me: history, **others},
                arrived,
            ),
        )
        for identity in sorted(own)
    ]


def _carried(known: Collection[History]) -> set[UUID]:
    """Return the earlier forms of a value, of which a part stands in these pools."""
    names = {ref for one in known if one.told for ref in folding.holders(one)}
    return {parse_id("cap", ref) for ref in names if ref.startswith("cap_")}


def _held(identity: UUID, known: dict[UUID, History]) -> dict[str, int]:
    """Return who holds how much of a pool, those behind what is carried in it named themselves."""
    found: dict[str, int] = {}
    for ref, minor in folding.holders(known[identity]).items():
        if not ref.startswith("cap_"):
            found[ref] = found.get(ref, 0) + minor
            continue
        left = minor
        for behind, part in _held(parse_id("cap", ref), known).items():
            taken = min(part, left)
            left -= taken
            if taken:
                found[behind] = found.get(behind, 0) + taken
    return found


def _arrivals(session: Session, pledges: dict[UUID, str], moment: Moment) -> dict[str, datetime]:
    """Return when the first notice of each pledge reached its debtor."""
    rows = session.execute(
        select(DebtorNotice.id, DebtorNotice.pledge_id).where(DebtorNotice.pledge_id.in_(pledges))
    )
    whose: dict[UUID, UUID] = dict(rows.all())
    found: dict[str, datetime] = {}
    for notice_id, told in histories(session, whose.keys(), moment).items():
        delivered = next((one for one in told.told if one.type == "debtor_notice.delivered"), None)
        if delivered is not None:
            ref = pledges[whose[notice_id]]
            found[ref] = min(found.get(ref, delivered.occurred_at), delivered.occurred_at)
    return found


def _measure(pool: History, minor: int) -> Measure:
    return read_measure(pool.newest.record["confirmed"]).like(minor)


def _serials(session: Session, event: Event) -> list[str]:
    """Return the serials of the certificates behind an event's signatures, in their order."""
    rows: Any = session.execute(
        select(Statement.authorization_hash, Certificate.serial)
        .join(Certificate, Certificate.id == Statement.certificate_id)
        .where(Statement.authorization_hash.in_(event.authorizations))
    )
    serials = dict(rows.all())
    return [serials[hash_] for hash_ in event.authorizations if hash_ in serials]


def _rules(
    session: Session, pledge: Pledge, party_id: UUID, at: datetime
) -> Sequence[RuleEvaluation]:
    """Return what pledge and claim were held to by then, as far as this party may read it."""
    subjects = [public_id("plg", pledge.id)]
    if pledge.receivable_id is not None:
        subjects.append(public_id("rcv", pledge.receivable_id))
    return session.scalars(
        select(RuleEvaluation)
        .where(
            RuleEvaluation.subject.in_(subjects),
            RuleEvaluation.at <= at,
            RuleEvaluation.parties.contains([party_id]),
        )
        .order_by(RuleEvaluation.id)
    ).all()
