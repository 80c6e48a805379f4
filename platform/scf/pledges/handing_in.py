"""Certificates of the register that a person hands in: read, compared with what was wanted, kept.

Where there is no link to the register, one that differs in nothing that matters stands for its answer and
leads the pledge on; with a link it only shows whether the register's own paper says what was filed.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id
from scf.pledges import changing, filing, queries, reviews, rules, service
from scf.pledges.models import Pledge, State
from scf.pledges.permissions import Action
from scf.pledges.registry_models import Change, RegistryPaper
from scf.registry.certificates import registration_facts, search_facts
from scf.registry.comparing import (
    Difference,
    compare,
    compare_change,
    compare_search,
    stops,
)
from scf.registry.port import Certificate, EntryKind, Filing, SearchResult
from scf.registry.reading import read_paper
from scf.registry.terms import terms_on

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


def _told(said: Certificate | SearchResult) -> tuple[str, str, datetime, dict[str, Any]]:
    """Return a paper's kind, number, time and all that it says."""
    if isinstance(said, SearchResult):
        return "查询证明", said.cert_no, said.searched_at, search_facts(said)
    return said.kind.value, said.number, said.registered_at, registration_facts(said)


def _differences(
    session: Session, pledge: Pledge, said: Certificate | SearchResult, *, now: datetime
) -> list[Difference]:
    if isinstance(said, SearchResult):
        return _search_differences(session, pledge, said, now=now)
    reg_no = pledge.registration.reg_no
    if said.kind in (EntryKind.EXTENDED, EntryKind.CANCELLED) and reg_no is not None:
        return compare_change(reg_no, said, kind=said.kind)
    wanted = _wanted(session, pledge, said)
    kinds = (EntryKind.INITIAL, EntryKind.AMENDED)
    found = compare(wanted, said, due_on=pledge.principal_due_on, kinds=kinds)
    if reg_no is not None:
        found += compare_change(reg_no, said, kind=said.kind)
    return found


def _wanted(session: Session, pledge: Pledge, said: Certificate) -> Filing:
    """Return what a certificate has to say: what was filed under its number, what waits, or what stands."""
    known = filing.numbered(session, pledge.id, said.number)
    known = known or filing.waiting(session, pledge.id)
    if known is not None and known.change is not Change.EXTENDED:
        return filing.of_json(known.content)
    return filing.standing(session, pledge.id) or filing.filing_of(session, pledge)


def _search_differences(
    session: Session, pledge: Pledge, said: SearchResult, *, now: datetime
) -> list[Difference]:
    """Hold a search to its time: recent, and after the registration and whatever was searched before."""
    newest = queries.newest_search(session, pledge.id)
    hours = terms_on(business_date(now)).search_valid_hours
    earliest = [
        now - timedelta(hours=hours),
        pledge.registration.registered_at,
        newest.searched_at if newest else None,
    ]
    grantor = filing.enrolled(session, pledge.pledgor_id)
    not_before = max(filter(None, earliest)) - SECOND
    return compare_search(grantor, said, not_before=not_before, not_after=now + SECOND)


def _lead_on(
    session: Session, pledge: Pledge, said: Certificate | SearchResult, *, now: datetime
) -> None:
    """Ask for the step that this paper answers; a step that waits for another one changes nothing."""
    arguments: dict[str, Any] = {"pledge_id": pledge.id}
    if isinstance(said, SearchResult):
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
