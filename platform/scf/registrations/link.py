"""The register as a pledge's steps see it: over the link, or by what people handed in where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.pledges.models import PledgeSearch
from scf.registrations.models import RegistryFiling, RegistryPaper
from scf.registry.by_hand import HandedIn, PaperRegistry
from scf.registry.client import HttpRegistry
from scf.registry.port import Register
from scf.registry.reading import read_paper


@contextmanager
def register_of(context: EffectContext, pledge_id: UUID) -> Iterator[Register]:
    """Open the register for a pledge; an empty address means that people file by hand."""
    if context.settings.registry_url:
        with HttpRegistry(context.settings.registry_url) as registry:
            yield registry
        return
    with context.database.reading() as session:
        papers = _handed_in(session, pledge_id)
        used = _used(session, pledge_id)
    yield PaperRegistry(papers, used=used)


def _handed_in(session: Session, pledge_id: UUID) -> list[HandedIn]:
    rows = session.scalars(
        select(RegistryPaper.content)
        .where(RegistryPaper.pledge_id == pledge_id, RegistryPaper.taken)
        .order_by(RegistryPaper.at.desc(), RegistryPaper.id.desc())
    )
    return [HandedIn(read_paper(content), content) for content in rows]


def _used(session: Session, pledge_id: UUID) -> set[str]:
    """Return the numbers of certificates that answered something already."""
    searches = select(PledgeSearch.cert_no).where(PledgeSearch.pledge_id == pledge_id)
    filings = select(RegistryFiling.number).where(RegistryFiling.pledge_id == pledge_id)
    return {*session.scalars(searches), *filter(None, session.scalars(filings))}
