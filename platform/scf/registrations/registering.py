"""The worker's part of a pledge that is played at the register: file it, or find out that nothing stands there.

Each step reads, asks the register outside any transaction, and stores what it said under the pledge's
lock, where the state is looked at once more. Twice, or beside itself, a step changes nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext, enqueue
from scf.evidence import service as evidence
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Unavailable
from scf.kernel.ids import public_id
from scf.parties import queries as parties
from scf.pledges import ending, grounds, queries, rules, service
from scf.pledges.models import Pledge, State
from scf.registrations import filing, tasks
from scf.registrations.link import register_of
from scf.registrations.models import Change, RegistryFiling
from scf.registrations.tasks import or_by_hand
from scf.registry.port import Registration
from scf.registry.rules import described_parts
from scf.rules.service import evaluate
from scf.tasks import kinds

FILING_PATIENCE: Final = timedelta(seconds=60)
"""A filing sent and not answered may arrive for so long; several times the client's time-out."""
REGISTER: Final = "pledge.register"
"""The transition that rules know a registration by."""


class FilingUnanswered(Unavailable):
    """A filing may still arrive at the register: nothing is freed before it is known."""

    code = "pledge.filing_unanswered"
    title = "登记请求尚无回执，请稍后再查"
    title_en = "A filing has not been answered yet"


@or_by_hand
def register(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """File the pledge under our own reference; with the register's number it is a right in rem."""
    pledge_id = UUID(payload["pledge_id"])
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if not is_registrable(pledge) or not queries.searches(session, pledge_id).before_clean:
            return
        entry = pledge.registration
        sent_before = entry.filing_sent_at is not None
        row = _first_filing(session, pledge, now=context.clock.now())
        row.sent_at = entry.filing_sent_at = context.clock.real()
        row.problem = None
        asked = filing.of_json(row.content)
    with (
        register_of(context, pledge_id) as registry,
        filing.keeping_problems(context, asked.reference),
    ):
        found = registry.register(asked, sent_before=sent_before)
    with context.database.transaction() as session:
        pledge = service.lock(session, pledge_id)
        if is_registrable(pledge):
            _take_effect(session, pledge, found, now=context.clock.now())


@or_by_hand
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
    with register_of(context, pledge_id) as registry:
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
            tasks.let_go(session, pledge, now=context.clock.now())
            tasks.done(session, pledge, kinds.REGISTRATION_CANCEL, now=context.clock.now())


def is_registrable(pledge: Pledge) -> bool:
    """Say whether a pledge still waits for its registration."""
    return pledge.state is State.RESERVED and pledge.ending is None


def _first_filing(session: Session, pledge: Pledge, *, now: datetime) -> RegistryFiling:
    """Return the filing that registers a pledge, stored before it is sent for the first time."""
    found = filing.first(session, pledge.id)
    if found is None:
        asked = filing.filing_of(session, pledge)
        found = filing.store(session, pledge, Change.REGISTERED, filing.to_json(asked), now=now)
    return found


def _take_effect(session: Session, pledge: Pledge, found: Registration, *, now: datetime) -> None:
    """Record the registration; from its instant on the pledge is a right in rem."""
    entry = pledge.registration
    entry.reg_no, entry.registered_at = found.reg_no, found.registered_at
    entry.expires_on, entry.certificate = found.expires_on, found.certificate
    row = filing.first(session, pledge.id)
    assert row is not None, "what is registered was filed"
    filing.take(row, found)
    pledge.legally_effective_at = found.registered_at
    pledge.move(State.EFFECTIVE, now=now)
    tasks.done(session, pledge, kinds.REGISTRATION_FILE, now=now)
    _hold_to_rules(session, pledge, now=now)
    search = queries.newest_search(session, pledge.id)
    assert search is not None
    record = {
        "search_no": search.cert_no,
        "reg_no": found.reg_no,
        "registered_at": instant_text(found.registered_at),
        "expires_on": found.expires_on.isoformat(),
        "certificate_sha256": evidence.hash_text(hashlib.sha256(found.certificate).digest()),
    }
    event = service.tell(session, pledge, "pledge.registered", record, now=now, actor=None)
    evidence.keep_receipt(session, event, found.receipt)
    enqueue(session, rules.LOCK, pledge_id=pledge.id)
    if pledge.receipt_id is not None:  # divided since it was filed
        enqueue(session, rules.REDESCRIBE, pledge_id=pledge.id)


def _hold_to_rules(session: Session, pledge: Pledge, *, now: datetime) -> None:
    """Tell what the rules find in what was registered; it stands already, so none of them blocks."""
    claim = grounds.of(session, pledge)
    facts = {
        "debtor": parties.party(session, claim.debtor_id).uscc,
        "borrower": parties.party(session, pledge.pledgor_id).uscc,
        "lender": parties.party(session, pledge.pledgee_id).uscc,
        "currency": pledge.currency,
        "delivered_on": claim.delivered_on,
        "collect_on": claim.due_on if pledge.receipt_id else None,
        "principal_due_on": pledge.principal_due_on,
        "described": described_parts(
            contract_no=claim.contract_no,
            invoices=[paper.number for paper in claim.papers],
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
