"""Reading look-ups and consents: those about the caller, and its own."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session, aliased

from scf.access.models import Consent, Looked, LookUp
from scf.http.auth import Actor
from scf.parties.models import Party


class Side(StrEnum):
    """On which side the caller stands."""

    ABOUT = "about"  # looked at, or the one who consents
    BY = "by"  # looking, or the one who was let in


def look_ups(
    session: Session,
    actor: Actor,
    *,
    side: Side | None,
    kind: Looked | None,
    after: UUID | None,
    size: int,
) -> list[tuple[LookUp, Party]]:
    """Return look-ups with who made them, oldest first: at the caller's party or by it; the operator all."""
    sides = {
        Side.ABOUT: LookUp.party_id == actor.party_id,
        Side.BY: and_(LookUp.by_id == actor.party_id, LookUp.named),
    }
    statement = (
        select(LookUp, Party)
        .join(Party, Party.id == LookUp.by_id)
        .where(_on(actor, sides, side), LookUp.party_id.is_not(None))
        .order_by(LookUp.id)
    )
    if kind is not None:
        statement = statement.where(LookUp.kind == kind)
    if after is not None:
        statement = statement.where(LookUp.id > after)
    return [(made, by) for made, by in session.execute(statement.limit(size))]


def consents(
    session: Session, actor: Actor, *, side: Side | None, after: UUID | None, size: int
) -> list[tuple[Consent, Party, Party]]:
    """Return consents with who gave them to whom, oldest first: the caller's or to it; the operator all."""
    by, to = aliased(Party), aliased(Party)
    sides = {Side.ABOUT: Consent.by_id == actor.party_id, Side.BY: Consent.to_id == actor.party_id}
    statement = (
        select(Consent, by, to)
        .join(by, by.id == Consent.by_id)
        .join(to, to.id == Consent.to_id)
        .where(_on(actor, sides, side))
        .order_by(Consent.id)
    )
    if after is not None:
        statement = statement.where(Consent.id > after)
    rows = session.execute(statement.limit(size))
    return [(one, giver, taker) for one, giver, taker in rows]


def _on(
    actor: Actor, sides: dict[Side, ColumnElement[bool]], side: Side | None
) -> ColumnElement[bool]:
    if actor.operator:
        return true()
    return sides[side] if side is not None else or_(*sides.values())
