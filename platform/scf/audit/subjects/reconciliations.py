"""Reconciliations: the balance of a month as its events tell it, and the list behind it."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect_row
from scf.audit.history import histories
from scf.settlement.models import ReconciliationState
from scf.settlement.reconciling import MOVEMENTS


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every reconciliation to its events. Raises Different."""
    for history in histories(session, "reconciliations", report):
        drawn, row = history.told[0], history.row
        agreed = history.last("reconciliation.agreed") is not None
        shown = {
            **row,
            "creditor_id": codes.get(row["creditor_id"]),
            "debtor_id": codes.get(row["debtor_id"]),
            "lines": hashlib.sha256(row["lines"]).digest(),
            "agreed": row["state"] is ReconciliationState.AGREED,
        }
        expected = {
            "creditor_id": drawn.record["creditor"],
            "debtor_id": drawn.record["debtor"],
            "currency": drawn.money("closing").currency,
            "first_on": drawn.day("first_on"),
            "last_on": drawn.day("last_on"),
            **{f"{name}_minor": drawn.minor(name) for name in MOVEMENTS},
            "lines": drawn.bytes("lines_sha256"),
            "agreed": agreed,
            "drawn_at": drawn.at,
        }
        expect_row("reconciliations", history.key, shown, expected)
