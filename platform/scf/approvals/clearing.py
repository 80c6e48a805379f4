"""放款审核: how the money is to be paid, what a person ticks, and the clearing that lets it go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.approvals import facts, gates, journal, permissions, rules
from scf.approvals.journal import Hand, Open
from scf.approvals.models import Case, Kind, State
from scf.approvals.policy import Clearing
from scf.http.auth import Actor
from scf.kernel.clock import business_date
from scf.kernel.errors import Conflict, Invalid
from scf.kernel.money import Money


class EntrustedOnly(Invalid):
    """At and above the policy's amount, money goes straight to whom it is for (受托支付)."""

    code = "approval.entrusted_only"
    title = "该金额应采用受托支付"
    title_en = "A loan of this size is paid to the payees directly"


class ItemUnknown(Invalid):
    """A person ticks what the policy, or the decision, lists."""

    code = "approval.item_unknown"
    title = "该事项不在放款审核清单中"
    title_en = "The checklist has no such item"


class NotTicked(Conflict):
    """Money is cleared once every item is ticked and the payment is planned."""

    code = "approval.not_ticked"
    title = "放款审核清单尚未完成"
    title_en = "The checklist is not complete"


class NothingToClear(Conflict):
    """A payment is cleared where the policy asks for it."""

    code = "approval.nothing_to_clear"
    title = "审批制度未设放款审核"
    title_en = "The policy has no clearing of payments"


class NothingToPlan(Conflict):
    """A payment is planned where the policy asks for it."""

    code = "approval.nothing_to_plan"
    title = "审批制度未要求支付方式"
    title_en = "The policy asks for no plan of payment"


class Mode(StrEnum):
    """How the loan is paid."""

    ENTRUSTED = "entrusted"  # 受托支付
    FREE = "free"  # 自主支付


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom a part of the loan is for."""

    name: str
    account: str
    bank: str
    amount: Money
    purpose: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of the checklist and who ticked it, None while nobody has."""

    code: str
    title: str
    ticked: bool | None
    note: str | None
    record: int | None


def plan_payment(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    mode: Mode,
    payees: Sequence[Payee],
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Say how the loan is to be paid, to whom and what for; the parts add up to it.

    Raises NothingToPlan, EntrustedOnly, SumDiffers, CurrencyMismatch, MoveRefused, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.OFFERED)
    payment = found.content.payment
    if payment is None:
        raise NothingToPlan
    loan = gates.loan_of(session, found)
    if mode is Mode.FREE and loan.amount >= payment.entrusted_from:
        raise EntrustedOnly(field="mode", amount=loan.amount, entrusted_from=payment.entrusted_from)
    rules.check_sum(loan.amount, [payee.amount for payee in payees], field="payees")
    journal.believe(session, found.case.bank_id, hand, "investigate", step="make", now=now)
    inputs = {
        "mode": mode.value,
        "payees": [
            {
                "name": payee.name,
                "account": payee.account,
                "bank": payee.bank,
                "amount": payee.amount.to_json(),
                "purpose": payee.purpose,
            }
            for payee in payees
        ],
    }
    journal.record(
        session, found, Kind.PAYMENT_PLANNED, inputs, now=now, hand=hand, by=actor.client_id
    )
    return found.case


def tick(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    code: str,
    ok: bool,
    note: str | None,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Tick an item of the checklist, or say that it is not so; the newest word counts.

    Raises ItemUnknown, MoveRefused, HandsNotSeparate, NotNamed, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.OFFERED)
    clearing = _clearing(found)
    titles = {item.code: item.title for item in checklist(found)}
    if code not in titles:
        raise ItemUnknown(field="code", code=code)
    _believe(session, found, clearing, hand, None, now=now)
    inputs = {"code": code, "title": titles[code], "ok": ok, "note": note}
    journal.record(session, found, Kind.TICKED, inputs, now=now, hand=hand, by=actor.client_id)
    return found.case


def clear(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Clear the loan for payment: everything is ticked, and every condition holds at this moment.

    They are answered once more when the money moves. Raises NotTicked, ConditionsOpen, MoveRefused,
    HandsNotSeparate, NotNamed, what mandates raise.
    """
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.OFFERED)
    clearing, loan = _clearing(found), gates.loan_of(session, found)
    listed = checklist(found)
    open_ = [item.code for item in listed if not item.ticked]
    planned = found.last(Kind.PAYMENT_PLANNED)
    if open_ or (found.content.payment is not None and planned is None):
        raise NotTicked(items=open_, payment_planned=planned is not None)
    _believe(session, found, clearing, hand, loan.amount, now=now)
    answers = facts.evaluate(session, found.case, clearing, loan, today=business_date(now))
    gates.require_all(answers)
    inputs = {
        "conditions": answers,
        "items": [{"code": item.code, "record": item.record} for item in listed],
        "payment": planned and planned.seq,
    }
    journal.record(
        session,
        found,
        Kind.CLEARED,
        inputs,
        now=now,
        hand=hand,
        to=State.CLEARED,
        by=actor.client_id,
    )
    return found.case


def reopen(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    hand: Hand,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Case:
    """Take a clearing back before the money moves; ticks and plan stay. Raises MoveRefused."""
    found = permissions.lock_for(session, actor, case_id, expected_version)
    found.case.require(State.CLEARED)
    journal.believe(session, found.case.bank_id, hand, "clear", step="check", now=now)
    inputs = {"reason": reason}
    journal.record(
        session,
        found,
        Kind.REOPENED,
        inputs,
        now=now,
        hand=hand,
        to=State.OFFERED,
        by=actor.client_id,
    )
    return found.case


def checklist(found: Open) -> list[Listed]:
    """Return what a person ticks: the policy's items, then the conditions of the decision."""
    clearing = found.content.clearing
    titles = {item.code: item.title for item in clearing.items} if clearing else {}
    decided = found.last(Kind.DECIDED)
    if clearing and decided is not None:
        texts: list[str] = decided.inputs["conditions"]
        titles |= {f"decision_{number}": text for number, text in enumerate(texts, 1)}
    ticks = {one.inputs["code"]: one for one in found.of(Kind.TICKED)}
    return [_listed(code, title, ticks) for code, title in titles.items()]


def _listed(code: str, title: str, ticks: dict[str, Any]) -> Listed:
    one = ticks.get(code)
    if one is None:
        return Listed(code, title, None, None, None)
    return Listed(code, title, one.inputs["ok"], one.inputs["note"], one.seq)


def _clearing(found: Open) -> Clearing:
    if found.content.clearing is None:
        raise NothingToClear
    return found.content.clearing


def _believe(
    session: Session,
    found: Open,
    clearing: Clearing,
    hand: Hand,
    amount: Money | None,
    *,
    now: datetime,
) -> None:
    journal.keep_apart(found, hand, Kind.INVESTIGATED)
    journal.believe(
        session,
        found.case.bank_id,
        hand,
        "clear",
        step="check",
        now=now,
        amount=amount,
        named=clearing.people,
    )
