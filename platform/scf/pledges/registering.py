"""The worker's part of a pledge that is played at the register: search, file, search again, cancel.

Each step reads, asks the register outside any transaction, and stores what it said under the pledge's
lock, where the state is looked at once more. Twice, or beside itself, a step changes nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.calendar import CalendarUnpublished
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Unavailable
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.pledges import ending, queries, rules, service
from scf.pledges.models import LockState, Pledge, PledgeSearch, SearchStep, State
from scf.receivables import invoice_checks
from scf.receivables.models import Receivable
from scf.registry.client import HttpRegistry, require_filed
from scf.registry.port import Business, Enrolled, Filing, Registration, SearchResult
from scf.registry.rules import described_parts, is_clean, term_months
from scf.registry.texts import Collateral, collateral_text
from scf.rules.service import evaluate

FILING_PATIENCE: Final = timedelta(seconds=60)
"""A filing sent and not answered may arrive for so long; several times the client's time-out."""
RELEASED: Final = "质权人解除质押"
REGISTER: Final = "pledge.register"
"""The transition that rules know a registration by."""


class FilingUnanswered(Unavailable):
    """A filing may still arrive at the register: nothing is freed before it is known."""

    code = "pledge.filing_unanswered"
    title = "登记请求尚无回执，请稍后再查"
    title_en = "A filing has not been answered yet"


