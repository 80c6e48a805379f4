"""出质通知书 to whoever keeps the goods, signed by pledgor and pledgee, and the keeper's 回执."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.collateral import agreements, permissions
from scf.collateral.models import (
    ControlAgreement,
    ControlledPledge,
    ControlNotice,
    MoveRefused,
)
from scf.collateral.permissions import Action
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.parties.service import insert
from scf.pledges import queries as pledge_queries


class NothingKept(Conflict):
    """A notice is of pledged goods that are at that keeper's now; one is open of an agreement at a keeper's."""

    code = "control_notice.nothing_kept"
    title = "该保管人处没有出质货物，或已有待签署的通知"
    title_en = "That keeper has no pledged goods to be told of, or a notice is open"


class NoticeOvertaken(Conflict):
    """A notice is signed over the agreement as it stood when the notice was drawn up."""

    code = "control_notice.overtaken"
    title = "监管协议已变化，请重新出具通知"
    title_en = "The agreement has moved since; draw the notice up again"


def draw(
    session: Session, actor: Actor, agreement_id: UUID, keeper_id: UUID, *, now: datetime
) -> ControlNotice:
    """Draw up the notice of everything that is pledged at a keeper's; one that was overtaken is drawn anew.

    Goods are with whoever keeps the receipts that they stand on now, which an arrival elsewhere changes. By the bank.
    Raises MoveRefused, NothingKept.
    """
    agreement = agreements.lock_for(session, actor, agreement_id, Action.LEAD)
    agreement.require_agreed()
    watched = session.scalars(
        select(ControlledPledge)
        .where(ControlledPledge.agreement_id == agreement.id)
        .order_by(ControlledPledge.pledge_id)
    ).all()
    open_one = session.scalar(
        select(ControlNotice).where(
            ControlNotice.agreement_id == agreement.id,
            ControlNotice.keeper_id == keeper_id,
            ControlNotice.acknowledged_at.is_(None),
        )
    )
    if open_one is not None and open_one.version == agreement.version:
        raise NothingKept(field="keeper")
    every = pledge_queries.goods(session, [row.pledge_id for row in watched])
    held = {
        pledge_id: [one for one in goods if one.receipt.keeper_id == keeper_id]
        for pledge_id, goods in every.items()
    }
    watched = [row for row in watched if held[row.pledge_id]]
    if not watched:
        raise NothingKept(field="keeper")
    content = {
        **{name: agreement.content[name] for name in ("pledgor", "pledgee", "supervisor")},
        "keeper": parties.party(session, keeper_id).uscc,
        "pledges": [
            {
                "pledge": public_id("plg", row.pledge_id),
                "receipt": one.receipt.number,
                "goods": row.goods,
                "quantity": one.quantity.to_json(),
            }
            for row in watched
            for one in held[row.pledge_id]
        ],
    }
    if open_one is not None:
        open_one.version, open_one.content = agreement.version, content
        open_one.signed, open_one.authorizations = [], []
        open_one.pledges = [row.pledge_id for row in watched]
        session.flush()
        return open_one
    row_ = ControlNotice(
        id=new_id(),
        agreement_id=agreement.id,
        keeper_id=keeper_id,
        version=agreement.version,
        content=content,
        pledges=[row.pledge_id for row in watched],
        drawn_at=now,
        signed=[],
        authorizations=[],
    )
    insert(session, row_, else_=NothingKept(field="keeper"))
    return row_


def visible(session: Session, party_id: UUID, notice_id: UUID) -> ControlNotice:
    """Return a notice to pledgor, pledgee, supervisor or keeper. Raises SubjectNotFound."""
    signs = or_(ControlNotice.keeper_id == party_id, permissions.is_party(party_id))
    found = session.scalar(
        select(ControlNotice)
        .join(ControlAgreement, ControlAgreement.id == ControlNotice.agreement_id)
        .where(ControlNotice.id == notice_id, signs)
    )  # one question: what is another's costs what is nobody's does
    if found is None:
        raise SubjectNotFound
    return found


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[ControlNotice]:
    """Return the notices that a party signs, oldest first: as pledgor, pledgee or keeper."""
    mine = select(ControlAgreement.id).where(
        (ControlAgreement.pledgor_id == party_id) | (ControlAgreement.pledgee_id == party_id)
    )
    statement = select(ControlNotice).where(
        (ControlNotice.keeper_id == party_id) | ControlNotice.agreement_id.in_(mine)
    )
    if after is not None:
        statement = statement.where(ControlNotice.id > after)
    return session.scalars(statement.order_by(ControlNotice.id).limit(size)).all()


def _open(session: Session, actor: Actor, notice_id: UUID) -> Turn[ControlNotice]:
    """Return a notice that waits for the caller; the keeper answers when both others have signed.

    Raises SubjectNotFound, MoveRefused, NoticeOvertaken.
    """
    found = visible(session, actor.party, notice_id)
    agreement = evidence.lock(session, ControlAgreement, found.agreement_id)
    session.refresh(found, with_for_update=True)
    acts = {
        agreement.pledgor_id: "notify",
        agreement.pledgee_id: "countersign",
        found.keeper_id: "acknowledge",
    }
    if actor.party not in acts:
        raise SubjectNotFound
    before = {agreement.pledgor_id, agreement.pledgee_id} - set(found.signed)
    early = actor.party == found.keeper_id and before
    if found.acknowledged_at is not None or actor.party in found.signed or early:
        raise MoveRefused(state=agreement.state.value, asked="sign")
    if found.version != agreement.version:
        raise NoticeOvertaken(version=agreement.version)
    return Turn(
        paper=found,
        signers=list(acts),
        act=acts[actor.party],
        subject=agreement,
        prefix=agreements.PREFIX,
        content=found.content,
        amount=None,
    )


def _finish(session: Session, actor: Actor, turn: Turn[ControlNotice], now: datetime) -> None:
    """Keep the 回执: the keeper knows for whom it holds the goods."""
    found = turn.paper
    agreement = session.get_one(ControlAgreement, found.agreement_id)
    event = evidence.append(
        session,
        agreement,
        "control.acknowledged",
        found.content,
        now=now,
        actor=actor.party,
        parties=[*agreement.parties, found.keeper_id],
        authorizations=found.authorizations,
    )
    found.acknowledged_at, found.event_hash = now, event.body_hash


SIGNED: Final = Kind(open=_open, finish=_finish)
"""How notices are signed."""
