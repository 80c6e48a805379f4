"""Answering many lines through a spreadsheet: the pending list out, the filled list back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.errors import Refused
from scf.kernel.ids import public_id
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.parties.signing import Signer
from scf.receivables import queries, service, sheets
from scf.receivables.models import Receivable
from scf.receivables.service import Account, Confirmation
from scf.receivables.sheets import AccountMissing, FilledRow, RowError

COLUMNS: Final = {
    "confirmed": sheets.CONFIRMED,
    "disputed": sheets.DISPUTED,
    "rejected": sheets.REJECTED,
    "reason": sheets.REASON,
    "due_on": sheets.DUE_ON,
}
"""Field that a refusal names -> column of the list."""


@dataclass(frozen=True, slots=True)
class DraftedSheet:
    """What a filled list came to: statements to sign per row, and what is wrong with other rows."""

    drafts: list[tuple[FilledRow, list[Statement]]]
    errors: list[RowError]


def pending_sheet(
    session: Session, debtor_id: UUID, *, after: UUID | None
) -> tuple[bytes, str | None]:
    """Return what waits for a debtor's answer as a list to fill in, and the cursor of the rest."""
    found = queries.pending(session, debtor_id, after=after, size=sheets.ROWS_MAX)
    documents = queries.documents_of(session, [receivable.id for receivable in found])
    parties = parties_of(session, found)
    rows = [
        _shown(receivable, parties[receivable.creditor_id], documents[receivable.id])
        for receivable in found
    ]
    more = public_id("rcv", found[-1].id) if len(found) == sheets.ROWS_MAX else None
    return sheets.write(rows), more


def draft_sheet(
    session: Session,
    actor: Actor,
    text: str,
    *,
    pay_to: Account | None,
    no_setoff: bool,
    consents: Sequence[str],
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> DraftedSheet:
    """Draft a confirmation for every answered row; a row that is refused does not hold up the others.

    Raises SheetInvalid, SheetTooLarge.
    """
    sheet = sheets.read(text)
    drafted = DraftedSheet([], list(sheet.errors))
    for row in sorted(sheet.rows, key=lambda row: row.receivable_id):
        try:
            account = row.pay_to or pay_to
            if account is None:
                raise AccountMissing(field=sheets.ACCOUNT)
            confirmation = Confirmation(
                row.confirmed,
                row.disputed,
                row.rejected,
                row.reason,
                row.due_on,
                account,
                no_setoff,
                consents,
            )
            statements = service.draft_confirmation(
                session,
                actor,
                row.receivable_id,
                confirmation,
                signers=signers,
                origin=origin,
                now=now,
                expected_version=row.version,
            )
        except Refused as error:
            column = COLUMNS.get(error.field or "", error.field)
            drafted.errors.append(RowError(row.row, column, error))
        else:
            drafted.drafts.append((row, statements))
    drafted.drafts.sort(key=lambda pair: pair[0].row)
    drafted.errors.sort(key=lambda found: found.row)
    return drafted


def _shown(
    receivable: Receivable, creditor: Party, documents: Sequence[Mapping[str, str]]
) -> dict[str, str | None]:
    values = (
        public_id("rcv", receivable.id),
        str(receivable.version),
        receivable.line_no,
        creditor.name,
        creditor.uscc,
        " ".join(document["number"] for document in documents),
        receivable.contract_no,
        receivable.receipt_no,
        queries.date_text(receivable.delivered_on),
        receivable.due_on.isoformat(),
        receivable.currency,
        receivable.claimed.text,
        receivable.state.value,
    )
    return dict(zip(sheets.SHOWN, values, strict=True))
