"""The debt that a pledge secures is due later (展期): signed by both, and what follows from it.

The pledgor is the debtor of that debt, so its signature is the consent that the change needs (Civil Code 695
by analogy). The right itself stands as it was registered; the entry has to last, and so has the lock.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.pledges import rules, service
from scf.pledges.models import LockState, MoveRefused, Pledge, State


def terms(
    session: Session, pledge: Pledge, *, due_on: date, outstanding: Money, reason: str
) -> dict[str, Any]:
    """Return what both sign: the secured debt with its new due date, and the one before."""
    stands = service.terms(session, pledge)
    return {
        "pledgor": parties.party(session, pledge.pledgor_id).uscc,
        "pledgee": parties.party(session, pledge.pledgee_id).uscc,
        "receivable_event": evidence.hash_text(pledge.receivable_event),
        "principal": {**stands["principal"], "due_on": due_on.isoformat()},
        "due_on_before": pledge.principal_due_on.isoformat(),
        "outstanding": outstanding.to_json(),
        "reason": reason,
    }


def extend(
    session: Session,
    pledge: Pledge,
    agreed: dict[str, Any],
    *,
    authorizations: Sequence[bytes],
    now: datetime,
    actor: UUID,
) -> Event:
    """Move the due date of a locked pledge's debt, as both signed it. Raises MoveRefused.

    The lock on chain is taken again for longer.
    """
    if pledge.state is not State.EFFECTIVE or pledge.ending is not None:
        raise MoveRefused(state=pledge.state.value, asked="extend")
    pledge.principal_due_on = date.fromisoformat(agreed["principal"]["due_on"])
    event = evidence.append(
        session,
        pledge,
        "pledge.extended",
        agreed,
        now=now,
        actor=actor,
        parties=pledge.parties,
        authorizations=authorizations,
    )
    if pledge.lock.state is LockState.FINAL:
        pledge.lock.move(LockState.NONE, now=now)
        enqueue(session, rules.LOCK, pledge_id=pledge.id)
    return event
