"""Submitting receivables: one, or many by the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.db.outbox import enqueue
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, Refused, Unavailable
from scf.kernel.ids import new_id, public_id
from scf.kernel.money import Money
from scf.receivables import credit_notes, queries, received, rules
from scf.receivables.models import GIVEN_UP, Receivable, ReceivableDocument
from scf.receivables.queries import Deal, Paper
from scf.receivables.writing import Line, insert_lines

BULK_MAX: Final = 10_000
ATTEMPTS_MAX: Final = 3


class DocumentInUse(Conflict):
    """A document stands behind one live receivable at most."""

    code = "receivable.document_in_use"
    title = "发票已用于另一笔应收账款"
    title_en = "The document already stands behind another receivable"


class LineExists(Conflict):
    """A line number names one live receivable of a creditor in a programme."""

    code = "receivable.line_exists"
    title = "该对账单行号已提交"
    title_en = "The line number was submitted before"


class DocumentsWrong(Invalid):
    """The documents behind a line are this creditor's to this debtor, known, and in force."""

    code = "receivable.documents_wrong"
    title = "发票不存在、已红冲或与债权人、债务人不符"
    title_en = "A document is unknown, reversed, or between other parties"


class SubmissionContended(Unavailable):
    """Others submitted the same documents again and again meanwhile."""

    code = "receivable.submission_contended"
    title = "提交冲突频繁，请稍后重试"
    title_en = "Others are submitting the same documents; try again"


class Mode(StrEnum):
    """What one refused item does to the others."""

    ATOMIC = "atomic"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a creditor says it is owed. `claimed` None: the sum of the documents.

    `creditor_id` is named where the debtor itself says what it owes; None: it is the actor.
    """

    programme_id: UUID
    line_no: str
    document_ids: Sequence[UUID]
    claimed: Money | None
    contract_no: str | None
    receipt_no: str | None
    delivered_on: date | None
    due_on: date
    creditor_id: UUID | None = None


Outcome = Line | Refused


def submit(session: Session, actor: Actor, submission: Submission, *, now: datetime) -> Line:
    """Submit one line for the debtor's confirmation.

    Raises DocumentInUse, LineExists, DocumentsWrong, `programme.not_member` and what `rules.claim` and
    `rules.check_due` raise.
    """
    (outcome,) = submit_many(session, actor, [submission], mode=Mode.ATOMIC, now=now)
    assert isinstance(outcome, Line), "atomic raises where it refuses"
    return outcome


def submit_many(
    session: Session,
    actor: Actor,
    submissions: Sequence[Submission],
    *,
    mode: Mode,
    now: datetime,
) -> list[Outcome]:
    """Submit lines by the batch; return, in their order, what was written or why not.

    ATOMIC raises the first refusal, which names its item, and the caller's transaction is lost. CONTINUE
    writes what can be written. Raises SubmissionContended.
    """
    outcomes = _hold_to_receipts(session, _check(session, actor, submissions))
    if mode is Mode.ATOMIC:
        lines = _all_accepted(outcomes)
        if not insert_lines(session, lines, actor=actor.party, now=now):
            _all_accepted(_refuse_taken(session, outcomes))
            raise SubmissionContended
        return outcomes
    for _ in range(ATTEMPTS_MAX):
        lines = [outcome for outcome in outcomes if isinstance(outcome, Line)]
        savepoint = session.begin_nested()
        if insert_lines(session, lines, actor=actor.party, now=now):
            savepoint.commit()
            return outcomes
        savepoint.rollback()
        outcomes = _refuse_taken(session, outcomes)
    raise SubmissionContended


def _all_accepted(outcomes: Sequence[Outcome]) -> list[Line]:
    """Return the lines. Raises the first refusal, in a list with its item's place."""
    lines = []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Refused):
            if len(outcomes) > 1:
                outcome.field = f"items.{place}.{outcome.field or ''}".rstrip(".")
            raise outcome
        lines.append(outcome)
    return lines


def _check(session: Session, actor: Actor, submissions: Sequence[Submission]) -> list[Outcome]:
    """Hold each submission to the rules, without looking at what others have submitted."""
    wanted: dict[tuple[UUID, UUID], set[UUID]] = {}
    for submission in submissions:
        sides = (submission.programme_id, submission.creditor_id or actor.party)
        wanted.setdefault(sides, set()).update(submission.document_ids)
    deals = {sides: _deal(session, *sides) for sides in wanted}
    known = {sides: queries.papers(session, sides[1], ids) for sides, ids in wanted.items()}
    taken: set[Any] = set()
    outcomes: list[Outcome] = []
    for submission in submissions:
        try:
            sides = (submission.programme_id, submission.creditor_id or actor.party)
            deal = deals[sides]
            if isinstance(deal, Refused):
                raise type(deal)(field=deal.field, **deal.fields)
            line = _line(submission, deal, known[sides])
            _take(line, taken)
        except Refused as error:
            outcomes.append(error)
        else:
            outcomes.append(line)
            for note_id in {
                note for identity in line.document_ids for note in known[sides][identity].notes
            }:
                enqueue(session, credit_notes.RECORD, document_id=note_id)
    return outcomes


