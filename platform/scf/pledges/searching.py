"""The worker's searches of the register for a pledge: before it is registered, after, and every month.

Each step reads, asks the register outside any transaction, and stores what it said under the pledge's
lock, where the state is looked at once more. Twice, or beside itself, a step changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.ids import new_id
from scf.pledges import filing, grounds, queries, registry_tasks, rules, service
from scf.pledges.models import LockState, Pledge, PledgeSearch, SearchStep, State
from scf.pledges.registering import is_registrable
from scf.pledges.registry_access import register_of
from scf.pledges.registry_models import RegistryFinding
from scf.pledges.registry_tasks import or_by_hand
from scf.receivables import invoice_checks
from scf.registry.port import Enrolled, Finding, SearchResult
from scf.registry.rules import is_clean, overlaps
from scf.tasks import kinds


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a search is about: the grantor's entries over these invoices that are not our own."""

    grantor: Enrolled
    invoices: Sequence[str]
    own: Sequence[str]
    registered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search said: nobody ranks before us, and which entries no search had shown before."""

    clean: bool
    new: Sequence[Finding]


@or_by_hand
def search_first(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search before registering; a clean register leads on, another's entry stops it."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        known = queries.searches(session, pledge_id).before_clean
        if not is_registrable(pledge) or (known is not None and not payload.get("again")):
            return
        asked = inquire(session, pledge)
    with register_of(context, pledge_id) as registry:
        result = registry.search(asked.grantor)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not is_registrable(pledge):
            return
        found = keep(session, pledge, SearchStep.BEFORE, asked, result, now=now)
        if found.clean:
            enqueue(session, rules.REGISTER, pledge_id=pledge_id)
        else:
            _tell_unclean(session, pledge, result, now=now)


@or_by_hand
def search_second(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search after registration and lock: nobody stands before us, the invoices stand: the bank may pay.

    Raises StatusUnavailable, as the register's errors: what is not known is asked for again.
    """
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        if not _searchable(pledge, again=bool(payload.get("again"))):
            return
        asked = inquire(session, pledge)
        receivable_id = pledge.receivable_id
    with register_of(context, pledge_id) as registry:
        result = registry.search(asked.grantor)
    invoices = {} if receivable_id is None else invoice_checks.ask(context, receivable_id)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _searchable(pledge, again=bool(payload.get("again"))):
            return
        found = keep(session, pledge, SearchStep.AFTER, asked, result, now=now)
        unsound = []
        if receivable_id is not None:
            unsound = invoice_checks.keep(session, receivable_id, invoices, now=now)
        if not found.clean:
            pledge.ready_to_disburse_at = None
            _tell_unclean(session, pledge, result, now=now)
            return
        tell_searched(session, pledge, result, clean=True, now=now)
        if unsound:
            pledge.ready_to_disburse_at = None
        elif pledge.lock.state is LockState.FINAL and pledge.ready_to_disburse_at is None:
            pledge.ready_to_disburse_at = now


def _searchable(pledge: Pledge, *, again: bool) -> bool:
    waits = pledge.ready_to_disburse_at is None and pledge.lock.state is LockState.FINAL
    return pledge.state is State.EFFECTIVE and (waits or again)


def inquire(session: Session, pledge: Pledge) -> Inquiry:
    """Return what a search for a pledge is about."""
    return Inquiry(
        grantor=filing.enrolled(session, pledge.pledgor_id),
        invoices=[paper.number for paper in grounds.of(session, pledge).papers],
        own=queries.registrations_of(session, pledge.pool_id),
        registered_at=pledge.registration.registered_at,
    )


def keep(
    session: Session,
    pledge: Pledge,
    step: SearchStep,
    asked: Inquiry,
    result: SearchResult,
    *,
    now: datetime,
) -> Found:
    """Store a search with its certificate, and each entry over the claim that was not seen before."""
    before = asked.registered_at
    clean = is_clean(result.findings, asked.invoices, own=asked.own, before=before)
    session.add(
        PledgeSearch(
            id=new_id(),
            pledge_id=pledge.id,
            step=step,
            cert_no=result.cert_no,
            searched_at=result.searched_at,
            clean=clean,
            results_hash=result.results_hash,
            certificate=result.certificate,
        )
    )
    registry_tasks.done(session, pledge, kinds.REGISTRATION_SEARCH, now=now)
    own = set(asked.own)
    overlapping = {
        one.reg_no: one
        for one in result.findings
        if one.reg_no not in own and overlaps(one, asked.invoices)
    }
    if not overlapping:
        return Found(clean, [])
    rows = [
        {
            "pledge_id": pledge.id,
            "reg_no": one.reg_no,
            "registered_at": one.registered_at,
            "ranks_before": before is None or one.registered_at <= before,
            "cert_no": result.cert_no,
            "step": step,
            "found_at": now,
        }
        for one in overlapping.values()
    ]
    kept = insert(RegistryFinding).values(rows).on_conflict_do_nothing()
    new = session.scalars(kept.returning(RegistryFinding.reg_no)).all()
    return Found(clean, [overlapping[number] for number in sorted(new)])


def tell_searched(
    session: Session, pledge: Pledge, result: SearchResult, *, clean: bool, now: datetime
) -> Event:
    """Tell of a search that changes something, or found something new."""
    record = {
        "cert_no": result.cert_no,
        "results_hash": evidence.hash_text(result.results_hash),
        "clean": clean,
    }
    return service.tell(session, pledge, "pledge.searched", record, now=now, actor=None)


def _tell_unclean(session: Session, pledge: Pledge, result: SearchResult, *, now: datetime) -> None:
    event = tell_searched(session, pledge, result, clean=False, now=now)
    service.notify(session, pledge, event, {"cert_no": result.cert_no}, now=now)
