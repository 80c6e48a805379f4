"""What a pledgee's look at a pledge's record leaves with those whom it is about."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.access import service as access
from scf.access.models import Looked, Purpose
from scf.access.service import Look
from scf.http.auth import Actor
from scf.kernel.ids import public_id
from scf.pledges.models import Pledge
from scf.receivables.models import Receivable


def pulled(session: Session, actor: Actor, pledge: Pledge, *, now: datetime) -> None:
    """Keep that the pledgee took a pledge's record away: for the pledgor, and for the debtor shown in it."""
    if actor.party_id == pledge.pledgee_id:
        look = Look(Looked.PLEDGE_RECORD, public_id("plg", pledge.id), Purpose.SECURITY)
        about = {pledge.pledgor_id, *_debtor(session, pledge)}
        access.record(session, actor, about, look, now=now)


def _debtor(session: Session, pledge: Pledge) -> list[UUID]:
    if pledge.receivable_id is None:
        return []
    return [session.get_one(Receivable, pledge.receivable_id).debtor_id]