def _hold_to_receipts(session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Replace lines that claim more than was received by their refusals."""
    lines = [outcome for outcome in outcomes if isinstance(outcome, Line)]
    refused: dict[UUID, Refused] = {**received.hold(session, lines)}
    return [
        refused.get(outcome.id, outcome) if isinstance(outcome, Line) else outcome
        for outcome in outcomes
    ]


def _deal(session: Session, programme_id: UUID, creditor_id: UUID) -> Deal | Refused:
    try:
        return queries.deal(session, programme_id, creditor_id)
    except Refused as error:
        return error


def _line(submission: Submission, deal: Deal, known: Mapping[UUID, Paper]) -> Line:
    papers = _papers(submission, deal, known)
    total = sum((paper.payable for paper in papers[1:]), papers[0].payable)
    claimed = rules.claim(total, submission.claimed)
    rules.check_due(submission.delivered_on, submission.due_on)
    return Line(
        id=new_id(),
        programme_id=submission.programme_id,
        creditor_id=deal.creditor_id,
        debtor_id=deal.debtor_id,
        line_no=submission.line_no,
        contract_no=submission.contract_no,
        receipt_no=submission.receipt_no,
        delivered_on=submission.delivered_on,
        due_on=submission.due_on,
        currency=claimed.currency,
        claimed_minor=claimed.minor,
        document_ids=submission.document_ids,
        record={
            "programme": deal.programme,
            "creditor": deal.creditor_uscc,
            "debtor": deal.debtor_uscc,
            "line_no": submission.line_no,
            "documents": [paper.record for paper in papers],
            "claimed": claimed.to_json(),
            "contract_no": submission.contract_no,
            "receipt_no": submission.receipt_no,
            "delivered_on": queries.date_text(submission.delivered_on),
            "due_on": submission.due_on.isoformat(),
        },
    )


def _papers(submission: Submission, deal: Deal, known: Mapping[UUID, Paper]) -> list[Paper]:
    papers = []
    for identity in submission.document_ids:
        paper = known.get(identity)
        if (
            paper is None
            or paper.buyer not in (deal.debtor_uscc, deal.debtor_name)
            or not paper.in_force
        ):
            raise DocumentsWrong(field="documents", document=public_id("doc", identity))
        papers.append(paper)
    return papers


def _take(line: Line, taken: set[Any]) -> None:
    """Hold the items of one list to what they would be held to one by one."""
    number = (line.programme_id, line.creditor_id, line.line_no)
    if number in taken:
        raise LineExists(field="line_no", line_no=line.line_no)
    for identity in line.document_ids:
        if identity in taken:
            raise DocumentInUse(field="documents", document=public_id("doc", identity))
        taken.add(identity)
    taken.add(number)


def _refuse_taken(session: Session, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Replace lines that others were faster with by their refusals."""
    lines = [outcome for outcome in outcomes if isinstance(outcome, Line)]
    own = [line.id for line in lines]
    in_use = set(
        session.scalars(
            select(ReceivableDocument.document_id).where(
                ReceivableDocument.live,
                ReceivableDocument.document_id.in_(
                    [d for line in lines for d in line.document_ids]
                ),
                ReceivableDocument.receivable_id.not_in(own),
            )
        )
    )
    numbers = {
        tuple(row)
        for row in session.execute(
            select(Receivable.programme_id, Receivable.creditor_id, Receivable.line_no).where(
                Receivable.creditor_id.in_({line.creditor_id for line in lines}),
                Receivable.line_no.in_([line.line_no for line in lines]),
                Receivable.state.not_in(GIVEN_UP),
                Receivable.id.not_in(own),
            )
        )
    }

    def again(outcome: Outcome) -> Outcome:
        if isinstance(outcome, Refused):
            return outcome
        used = [identity for identity in outcome.document_ids if identity in in_use]
        if used:
            return DocumentInUse(field="documents", document=public_id("doc", used[0]))
        if (outcome.programme_id, outcome.creditor_id, outcome.line_no) in numbers:
            return LineExists(field="line_no", line_no=outcome.line_no)
        return outcome

    return [again(outcome) for outcome in outcomes]
