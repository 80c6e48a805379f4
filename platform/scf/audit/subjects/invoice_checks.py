"""Checks of invoices: each says what its one event says."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect_row
from scf.audit.history import histories
from scf.documents.status import InvoiceStatus
from scf.documents.status_models import InvoiceCheck
from scf.kernel.clock import parse_instant
from scf.kernel.ids import parse_id


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every check to its event. Raises Different."""
    del codes
    for history in histories(session, InvoiceCheck.__tablename__, report):
        told = history.told[0]
        expect_row(
            InvoiceCheck.__tablename__,
            history.key,
            history.row,
            {
                "document_id": parse_id("doc", told.record["document"]),
                "status": InvoiceStatus(told.record["status"]),
                "sound": told.record["sound"],
                "answered_at": parse_instant(told.record["answered_at"]),
                "checked_at": told.at,
            },
        )
