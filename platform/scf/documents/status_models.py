"""Checks of invoices: what the tax bureau said of one, each a fact of its own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from scf.db.base import Base
from scf.db.ddl import text_enum
from scf.documents.status import InvoiceStatus
from scf.evidence.models import Subject


class InvoiceCheck(Subject, Base):
    """An answer about one invoice. `answered_at` is the tax bureau's time, `checked_at` ours.

    `sound` says whether money may move on it: 正常, or taken back in part by a note that is registered here.
    """

    __tablename__ = "invoice_checks"
    __table_args__ = (Index("ix_invoice_checks_document_id_id", "document_id", "id"),)

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"))
    status: Mapped[InvoiceStatus] = mapped_column(text_enum(InvoiceStatus))
    sound: Mapped[bool]
    answered_at: Mapped[datetime]
    checked_at: Mapped[datetime]
