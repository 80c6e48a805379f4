"""Reading lots, their papers and their single things."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.parties import queries as parties
from scf.stock import permissions
from scf.stock.models import Lot, LotPaper, LotUnit
from scf.stock.permissions import Action
from scf.stock.rules import Seen
from scf_ledger.encoding import b64url


def visible(session: Session, party_id: UUID, lot_id: UUID) -> Lot:
    """Return a lot that this party has a part in. Raises SubjectNotFound."""
    lot = session.get(Lot, lot_id)
    if lot is None:
        raise SubjectNotFound
    permissions.require(lot, party_id, Action.VIEW)
    return lot


def page(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> Sequence[Lot]:
    """Return the lots that a party has a part in, oldest first."""
    own = or_(
        Lot.keeper_id == party_id, Lot.depositor_id == party_id, Lot.supervisor_id == party_id
    )
    statement = select(Lot).where(own).order_by(Lot.id).limit(size)
    if after is not None:
        statement = statement.where(Lot.id > after)
    return session.scalars(statement).all()


def papers(session: Session, lot_id: UUID) -> Sequence[LotPaper]:
    """Return a lot's papers, oldest first."""
    found = select(LotPaper).where(LotPaper.lot_id == lot_id)
    return session.scalars(found.order_by(LotPaper.added_at, LotPaper.event_id)).all()


def seen(session: Session, lot: Lot) -> list[Seen]:
    """Return what its two independent sources saw of a lot as it came in, oldest first; what others saw counts not."""
    sources = {parties.party(session, one).uscc for one in lot.sources}
    return [
        Seen(paper.kind, paper.source, paper.made_on, paper.quantity_minor, paper.passed)
        for paper in papers(session, lot.id)
        if paper.order_id is None and paper.source in sources
    ]


def weighed_out(session: Session, order_id: UUID, lot_ids: Collection[UUID]) -> list[LotPaper]:
    """Return by which papers goods of these lots were weighed out for an order: each source's newest of each lot."""
    found = select(LotPaper).where(LotPaper.order_id == order_id, LotPaper.lot_id.in_(lot_ids))
    newest = {
        (paper.lot_id, paper.source): paper
        for paper in session.scalars(found.order_by(LotPaper.added_at, LotPaper.event_id))
    }
    return sorted(newest.values(), key=lambda paper: (paper.source, paper.lot_id))


def paper_hashes(session: Session, lot_id: UUID) -> list[str]:
    """Return the digests of a lot's papers, as records say them, oldest first."""
    return [b64url(paper.original_sha256) for paper in papers(session, lot_id)]


def units(session: Session, lot_id: UUID) -> Sequence[LotUnit]:
    """Return the single things of a lot, by name."""
    found = select(LotUnit).where(LotUnit.lot_id == lot_id).order_by(LotUnit.name)
    return session.scalars(found).all()


def present(session: Session, names: Sequence[str]) -> list[str]:
    """Return which of these names are stored somewhere now."""
    found = select(LotUnit.name).where(LotUnit.name.in_(names), LotUnit.left_at.is_(None))
    return sorted(session.scalars(found))
