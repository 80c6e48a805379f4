"""Reading stocktakes: bank and supervisor at once, the keeper, who is counted, when it is over."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.stocktakes.models import State, Stocktake

OVER = (State.DONE, State.FAILED)


def visible(session: Session, party_id: UUID, stocktake_id: UUID) -> Stocktake:
    """Return a stocktake that this party may see by now. Raises SubjectNotFound."""
    found = session.scalar(
        select(Stocktake).where(Stocktake.id == stocktake_id, _seen_by(party_id))
    )
    if found is None:
        raise SubjectNotFound
    return found


def page(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> Sequence[Stocktake]:
    """Return a page of the stocktakes that a party may see by now, oldest first."""
    own = select(Stocktake).where(_seen_by(party_id))
    if after is not None:
        own = own.where(Stocktake.id > after)
    return session.scalars(own.order_by(Stocktake.id).limit(size)).all()


def _seen_by(party_id: UUID) -> ColumnElement[bool]:
    return or_(
        Stocktake.bank_id == party_id,
        Stocktake.supervisor_id == party_id,
        and_(Stocktake.keeper_id == party_id, Stocktake.state.in_(OVER)),
    )
