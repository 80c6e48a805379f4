"""Searches of the register: before a bank decides, before a pledge is registered, after, and every month.

Each step of a worker reads, asks the register outside any transaction, and stores what it said under the pledge's
lock, where the state is looked at once more. Twice, or beside itself, a step changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from scf.access import service as access
from scf.access.models import Looked, Purpose
from scf.access.service import Look
from scf.capacity import queries as pools
from scf.db.outbox import EffectContext, enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.http.auth import Actor
from scf.kernel.clock import instant_text
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.pledges import grounds, queries, rules, service
from scf.pledges.models import LockState, MoveRefused, Pledge, PledgeSearch, SearchStep, State
from scf.pledges.permissions import Action
from scf.receivables import invoice_checks
from scf.registrations import filing, tasks
from scf.registrations.link import register_of
from scf.registrations.models import FinancingSearch, RegistryFinding
from scf.registrations.registering import is_registrable
from scf.registrations.tasks import or_by_hand
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled, Finding, SearchResult
from scf.registry.rules import is_clean, overlaps
from scf.tasks import kinds

SEARCH: Final = "financing.search"
"""The effect that searches before a bank decides."""


class NoLink(Conflict):
    """Before there is a pledge, only a link to the register answers: no paper is handed in for a financing."""

    code = "registry.no_link"
    title = "未接入登记系统，平台无法代为查询；接受质押后请上传查询证明"
    title_en = "There is no link to the register: search it yourself, and hand the certificate in for the pledge"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a search is about: the grantor's entries over these papers that are not our own.

    Invoices and orders, or warehouse receipts (`goods`).
    """

    grantor: Enrolled
    papers: Sequence[str]
    own: Sequence[str]
    registered_at: datetime | None
    goods: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search said: nobody ranks before us, and which entries no search had shown before."""

    clean: bool
    new: Sequence[Finding]


def ask_before_lending(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    borrower_id: UUID,
    linked: bool,
    now: datetime,
) -> None:
    """Have the register searched for entries against a borrower, who is told. Raises NoLink."""
    if not linked:
        raise NoLink
    enqueue(
        session,
        SEARCH,
        financing_id=financing_id,
        borrower_id=borrower_id,
        bank_id=actor.party,
        asked_at=instant_text(now),
    )
    look = Look(Looked.REGISTER, public_id("fin", financing_id), Purpose.CREDIT_REVIEW)
    access.record(session, actor, [borrower_id], look, now=now)


def search_before_lending(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search and keep the certificate; twice makes two searches, both true.

    Raises NoLink where the link has gone since it was asked for: the bank's own people are asked instead.
    """
    financing_id, now = UUID(payload["financing_id"]), context.clock.now()
    if not context.settings.registry_url:
        with context.database.transaction() as session:
            tasks.ask_unlinked(
                session,
                financing_id,
                party_id=UUID(payload["bank_id"]),
                asked_at=payload["asked_at"],
                now=now,
            )
        raise NoLink
    with context.database.reading() as session:
        grantor = filing.enrolled(session, UUID(payload["borrower_id"]))
    with HttpRegistry(context.settings.registry_url) as registry:
        result = registry.search(grantor)
    with context.database.transaction() as session:
        session.add(
            FinancingSearch(
                id=new_id(),
                financing_id=financing_id,
                cert_no=result.cert_no,
                searched_at=result.searched_at,
                results_hash=result.results_hash,
                certificate=result.certificate,
            )
        )
        tasks.done_unlinked(session, financing_id, now=now)


def ask_again(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Have the register searched once more, before or after registration; the pledgor is told.

    Raises MoveRefused.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.SEARCH, expected_version)
    if pledge.state not in (State.RESERVED, State.EFFECTIVE):
        raise MoveRefused(state=pledge.state.value, asked="search")
    kind = rules.PERFECT if pledge.state is State.RESERVED else rules.SEARCH_SECOND
    enqueue(session, kind, pledge_id=pledge.id, again=True)
    look = Look(Looked.REGISTER, public_id("plg", pledge.id), Purpose.SECURITY)
    access.record(session, actor, [pledge.pledgor_id], look, now=now)
    return pledge


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
        if not is_registrable(pledge) or is_kept(session, pledge_id, result):
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
        again = bool(payload.get("again"))
        if not _searchable(pledge, again=again) or is_kept(session, pledge_id, result):
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
        papers=[paper.number for paper in grounds.papers_ever(session, pledge)],
        own=filing.numbers_over(session, {pledge.pool_id, *pools.pools_of(session, pledge.id)}),
        registered_at=pledge.registration.registered_at,
        goods=pledge.receipt_id is not None,
    )


def is_kept(session: Session, pledge_id: UUID, result: SearchResult) -> bool:
    """Say whether a pledge has this certificate already: whoever ran beside was first."""
    held = exists().where(
        PledgeSearch.pledge_id == pledge_id, PledgeSearch.cert_no == result.cert_no
    )
    return bool(session.scalar(select(held)))


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
    clean = is_clean(result.findings, asked.papers, own=asked.own, before=before, goods=asked.goods)
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
    tasks.done(session, pledge, kinds.REGISTRATION_SEARCH, now=now)
    own = set(asked.own)
    overlapping = {
        one.reg_no: one
        for one in result.findings
        if one.reg_no not in own and overlaps(one, asked.papers, goods=asked.goods)
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
