"""What time brings about at the register: reviews, extensions that come due, names that have changed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, exists, select
from sqlalchemy.orm import Session

from scf.db.outbox import Effect, EffectContext, enqueue
from scf.kernel.calendar import add_months
from scf.kernel.clock import business_date
from scf.kernel.ids import public_id
from scf.parties.models import Party
from scf.pledges.models import Pledge, PledgeRegistration, PledgeSearch, State
from scf.registrations import changing, filing, reviews, tasks
from scf.registrations.models import Change, RegistryFiling
from scf.registry.terms import terms_on
from scf.tasks import kinds
from scf.tasks import queries as task_queries

BATCH: Final = 500
PATIENCE: Final = timedelta(minutes=5)
"""A change that was not filed for so long is asked for again."""


def turn(context: EffectContext) -> None:
    """Bring registrations up to date with the time. For a clock, every minute or so."""
    ask_reviews(context)
    ask_extensions(context)
    ask_renamings(context)
    if context.settings.registry_url:
        resume_changes(context)


def ask_reviews(context: EffectContext) -> int:
    """Ask for reviews of what is in force and was not searched for a month; return how many.

    Nothing is asked of the workers where a person was asked for the search already.
    """
    now, asked = context.clock.now(), 0
    fresh = exists().where(
        PledgeSearch.pledge_id == Pledge.id, PledgeSearch.searched_at > now - reviews.EVERY
    )
    for ids in _batches(context, ~fresh, ~_is_waiting(reviews.REVIEW)):
        with context.database.transaction() as session:
            with_people = task_queries.open_subjects(
                session, kinds.REGISTRATION_SEARCH, [public_id("plg", one) for one in ids]
            )
            for identity in ids:
                if public_id("plg", identity) not in with_people:
                    enqueue(session, reviews.REVIEW, pledge_id=identity)
                    asked += 1
    return asked


def ask_extensions(context: EffectContext) -> int:
    """Have registrations extended whose end is near; return how many are new."""
    now = context.clock.now()
    today = business_date(now)
    near = today + timedelta(days=terms_on(today).extension_notice_days)
    ends = PledgeRegistration.expires_on
    raised = 0
    soon = exists().where(PledgeRegistration.pledge_id == Pledge.id, ends <= near)
    for ids in _batches(context, soon):
        with context.database.transaction() as session:
            for pledge in _pledges(session, ids):
                expires_on = pledge.registration.expires_on
                assert expires_on is not None, "a registration in force has its end"
                raised += tasks.ask(
                    session,
                    pledge,
                    kinds.REGISTRATION_EXTEND,
                    due_on=expires_on,
                    now=now,
                    occasion=expires_on.isoformat(),
                )
    return raised


def ask_renamings(context: EffectContext) -> int:
    """Have registrations changed whose grantor bears another name than stands there; return how many are new."""
    now, raised = context.clock.now(), 0
    renamed = exists().where(Party.id == Pledge.pledgor_id, Party.named_on.is_not(None))
    for ids in _batches(context, renamed):
        with context.database.transaction() as session:
            for pledge in _pledges(session, ids):
                party = session.get_one(Party, pledge.pledgor_id)
                stands = filing.standing(session, pledge.id)
                if party.named_on is None or stands is None or stands.grantor.name == party.name:
                    continue
                months = terms_on(party.named_on).rename_months
                raised += tasks.ask(
                    session,
                    pledge,
                    kinds.REGISTRATION_RENAME,
                    due_on=add_months(party.named_on, months),
                    now=now,
                    occasion=party.name,
                    fields={"registered_name": stands.grantor.name, "name": party.name},
                )
    return raised


def resume_changes(context: EffectContext) -> int:
    """Ask again for changes that nobody is about to file; return how many."""
    before = context.clock.now() - PATIENCE
    waiting = exists().where(
        Effect.kind == changing.CHANGE,
        Effect.done_at.is_(None),
        Effect.payload["filing_id"].astext == cast(RegistryFiling.id, Text),
    )
    with context.database.transaction() as session:
        rows = session.execute(
            select(RegistryFiling.pledge_id, RegistryFiling.id)
            .where(
                RegistryFiling.change != Change.REGISTERED,
                RegistryFiling.number.is_(None),
                RegistryFiling.problem.is_(None),
                RegistryFiling.asked_at <= before,
                ~waiting,
            )
            .limit(BATCH)
        ).all()
        for pledge_id, filing_id in rows:
            enqueue(session, changing.CHANGE, pledge_id=pledge_id, filing_id=filing_id)
    return len(rows)


def _is_waiting(kind: str) -> ColumnElement[bool]:
    """Return whether an effect of a kind waits for the pledge."""
    return exists().where(
        Effect.kind == kind,
        Effect.done_at.is_(None),
        Effect.payload["pledge_id"].astext == cast(Pledge.id, Text),
    )


def _batches(context: EffectContext, *conditions: ColumnElement[bool]) -> Iterator[list[UUID]]:
    """Give the pledges in force that fulfil conditions, some hundred at a time, each once."""
    after: UUID | None = None
    while True:
        wanted = select(Pledge.id).where(Pledge.state == State.EFFECTIVE, *conditions)
        if after is not None:
            wanted = wanted.where(Pledge.id > after)
        with context.database.reading() as session:
            ids = list(session.scalars(wanted.order_by(Pledge.id).limit(BATCH)))
        if ids:
            yield ids
        if len(ids) < BATCH:
            return
        after = ids[-1]


def _pledges(session: Session, ids: list[UUID]) -> list[Pledge]:
    """Return pledges that are still in force, locked in the order of their ids."""
    return list(
        session.scalars(
            select(Pledge)
            .where(Pledge.id.in_(ids), Pledge.state == State.EFFECTIVE)
            .order_by(Pledge.id)
            .with_for_update(of=Pledge)
        )
    )
