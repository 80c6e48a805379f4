"""Certificates of the register that a person hands in: read, compared with what was wanted, kept.

Where there is no link to the register, one that differs in nothing that matters stands for its answer and
leads the pledge on; with a link it only shows whether the register's own paper says what was filed.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id
from scf.pledges import queries, rules, service
from scf.pledges.models import Pledge, PledgeRegistration, PledgeSearch, SearchStep, State
from scf.pledges.permissions import Action
from scf.registrations import changing, filing, reviews
from scf.registrations.models import RegistryFiling, RegistryPaper
from scf.registrations.registering import is_registrable
from scf.registry.certificates import registration_facts, search_facts
from scf.registry.comparing import (
    Difference,
    compare,
    compare_change,
    compare_numbers,
    compare_search,
    compare_time,
    stops,
)
from scf.registry.port import Certificate, EntryKind, SearchResult
from scf.registry.reading import read_paper
from scf.registry.terms import terms_on

SEARCHED: Final = "查询证明"
REGISTERING: Final = (EntryKind.INITIAL, EntryKind.AMENDED)
"""The entries that a pledge can take effect by: a change may put right what the first one lacked."""
SECOND: Final = timedelta(seconds=1)
"""Papers print whole seconds: one made within a second of what it has to follow is taken as later."""


class NothingToCompare(Conflict):
    """There is something to compare with once a pledge was accepted."""

    code = "registry.nothing_to_compare"
    title = "质押尚未接受，没有应登记的内容"
    title_en = "The pledge is not accepted: there is nothing to be registered yet"


def hand_in(
    session: Session, actor: Actor, pledge_id: UUID, pdf: bytes, *, by_hand: bool, now: datetime
) -> RegistryPaper:
    """Take a certificate in, once for a pledge. Raises PaperUnreadable, PaperTooLarge, NothingToCompare."""
    pledge = service.lock_for(session, actor, pledge_id, Action.KEEP_REGISTRATION)
    if pledge.reserved_at is None:
        raise NothingToCompare(state=pledge.state.value)
    digest = hashlib.sha256(pdf).digest()
    known = session.scalar(
        select(RegistryPaper).where(
            RegistryPaper.pledge_id == pledge_id, RegistryPaper.sha256 == digest
        )
    )
    if known is not None:
        return known
    said = read_paper(pdf)
    _hold_numbers(session, said)
    differences = _differences(session, pledge, said, now=now)
    kind, number, at, read = _told(said)
    paper = RegistryPaper(
        id=new_id(),
        pledge_id=pledge_id,
        kind=kind,
        number=number,
        at=at,
        sha256=digest,
        content=pdf,
        read=read,
        differences=[asdict(difference) for difference in differences],
        taken=by_hand and not stops(differences),
        handed_in_at=now,
        handed_in_by=actor.client_id,
    )
    session.add(paper)
    session.flush()
    if paper.taken:
        _lead_on(session, pledge, said, now=now)
    return paper


def _hold_numbers(session: Session, said: Certificate | SearchResult) -> None:
    """Let one go at a time about a certificate's numbers: of two pledges the second sees that they are taken."""
    numbers = {said.cert_no} if isinstance(said, SearchResult) else {said.number, said.initial_no}
    for number in sorted(numbers):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(number, 0))))


def _told(said: Certificate | SearchResult) -> tuple[str, str, datetime, dict[str, Any]]:
    """Return a paper's kind, number, time and all that it says."""
    if isinstance(said, SearchResult):
        return SEARCHED, said.cert_no, said.searched_at, search_facts(said)
    return said.kind.value, said.number, said.registered_at, registration_facts(said)


def _differences(
    session: Session, pledge: Pledge, said: Certificate | SearchResult, *, now: datetime
) -> list[Difference]:
    if isinstance(said, SearchResult):
        return _search_differences(session, pledge, said, now=now)
    return [
        *_content_differences(session, pledge, said),
        *compare_time(
            said,
            not_before=_not_before(session, pledge, said.kind) - SECOND,
            not_after=now + SECOND,
        ),
        *compare_numbers(said, _of_others(session, pledge, said)),
    ]


def _content_differences(session: Session, pledge: Pledge, said: Certificate) -> list[Difference]:
    reg_no = pledge.registration.reg_no
    if said.kind is EntryKind.CANCELLED and reg_no is None:
        waits = _handed_in(session, pledge, *REGISTERING)
        reg_no = waits.read["initial_no"] if waits else None
    if said.kind in (EntryKind.EXTENDED, EntryKind.CANCELLED) and reg_no is not None:
        return compare_change(reg_no, said, kind=said.kind)
    wanted = filing.wanted(session, pledge, number=said.number)
    found = compare(wanted, said, due_on=pledge.principal_due_on, kinds=REGISTERING)
    if reg_no is not None:
        found += compare_change(reg_no, said, kind=said.kind)
    return found


