"""Answering many lines through a spreadsheet: the pending list out, the filled list back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.http.auth import Actor
from scf.kernel.clock import parse_date
from scf.kernel.ids import public_id
from scf.kernel.money import Money, zero
from scf.parties.models import Party
from scf.parties.queries import parties_of
from scf.parties.signing import Item
from scf.receivables import basket, cells, findings, queries, sheets, workbook
from scf.receivables.basket import Drafting, Drafts, Wanted
from scf.receivables.models import Receivable
from scf.receivables.permissions import Action
from scf.receivables.service import Account, Confirmation
from scf.receivables.sheets import RowError, Sheet
from scf.receivables.submission import Mode
from scf.receivables.workbook import Due

COLUMNS: Final = {
    "confirmed": sheets.CONFIRMED,
    "disputed": sheets.DISPUTED,
    "rejected": sheets.REJECTED,
    "amount": sheets.DISPUTED,
    "reason": sheets.REASON,
    "due_on": sheets.DUE_ON,
    "pay_to": cells.ACCOUNT,
    "retention": sheets.RETENTION,
}
"""Field that a refusal names -> column of the list."""


@dataclass(frozen=True, slots=True)
class Said:
    """A drafted line, in amounts."""

    supplier: str
    supplier_name: str
    due_on: date
    claimed: Money
    confirmed: Money
    disputed: Money
    rejected: Money


@dataclass(frozen=True, slots=True)
class DraftedSheet:
    """What a filled list came to: a draft an act, and what is wrong with other rows.

    `rejected` is those rows, to be handed back with what is wrong with each.
    """

    drafts: Drafts
    errors: list[RowError]
    rejected: list[list[str]]


def pending_sheet(
    session: Session, debtor_id: UUID, *, after: UUID | None, workbooks: bool, now: datetime
) -> tuple[bytes, str | None]:
    """Return what waits for a debtor's answer as a list to fill in, and the cursor of the rest.

    The list is an Excel workbook if asked, else a CSV.
    """
    found = queries.pending(session, debtor_id, after=after, size=sheets.ROWS_MAX)
    documents = queries.documents_of(session, [receivable.id for receivable in found])
    parties = parties_of(session, found)
    hints = findings.of(session, found, now=now)
    rows = [
        _shown(receivable, parties[receivable.creditor_id], documents[receivable.id])
        | {sheets.HINTS: "；".join(hint.title for hint in hints[receivable.id])}
        for receivable in found
    ]
    more = public_id("rcv", found[-1].id) if len(found) == sheets.ROWS_MAX else None
    if not workbooks:
        return sheets.write(rows), more
    dues = []
    for receivable in found:
        supplier = parties[receivable.creditor_id]
        dues.append(Due(supplier.name, supplier.uscc, receivable.due_on, receivable.claimed))
    return workbook.write(rows, dues), more


def draft_sheet(
    session: Session,
    actor: Actor,
    sheet: Sheet,
    how: Drafting,
    *,
    pay_to: Account | None,
    no_setoff: bool,
    consents: Sequence[str],
) -> DraftedSheet:
    """Draft every answered row, a statement an act; CONTINUE leaves a refused row out and names it.

    Raises what signing raises, and with ATOMIC the first row's refusal.
    """
    errors, wanted = list(sheet.errors), []
    for row in sheet.rows:
        confirmation = Confirmation(
            row.confirmed,
            row.disputed,
            row.rejected,
            row.reason,
            row.due_on,
            row.pay_to or pay_to,
            no_setoff,
            consents,
            retention=row.retention,
        )
        wanted.append(Wanted(row.receivable_id, row.version, confirmation))
    if errors and how.mode is Mode.ATOMIC:
        first = min(errors, key=lambda found: found.row)
        first.error.field = f"{first.row}.{first.column or ''}".rstrip(".")
        raise first.error
    drafts = basket.draft(session, actor, wanted, how)
    for left in drafts.left_out:
        column = COLUMNS.get(left.error.field or "", left.error.field)
        errors.append(RowError(sheet.rows[left.place].row, column, left.error))
    errors.sort(key=lambda found: found.row)
    return DraftedSheet(drafts, errors, sheets.give_back(sheet, errors) if errors else [])


def said(session: Session, drafts: Drafts) -> list[Said]:
    """Return the lines that are drafted, to be added up."""
    found = parties_of(session, [_receivable(item) for item in drafts.items])
    return [
        _said(drafted.act, item, found[_receivable(item).creditor_id])
        for drafted in drafts.drafted
        for item in drafted.items
    ]


def _said(act: Action, item: Item, supplier: Party) -> Said:
    content, nothing = item.content, zero(item.amount.currency)
    names = ("confirmed", "disputed", "rejected")
    if act is Action.CONFIRM:
        parts = {name: Money.from_json(content[name]) for name in names}
    else:
        parts = {**dict.fromkeys(names, nothing), _PARTS[act]: item.amount}
    return Said(
        supplier=supplier.uscc,
        supplier_name=supplier.name,
        due_on=parse_date(content["due_on"]),
        claimed=Money.from_json(content["claimed"]),
        **parts,
    )


_PARTS: Final = {Action.DISPUTE: "disputed", Action.REJECT: "rejected"}


def _receivable(item: Item) -> Receivable:
    assert isinstance(item.subject, Receivable), "a basket of receivables"
    return item.subject


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
        None,
    )
    return dict(zip(sheets.SHOWN, values, strict=True))
