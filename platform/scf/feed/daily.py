"""The T+1 file: after midnight in Shanghai each bank's records of the day, counted, summed, reconciled, signed.

The bytes follow from the log, the range that the row keeps and the file before: made again they are the same.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, func, select
from sqlalchemy.orm import Session

from scf.capacity.models import PoolEntry
from scf.db.outbox import EffectContext
from scf.evidence import keys
from scf.evidence import queries as evidence
from scf.evidence.models import Event, LogEntry, PartyEvent
from scf.evidence.service import SubjectNotFound
from scf.feed.daily_models import DailyFile
from scf.kernel.clock import business_date, instant_text, start_of
from scf.kernel.ids import public_id
from scf.kernel.measure import Measure
from scf.kernel.quantity import measure, read_measure
from scf.parties import queries as parties
from scf.pledges.models import Pledge
from scf_ledger import canonical
from scf_ledger.encoding import b64url
from scf_ledger.event import record_of
from scf_ledger.note import Signer

FORMAT: Final = "scf-daily/1"
GRACE: Final = timedelta(minutes=5)  # after midnight, for what is still on its way into the log
DAYS_MAX: Final = 31  # files of one bank that one turn makes
TAKEN: Final = "pledge.accepted"
OVER: Final = ("pledge.released", "pledge.cancelled")

Carried = dict[str, dict[str, str]]
"""Pledge -> the amount that was taken for it."""


def turn(context: EffectContext) -> None:
    """Make every file that is due. For a clock."""
    now = context.clock.now()
    with context.database.reading() as session:
        banks = list(session.scalars(select(Pledge.pledgee_id).distinct()))
    if not banks:
        return
    signer = keys.feed_key(context.settings)
    for party_id in sorted(banks):
        for _ in range(DAYS_MAX):
            with context.database.transaction() as session:
                if (
                    make_next(session, party_id, signer, context.settings.log_origin, now=now)
                    is None
                ):
                    break


def make_next(
    session: Session, party_id: UUID, signer: Signer, origin: str, *, now: datetime
) -> DailyFile | None:
    """Make a bank's next file where its day is over; None where there is none to make."""
    party = parties.party(session, party_id)
    session.refresh(party, with_for_update=True)
    before = session.scalar(
        select(DailyFile)
        .where(DailyFile.party_id == party_id)
        .order_by(DailyFile.day.desc())
        .limit(1)
    )
    day = before.day + timedelta(days=1) if before else _first_day(session, party_id)
    if day is None or now < start_of(day + timedelta(days=1)) + GRACE:
        return None
    first = next_index(before)
    last = _last_index(session, party_id, first, start_of(day + timedelta(days=1)))
    content = build(
        session,
        party_id,
        party.uscc,
        origin,
        day=day,
        first=first,
        last=last,
        opening=carried_over(before),
    )
    made = DailyFile(
        party_id=party_id,
        day=day,
        first_index=first,
        last_index=last,
        content=content,
        signature=sign(content, signer),
        made_at=now,
    )
    session.add(made)
    session.flush()
    return made


def next_index(before: DailyFile | None) -> int:
    """Return where the file after this one begins in the log."""
    return before.last_index + 1 if before else 0


def carried_over(before: DailyFile | None) -> Carried:
    """Return what the file after this one begins with."""
    records = json.loads(before.content)["carried"] if before else ()
    return {one["pledge"]: one["amount"] for one in records}


def build(
    session: Session,
    party_id: UUID,
    uscc: str,
    origin: str,
    *,
    day: date,
    first: int,
    last: int,
    opening: Carried,
) -> bytes:
    """Return the bytes of a file: from the log, its range and what was carried over."""
    records = _records(session, party_id, first, last)
    new = {
        _name(event): record_of(event.disclosures.split("~"))["amount"]
        for event, _ in records
        if event.type == TAKEN
    }
    over = [_name(event) for event, _ in records if event.type in OVER]
    ended = {name: one for name, one in {**opening, **new}.items() if name in over}
    expected = {name: one for name, one in {**opening, **new}.items() if name not in ended}
    stands = _standing(session, party_id, last)
    known = {**opening, **new}
    closing = {name: known.get(name, held) for name, held in stands.items()}
    return canonical.encode(
        {
            "format": FORMAT,
            "origin": origin,
            "party": uscc,
            "day": day.isoformat(),
            "first_index": first,
            "last_index": last,
            "counts": dict(Counter(event.type for event, _ in records)),
            "opening": _sum(opening.values()),
            "new": _sum(new.values()),
            "ended": _sum(ended.values()),
            "closing": _sum(closing.values()),
            "breaks": _breaks(expected, closing),
            "carried": [{"pledge": name, "amount": closing[name]} for name in sorted(closing)],
            "records": [_shown(event, index, day) for event, index in records],
        }
    )


