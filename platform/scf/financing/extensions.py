"""展期: the borrower asks for a later due date, the bank's desk decides, both sign, the pledge follows.

Asked for before the loan is due, for no longer in all than rule LND-01 allows (《贷款通则》 article 12: of loans
up to a year, extensions together are no longer than the term).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.approvals import gates
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound
from scf.financing import desk, queries, service
from scf.financing.extension_models import ExtensionState, LoanExtension
from scf.financing.models import Financing, State
from scf.financing.permissions import Action
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.service import insert
from scf.parties.signing import Signer
from scf.pledges import extending
from scf.pledges import service as pledges
from scf.pledges.models import Pledge
from scf.registrations import tasks as registration_tasks
from scf.rules.book import shipped
from scf.rules.predicates import extension_days_max
from scf.rules.service import evaluate

EXTEND: Final = "loan.extend"
"""The transition that rules know an extension by."""
TOGETHER: Final = "LND-01"
BANK: Final = "extend"
BORROWER: Final = "prolong"


class ExtensionUnfit(Invalid):
    """A loan is extended to a later day, before it is due, for no longer in all than its term."""

    code = "extension.unfit"
    title = "展期日期不符合要求"
    title_en = "The new due date is not later, too late, or asked for after the loan was due"


class ExtensionOpen(Conflict):
    """One extension at a time is asked for."""

    code = "extension.open"
    title = "已有进行中的展期申请"
    title_en = "An extension is being agreed on"


class ExtensionClosed(Conflict):
    """An extension is signed while it is open, once by each side."""

    code = "extension.closed"
    title = "该展期已办结、终止或贵方已签署"
    title_en = "The extension is done, ended, or signed by you"


class ExtensionOvertaken(Conflict):
    """Both sign about one version of the pledge."""

    code = "extension.overtaken"
    title = "质押信息已变化，请重新生成展期协议"
    title_en = "The pledge has moved since; draft it again"


def ask(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    due_on: date,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> LoanExtension:
    """Ask for a later due date, as the borrower. Raises MoveRefused, ExtensionUnfit, ExtensionOpen."""
    financing = service.lock_for(session, actor, financing_id, Action.CONTRACT, expected_version)
    financing.require_move(State.REPAID)
    before = financing.due_on
    assert before is not None
    assert financing.days is not None
    first_due = _first_due(session, financing)
    today = business_date(now)
    latest = first_due + timedelta(days=_days_max(financing.days, on=today))
    if not before < due_on <= latest or today > before:
        raise ExtensionUnfit(
            field="due_on", due_on=due_on, due_on_before=before, latest=latest, today=today
        )
    facts = {"term_days": financing.days, "extended_days": (due_on - first_due).days}
    concerned = [one for one in (financing.borrower_id, financing.lender_id) if one]
    subject = public_id("fin", financing.id)
    evaluate(session, EXTEND, subject, facts, on=today, now=now, parties=concerned)
    pledge = _pledge(session, financing)
    rows = queries.receipts(session, [financing.id])[financing.id]
    owed = queries.owed(financing, rows, today)
    assert owed is not None, "it was paid out"
    content = extending.terms(
        session, pledge, due_on=due_on, outstanding=owed.principal, reason=reason
    )
    extension = LoanExtension(
        id=new_id(),
        financing_id=financing.id,
        due_on_before=before,
        due_on=due_on,
        reason=reason,
        content=content,
        pledge_version=pledge.version,
        state=ExtensionState.OPEN,
        asked_at=now,
    )
    insert(session, extension, else_=ExtensionOpen())
    session.refresh(extension)
    return extension


def draft(
    session: Session,
    actor: Actor,
    financing_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the caller's part. The bank's waits for its desk. Raises ExtensionClosed, and as signing.

    Where the pledge has moved since the other side signed, both sign again.
    """
    financing, extension, pledge = _open(session, actor, financing_id)
    if actor.party == financing.lender_id:
        gates.gate_extension(session, financing.id, due_on=extension.due_on)
    if extension.pledge_version != pledge.version:
        extension.pledge_version, extension.signed, extension.authorizations = (
            pledge.version,
            [],
            [],
        )
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=_act(financing, actor.party),
        subject=pledge,
        prefix="plg",
        content=extension.content,
        amount=pledge.principal,
        signers=signers,
        now=now,
    )


