"""What a bank's entry is about: by its EndToEndId, else by account, amount and what was written on it."""

import re
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, ColumnExpressionArgument, cast, exists, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from scf.documents.models import Document
from scf.evidence.service import SubjectNotFound
from scf.kernel.errors import Conflict
from scf.kernel.ids import IdInvalid, parse_id, public_id
from scf.parties.models import Party
from scf.pledges.models import OVER, Pledge
from scf.receivables import accounts, parts, payments, surpluses
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable, ReceivableDocument, ReceivablePayment
from scf.settlement.camt import Direction
from scf.settlement.models import DEAD, BankEntry, PaymentOrder, PaymentOrderLine

CANDIDATES_MAX: Final = 1_000
UNKNOWN: Final = "未找到对应的应收账款 no receivable fits"
SEVERAL: Final = "有多笔应收账款符合 several receivables fit"
STRANGER: Final = "该银行与此应收账款无关 the bank has no part in this receivable"
CURRENCY: Final = "币种与应收账款不一致 another currency than the receivable's"
_END_TO_END = re.compile(r"rcv[_-]?([0-9a-z]{26})(?:p[0-9a-z]{5})?", re.IGNORECASE)
_TAIL: Final = 5
"""Of a payee's id, so many characters: all that 35 leave room for, enough to tell a claim's payees apart."""


class NothingToReverse(Conflict):
    """What is taken back was recorded before."""

    code = "bank_entry.nothing_to_reverse"
    title = "未找到被冲回的付款"
    title_en = "No recorded payment is taken back by this"


def end_to_end_id(receivable_id: UUID, payee_id: UUID | None = None) -> str:
    """Return how a transfer names what it pays: at most 35 characters of ISO 20022's plain set.

    The whole claim, or with a payee that one's part of a split payment.
    """
    claim = public_id("rcv", receivable_id).replace("_", "")
    part = "" if payee_id is None else f"p{public_id('pty', payee_id)[-_TAIL:]}"
    return f"{claim}{part}".upper()


def read_end_to_end(text: str) -> UUID | None:
    """Return the receivable that a transfer names, None where it names none; whose part it is its account says."""
    match = _END_TO_END.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return parse_id("rcv", f"rcv_{match.group(1).lower()}")
    except IdInvalid:
        return None


def takes_back(session: Session, row: BankEntry, receivable: Receivable) -> bool:
    """Say whether an entry takes a payment back: it says so, or it debits what was credited under its number."""
    if row.reversal:
        return True
    debit = row.direction is Direction.DEBIT
    return debit and payment_taken_back(session, row, receivable) is not None


def credited_account(row: BankEntry) -> tuple[str, str | None]:
    """Return where the money went, and which bank keeps that account: this one, or the one that a debit names."""
    if row.direction is Direction.CREDIT:
        return row.account, row.bank
    return row.other_account, row.other_bank or None


def find(session: Session, bank: Party, row: BankEntry) -> UUID | str | None:
    """Return the receivable of an entry; why none is found; or None where it is about none at all."""
    named = read_end_to_end(row.end_to_end)
    receivable = session.get(Receivable, named) if named else None
    if receivable is not None and receivable.pool_id is not None:
        return _checked(session, row, receivable)
    if row.direction is Direction.DEBIT and not row.reversal:
        return None  # what an account's owner pays elsewhere is nobody's business here
    if row.reversal:
        return _of_reversal(session, bank, row)
    return _by_text(session, bank, row)


def _checked(session: Session, row: BankEntry, receivable: Receivable) -> UUID | str | None:
    if row.currency != receivable.currency:
        return CURRENCY
    named = accounts.in_force(accounts.history(session, receivable), row.booked_on)
    splits = accounts.on_day(parts.history(session, receivable), row.booked_on)
    named += [part["pay_to"] for split in splits for part in split]
    other = account_digits(row.other_account)
    to_named = accounts.fits(named, other, row.other_bank or None)
    if row.direction is Direction.CREDIT:
        # What came back to the payer from the named account is for the bank that keeps it to tell.
        return None if row.reversal and to_named else receivable.id
    if row.reversal or takes_back(session, row, receivable):
        return receivable.id
    elsewhere = other not in ("", row.account) and not to_named
    return receivable.id if elsewhere and not _paid_into(session, row) else None


def _paid_into(session: Session, row: BankEntry) -> bool:
    """Say whether a claim is, or was, to be paid into the account of an entry: its owner spends freely."""
    into = _digits(Receivable.pay_to["account"].astext) == row.account
    viewed = Receivable.viewers.contains([row.bank_id])
    return bool(session.scalar(select(exists().where(viewed, into))))


def _of_reversal(session: Session, bank: Party, row: BankEntry) -> UUID | str:
    """Find the one payment of this account and amount that a reversal can be about."""
    found = session.scalars(
        select(ReceivablePayment.receivable_id)
        .where(
            ReceivablePayment.bank_id == bank.id,
            ReceivablePayment.amount_minor == row.amount_minor,
            ReceivablePayment.currency == row.currency,
            _digits(ReceivablePayment.account) == _from_account(row),
        )
        .limit(2)
    ).all()
    if len(found) != 1:
        return SEVERAL if found else UNKNOWN
    return found[0]


