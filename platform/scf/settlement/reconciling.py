"""A month's balance between two parties: drawn from the facts, signed by both over the same bytes, or objected to.

Facts count on the business day on which they were recorded, so what a month began with is what the month before
ended with. Closing = opening + confirmed - paid + taken back - credited, receivable by receivable and in all.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from scf.db.locks import take_turns
from scf.documents.models import Document
from scf.evidence import service as evidence
from scf.evidence.models import Event
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.calendar import add_months
from scf.kernel.clock import business_date, start_of
from scf.kernel.errors import Conflict, Invalid, TooLarge
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import MINOR_MAX, Money
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.receivables import rules
from scf.receivables.models import (
    PaymentReversal,
    Receivable,
    ReceivableCreditNote,
    ReceivableDocument,
    ReceivablePayment,
)
from scf.settlement.models import Reconciliation, ReconciliationObjection, ReconciliationState
from scf_ledger import canonical
from scf_ledger.encoding import b64url

RECONCILE: Final = "reconcile"
LINES_MAX: Final = 20_000
MOVEMENTS: Final = ("opening", "confirmed", "paid", "reversed", "credited", "closing")


class MonthOpen(Invalid):
    """A month is reconciled when it is over."""

    code = "reconciliation.month_open"
    title = "当月尚未结束，不能对账"
    title_en = "The month is not over"


class NotAParty(Invalid):
    """A party reconciles its own dealings: it is the creditor or the debtor."""

    code = "reconciliation.not_a_party"
    title = "只能就本单位作为债权人或债务人的往来对账"
    title_en = "You are neither the creditor nor the debtor"


class SameParty(Invalid):
    """A balance stands between two."""

    code = "reconciliation.same_party"
    title = "债权人与债务人不能是同一单位"
    title_en = "Creditor and debtor are the same party"


class SumTooLarge(TooLarge):
    """A month's movements add up to an amount."""

    code = "reconciliation.sum_too_large"
    title = "本期合计超出金额上限，请核对所列应收账款"
    title_en = "The month adds up to more than an amount can be; check the receivable named"


class NotOpen(Conflict):
    """A reconciliation is signed or objected to while it is open, once by each side."""

    code = "reconciliation.not_open"
    title = "该对账函已完成、有异议或贵方已签署"
    title_en = "It is agreed, objected to, or signed by you"


class TooManyLines(TooLarge):
    """A reconciliation has at most twenty thousand receivables."""

    code = "reconciliation.too_many_lines"
    title = "对账明细笔数超过上限"
    title_en = "Too many receivables for one reconciliation"


@dataclass(frozen=True, slots=True)
class Line:
    """One receivable's month, in fen."""

    receivable_id: UUID
    line_no: str
    opening: int
    confirmed: int
    paid: int
    reversed: int
    credited: int

    @property
    def closing(self) -> int:
        """What is owed at the end."""
        return self.opening + self.confirmed - self.paid + self.reversed - self.credited


def draw(
    session: Session,
    actor: Actor,
    *,
    creditor_id: UUID,
    debtor_id: UUID,
    month: date,
    currency: str,
    now: datetime,
) -> Reconciliation:
    """Draw a month's balance up, or return what stands; one that was objected to is drawn afresh.

    `month` is its first day. Raises SameParty, NotAParty, MonthOpen, TooManyLines, SumTooLarge.
    """
    if creditor_id == debtor_id:
        raise SameParty(field="debtor")
    if actor.party not in (creditor_id, debtor_id):
        raise NotAParty
    following = add_months(month, 1)
    if business_date(now) < following:
        raise MonthOpen(field="month", last_on=following - timedelta(days=1))
    creditor = parties.active_party(session, creditor_id)
    debtor = parties.active_party(session, debtor_id, lock=True)
    take_turns(session, [f"{creditor_id} {debtor_id} {currency} {month}"])
    known = session.scalars(
        select(Reconciliation)
        .where(
            Reconciliation.creditor_id == creditor_id,
            Reconciliation.debtor_id == debtor_id,
            Reconciliation.currency == currency,
            Reconciliation.first_on == month,
        )
        .order_by(Reconciliation.number)
    ).all()
    if known and known[-1].state is not ReconciliationState.OBJECTED:
        return known[-1]
    lines = month_of(session, creditor_id, debtor_id, currency, first_on=month, following=following)
    if len(lines) > LINES_MAX:
        raise TooManyLines(count=len(lines), count_max=LINES_MAX)
    sums = {f"{name}_minor": sum(getattr(line, name) for line in lines) for name in MOVEMENTS}
    _require_amounts(lines, sums.values())
    body = canonical.encode([_shown(line, currency) for line in lines])
    drawn = Reconciliation(
        id=new_id(),
        version=0,
        secret=evidence.new_secret(),
        head_hash=None,
        creditor_id=creditor_id,
        debtor_id=debtor_id,
        currency=currency,
        first_on=month,
        last_on=following - timedelta(days=1),
        number=len(known) + 1,
        **sums,
        lines=body,
        state=ReconciliationState.OPEN,
        drawn_at=now,
    )
    session.add(drawn)
    session.flush()
    evidence.append(
        session,
        drawn,
        "reconciliation.drawn",
        record(drawn, creditor.uscc, debtor.uscc),
        now=now,
        actor=actor.party,
        parties=[creditor_id, debtor_id],
    )
    return drawn


