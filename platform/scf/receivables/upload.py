"""What a core enterprise uploads from its ERP: lines that become receivables once their invoices are there.

The debtor's word alone makes no claim: an invoice is registered by who issued it, and stands behind one
live receivable at most. Until the supplier is a member and has registered the invoices, a line waits.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from scf.db.locks import take_turns
from scf.documents.models import Document
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.jobs.models import Job
from scf.kernel.errors import Conflict, Refused, Unavailable
from scf.kernel.ids import public_id
from scf.parties.models import Party
from scf.programmes.models import Member, MemberRole
from scf.receivables.submission import Mode, Submission, submit_many
from scf.receivables.upload_models import LineState, PayableLine

MATCHED_MAX: Final = 500
"""Waiting lines that are looked at in one transaction."""
FAULT_RESTS: Final = timedelta(minutes=10)

log = structlog.get_logger()


class SupplierNotOnBoard(Conflict):
    """A supplier that is not on board yet is invited."""

    code = "payable.supplier_not_on_board"
    title = "供应商尚未入驻，请发出邀请"
    title_en = "The supplier is not on board yet; invite it"


class SupplierNotMember(Conflict):
    """Business in a programme is between its members."""

    code = "payable.supplier_not_member"
    title = "供应商尚未加入该融资项目，请发出邀请"
    title_en = "The supplier is not a member of the programme yet; invite it"


class InvoiceNotRegistered(Conflict):
    """A line becomes a receivable once its supplier has registered the invoices behind it."""

    code = "payable.invoice_not_registered"
    title = "供应商尚未登记发票"
    title_en = "The supplier has not registered the invoice yet"


class LineWaiting(Conflict):
    """An invoice, and a line number of a supplier, wait in one uploaded line at a time."""

    code = "payable.line_waiting"
    title = "该行号或发票已在另一条待处理明细中"
    title_en = "Another uploaded line with this number or invoice is waiting"


class LineFault(Unavailable):
    """A line that the platform fails on waits, is tried again, and holds up no other."""

    code = "payable.fault"
    title = "系统处理该明细时出错，稍后自动重试"
    title_en = "The platform failed on this line; it is tried again"


Waits = SupplierNotOnBoard | SupplierNotMember | InvoiceNotRegistered
Settled = UUID | Refused
"""A line's receivable, or why it has none (yet)."""


def settle(
    session: Session, actor: Actor, lines: Sequence[PayableLine], *, now: datetime
) -> list[Settled]:
    """Turn waiting lines of one debtor, the actor, into receivables, as far as that is possible.

    What is missing lets a line wait; what is wrong ends it. Raises SubmissionContended.
    """
    suppliers = _suppliers(session, lines)
    documents = _documents(session, lines, suppliers)
    settled: dict[UUID, Settled] = {}
    ready: list[tuple[PayableLine, Submission]] = []
    for line in lines:
        waits = _waits(line, suppliers, documents)
        if waits is not None:
            settled[line.id] = waits
        else:
            party_id = suppliers[line.programme_id, line.supplier][0]
            ids = [documents[party_id, number] for number in line.invoices]
            ready.append((line, _submission(line, party_id, ids)))
    if ready:
        wanted = [submission for _, submission in ready]
        outcomes = submit_many(session, actor, wanted, mode=Mode.CONTINUE, now=now)
        for (line, _), outcome in zip(ready, outcomes, strict=True):
            settled[line.id] = outcome if isinstance(outcome, Refused) else outcome.id
    for line in lines:
        _apply(line, settled[line.id], now)
    return [settled[line.id] for line in lines]


def match(session: Session, *, now: datetime, after: UUID | None = None) -> UUID | None:
    """Settle waiting lines whose supplier and invoices are there now, of one debtor at a time.

    Lines that another worker is at are left to it. Where the platform fails on them they are settled one by
    one, and those that it fails on alone rest for a while. Returns the first line looked at, None at the end.
    """
    first = _matchable(session, after, None, now=now)
    if not first:
        return None
    lines = _matchable(session, after, first[0].debtor_id, now=now)
    if not _settled(session, lines, now=now):
        for line in lines:
            if not _settled(session, [line], now=now):
                line.code, line.message, line.changed_at = LineFault.code, LineFault.title, now
    session.flush()
    return first[0].id  # lines of other debtors may stand between it and the last


def _settled(session: Session, lines: Sequence[PayableLine], *, now: datetime) -> bool:
    """Settle waiting lines, or none of them; say which."""
    job = session.get_one(Job, lines[0].job_id)
    actor = Actor(job.client_id, lines[0].debtor_id)
    ids = [public_id("pyl", line.id) for line in lines]
    try:
        with session.begin_nested():
            settle(session, actor, lines, now=now)
            session.flush()
    except Exception:
        log.exception("payable.fault", count=len(ids), first=ids[0], last=ids[-1])
        return False
    return True


def withdraw(session: Session, actor: Actor, line_id: UUID, *, now: datetime) -> PayableLine:
    """Take an uploaded line back that waits. Raises SubjectNotFound, LineMoveRefused."""
    line = session.scalar(
        select(PayableLine)
        .where(PayableLine.id == line_id, PayableLine.debtor_id == actor.party)
        .with_for_update()
    )
    if line is None:
        raise SubjectNotFound
    line.move(LineState.WITHDRAWN)
    line.code = line.message = None
    line.changed_at = now
    return line


