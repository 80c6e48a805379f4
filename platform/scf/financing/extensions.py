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
from scf.evidence.service import SubjectNotFound
from scf.financing import desk, queries, service
from scf.financing.extension_models import ExtensionState, LoanExtension
from scf.financing.models import Financing, State
from scf.financing.permissions import Action
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.ids import new_id, public_id
from scf.parties.countersigning import Kind, Turn
from scf.parties.service import insert
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
    subject = public_id("fin", financing.id)
    evaluate(session, EXTEND, subject, facts, on=today, now=now, parties=financing.parties)
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


def _open_to_draft(session: Session, actor: Actor, financing_id: UUID) -> Turn[LoanExtension]:
    """As `_open`; where the pledge has moved since the other side signed, both sign again."""
    financing, extension, pledge = _waiting(session, actor, financing_id)
    if extension.pledge_version != pledge.version:
        extension.pledge_version = pledge.version
        extension.signed, extension.authorizations = [], []
    return _turn(session, actor, financing, extension, pledge)


def _open(session: Session, actor: Actor, financing_id: UUID) -> Turn[LoanExtension]:
    """Return the open extension of a loan that waits for the caller; the bank's part waits for its desk.

    Raises ExtensionClosed, ExtensionOvertaken, and what the bank's desk raises.
    """
    financing, extension, pledge = _waiting(session, actor, financing_id)
    if extension.pledge_version != pledge.version:
        raise ExtensionOvertaken(version=pledge.version)
    return _turn(session, actor, financing, extension, pledge)


def _waiting(
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


def _turn(
    session: Session, actor: Actor, financing: Financing, extension: LoanExtension, pledge: Pledge
) -> Turn[LoanExtension]:
    lends = actor.party == financing.lender_id
    if lends:
        gates.gate_extension(session, financing.id, due_on=extension.due_on)
    return Turn(
        paper=extension,
        signers=financing.parties,
        act=BANK if lends else BORROWER,
        subject=pledge,
        prefix="plg",
        content=extension.content,
        amount=pledge.principal,
    )


def _finish(session: Session, actor: Actor, turn: Turn[LoanExtension], now: datetime) -> None:
    """Let loan and pledge be due later. Raises ExtensionUnfit once the loan is overdue."""
    extension = turn.paper
    today = business_date(now)
    if today > extension.due_on_before:
        raise ExtensionUnfit(field="due_on", due_on_before=extension.due_on_before, today=today)
    financing = session.get_one(Financing, extension.financing_id)  # locked when it was opened
    pledge = _pledge(session, financing)
    authorizations: list[bytes] = extension.authorizations
    extending.extend(
        session,
        pledge,
        extension.content,
        authorizations=authorizations,
        now=now,
        actor=actor.party,
    )
    registration_tasks.ask_to_outlast(session, pledge, now=now)
    financing.due_on = extension.due_on
    service.tell(
        session,
        financing,
        "financing.extended",
        now=now,
        actor=actor.party,
        authorizations=authorizations,
    )
    desk.extended(session, financing, due_on_before=extension.due_on_before, now=now)
    extension.state, extension.closed_at = ExtensionState.DONE, now


DRAFTED: Final = Kind(_open_to_draft, _finish)
SIGNED: Final = Kind(_open, _finish)
"""How both sides sign an extension: drafted anew where the pledge has moved, signed as it was drafted."""


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
    return extension_days_max(term_days, **shipped().numbers(TOGETHER, on))


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
