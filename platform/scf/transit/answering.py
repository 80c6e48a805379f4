"""What a bill's payer says of it, item by item (逐项确认), and what its payee concedes of the rest.

Silence is no acceptance: whoever owes signs for each item how much it accepts, and why not the whole. It may accept
more later, never less; what stays in dispute the payee may concede.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.transit import liens
from scf.transit.bill_models import BillMoveRefused, BillState, FreightBill, FreightBillItem
from scf.transit.billing import lock_as, tell


class AnswerInvalid(Invalid):
    """Every item is answered once at first; what is accepted is no more than billed, and no less than before."""

    code = "freight_bill.answer_invalid"
    title = "须逐项答复；接受金额不得高于账单金额，也不得低于此前已接受的金额"
    title_en = "Each item is answered: accepted is no more than billed, and no less than before"


class ReasonMissing(Invalid):
    """Whoever accepts less than is billed says why, and so does who accepts more than agreement and book bear out."""

    code = "freight_bill.reason_missing"
    title = "接受金额低于账单金额，或接受超出容差的金额，须说明理由"
    title_en = "Accepting less than is billed, or more than the tolerance allows, takes a reason"


class NothingInDispute(Conflict):
    """What is conceded is in dispute."""

    code = "freight_bill.nothing_in_dispute"
    title = "账单没有存在争议的金额"
    title_en = "Nothing of the bill is in dispute"


@dataclass(frozen=True, slots=True)
class Answer:
    """How much of an item, counted from 1, its payer accepts; why not the whole, or why beyond the tolerance."""

    item: int
    accepted: Money
    reason: str | None


def draft(
    session: Session,
    actor: Actor,
    bill_id: UUID,
    answers: Sequence[Answer],
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the payer's answer for it to sign. Raises SubjectNotFound, BillMoveRefused, AnswerInvalid, ReasonMissing."""
    bill = lock_as(session, actor, bill_id, payee=False)
    _check(bill, answers)
    said = {answer.item: answer.accepted.minor for answer in answers}
    minor = sum(said.get(item.position, item.accepted_minor) for item in bill.items)
    accepted = Money(minor)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act="answer",
        subject=bill,
        prefix="frb",
        content={
            "payee": parties.party(session, bill.payee_id).uscc,
            "payer": parties.party(session, bill.payer_id).uscc,
            "number": bill.number,
            "answers": [
                {"item": one.item, "accepted": one.accepted.to_json(), "reason": one.reason}
                for one in sorted(answers, key=lambda one: one.item)
            ],
            "accepted": accepted.to_json(),
        },
        amount=accepted,
        signers=signers,
        now=now,
    )


def answer(
    session: Session, actor: Actor, bill_id: UUID, *, jws: Sequence[str], now: datetime
) -> FreightBill:
    """Take the payer's answer, signed: what is accepted may be settled. Raises as `draft`."""
    bill = lock_as(session, actor, bill_id, payee=False)
    payer = parties.active_party(session, actor.party)
    act = signing.collect(session, party=payer, act="answer", subject=bill, jws=jws, now=now)
    answers = [_read(one) for one in act.content["answers"]]
    _check(bill, answers)
    if bill.state is BillState.ISSUED:
        bill.move(BillState.ANSWERED, now=now)
    for one in answers:
        item = bill.items[one.item - 1]
        item.accepted_minor, item.reason = one.accepted.minor, one.reason
    said = {name: act.content[name] for name in ("payee", "payer", "number", "answers", "accepted")}
    authorizations = act.authorizations
    tell(
        session, bill, "freight_bill.answered", said, actor, now=now, authorizations=authorizations
    )
    close(bill, now=now)
    liens.refresh(session, [bill], actor=actor.party, now=now)
    return bill


def concede(
    session: Session, actor: Actor, bill_id: UUID, *, reason: str, now: datetime
) -> FreightBill:
    """Give up what is in dispute. By the bill's payee. Raises SubjectNotFound, BillMoveRefused, NothingInDispute."""
    bill = lock_as(session, actor, bill_id, payee=True)
    if bill.state is not BillState.ANSWERED:
        raise BillMoveRefused(state=bill.state.value, asked="concede")
    conceded = bill.disputed
    if not conceded.minor:
        raise NothingInDispute
    for item in bill.items:
        item.conceded_minor += item.disputed_minor
    said = {"conceded": conceded.to_json(), "reason": reason}
    tell(session, bill, "freight_bill.conceded", said, actor, now=now)
    close(bill, now=now)
    liens.refresh(session, [bill], actor=actor.party, now=now)
    return bill


def close(bill: FreightBill, *, now: datetime) -> None:
    """Settle a bill of which nothing is left: all that is accepted is paid, and nothing is in dispute."""
    open_ = bill.disputed.minor or bill.paid != bill.accepted
    if bill.state is BillState.ANSWERED and not open_:
        bill.move(BillState.SETTLED, now=now)


def _read(said: Mapping[str, Any]) -> Answer:
    return Answer(said["item"], Money.from_json(said["accepted"]), said["reason"])


def _check(bill: FreightBill, answers: Sequence[Answer]) -> None:
    if bill.state is not BillState.ANSWERED:
        bill.require_move(BillState.ANSWERED)
    items = {item.position: item for item in bill.items}
    said = [one.item for one in answers]
    whole = bill.state is BillState.ANSWERED or set(said) == set(items)
    if len(set(said)) != len(said) or not set(said) <= set(items) or not whole:
        raise AnswerInvalid(field="answers", items=len(items))
    for number, one in enumerate(answers):
        _check_one(items[one.item], one, f"answers.{number}")


def _check_one(item: FreightBillItem, said: Answer, field: str) -> None:
    accepted, most = said.accepted, Money(item.amount_minor - item.conceded_minor)
    if not Money(item.accepted_minor) <= accepted <= most:
        raise AnswerInvalid(
            field=f"{field}.accepted", accepted_min=Money(item.accepted_minor), accepted_max=most
        )
    beyond = not item.within and accepted > Money(item.expected_minor)
    if (accepted < most or beyond) and not said.reason:
        raise ReasonMissing(field=f"{field}.reason", expected=Money(item.expected_minor))
