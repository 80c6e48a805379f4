"""What banks tell of accounts, recorded once: payments, money taken back, and what a person has to assign.

An entry is known by (bank, account, the bank's reference), so a notification and the statement that repeats
it are one fact. The receipt under which a payment is recorded is made of account and reference.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.db.locks import take_turns
from scf.db.session import RETRYABLE, is_transient
from scf.evidence import service as evidence
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, NotAllowed, Refused, Unavailable
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.models import Party, PartyKind
from scf.receivables import payments
from scf.receivables import queries as receivables
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable
from scf.receivables.payments import Receipt, Takeback
from scf.receivables.service import lock
from scf.settlement import matching, transfers
from scf.settlement.camt import BOOKED, Detail, Direction, Entry, Message, Report, parse
from scf.settlement.models import BankEntry, BankReport, EntryState
from scf_ledger import uscc

log = structlog.get_logger()
FAULT: Final = "平台处理该笔流水时出错，请联系平台后认领 the platform failed on this entry"


class NotABank(NotAllowed):
    """Banks report on the accounts that they keep."""

    code = "bank_report.not_a_bank"
    title = "仅银行可以报送账户流水"
    title_en = "Only a bank reports on accounts"


class OtherBank(NotAllowed):
    """A bank reports on accounts that it keeps itself."""

    code = "bank_report.other_bank"
    title = "报文中的开户行与报送银行不一致"
    title_en = "The message is about an account of another bank"


class EntryNotOpen(Conflict):
    """A person assigns an entry that is still unmatched."""

    code = "bank_entry.not_open"
    title = "该笔流水已处理"
    title_en = "The entry is not open any more"


class NotAssigned(Conflict):
    """What a person assigned as a payment can be taken back; what was matched stands as the bank told it."""

    code = "bank_entry.not_assigned"
    title = "该笔流水不是人工认领的付款，不能撤销认领"
    title_en = "The entry was not assigned by hand as a payment"


class NotConcerned(NotAllowed):
    """A bank tells of payments of claims whose account it keeps, or that it encumbers or pays."""

    code = "bank_entry.not_concerned"
    title = "该银行与此应收账款无关，不能认领"
    title_en = "The bank has no part in this receivable"


@dataclass(slots=True)
class Outcome:
    """What a message came to. `repeated` entries were known and changed nothing."""

    report: BankReport
    recorded: int = 0
    unmatched: int = 0
    noted: int = 0
    repeated: int = 0
    pending: int = 0
    entries: list[BankEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Movement:
    """A transaction of an entry, under the reference by which it is known."""

    reference: str
    entry: Entry
    detail: Detail


def receive(session: Session, actor: Actor, original: bytes, *, now: datetime) -> Outcome:
    """Take a camt message of a bank in. The same again changes nothing.

    Raises NotABank, OtherBank, ReportUnreadable.
    """
    bank = parties.active_party(session, actor.party)
    if bank.kind is not PartyKind.BANK:
        raise NotABank
    message = parse(original)
    for report in message.reports:
        named = parties.party_by_uscc(session, report.servicer)
        if named is not None and named.id != bank.id:
            raise OtherBank(field="report", account=report.account)
    return record(session, bank, message, original, now=now)


def record(
    session: Session, bank: Party, message: Message, original: bytes, *, now: datetime
) -> Outcome:
    """Record a message that was read: each booked movement once, in the order given.

    Whatever the order, the receivables it is about are locked by id first. What only turns up while it is
    recorded may still meet another message in a deadlock: run it by `Database.run`, which tries again.
    """
    take_turns(session, (f"{bank.uscc} {account_digits(one.account)}" for one in message.reports))
    outcome = Outcome(_store(session, bank, message, original, now=now))
    for report in message.reports:
        for movement in _movements(report):
            if movement.entry.status != BOOKED:
                outcome.pending += 1
                continue
            row = _enter(session, outcome.report, bank, report, movement, now=now)
            if row is None:
                outcome.repeated += 1
                continue
            outcome.entries.append(row)
    _lock_in_order(session, bank, outcome.entries)
    for row in outcome.entries:
        _settle(session, bank, row, now=now)
    states = Counter(row.state for row in outcome.entries)
    outcome.recorded = states[EntryState.RECORDED]
    outcome.unmatched = states[EntryState.UNMATCHED]
    outcome.noted = states[EntryState.NOTED]
    return outcome


def assign(
    session: Session, actor: Actor, entry_id: UUID, receivable_id: UUID, *, now: datetime
) -> BankEntry:
    """Say by hand what an unmatched entry of one's bank pays, or takes back.

    Raises SubjectNotFound, EntryNotOpen, NotConcerned, and what recording a payment raises.
    """
    row = matching.own_entry(session, actor.party, entry_id, locked=True)
    if row.state is not EntryState.UNMATCHED:
        raise EntryNotOpen(state=row.state.value)
    bank = parties.active_party(session, actor.party)

    def require(receivable: Receivable) -> None:
        if not matching.is_concerned(session, bank, receivable):
            raise NotConcerned(field="receivable")

    receivable = evidence.lock(session, Receivable, receivable_id, require=require)
    _book(session, bank, row, receivable, now=now)
    row.assigned = True
    session.flush()
    return row


def unassign(session: Session, actor: Actor, entry_id: UUID, *, now: datetime) -> BankEntry:
    """Take back what was assigned by hand; the entry waits for a person again.

    The payment stays a fact, and so does that it was taken back: what it did to value and encumbrance is undone
    by a reversal as of today. Raises SubjectNotFound, NotAssigned, and what taking a payment back raises.
    """
    row = matching.own_entry(session, actor.party, entry_id, locked=True)
    receipt_no = row.receipt_no
    payment = receivables.payment(session, actor.party, receipt_no)
    if not row.assigned or row.receivable_id is None or payment is None:
        raise NotAssigned(state=row.state.value)
    receivable = lock(session, row.receivable_id)
    pool = payments.lock_pool(session, receivable)
    payments.reverse(
        session,
        actor.party,
        receivable,
        payment,
        Takeback(f"{receipt_no} 撤销认领", row.amount, business_date(now)),
        ended=matching.ended_pledges(session, pool.id),
        now=now,
    )
    row.state, row.receivable_id, row.assigned = EntryState.UNMATCHED, None, False
    row.problem = "人工认领已撤销 the assignment was taken back"
    row.corrections += 1
    session.flush()
    return row


def _lock_in_order(session: Session, bank: Party, rows: Sequence[BankEntry]) -> None:
    """Lock what the entries are about, as far as it is known by now: receivables by id, then their pools."""
    found = {
        matching.find(session, bank, row)
        for row in rows
        if row.problem is None and transfers.named(session, row) is None
    }
    ids = [one for one in found if isinstance(one, UUID)]
    locked = evidence.lock_all(session, Receivable, ids).values()
    capacity.lock_pools(session, [one.pool_id for one in locked if one.pool_id is not None])


def _store(
    session: Session, bank: Party, message: Message, original: bytes, *, now: datetime
) -> BankReport:
    """Keep a message's bytes, once."""
    digest = hashlib.sha256(original).digest()
    values = {
        "id": new_id(),
        "bank_id": bank.id,
        "kind": message.kind,
        "message_id": message.message_id,
        "sha256": digest,
        "original": original,
        "received_at": now,
    }
    session.execute(insert(BankReport).values(values).on_conflict_do_nothing())
    return session.scalars(
        select(BankReport).where(BankReport.bank_id == bank.id, BankReport.sha256 == digest)
    ).one()