def search_first(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search before registering; a clean register leads on, another's entry stops it."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        known = queries.searches(session, pledge_id).before_clean
        if not _registrable(pledge) or (known is not None and not payload.get("again")):
            return
        grantor, numbers = _grantor(session, pledge), _numbers(session, pledge)
        own = queries.registrations_of(session, pledge.pool_id)
    with HttpRegistry(context.settings.registry_url) as registry:
        result = registry.search(grantor)
    clean = is_clean(result.findings, numbers, own=own)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _registrable(pledge):
            return
        _keep_search(session, pledge, SearchStep.BEFORE, result, clean=clean)
        if clean:
            enqueue(session, rules.REGISTER, pledge_id=pledge_id)
        else:
            _tell_unclean(session, pledge, result, now=now)


def register(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """File the pledge under our own reference; with the register's number it is a right in rem."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _registrable(pledge) or not queries.searches(session, pledge_id).before_clean:
            return
        sent_before = pledge.registration.filing_sent_at is not None
        pledge.registration.filing_sent_at = context.clock.real()
        filing = _filing(session, pledge)
    with HttpRegistry(context.settings.registry_url) as registry:
        entry = registry.find(filing.reference) if sent_before else None
        entry = entry or registry.register(filing)
    require_filed(filing, entry)
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if _registrable(pledge):
            _take_effect(session, pledge, entry, now=context.clock.now())


def search_second(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search after registration and lock: nobody stands before us, the invoices stand: the bank may pay.

    Raises StatusUnavailable, as the register's errors: what is not known is asked for again.
    """
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        if not _searchable(pledge, again=bool(payload.get("again"))):
            return
        grantor, numbers = _grantor(session, pledge), _numbers(session, pledge)
        own = queries.registrations_of(session, pledge.pool_id)
        registered_at = pledge.registration.registered_at
        receivable_id = pledge.receivable_id
    invoices = invoice_checks.ask(context, receivable_id)
    with HttpRegistry(context.settings.registry_url) as registry:
        result = registry.search(grantor)
    clean = is_clean(result.findings, numbers, own=own, before=registered_at)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not _searchable(pledge, again=bool(payload.get("again"))):
            return
        _keep_search(session, pledge, SearchStep.AFTER, result, clean=clean)
        unsound = invoice_checks.keep(session, receivable_id, invoices, now=now)
        if not clean:
            pledge.ready_to_disburse_at = None
            _tell_unclean(session, pledge, result, now=now)
            return
        _tell_searched(session, pledge, result, clean=True, now=now)
        if unsound:
            pledge.ready_to_disburse_at = None
        elif pledge.lock.state is LockState.FINAL and pledge.ready_to_disburse_at is None:
            pledge.ready_to_disburse_at = now


def end_reserved(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """End a reserved pledge, once the register has been asked by our reference what stands there.

    Raises FilingUnanswered while a filing may still be on its way.
    """
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        if pledge.state is not State.RESERVED or pledge.ending is None:
            return
        entry, reason = pledge.registration, pledge.ending
        sent_at, reference = entry.filing_sent_at, entry.reference
    if sent_at is not None and context.clock.real() - sent_at < FILING_PATIENCE:
        raise FilingUnanswered(sent_at=instant_text(sent_at))
    with HttpRegistry(context.settings.registry_url) as registry:
        found = registry.find(reference)
        if found is not None:
            registry.cancel(found.reg_no, reason=reason)
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if pledge.state is State.RESERVED:
            ending.end(
                session,
                pledge,
                reg_no=found.reg_no if found else None,
                now=context.clock.now(),
                actor=None if pledge.lapsed else pledge.pledgee_id,
            )


def raise_cancellation(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Raise the task to cancel a released pledge's registration, with its day.

    Raises CalendarUnpublished until the holidays of the days in question are known.
    """
    pledge_id, now = UUID(payload["pledge_id"]), context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        entry = pledge.registration
        if pledge.state is not State.RELEASED or entry.cancellation_raised_at is not None:
            return
        assert pledge.released_at is not None
        entry.cancellation_due_on = rules.cancellation_due_on(business_date(pledge.released_at))
        if entry.cancellation_due_on is None:
            raise CalendarUnpublished
        entry.cancellation_raised_at = now
        record = _cancellation(pledge, on=entry.cancellation_due_on)
        event = service.tell(
            session, pledge, "pledge.cancellation_due", record, now=now, actor=None
        )
        service.notify(session, pledge, event, record, now=now)


def cancel_registration(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Cancel a released pledge's registration at the register."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.reading() as session:
        pledge = session.get_one(Pledge, pledge_id)
        reg_no = pledge.registration.reg_no
        if not _cancellable(pledge) or reg_no is None:
            return
    with HttpRegistry(context.settings.registry_url) as registry:
        entry = registry.cancel(reg_no, reason=RELEASED)
    now = context.clock.now()
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if _cancellable(pledge):
            pledge.registration.cancelled_at = entry.cancelled_at or now
            due_on = pledge.registration.cancellation_due_on or business_date(now)
            record = _cancellation(pledge, on=due_on)
            service.tell(session, pledge, "pledge.cancelled", record, now=now, actor=None)


def _registrable(pledge: Pledge) -> bool:
    return pledge.state is State.RESERVED and pledge.ending is None


def _searchable(pledge: Pledge, *, again: bool) -> bool:
    waits = pledge.ready_to_disburse_at is None and pledge.lock.state is LockState.FINAL
    return pledge.state is State.EFFECTIVE and (waits or again)


def _cancellable(pledge: Pledge) -> bool:
    entry = pledge.registration
    asked = entry.cancellation_asked_at is not None and entry.cancelled_at is None
    return pledge.state is State.RELEASED and asked


def _enrolled(session: Session, party_id: UUID) -> Enrolled:
    party = parties.party(session, party_id)
    return Enrolled(party.name, party.uscc)


def _grantor(session: Session, pledge: Pledge) -> Enrolled:
    return _enrolled(session, pledge.pledgor_id)


def _numbers(session: Session, pledge: Pledge) -> list[str]:
    return [paper.number for paper in queries.papers(session, pledge.receivable_id)]


def _filing(session: Session, pledge: Pledge) -> Filing:
    """Return what is filed, from stored facts alone: the same however often it is sent."""
    assert pledge.reserved_at is not None
    receivable = session.get_one(Receivable, pledge.receivable_id)
    grantor, numbers = _grantor(session, pledge), _numbers(session, pledge)
    claim = Collateral(
        business=Business.RECEIVABLE_PLEDGE,
        creditor=grantor.name,
        debtor=parties.party(session, receivable.debtor_id).name,
        contract_no=receivable.contract_no,
        invoices=numbers,
        amount=receivable.confirmed,
        taken=pledge.amount,
        due_on=receivable.due_on,
    )
    return Filing(
        reference=pledge.registration.reference,
        secured_party=_enrolled(session, pledge.pledgee_id),
        grantor=grantor,
        description=collateral_text(claim),
        items=tuple(numbers),
        amount=pledge.principal,
        contract_no=evidence.hash_text(pledge.contract_sha256),
        term_months=term_months(business_date(pledge.reserved_at), pledge.principal_due_on),
        business=claim.business,
    )


def _take_effect(session: Session, pledge: Pledge, found: Registration, *, now: datetime) -> None:
    """Record the registration; from its instant on the pledge is a right in rem."""
    entry = pledge.registration
    entry.reg_no, entry.registered_at = found.reg_no, found.registered_at
    entry.expires_on, entry.certificate = found.expires_on, found.certificate
    pledge.legally_effective_at = found.registered_at
    pledge.move(State.EFFECTIVE, now=now)
    _hold_to_rules(session, pledge, now=now)
    search = queries.newest_search(session, pledge.id)
    assert search is not None
    record = {
        "search_no": search.cert_no,
        "reg_no": found.reg_no,
        "registered_at": instant_text(found.registered_at),
        "certificate_sha256": evidence.hash_text(hashlib.sha256(found.certificate).digest()),
    }
    service.tell(session, pledge, "pledge.registered", record, now=now, actor=None)
    enqueue(session, rules.LOCK, pledge_id=pledge.id)


def _hold_to_rules(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Tell what the rules find in what was registered; it stands already, so none of them blocks."""
    receivable = session.get_one(Receivable, pledge.receivable_id)
    facts = {
        "debtor": parties.party(session, receivable.debtor_id).uscc,
        "borrower": parties.party(session, pledge.pledgor_id).uscc,
        "lender": parties.party(session, pledge.pledgee_id).uscc,
        "currency": pledge.currency,
        "delivered_on": receivable.delivered_on,
        "described": described_parts(
            contract_no=receivable.contract_no, invoices=_numbers(session, pledge)
        ),
    }
    evaluate(
        session,
        REGISTER,
        public_id("plg", pledge.id),
        facts,
        on=business_date(now),
        now=now,
        parties=[pledge.pledgor_id, pledge.pledgee_id],
    )


def _keep_search(
    session: Session, pledge: Pledge, step: SearchStep, result: SearchResult, *, clean: bool
) -> None:
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


def _tell_searched(
    session: Session, pledge: Pledge, result: SearchResult, *, clean: bool, now: datetime
) -> Event:
    record = {
        "cert_no": result.cert_no,
        "results_hash": evidence.hash_text(result.results_hash),
        "clean": clean,
    }
    return service.tell(session, pledge, "pledge.searched", record, now=now, actor=None)


def _tell_unclean(session: Session, pledge: Pledge, result: SearchResult, *, now: datetime) -> None:
    event = _tell_searched(session, pledge, result, clean=False, now=now)
    service.notify(session, pledge, event, {"cert_no": result.cert_no}, now=now)


def _cancellation(pledge: Pledge, *, on: date) -> dict[str, Any]:
    entry = pledge.registration
    assert entry.reg_no is not None
    return {"due_on": on.isoformat(), "reg_no": entry.reg_no}