def object_to(
    session: Session, actor: Actor, identity: UUID, *, closing: Money, reason: str, now: datetime
) -> Reconciliation:
    """Say another figure, and why. Raises NotOpen, CurrencyMismatch."""
    found = _open(session, actor, identity).paper
    closing - Money(found.closing_minor, found.currency)  # one currency
    session.add(
        ReconciliationObjection(
            id=new_id(),
            reconciliation_id=found.id,
            party_id=actor.party,
            closing_minor=closing.minor,
            reason=reason,
            objected_at=now,
        )
    )
    found.state = ReconciliationState.OBJECTED
    session.flush()
    return found


def visible(session: Session, party_id: UUID, identity: UUID) -> Reconciliation:
    """Return a reconciliation of this party. Raises SubjectNotFound."""
    found = session.get(Reconciliation, identity)
    if found is None or party_id not in (found.creditor_id, found.debtor_id):
        raise SubjectNotFound
    return found


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[Reconciliation]:
    """Return a party's reconciliations, oldest first."""
    own = (Reconciliation.creditor_id == party_id) | (Reconciliation.debtor_id == party_id)
    statement = select(Reconciliation).where(own)
    if after is not None:
        statement = statement.where(Reconciliation.id > after)
    return session.scalars(statement.order_by(Reconciliation.id).limit(size)).all()


def objections(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[ReconciliationObjection]]:
    """Return what was objected to reconciliations, oldest first."""
    found: dict[UUID, list[ReconciliationObjection]] = defaultdict(list)
    rows = session.scalars(
        select(ReconciliationObjection)
        .where(ReconciliationObjection.reconciliation_id.in_(list(ids)))
        .order_by(ReconciliationObjection.id)
    )
    for row in rows:
        found[row.reconciliation_id].append(row)
    return found


def record(found: Reconciliation, creditor: str, debtor: str) -> dict[str, Any]:
    """Return a reconciliation as its events and statements carry it."""
    sums = {
        name: Money(getattr(found, f"{name}_minor"), found.currency).to_json() for name in MOVEMENTS
    }
    return {
        "parties": sorted([creditor, debtor]),
        "creditor": creditor,
        "debtor": debtor,
        "first_on": found.first_on.isoformat(),
        "last_on": found.last_on.isoformat(),
        **sums,
        "lines_sha256": b64url(hashlib.sha256(found.lines).digest()),
    }


def month_of(
    session: Session,
    creditor_id: UUID,
    debtor_id: UUID,
    currency: str,
    *,
    first_on: date,
    following: date,
) -> list[Line]:
    """Return what moved from one day to before another, receivable by receivable, in order of ids.

    A receivable that owed nothing all the time is left out.
    """
    start, end = start_of(first_on), start_of(following)
    claims = session.execute(
        select(Receivable, Event.occurred_at)
        .join(Event, Event.body_hash == Receivable.confirmed_event_hash)
        .where(
            Receivable.creditor_id == creditor_id,
            Receivable.debtor_id == debtor_id,
            Receivable.currency == currency,
            Event.occurred_at < end,
        )
        .order_by(Receivable.id)
    ).all()
    ids = [receivable.id for receivable, _ in claims]
    paid, taken_back = _paid(session, ids), _taken_back(session, ids)
    documents, notes = _documents(session, ids), _notes(session, ids)
    lines = []
    for receivable, confirmed_at in claims:
        identity, confirmed = receivable.id, receivable.confirmed_minor
        lost = [
            rules.lost_to_notes(
                receivable.money(documents.get(identity, 0)),
                receivable.confirmed,
                receivable.money(_sum(notes[identity], before)),
            ).minor
            for before in (start, end)
        ]
        before = confirmed_at < start
        opening = _sum(taken_back[identity], start) - _sum(paid[identity], start)
        opening += (confirmed if before else 0) - (lost[0] if before else 0)
        line = Line(
            receivable_id=identity,
            line_no=receivable.line_no,
            opening=opening,
            confirmed=0 if before else confirmed,
            paid=_sum(paid[identity], end) - _sum(paid[identity], start),
            reversed=_sum(taken_back[identity], end) - _sum(taken_back[identity], start),
            credited=lost[1] - (lost[0] if before else 0),
        )
        if any((opening, line.confirmed, line.paid, line.reversed, line.credited)):
            lines.append(line)
    return lines