def sign(
    session: Session, actor: Actor, financing_id: UUID, *, jws: Sequence[str], now: datetime
) -> LoanExtension:
    """Take the caller's signature; with the second, loan and pledge are due later.

    Raises ExtensionClosed, ExtensionOvertaken, ExtensionUnfit once the loan is overdue, what the bank's desk
    and signing raise.
    """
    financing, extension, pledge = _open(session, actor, financing_id)
    if extension.pledge_version != pledge.version:
        raise ExtensionOvertaken(version=pledge.version)
    if actor.party == financing.lender_id:
        gates.gate_extension(session, financing.id, due_on=extension.due_on)
    act = signing.collect(
        session,
        party=parties.active_party(session, actor.party),
        act=_act(financing, actor.party),
        subject=pledge,
        jws=jws,
        now=now,
    )
    said = {name: value for name, value in act.content.items() if name != "names"}
    if said != extension.content:
        raise signing.StatementAltered(field="authorizations")
    extension.signed = [*extension.signed, actor.party]
    extension.authorizations = [*extension.authorizations, *act.authorizations]
    if set(extension.signed) == set(financing.parties):
        _finish(session, financing, extension, pledge, now=now, actor=actor.party)
    session.flush()
    return extension


def end(
    session: Session, actor: Actor, financing_id: UUID, *, reason: str, now: datetime
) -> LoanExtension:
    """Give an extension up, or refuse it; by either side, before both have signed."""
    financing = service.lock_for(session, actor, financing_id, Action.VIEW)
    extension = _newest(session, financing.id)
    if extension is None or extension.state is not ExtensionState.OPEN:
        raise ExtensionClosed
    extension.state, extension.closed_at = ExtensionState.ENDED, now
    extension.ended_reason = reason
    session.flush()
    return extension


def listed(session: Session, party_id: UUID, financing_id: UUID) -> Sequence[LoanExtension]:
    """Return a financing's extensions to its parties, oldest first. Raises SubjectNotFound."""
    queries.visible(session, party_id, financing_id)
    return session.scalars(
        select(LoanExtension)
        .where(LoanExtension.financing_id == financing_id)
        .order_by(LoanExtension.id)
    ).all()


def _open(
    session: Session, actor: Actor, financing_id: UUID
) -> tuple[Financing, LoanExtension, Pledge]:
    """Return a financing, its extension that waits for the caller, and the pledge, all locked."""
    financing = service.lock_for(session, actor, financing_id, Action.VIEW)
    extension = _newest(session, financing.id)
    if extension is None:
        raise SubjectNotFound
    pledge = _pledge(session, financing)
    signed = actor.party in extension.signed and extension.pledge_version == pledge.version
    if extension.state is not ExtensionState.OPEN or signed:
        raise ExtensionClosed(state=extension.state.value)
    financing.require_move(State.REPAID)
    return financing, extension, pledge


def _finish(
    session: Session,
    financing: Financing,
    extension: LoanExtension,
    pledge: Pledge,
    *,
    now: datetime,
    actor: UUID,
) -> None:
    today = business_date(now)
    if today > extension.due_on_before:
        raise ExtensionUnfit(field="due_on", due_on_before=extension.due_on_before, today=today)
    authorizations: list[bytes] = extension.authorizations
    extending.extend(
        session,
        pledge,
        extension.content,
        authorizations=authorizations,
        now=now,
        actor=actor,
    )
    registration_tasks.ask_to_outlast(session, pledge, now=now)
    financing.due_on = extension.due_on
    service.tell(
        session,
        financing,
        "financing.extended",
        now=now,
        actor=actor,
        authorizations=authorizations,
    )
    desk.extended(session, financing, due_on_before=extension.due_on_before, now=now)
    extension.state, extension.closed_at = ExtensionState.DONE, now


def _first_due(session: Session, financing: Financing) -> date:
    """Return the day on which the loan was due before it was ever extended."""
    first = session.scalar(
        select(LoanExtension.due_on_before)
        .where(
            LoanExtension.financing_id == financing.id,
            LoanExtension.state == ExtensionState.DONE,
        )
        .order_by(LoanExtension.id)
        .limit(1)
    )
    assert financing.due_on is not None
    return first or financing.due_on


def _days_max(term_days: int, *, on: date) -> int:
    """Return by how many days in all a loan may be extended, by the rule in force on a day."""
    book = shipped()
    numbers = book.parameters(TOGETHER, on) or book.rule(TOGETHER).versions[0].parameters
    return extension_days_max(term_days, **numbers)


def _newest(session: Session, financing_id: UUID) -> LoanExtension | None:
    return session.scalar(
        select(LoanExtension)
        .where(LoanExtension.financing_id == financing_id)
        .order_by(LoanExtension.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _pledge(session: Session, financing: Financing) -> Pledge:
    assert financing.pledge_id is not None, "money was paid against it"
    return pledges.lock(session, financing.pledge_id)


def _act(financing: Financing, party_id: UUID) -> str:
    return BANK if party_id == financing.lender_id else BORROWER
