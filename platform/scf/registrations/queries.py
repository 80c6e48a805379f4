"""Reading what a pledge has at the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.pledges import permissions
from scf.pledges.models import Pledge, PledgeSearch
from scf.pledges.permissions import Action
from scf.registrations import filing
from scf.registrations.handing_in import NothingToCompare
from scf.registrations.models import (
    RegistryFiling,
    RegistryFinding,
    RegistryObjection,
    RegistryPaper,
)
from scf.registry.port import Filing


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """Everything that a pledge has at the register, oldest first."""

    filings: Sequence[RegistryFiling]
    searches: Sequence[PledgeSearch]
    findings: Sequence[RegistryFinding]
    objections: Sequence[RegistryObjection]
    papers: Sequence[RegistryPaper]


def whole(session: Session, actor: Actor, pledge_id: UUID) -> RegistryRecord:
    """Return all of it to the pledgee. Raises SubjectNotFound, ActionNotAllowed."""
    _kept_by(session, actor, pledge_id)
    return RegistryRecord(
        session.scalars(
            select(RegistryFiling)
            .where(RegistryFiling.pledge_id == pledge_id)
            .order_by(RegistryFiling.id)
        ).all(),
        session.scalars(
            select(PledgeSearch)
            .where(PledgeSearch.pledge_id == pledge_id)
            .order_by(PledgeSearch.id)
        ).all(),
        session.scalars(
            select(RegistryFinding)
            .where(RegistryFinding.pledge_id == pledge_id)
            .order_by(RegistryFinding.found_at, RegistryFinding.reg_no)
        ).all(),
        session.scalars(
            select(RegistryObjection)
            .where(RegistryObjection.pledge_id == pledge_id)
            .order_by(RegistryObjection.objected_at, RegistryObjection.number)
        ).all(),
        session.scalars(
            select(RegistryPaper)
            .where(RegistryPaper.pledge_id == pledge_id)
            .order_by(RegistryPaper.id)
        ).all(),
    )


def wanted(session: Session, actor: Actor, pledge_id: UUID) -> Filing:
    """Return what is to be filed now: what waits, else what stands, else what will be. Raises NothingToCompare."""
    pledge = _kept_by(session, actor, pledge_id)
    if pledge.reserved_at is None:
        raise NothingToCompare(state=pledge.state.value)
    return filing.wanted(session, pledge)


def search_certificate(session: Session, actor: Actor, pledge_id: UUID, cert_no: str) -> bytes:
    """Return a search's certificate as issued. Raises SubjectNotFound."""
    _kept_by(session, actor, pledge_id)
    found = session.scalar(
        select(PledgeSearch.certificate).where(
            PledgeSearch.pledge_id == pledge_id, PledgeSearch.cert_no == cert_no
        )
    )
    if found is None:
        raise SubjectNotFound
    return found


def paper(session: Session, actor: Actor, pledge_id: UUID, paper_id: UUID) -> RegistryPaper:
    """Return a certificate that was handed in. Raises SubjectNotFound."""
    _kept_by(session, actor, pledge_id)
    found = session.get(RegistryPaper, paper_id)
    if found is None or found.pledge_id != pledge_id:
        raise SubjectNotFound
    return found


def _kept_by(session: Session, actor: Actor, pledge_id: UUID) -> Pledge:
    """Return a pledge to whoever keeps its registration. Raises SubjectNotFound, ActionNotAllowed."""
    pledge = session.get(Pledge, pledge_id)
    if pledge is None:
        raise SubjectNotFound
    permissions.require(pledge, actor.party, Action.KEEP_REGISTRATION)
    return pledge
