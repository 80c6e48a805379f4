"""Who took which dossier away, and when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import append_only


class DossierDownload(Base):
    """One download; insert only. `sha256` is that of the whole ZIP."""

    __tablename__ = "dossier_downloads"
    __table_args__ = (
        Index("ix_dossier_downloads_financing_id_id", "financing_id", "id"),
        CheckConstraint("size > 0", name="not_empty"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    financing_id: Mapped[UUID] = mapped_column(ForeignKey("financings.id"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id"))
    sha256: Mapped[bytes]
    size: Mapped[int]
    downloaded_at: Mapped[datetime]


append_only(DossierDownload)
