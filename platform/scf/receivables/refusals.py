"""What is not confirmed: a claim disputed, whole or part, rejected by its debtor, withdrawn by its creditor."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import Item, Signer
from scf.receivables import checks, queries, rules
from scf.receivables.models import Receivable, ReceivableDocument, State
from scf.receivables.permissions import Action
from scf.receivables.service import for_debtor, lock_for, require_move

ENDS: Final[Mapping[Action, State]] = MappingProxyType(
    {Action.DISPUTE: State.DISPUTED, Action.REJECT: State.REJECTED}
)
"""Act -> where it leads."""
EVENTS: Final[Mapping[Action, str]] = MappingProxyType(
    {Action.DISPUTE: "receivable.disputed", Action.REJECT: "receivable.rejected"}
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a debtor says of a claim of which it confirms nothing: a dispute or a rejection, and why.

    `amount` None: all of it. A rejection is of all.
    """

    act: Action
    reason: str | None
    amount: Money | None = None


def draft_dispute(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    reason: str,
    amount: Money | None,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the notice that (a part of) a claim is in dispute. Raises as `draft_confirmation` does."""
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.DISPUTE, expected_version)
    refusal = Refusal(Action.DISPUTE, reason, amount)
    return _draft(session, receivable, debtor, refusal, signers=signers, origin=origin, now=now)


def dispute(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Receivable:
    """Take the signed notice of dispute; a dispute settled may still end in a confirmation."""
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.DISPUTE, expected_version)
    return _take(session, receivable, debtor, Action.DISPUTE, jws=jws, now=now)


def draft_rejection(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    reason: str,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the notice that a claim is rejected whole. Raises as `draft_confirmation` does."""
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.REJECT, expected_version)
    refusal = Refusal(Action.REJECT, reason)
    return _draft(session, receivable, debtor, refusal, signers=signers, origin=origin, now=now)


def reject(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Receivable:
    """Take the signed rejection; the documents are free for another line."""
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.REJECT, expected_version)
    return _take(session, receivable, debtor, Action.REJECT, jws=jws, now=now)


def withdraw(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    reason: str,
    now: datetime,
    expected_version: int | None = None,
) -> Receivable:
    """Take a line back while its debtor has not answered, by its creditor; the documents are free.

    Raises MoveRefused, ActionNotAllowed, `subject.version_moved`.
    """
    receivable = lock_for(session, actor, receivable_id, Action.WITHDRAW)
    evidence.require_version(receivable, expected_version)
    creditor = parties.active_party(session, actor.party)
    receivable.move(State.WITHDRAWN)
    receivable.changed_at = now
    _free_documents(session, [receivable.id])
    evidence.append(
        session,
        receivable,
        "receivable.withdrawn",
        {"creditor": creditor.uscc, "reason": reason},
        now=now,
        actor=creditor.id,
        parties=receivable.parties,
    )
    return receivable


def refusal_item(receivable: Receivable, refusal: Refusal, *, record: Mapping[str, Any]) -> Item:
    """Return what a notice is to say of a locked receivable; `record` is what was submitted.

    Raises MoveRefused, AmountOutOfRange, AnswerDoesNotAddUp, ReasonMissing, CurrencyMismatch.
    """
    require_move(receivable, ENDS[refusal.act])
    refused = rules.disputed_amount if refusal.act is Action.DISPUTE else rules.rejected_amount
    amount = refused(receivable.claimed, refusal.amount)
    reason = rules.check_reason(refusal.reason)
    content = {**record, "reason": reason, "amount": amount.to_json()}
    return Item(receivable, content, amount, {})


def apply_refusal(
    receivable: Receivable, act: Action, content: Mapping[str, Any], *, now: datetime
) -> None:
    """Take over what was signed of a locked receivable, at the version that was signed. Raises MoveRefused."""
    amount = Money.from_json(content["amount"])
    receivable.move(ENDS[act])
    receivable.disputed_minor = amount.minor if act is Action.DISPUTE else 0
    receivable.rejected_minor = amount.minor if act is Action.REJECT else 0
    receivable.reason = content["reason"]
    receivable.reason_compliant = rules.is_compliant(content["reason"])
    receivable.changed_at = now


def seal(
    session: Session,
    act: Action,
    refused: Sequence[tuple[Receivable, Mapping[str, Any]]],
    debtor: Party,
    *,
    authorizations: Sequence[bytes],
    now: datetime,
) -> None:
    """Tell of refusals that were applied to their rows, with what was signed of each. Raises RuleBlocks."""
    checks.check_refusals(session, act.value, refused, now=now)
    if act is Action.REJECT:
        _free_documents(session, [receivable.id for receivable, _ in refused])
    facts = [
        evidence.Fact(
            receivable,
            EVENTS[act],
            {"debtor": debtor.uscc, "reason": content["reason"], "amount": content["amount"]},
            receivable.parties,
            authorizations,
        )
        for receivable, content in refused
    ]
    evidence.append_all(session, facts, now=now, actor=debtor.id)


def _free_documents(session: Session, ids: Collection[UUID]) -> None:
    session.execute(
        update(ReceivableDocument)
        .where(ReceivableDocument.receivable_id.in_(ids))
        .values(live=False)
    )


def _draft(
    session: Session,
    receivable: Receivable,
    debtor: Party,
    refusal: Refusal,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    item = refusal_item(receivable, refusal, record=queries.record(session, receivable))
    return signing.draft(
        session,
        origin=origin,
        party=debtor,
        act=refusal.act.value,
        subject=receivable,
        prefix="rcv",
        content=item.content,
        amount=item.amount,
        signers=signers,
        now=now,
    )


def _take(
    session: Session,
    receivable: Receivable,
    debtor: Party,
    act: Action,
    *,
    jws: Sequence[str],
    now: datetime,
) -> Receivable:
    signed = signing.collect(
        session, party=debtor, act=act.value, subject=receivable, jws=jws, now=now
    )
    apply_refusal(receivable, act, signed.content, now=now)
    seal(
        session,
        act,
        [(receivable, signed.content)],
        debtor,
        authorizations=signed.authorizations,
        now=now,
    )
    return receivable
