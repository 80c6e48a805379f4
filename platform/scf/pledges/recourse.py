"""Turning back to the seller (追索): a factor or assignee with recourse demands its money or the repurchase.

Civil Code 766: it may claim either against the seller or against the debtor; what it collects beyond its own goes
back. The demand is signed, and tells the seller; once the money is there, the claim is released back to it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.clock import business_date, instant_text
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.pledges import service
from scf.pledges.models import MoveRefused, Pledge, State
from scf.pledges.permissions import Action

ACT = "recourse"


class NoRecourse(Conflict):
    """Only an assignee with recourse turns back to the seller; a pledgee has its loan."""

    code = "pledge.no_recourse"
    title = "该担保不是有追索权的转让或保理，不能要求回购"
    title_en = "This is no assignment or factoring with recourse"


class RecourseCalled(Conflict):
    """The repurchase is demanded once."""

    code = "pledge.recourse_called"
    title = "已向转让人发出追索通知"
    title_en = "The repurchase has been demanded already"


class AboveTaken(LimitExceeded):
    """No more is demanded than was taken of the claim."""

    code = "pledge.recourse_above_taken"
    title = "追索金额超过受让的应收账款金额"
    title_en = "More is demanded than was taken of the claim"


class DuePassed(Invalid):
    """A demand leaves the seller until today at least."""

    code = "pledge.recourse_due_passed"
    title = "最迟付款日早于今日"
    title_en = "The day of payment has passed"


def draft(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    amount: Money,
    due_on: date,
    reason: str,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the demand for the assignee's maker and checker.

    Raises NoRecourse, RecourseCalled, MoveRefused, AboveTaken, DuePassed, and what signing raises.
    """
    pledge = service.lock_for(session, actor, pledge_id, Action.CALL_RECOURSE, expected_version)
    _require_open(pledge)
    if amount > pledge.money:
        raise AboveTaken(field="amount", taken=pledge.amount, asked=amount)
    if due_on < business_date(now):
        raise DuePassed(field="due_on", due_on=due_on)
    content = {
        **service.terms(session, pledge),
        "amount": amount.to_json(),
        "due_on": due_on.isoformat(),
        "reason": reason,
    }
    return service.draft(
        session,
        actor,
        pledge,
        ACT,
        content,
        amount=amount,
        signers=signers,
        origin=origin,
        now=now,
    )


def call(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Pledge:
    """Take the signed demand; the seller is told. Raises as `draft`, and what signing raises."""
    pledge = service.lock_for(session, actor, pledge_id, Action.CALL_RECOURSE, expected_version)
    _require_open(pledge)
    holder = parties.active_party(session, actor.party)
    act = signing.collect(session, party=holder, act=ACT, subject=pledge, jws=jws, now=now)
    pledge.recourse_called_at = now
    record = {
        "pledgee": holder.uscc,
        **{name: act.content[name] for name in ("amount", "due_on", "reason")},
    }
    event = service.tell(
        session, pledge, "pledge.recourse_called", record, now=now, actor=actor.party, act=act
    )
    capacity.notify(
        session,
        event,
        pledge.pledgor_id,
        kind=event.type,
        subject=public_id("plg", pledge.id),
        fields=record,
        now=now,
    )
    return pledge


def _require_open(pledge: Pledge) -> None:
    if not (pledge.security.transfers and pledge.recourse):
        raise NoRecourse(kind=pledge.kind.value, recourse=pledge.recourse)
    if pledge.recourse_called_at is not None:
        raise RecourseCalled(called_at=instant_text(pledge.recourse_called_at))
    if pledge.state is not State.EFFECTIVE:
        raise MoveRefused(state=pledge.state.value, asked=ACT)
