"""A bank's search of the register before it decides: asked for here, made by a worker, kept with its certificate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.access import service as access
from scf.access.models import Looked, Purpose
from scf.access.service import Look
from scf.db.outbox import EffectContext, enqueue
from scf.financing.models import Financing, FinancingSearch, MoveRefused, State
from scf.financing.permissions import Action
from scf.financing.service import lock_for
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.parties.queries import party
from scf.registry.client import HttpRegistry
from scf.registry.port import Enrolled

SEARCH: Final = "financing.search"
OVER: Final = frozenset({State.REFUSED, State.CLOSED})


class NoLink(Conflict):
    """Before there is a pledge, only a link to the register answers: no paper is handed in for a financing."""

    code = "registry.no_link"
    title = "未接入登记系统，平台无法代为查询；接受质押后请上传查询证明"
    title_en = "There is no link to the register: search it yourself, and hand the certificate in for the pledge"


def ask(
    session: Session, actor: Actor, financing_id: UUID, *, linked: bool, now: datetime
) -> Financing:
    """Have the register searched for entries against the borrower, who is told. By the bank.

    Raises MoveRefused, NoLink.
    """
    financing = lock_for(session, actor, financing_id, Action.SEARCH)
    if financing.state in OVER:
        raise MoveRefused(state=financing.state.value, asked="search")
    if not linked:
        raise NoLink
    enqueue(session, SEARCH, financing_id=financing.id)
    look = Look(Looked.REGISTER, public_id("fin", financing.id), Purpose.CREDIT_REVIEW)
    access.record(session, actor, [financing.borrower_id], look, now=now)
    return financing


def search(context: EffectContext, payload: Mapping[str, Any]) -> None:
    """Search, outside any transaction, and keep the certificate; twice makes two searches, both true."""
    financing_id = UUID(payload["financing_id"])
    with context.database.reading() as session:
        borrower = party(session, session.get_one(Financing, financing_id).borrower_id)
        grantor = Enrolled(borrower.name, borrower.uscc)
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
