"""Debtors on the block list (名单): listed by the operator with source and reason, shown on every claim on them.

A listing refuses nothing: whoever is asked to lend reads it beside the claim, with why and since when.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from scf.db.base import Base
from scf.db.ddl import after_table
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id
from scf.parties import queries as parties
from scf.parties.models import Revocable
from scf.parties.service import insert


class AlreadyBlocked(Conflict):
    """A debtor is listed once at a time."""

    code = "block_list.already_listed"
    title = "该企业已在限制名单中"
    title_en = "The party is on the block list already"


class DebtorBlock(Revocable, Base):
    """That a debtor is on the list, by whose decision (`source`) and why; ended once, never edited."""

    __tablename__ = "debtor_blocks"
    __table_args__ = (
        Index(
            "uq_debtor_blocks_listed",
            "party_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    source: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    listed_at: Mapped[datetime]


after_table(
    DebtorBlock,
    "CREATE TRIGGER debtor_blocks_only_revoke BEFORE UPDATE OR DELETE ON debtor_blocks"
    " FOR EACH ROW EXECUTE FUNCTION only_revoke()",
)


def block(
    session: Session, party_id: UUID, *, source: str, reason: str, now: datetime
) -> DebtorBlock:
    """Put a party on the list. Raises SubjectNotFound, AlreadyBlocked."""
    parties.party(session, party_id)
    row = DebtorBlock(id=new_id(), party_id=party_id, source=source, reason=reason, listed_at=now)
    insert(session, row, else_=AlreadyBlocked(field="party"))
    return row


def unblock(session: Session, party_id: UUID, *, reason: str, now: datetime) -> DebtorBlock:
    """Take a party off the list. Raises SubjectNotFound where it is not on it."""
    row = session.scalar(_listed([party_id]).with_for_update())
    if row is None:
        raise SubjectNotFound
    row.revoke(reason, now=now)
    return row


def listed(session: Session, ids: Iterable[UUID]) -> dict[UUID, DebtorBlock]:
    """Return by party those that are on the list."""
    return {row.party_id: row for row in session.scalars(_listed(ids))}


def page(session: Session, *, after: UUID | None, size: int) -> Sequence[DebtorBlock]:
    """Return who is on the list, in order of the parties' ids, `after` not included."""
    statement = select(DebtorBlock).where(DebtorBlock.revoked_at.is_(None))
    if after is not None:
        statement = statement.where(DebtorBlock.party_id > after)
    return session.scalars(statement.order_by(DebtorBlock.party_id).limit(size)).all()


def _listed(ids: Iterable[UUID]) -> Select[DebtorBlock]:
    return select(DebtorBlock).where(
        DebtorBlock.party_id.in_(list(ids)), DebtorBlock.revoked_at.is_(None)
    )