def _movements(report: Report) -> Iterator[Movement]:
    """Split entries into their transactions, each under a reference of its own.

    Transactions that do not add up to their entry are no facts of their own: the entry is taken whole.
    """
    seen: Counter[str] = Counter()
    for number, entry in enumerate(report.entries, 1):
        details = entry.details
        if not details or not _adds_up(entry):
            first = details[0] if details else Detail(entry.amount, "", "", "", "", "", "")
            said = {detail.end_to_end for detail in details}
            whole = Detail(
                amount=entry.amount,
                reference=entry.reference,
                end_to_end=first.end_to_end if len(said) == 1 else "",
                remittance=" ".join(detail.remittance for detail in details).strip(),
                other_name=first.other_name,
                other_account=first.other_account,
                other_bank=first.other_bank,
            )
            details = (whole,)
        for place, detail in enumerate(details, 1):
            base = entry.reference or f"{report.statement_id}:{number}"
            reference = detail.reference or base + (f"#{place}" if len(details) > 1 else "")
            seen[reference] += 1
            again = f"~{seen[reference]}" if seen[reference] > 1 else ""
            yield Movement(reference + again, entry, detail)


def _adds_up(entry: Entry) -> bool:
    return all(d.amount.currency == entry.amount.currency for d in entry.details) and (
        sum(d.amount.minor for d in entry.details) == entry.amount.minor
    )