def _by_text(session: Session, bank: Party, row: BankEntry) -> UUID | str:
    """Find what is due into this account, of this amount, whose line or invoice number is written on it."""
    if not row.remittance:
        return _by_part(session, bank, row)
    outstanding = Receivable.confirmed_minor - Receivable.paid_minor
    candidates = session.execute(
        select(Receivable.id, Receivable.line_no)
        .where(
            Receivable.viewers.contains([bank.id]),
            _digits(Receivable.pay_to["account"].astext) == row.account,
            Receivable.pay_to["bank_uscc"].astext == bank.uscc,
            Receivable.currency == row.currency,
            outstanding == row.amount_minor,
        )
        .order_by(Receivable.id)
        .limit(CANDIDATES_MAX)
    ).all()
    numbers: dict[UUID, list[str]] = {identity: [line] for identity, line in candidates}
    for identity, number in session.execute(
        select(ReceivableDocument.receivable_id, Document.number)
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_(numbers))
    ):
        numbers[identity].append(number)
    found = [
        identity
        for identity, words in numbers.items()
        if any(_says(row.remittance, word) for word in words)
    ]
    if len(found) != 1:
        return SEVERAL if found else _by_part(session, bank, row)
    return found[0]


def _by_part(session: Session, bank: Party, row: BankEntry) -> UUID | str:
    """Find the one claim of whose split payment a part is due into this account, of at least this amount.

    The account was named for that part by everybody's signature, so it says enough; where it stands in the
    splits of several claims, a number on the entry says which.
    """
    part = func.jsonb_array_elements(Receivable.parts).table_valued("value").lateral()
    pay_to = cast(part.c.value, JSONB)["pay_to"]
    candidates = session.scalars(
        select(Receivable)
        .join(part, true())
        .where(
            Receivable.viewers.contains([bank.id]),
            _digits(pay_to["account"].astext) == row.account,
            pay_to["bank_uscc"].astext == bank.uscc,
            Receivable.currency == row.currency,
        )
        .order_by(Receivable.id)
        .limit(CANDIDATES_MAX)
    ).all()
    due = [one for one in candidates if parts.due_into(session, one, row.account) >= row.amount]
    named = [one for one in due if _says(row.remittance, one.line_no)]
    found = named if len(due) > 1 else due
    if len(found) != 1:
        return SEVERAL if due else UNKNOWN
    return found[0].id


def _says(text: str, word: str) -> bool:
    """Say whether a number stands in a text by itself, not inside a longer one."""
    return bool(
        re.search(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])", text, re.IGNORECASE)
    )


def payment_taken_back(
    session: Session, row: BankEntry, receivable: Receivable
) -> ReceivablePayment | None:
    """Return the newest payment that an entry can take back: of its account, with that much left of it."""
    account = _from_account(row)
    rows = session.scalars(
        select(ReceivablePayment)
        .where(ReceivablePayment.receivable_id == receivable.id)
        .order_by(ReceivablePayment.id.desc())
        .limit(CANDIDATES_MAX)
    )
    for payment in rows:
        here = account_digits(payment.account) == account
        if here and surpluses.remainder(session, payment) >= row.amount:
            return payment
    return None


def is_concerned(session: Session, bank: Party, receivable: Receivable) -> bool:
    """Say whether a bank may tell of payments: keeper of the account, pledgee, or the debtor's paying bank."""
    if payments.is_concerned(session, receivable, bank.id):
        return True
    return receivable.pool_id is not None and bool(
        session.scalar(
            select(
                exists().where(
                    PaymentOrderLine.receivable_id == receivable.id,
                    PaymentOrderLine.order_id == PaymentOrder.id,
                    PaymentOrder.state.not_in(DEAD),
                    PaymentOrder.account["bank_uscc"].astext == bank.uscc,
                )
            )
        )
    )


def ended_pledges(session: Session, pool_id: UUID) -> set[UUID]:
    """Return the pledges over a locked pool that hold nothing any more."""
    return set(
        session.scalars(select(Pledge.id).where(Pledge.pool_id == pool_id, Pledge.state.in_(OVER)))
    )


def own_entry(
    session: Session, bank_id: UUID, entry_id: UUID, *, locked: bool = False
) -> BankEntry:
    """Return an entry that this bank told of. Raises SubjectNotFound."""
    statement = select(BankEntry).where(BankEntry.id == entry_id, BankEntry.bank_id == bank_id)
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise SubjectNotFound
    return found


def _from_account(row: BankEntry) -> str:
    """Return the account that gives money back: the one debited, or where a returned debit had gone."""
    return row.account if row.direction is Direction.DEBIT else account_digits(row.other_account)


def _digits(column: ColumnExpressionArgument[str]) -> ColumnElement[str]:
    """Return an account number in SQL as `account_digits` does."""
    return func.regexp_replace(column, r"[\s-]", "", "g")