Moves = dict[UUID, list[tuple[datetime, int]]]


def _paid(session: Session, ids: Sequence[UUID]) -> Moves:
    """Return what came into the named accounts; what went elsewhere pays nothing."""
    payment = ReceivablePayment
    rows = session.execute(
        select(payment.receivable_id, payment.reported_at, payment.amount_minor).where(
            payment.receivable_id.in_(ids), payment.to_named_account
        )
    )
    return _moves(rows)


def _taken_back(session: Session, ids: Sequence[UUID]) -> Moves:
    payment, reversal = ReceivablePayment, PaymentReversal
    rows = session.execute(
        select(payment.receivable_id, reversal.reported_at, reversal.amount_minor)
        .join(payment, payment.id == reversal.payment_id)
        .where(payment.receivable_id.in_(ids), payment.to_named_account)
    )
    return _moves(rows)


def _notes(session: Session, ids: Sequence[UUID]) -> Moves:
    note = ReceivableCreditNote
    rows = session.execute(
        select(note.receivable_id, note.recorded_at, note.amount_minor).where(
            note.receivable_id.in_(ids)
        )
    )
    return _moves(rows)


def _documents(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = session.execute(
        select(ReceivableDocument.receivable_id, func.sum(Document.payable_minor))
        .join(Document, Document.id == ReceivableDocument.document_id)
        .where(ReceivableDocument.receivable_id.in_(ids))
        .group_by(ReceivableDocument.receivable_id)
    )
    return {identity: int(minor) for identity, minor in rows}


def _moves(rows: Iterable[Row[UUID, datetime, int]]) -> Moves:
    found: Moves = defaultdict(list)
    for identity, at, minor in rows:
        found[identity].append((at, minor))
    return found


def _sum(moves: Iterable[tuple[datetime, int]], before: datetime) -> int:
    return sum(minor for at, minor in moves if at < before)


def _require_amounts(lines: Sequence[Line], sums: Iterable[int]) -> None:
    """Raise SumTooLarge, which names the receivable that moved most."""
    most = [max(abs(getattr(line, name)) for name in MOVEMENTS) for line in lines]
    if max(map(abs, [*sums, *most]), default=0) > MINOR_MAX:
        largest = lines[most.index(max(most))]
        raise SumTooLarge(receivable=public_id("rcv", largest.receivable_id), line=largest.line_no)


def _shown(line: Line, currency: str) -> dict[str, Any]:
    amounts = {name: Money(getattr(line, name), currency).to_json() for name in MOVEMENTS}
    return {
        "receivable": public_id("rcv", line.receivable_id),
        "line_no": line.line_no,
        **amounts,
    }


def _open(session: Session, actor: Actor, identity: UUID) -> Turn[Reconciliation]:
    """Return an open reconciliation that waits for the caller, locked. Raises SubjectNotFound, NotOpen."""
    visible(session, actor.party, identity)
    found = evidence.lock(session, Reconciliation, identity)
    if found.state is not ReconciliationState.OPEN or actor.party in found.signed:
        raise NotOpen(state=found.state.value)
    sides = [found.creditor_id, found.debtor_id]
    codes = [parties.party(session, one).uscc for one in sides]
    return Turn(
        paper=found,
        signers=sides,
        act=RECONCILE,
        subject=found,
        prefix="rcn",
        content=record(found, *codes),
        amount=None,
    )


def _finish(session: Session, actor: Actor, turn: Turn[Reconciliation], now: datetime) -> None:
    """Let the balance be agreed."""
    found = turn.paper
    found.state = ReconciliationState.AGREED
    evidence.append(
        session,
        found,
        "reconciliation.agreed",
        turn.content,
        now=now,
        actor=actor.party,
        parties=turn.signers,
        authorizations=found.authorizations,
    )


SIGNED: Final = Kind(open=_open, finish=_finish)
"""How balances are signed."""