def refuse_waiting(
    session: Session, debtor_id: UUID, lines: Sequence[PayableLine]
) -> list[LineWaiting | None]:
    """Say of fresh lines, in their order, which stand beside another that waits already.

    Uploads of one debtor wait for one another here, so that none is overlooked.
    """
    take_turns(session, [f"payables {debtor_id}"])
    rows = session.execute(
        select(
            PayableLine.programme_id,
            PayableLine.supplier,
            PayableLine.line_no,
            PayableLine.invoices,
        ).where(
            PayableLine.debtor_id == debtor_id,
            PayableLine.state == LineState.WAITING,
            PayableLine.supplier.in_({line.supplier for line in lines}),
        )
    )
    taken: set[tuple[object, ...]] = set()
    for programme_id, supplier, line_no, invoices in rows:
        taken |= _keys(programme_id, supplier, line_no, invoices)
    found: list[LineWaiting | None] = []
    for line in lines:
        keys = _keys(line.programme_id, line.supplier, line.line_no, line.invoices)
        numbered = (line.programme_id, line.supplier, line.line_no) in taken
        clash = LineWaiting(field="line_no" if numbered else "invoices") if keys & taken else None
        found.append(clash)
        taken |= set() if clash else keys
    return found


def _keys(
    programme_id: UUID, supplier: str, line_no: str, invoices: Iterable[str]
) -> set[tuple[object, ...]]:
    return {(programme_id, supplier, line_no), *((supplier, number) for number in invoices)}


def _suppliers(
    session: Session, lines: Sequence[PayableLine]
) -> Mapping[tuple[UUID, str], tuple[UUID, bool]]:
    """Return by programme and USCC the suppliers on board, and whether they are its members."""
    found: dict[tuple[UUID, str], tuple[UUID, bool]] = {}
    codes = {line.supplier for line in lines}
    for programme_id in {line.programme_id for line in lines}:
        member = exists().where(
            Member.programme_id == programme_id,
            Member.party_id == Party.id,
            Member.role == MemberRole.SUPPLIER,
            Member.revoked_at.is_(None),
        )
        rows = session.execute(
            select(Party.uscc, Party.id, member).where(
                Party.uscc.in_(codes), Party.revoked_at.is_(None)
            )
        )
        found |= {(programme_id, code): (party_id, there) for code, party_id, there in rows}
    return found


def _documents(
    session: Session,
    lines: Sequence[PayableLine],
    suppliers: Mapping[tuple[UUID, str], tuple[UUID, bool]],
) -> Mapping[tuple[UUID, str], UUID]:
    """Return by seller and number the documents that lines may stand on."""
    rows = session.execute(
        select(Document.seller_id, Document.number, Document.id).where(
            Document.seller_id.in_({party_id for party_id, _ in suppliers.values()}),
            Document.number.in_({number for line in lines for number in line.invoices}),
        )
    )
    return {(seller_id, number): identity for seller_id, number, identity in rows}


def _waits(
    line: PayableLine,
    suppliers: Mapping[tuple[UUID, str], tuple[UUID, bool]],
    documents: Mapping[tuple[UUID, str], UUID],
) -> Waits | None:
    found = suppliers.get((line.programme_id, line.supplier))
    if found is None:
        return SupplierNotOnBoard(field="supplier", supplier=line.supplier)
    party_id, member = found
    if not member:
        return SupplierNotMember(field="supplier", supplier=line.supplier)
    missing = [number for number in line.invoices if (party_id, number) not in documents]
    return InvoiceNotRegistered(field="invoices", invoices=missing[:5]) if missing else None


def _submission(line: PayableLine, creditor_id: UUID, document_ids: Sequence[UUID]) -> Submission:
    return Submission(
        line.programme_id,
        line.line_no,
        document_ids,
        line.amount,
        line.contract_no,
        line.receipt_no,
        line.delivered_on,
        line.due_on,
        creditor_id,
    )


def _apply(line: PayableLine, settled: Settled, now: datetime) -> None:
    line.changed_at = now
    if isinstance(settled, UUID):
        line.move(LineState.SUBMITTED)
        line.receivable_id, line.code, line.message = settled, None, None
        return
    if not isinstance(settled, Waits):
        line.move(LineState.REFUSED)
    line.code, line.message = settled.code, settled.title


def _matchable(
    session: Session, after: UUID | None, debtor_id: UUID | None, *, now: datetime
) -> Sequence[PayableLine]:
    """Return waiting lines that nothing is missing for, locked: of a debtor, or the first of any."""
    number = func.unnest(PayableLine.invoices).column_valued("number")
    registered = (
        exists()
        .where(Document.seller_id == Party.id, Document.number == number)
        .correlate_except(Document)
    )
    missing = select(number).where(~registered).correlate(PayableLine, Party).exists()
    resting = PayableLine.code.is_not_distinct_from(LineFault.code) & (
        PayableLine.changed_at > now - FAULT_RESTS
    )
    statement = (
        select(PayableLine)
        .join(Party, (Party.uscc == PayableLine.supplier) & Party.revoked_at.is_(None))
        .join(
            Member,
            (Member.programme_id == PayableLine.programme_id)
            & (Member.party_id == Party.id)
            & (Member.role == MemberRole.SUPPLIER)
            & Member.revoked_at.is_(None),
        )
        .where(PayableLine.state == LineState.WAITING, ~missing, ~resting)
        .order_by(PayableLine.id)
        .limit(MATCHED_MAX if debtor_id else 1)
        .with_for_update(of=PayableLine, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if after is not None:
        statement = statement.where(PayableLine.id > after)
    if debtor_id is not None:
        statement = statement.where(PayableLine.debtor_id == debtor_id)
    return session.scalars(statement).all()
