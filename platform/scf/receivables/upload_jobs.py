"""What is done with slices of handed-in lists: a supplier's submissions, a core enterprise's payables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.outbox import EffectContext
from scf.documents.models import Document
from scf.http.auth import Actor
from scf.jobs import service as jobs
from scf.jobs.models import Job
from scf.jobs.running import Done, Failed, Kind, Result, Slice, Waiting
from scf.kernel.clock import Clock
from scf.kernel.errors import Refused
from scf.kernel.ids import new_id, parse_id, public_id
from scf.parties import queries as parties
from scf.programmes.models import MemberRole
from scf.programmes.service import require_member
from scf.receivables.submission import DocumentsWrong, Mode, Submission, submit_many
from scf.receivables.upload import Waits, match, refuse_waiting, settle
from scf.receivables.upload_models import LineState, PayableLine
from scf.receivables.upload_rows import (
    IMPORT,
    SUPPLIER,
    UPLOAD,
    CellWrong,
    ListForm,
    PayableRow,
    header_of,
    read_row,
    read_table,
)

IMPORTED: Final = "receivables.import"
UPLOADED: Final = "payables.upload"
SLICE: Final = 500
"""Lines of one transaction: some tenths of a second."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A list handed in for a programme: the file itself, and what its sender calls it."""

    programme_id: UUID
    original: bytes
    filename: str | None


def start_import(session: Session, actor: Actor, handed: Handed, *, clock: Clock) -> Job:
    """Take a supplier's list in, to be submitted in the background.

    Raises NotMember, ProgrammeClosed, and what `read_table` and `jobs.start` raise.
    """
    require_member(session, handed.programme_id, actor.party, MemberRole.SUPPLIER)
    return _start(session, actor, IMPORTED, IMPORT, handed, clock=clock)


def start_upload(session: Session, actor: Actor, handed: Handed, *, clock: Clock) -> Job:
    """Take a core enterprise's payables in. Raises as `start_import` does."""
    require_member(session, handed.programme_id, actor.party, MemberRole.ANCHOR)
    return _start(session, actor, UPLOADED, UPLOAD, handed, clock=clock)


def _start(
    session: Session, actor: Actor, kind: str, form: ListForm, handed: Handed, *, clock: Clock
) -> Job:
    table = read_table(handed.original, form, filename=handed.filename)
    arguments = {"programme": public_id("prg", handed.programme_id)}
    return jobs.start(session, actor, kind, table, arguments=arguments, now=clock.real())


def import_lines(session: Session, work: Slice) -> list[Result]:
    """Submit a supplier's lines."""
    programme_id = _programme(work.job)
    results, rows = _read(work, IMPORT)
    numbers = {number for row in rows.values() for number in row.invoices}
    known = _registered(session, work.job.party_id, numbers)
    submissions: dict[int, Submission] = {}
    for place, row in rows.items():
        missing = [number for number in row.invoices if number not in known]
        if missing:
            error = DocumentsWrong(field="documents", invoices=missing[:5])
            results[place] = _failed(error)
            continue
        submissions[place] = Submission(
            programme_id,
            row.line_no,
            [known[number] for number in row.invoices],
            row.amount,
            row.contract_no,
            row.receipt_no,
            row.delivered_on,
            row.due_on,
        )
    if submissions:
        wanted = list(submissions.values())
        outcomes = submit_many(session, work.actor, wanted, mode=Mode.CONTINUE, now=work.now)
        for place, outcome in zip(submissions, outcomes, strict=True):
            if isinstance(outcome, Refused):
                results[place] = _failed(outcome)
            else:
                results[place] = Done(public_id("rcv", outcome.id))
    return [results[place] for place in sorted(results)]


def upload_lines(session: Session, work: Slice) -> list[Result]:
    """Keep a core enterprise's lines; those that nothing is missing for become receivables."""
    results, rows = _read(work, UPLOAD)
    own = parties.party(session, work.job.party_id).uscc
    for place in [place for place, row in rows.items() if row.supplier == own]:
        del rows[place]
        results[place] = _failed(CellWrong(field=SUPPLIER, rule="供应商不能是本企业 oneself"))
    lines = {place: payable_line(work.job, work.places[place], row) for place, row in rows.items()}
    for line in lines.values():
        line.id, line.uploaded_at, line.state = new_id(), work.now, LineState.WAITING
    clashes = refuse_waiting(session, work.job.party_id, list(lines.values()))
    for place, clash in zip(list(lines), clashes, strict=True):
        if clash is not None:
            del lines[place]
            results[place] = _failed(clash)
    settled = settle(session, work.actor, list(lines.values()), now=work.now)
    session.add_all(lines.values())
    session.flush()
    for (place, line), became in zip(lines.items(), settled, strict=True):
        if isinstance(became, UUID):
            results[place] = Done(public_id("rcv", became))
        elif isinstance(became, Waits):
            results[place] = Waiting(public_id("pyl", line.id), became)
        else:
            results[place] = _failed(became)
    return [results[place] for place in sorted(results)]


def match_waiting(context: EffectContext) -> None:
    """Settle every waiting line whose supplier and invoices have come meanwhile. For a clock."""
    after: UUID | None = None
    while True:
        with context.database.transaction() as session:
            after = match(session, now=context.clock.now(), after=after)
        if after is None:
            return


def payable_line(job: Job, place: int, row: PayableRow) -> PayableLine:
    """Return the line that a row of an upload says, without id, state and times."""
    assert row.amount is not None, "an upload's rows have an amount"
    return PayableLine(
        job_id=job.id,
        place=place,
        programme_id=_programme(job),
        debtor_id=job.party_id,
        supplier=row.supplier,
        supplier_name=row.supplier_name,
        line_no=row.line_no,
        invoices=list(row.invoices),
        currency=row.amount.currency,
        amount_minor=row.amount.minor,
        contract_no=row.contract_no,
        receipt_no=row.receipt_no,
        delivered_on=row.delivered_on,
        due_on=row.due_on,
        pay_to=row.pay_to.to_json() if row.pay_to else None,
    )


def _read(work: Slice, form: ListForm) -> tuple[dict[int, Result], dict[int, PayableRow]]:
    """Read rows; return by their place in the slice the refusals, and the rows that can be read."""
    results: dict[int, Result] = {}
    rows: dict[int, PayableRow] = {}
    for place, cells in enumerate(work.rows):
        try:
            rows[place] = read_row(cells, form)
        except Refused as error:
            results[place] = _failed(error)
    return results, rows


def _registered(session: Session, seller_id: UUID, numbers: set[str]) -> Mapping[str, UUID]:
    rows = session.execute(
        select(Document.number, Document.id).where(
            Document.seller_id == seller_id, Document.number.in_(numbers)
        )
    )
    return {row.number: row.id for row in rows}


def _failed(error: Refused) -> Failed:
    return Failed(error, header_of(error.field))


def _programme(job: Job) -> UUID:
    return parse_id("prg", job.arguments["programme"])


KINDS: Final[Mapping[str, Kind]] = {
    IMPORTED: Kind(SLICE, import_lines),
    UPLOADED: Kind(SLICE, upload_lines),
}