def _handed_in(session: Session, pledge: Pledge, *kinds: str) -> RegistryPaper | None:
    """Return the newest paper of these kinds that stands for the register's answer."""
    return session.scalar(
        select(RegistryPaper)
        .where(
            RegistryPaper.pledge_id == pledge.id,
            RegistryPaper.taken,
            RegistryPaper.kind.in_(kinds),
        )
        .order_by(RegistryPaper.at.desc(), RegistryPaper.id.desc())
        .limit(1)
    )


def _not_before(session: Session, pledge: Pledge, kind: EntryKind) -> datetime:
    """Return the earliest time of an entry: its registration's, for one that registers the search's before.

    Until that search is known, the time of the oldest that could have counted at the acceptance.
    """
    if kind is not EntryKind.INITIAL and pledge.registration.registered_at is not None:
        return pledge.registration.registered_at
    if kind not in REGISTERING and (stands := _handed_in(session, pledge, *REGISTERING)):
        return stands.at
    searched_at = session.scalar(
        select(PledgeSearch.searched_at)
        .where(PledgeSearch.pledge_id == pledge.id, PledgeSearch.step == SearchStep.BEFORE)
        .order_by(PledgeSearch.id.desc())
        .limit(1)
    )
    if searched_at is None and pledge.state is State.RESERVED:
        unused = _handed_in(session, pledge, SEARCHED)
        searched_at = unused.at if unused else None
    assert pledge.reserved_at is not None
    hours = terms_on(business_date(pledge.reserved_at)).search_valid_hours
    return searched_at or pledge.reserved_at - timedelta(hours=hours)


def _of_others(session: Session, pledge: Pledge, said: Certificate) -> set[str]:
    """Return which of a certificate's numbers belong to other pledges."""
    numbers = (said.number, said.initial_no)
    filed = select(RegistryFiling.number).where(
        RegistryFiling.pledge_id != pledge.id, RegistryFiling.number.in_(numbers)
    )
    registered = select(PledgeRegistration.reg_no).where(
        PledgeRegistration.pledge_id != pledge.id, PledgeRegistration.reg_no.in_(numbers)
    )
    handed_in = select(RegistryPaper.number).where(
        RegistryPaper.pledge_id != pledge.id,
        RegistryPaper.taken,
        RegistryPaper.number.in_(numbers),
    )
    return set(filter(None, session.scalars(union(filed, registered, handed_in))))


def _search_differences(
    session: Session, pledge: Pledge, said: SearchResult, *, now: datetime
) -> list[Difference]:
    """Hold a search to its time: recent, and after the registration and whatever was searched before.

    Before a registration that was handed in early, and waits for this search.
    """
    newest = queries.newest_search(session, pledge.id)
    hours = terms_on(business_date(now)).search_valid_hours
    earliest = [
        now - timedelta(hours=hours),
        pledge.registration.registered_at,
        newest.searched_at if newest else None,
    ]
    grantor = filing.enrolled(session, pledge.pledgor_id)
    not_before = max(filter(None, earliest)) - SECOND
    entry = _handed_in(session, pledge, *REGISTERING, EntryKind.CANCELLED)
    waits = entry is not None and entry.kind in REGISTERING and is_registrable(pledge)
    not_after = (entry.at if entry and waits else now) + SECOND
    return compare_search(grantor, said, not_before=not_before, not_after=not_after)


def _lead_on(
    session: Session, pledge: Pledge, said: Certificate | SearchResult, *, now: datetime
) -> None:
    """Ask for the step that this paper answers; a step that waits for another one changes nothing."""
    arguments: dict[str, Any] = {"pledge_id": pledge.id}
    if pledge.state is State.RESERVED and pledge.ending is not None:
        enqueue(session, rules.END, **arguments)
    elif isinstance(said, SearchResult):
        if pledge.state is State.RESERVED:
            enqueue(session, rules.PERFECT, **arguments, again=True)
        elif pledge.ready_to_disburse_at is None:
            enqueue(session, rules.SEARCH_SECOND, **arguments, again=True)
        else:
            enqueue(session, reviews.REVIEW, **arguments)
    elif said.kind is EntryKind.CANCELLED:
        if pledge.state is State.RELEASED:
            asked_at = pledge.registration.cancellation_asked_at
            pledge.registration.cancellation_asked_at = asked_at or now
        enqueue(session, rules.CANCEL_REGISTRATION, **arguments)
    elif pledge.state is State.RESERVED:
        enqueue(session, rules.REGISTER, **arguments)
    else:
        waiting = filing.waiting(session, pledge.id)
        if waiting is not None:
            enqueue(session, changing.CHANGE, **arguments, filing_id=waiting.id)