def sign(content: bytes, signer: Signer) -> str:
    """Return a compact JWS with detached payload (RFC 7515, appendix F; EdDSA by RFC 8037)."""
    header = {"alg": "EdDSA", "kid": signer.verifier.key_id.hex(), "typ": "scf-daily+jws"}
    head = b64url(canonical.encode(header))
    signed = f"{head}.{b64url(content)}".encode()
    return f"{head}..{b64url(signer.private_key.sign(signed))}"


def page(session: Session, party_id: UUID, *, after: date | None, size: int) -> Sequence[DailyFile]:
    """Return a party's files, oldest first."""
    statement = select(DailyFile).where(DailyFile.party_id == party_id).order_by(DailyFile.day)
    if after is not None:
        statement = statement.where(DailyFile.day > after)
    return session.scalars(statement.limit(size)).all()


def of_day(session: Session, party_id: UUID, day: date) -> DailyFile:
    """Return a party's file of a day. Raises SubjectNotFound."""
    found = session.get(DailyFile, (party_id, day))
    if found is None:
        raise SubjectNotFound
    return found


def _first_day(session: Session, party_id: UUID) -> date | None:
    """Return the date of a bank's first record in the log."""
    found, _ = evidence.feed(session, party_id, after=-1, size=1, types=("pledge.*",))
    return business_date(found[0][0].occurred_at) if found else None


def _last_index(session: Session, party_id: UUID, first: int, end: datetime) -> int:
    """Return up to where a file goes: right before the party's first event of a later day."""
    later = session.scalar(
        select(PartyEvent.index)
        .join(Event, Event.id == PartyEvent.event_id)
        .where(PartyEvent.party_id == party_id, PartyEvent.index >= first, Event.occurred_at >= end)
        .order_by(PartyEvent.index)
        .limit(1)
    )
    return evidence.head(session).size - 1 if later is None else later - 1


def _records(session: Session, party_id: UUID, first: int, last: int) -> list[tuple[Event, int]]:
    rows = session.execute(
        select(Event, PartyEvent.index)
        .join(PartyEvent, PartyEvent.event_id == Event.id)
        .join(Pledge, Pledge.id == Event.subject_id)
        .where(
            PartyEvent.party_id == party_id,
            PartyEvent.index.between(first, last),
            Pledge.pledgee_id == party_id,
        )
        .order_by(PartyEvent.index)
    )
    return [(event, index) for event, index in rows]


def _standing(session: Session, party_id: UUID, last: int) -> Carried:
    """Return what the pools say: every pledge of the party that held a part then, and how much."""
    held = cast(func.sum(PoolEntry.used_delta_minor), BigInteger)
    rows = session.execute(
        select(PoolEntry.holder_id, held, Pledge.unit)
        .join(Pledge, Pledge.id == PoolEntry.holder_id)
        .join(
            Event,
            and_(Event.subject_id == PoolEntry.pool_id, Event.version == PoolEntry.version),
        )
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(PoolEntry.party_id == party_id, LogEntry.index <= last)
        .group_by(PoolEntry.holder_id, Pledge.unit)
        .having(held > 0)
    )
    return {
        public_id("plg", holder): measure(minor, unit).to_json()
        for holder, minor, unit in rows
        if holder is not None
    }


def _breaks(expected: Carried, closing: Carried) -> list[dict[str, Any]]:
    """Name every pledge that opening, new and ended do not account for."""
    missing = [
        {"pledge": name, "why": "not_held", "expected": expected[name], "found": None}
        for name in sorted(expected.keys() - closing.keys())
    ]
    surplus = [
        {"pledge": name, "why": "unaccounted", "expected": None, "found": closing[name]}
        for name in sorted(closing.keys() - expected.keys())
    ]
    return [*missing, *surplus]


def _sum(amounts: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Count amounts and sum them by currency or unit."""
    sums: dict[str, Measure] = {}
    count = 0
    for one in amounts:
        amount: Measure = read_measure(dict(one))
        sums[amount.unit] = sums.get(amount.unit, amount.like(0)) + amount
        count += 1
    return {"count": count, "amounts": [sums[unit].to_json() for unit in sorted(sums)]}


def _shown(event: Event, index: int, day: date) -> dict[str, Any]:
    late = {} if business_date(event.occurred_at) == day else {"late": True}
    return {
        "index": index,
        "event": public_id("evt", event.id),
        "type": event.type,
        "pledge": _name(event),
        "version": event.version,
        "occurred_at": instant_text(event.occurred_at),
        "hash": b64url(event.body_hash),
        **late,
    }


def _name(event: Event) -> str:
    return public_id("plg", event.subject_id)
