"""Red-letter forms: what each says, where it stands, and what encumbrancers answered, from its events."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from scf.audit.finding import Report, expect, expect_row
from scf.audit.history import History, histories, table
from scf.documents.red_note_models import Applicant, RedReason, RedState
from scf.kernel.ids import public_id


def check(session: Session, codes: Mapping[UUID, str], report: Report) -> None:
    """Hold every form to its events, and its answers to them. Raises Different."""
    documents, consents = table("documents"), table("red_note_consents")
    for history in histories(session, "red_notes", report):
        row = history.row
        blue = _invoice(session, documents, row["document_id"])
        shown = {
            "seller": codes.get(row["seller_id"]),
            "invoice": blue and blue["number"],
            "red_invoice": _takes_back(session, documents, row, blue),
        }
        expect_row("red_notes", history.key, {**row, **shown}, _expected(history, blue))
        answers = session.execute(
            select(consents).where(consents.c.red_note_id == row["id"])
        ).mappings()
        _check_answers(history, list(answers), codes, report)


def _expected(history: History, blue: RowMapping | None) -> dict[str, Any]:
    entered = history.told[0]
    said, net = entered.record, entered.money("net")
    moves = [told for told in history.told if told.type in ("red_note.entered", "red_note.moved")]
    state = RedState(moves[-1].record["state"])
    return {
        "seller": said["seller"],
        "invoice": said["invoice"],
        "document_id": blue and blue["id"],
        "form_no": said["form_no"],
        "applicant": Applicant(said["applicant"]),
        "used": said["used"],
        "reason": RedReason(said["reason"]),
        "currency": net.currency,
        "net_minor": net.minor,
        "tax_minor": entered.minor("tax"),
        "entered_at": entered.at,
        "state": state,
        "state_since": moves[-1].at,
        "red_invoice": state is RedState.ISSUED,
    }


def _invoice(session: Session, documents: Any, identity: UUID) -> RowMapping | None:
    found = select(documents).where(documents.c.id == identity)
    return session.execute(found).mappings().one_or_none()


def _takes_back(session: Session, documents: Any, row: RowMapping, blue: RowMapping | None) -> bool:
    """Say whether the form's red invoice is there and takes back what the form says."""
    red = _invoice(session, documents, row["red_document_id"])
    return (
        red is not None
        and blue is not None
        and blue["number"] in red["reverses"]
        and (red["net_minor"], red["tax_minor"]) == (-row["net_minor"], -row["tax_minor"])
    )


def _check_answers(
    history: History, rows: list[RowMapping], codes: Mapping[UUID, str], report: Report
) -> None:
    name = "red_note_consents"
    told = {
        told.record["holder"]: (told.record["given"], told.at)
        for told in history.told
        if told.type == "red_note.answered"
    }
    report.rows[name] += len(rows)
    answered = [row for row in rows if row["given"] is not None or row["answered_at"] is not None]
    for row in answered:
        key = f"{history.key} {public_id('pty', row['party_id'])}"
        given, at = told.get(codes.get(row["party_id"], ""), (None, None))
        expect(name, key, "given", row["given"], given)
        expect(name, key, "answered_at", row["answered_at"], at)
    expect(name, history.key, "red_note_id", len(answered), len(told))