def _enter(
    session: Session,
    stored: BankReport,
    bank: Party,
    report: Report,
    movement: Movement,
    *,
    now: datetime,
) -> BankEntry | None:
    """Enter a movement; None where it is known. One that says otherwise under a known reference is a new one."""
    entry, detail, reference = movement.entry, movement.detail, movement.reference
    day = entry.booked_on or entry.value_on or business_date(now)
    row = BankEntry(
        id=new_id(),
        report_id=stored.id,
        bank_id=stored.bank_id,
        account=account_digits(report.account),
        bank=report.servicer if uscc.is_valid(report.servicer) else bank.uscc,
        reference=reference,
        direction=entry.direction,
        reversal=entry.reversal,
        amount_minor=detail.amount.minor,
        currency=detail.amount.currency,
        booked_on=day,
        end_to_end=detail.end_to_end,
        remittance=detail.remittance,
        other_name=detail.other_name,
        other_account=detail.other_account,
        other_bank=detail.other_bank,
        state=EntryState.UNMATCHED,
    )
    known = _known(session, row)
    if known is not None:
        if _facts(known) == _facts(row):
            return None
        row.reference = f"{reference}!{_digest(row)}"
        if _known(session, row) is not None:
            return None
        row.problem = "同一流水号内容不一致 another entry has this reference"
    session.add(row)
    session.flush()
    return row


def _known(session: Session, row: BankEntry) -> BankEntry | None:
    return session.scalar(
        select(BankEntry).where(
            BankEntry.bank_id == row.bank_id,
            BankEntry.account == row.account,
            BankEntry.reference == row.reference,
        )
    )


def _facts(row: BankEntry) -> tuple[Direction, bool, int, str, date]:
    return row.direction, row.reversal, row.amount_minor, row.currency, row.booked_on


def _digest(row: BankEntry) -> str:
    return hashlib.sha256(repr(_facts(row)).encode()).hexdigest()[:12]


def _settle(session: Session, bank: Party, row: BankEntry, *, now: datetime) -> None:
    """Find what an entry is about and record it; what is not found, or fails, waits for a person.

    An entry on which the platform fails leaves the others of its message alone.
    """
    if row.problem is not None:
        return
    try:
        with session.begin_nested():
            _match(session, bank, row, now=now)
            session.flush()
    except Refused as error:
        _leave(session, row, error.line())
    except Unavailable:
        raise
    except Exception as error:
        if isinstance(error, DBAPIError) and _passes(error):
            raise
        log.exception("bank_entry.fault", entry=public_id("bke", row.id))
        _leave(session, row, FAULT)


def _passes(error: DBAPIError) -> bool:
    """Say whether the whole message may be taken in when it is tried again."""
    return is_transient(error) or isinstance(error.orig, RETRYABLE)


def _leave(session: Session, row: BankEntry, problem: str) -> None:
    """Leave an entry to a person, as it was before it was tried."""
    session.refresh(row)
    row.problem = problem
    session.flush()


def _match(session: Session, bank: Party, row: BankEntry, *, now: datetime) -> None:
    transfer = transfers.named(session, row)
    if transfer is not None:
        transfers.take(session, bank, row, transfer)
        return
    found = matching.find(session, bank, row)
    if isinstance(found, str):
        row.problem = found
    elif found is None:
        row.state = EntryState.NOTED
    else:
        receivable = lock(session, found)
        if matching.is_concerned(session, bank, receivable):
            _book(session, bank, row, receivable, now=now)
        else:
            row.problem = matching.STRANGER


def _book(
    session: Session, bank: Party, row: BankEntry, receivable: Receivable, *, now: datetime
) -> None:
    """Record an entry of a locked receivable through the one path of facts."""
    receipt_no = row.receipt_no
    if matching.takes_back(session, row, receivable):
        payment = matching.payment_taken_back(session, row, receivable)
        if payment is None:
            raise matching.NothingToReverse(field="entry")
        pool = payments.lock_pool(session, receivable)
        payments.reverse(
            session,
            bank.id,
            receivable,
            payment,
            Takeback(receipt_no, row.amount, row.booked_on),
            ended=matching.ended_pledges(session, pool.id),
            now=now,
        )
    else:
        account, keeper = matching.credited_account(row)
        receipt = Receipt(receipt_no, row.amount, row.booked_on, account, keeper)
        payments.record(session, bank.id, receivable, receipt, now=now)
    row.state, row.receivable_id, row.problem = EntryState.RECORDED, receivable.id, None
    session.flush()
