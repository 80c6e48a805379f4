"""What is not confirmed: a claim disputed, whole or part, rejected by its debtor, withdrawn by its creditor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
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
from scf.parties.signing import SignedAct, Signer
from scf.receivables import checks, permissions, queries, rules
from scf.receivables.models import Receivable, ReceivableDocument, State
from scf.receivables.permissions import Action
from scf.receivables.service import for_debtor, lock, require_move


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
    require_move(receivable, State.DISPUTED)
    disputed = rules.disputed_amount(receivable.claimed, amount)
    content = {"reason": rules.check_reason(reason), "amount": disputed.to_json()}
    return _draft_refusal(
        session, receivable, debtor, "dispute", content, signers=signers, origin=origin, now=now
    )


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
    act = signing.collect(
        session, party=debtor, act="dispute", subject=receivable, jws=jws, now=now
    )
    receivable.move(State.DISPUTED)
    receivable.disputed_minor = Money.from_json(act.content["amount"]).minor
    _refuse(session, receivable, debtor, act, now=now)
    return receivable


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
    require_move(receivable, State.REJECTED)
    content = {"reason": rules.check_reason(reason), "amount": receivable.claimed.to_json()}
    return _draft_refusal(
        session, receivable, debtor, "reject", content, signers=signers, origin=origin, now=now
    )


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
    act = signing.collect(session, party=debtor, act="reject", subject=receivable, jws=jws, now=now)
    receivable.move(State.REJECTED)
    receivable.disputed_minor = 0
    receivable.rejected_minor = receivable.claimed_minor
    _free_documents(session, receivable)
    _refuse(session, receivable, debtor, act, now=now)
    return receivable


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
    receivable = lock(session, receivable_id)
    permissions.require(receivable, actor.party, Action.WITHDRAW)
    evidence.require_version(receivable, expected_version)
    creditor = parties.active_party(session, actor.party)
    receivable.move(State.WITHDRAWN)
    receivable.changed_at = now
    _free_documents(session, receivable)
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


def _free_documents(session: Session, receivable: Receivable) -> None:
    session.execute(
        update(ReceivableDocument)
        .where(ReceivableDocument.receivable_id == receivable.id)
        .values(live=False)
    )


def _draft_refusal(
    session: Session,
    receivable: Receivable,
    debtor: Party,
    act: str,
    content: dict[str, Any],
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    return signing.draft(
        session,
        origin=origin,
        party=debtor,
        act=act,
        subject=receivable,
        prefix="rcv",
        content={**queries.record(session, receivable), **content},
        amount=Money.from_json(content["amount"]),
        signers=signers,
        now=now,
    )


def _refuse(
    session: Session, receivable: Receivable, debtor: Party, act: SignedAct, *, now: datetime
) -> None:
    checks.check_refusal(session, receivable, act.act, act.content, now=now)
    receivable.reason = act.content["reason"]
    receivable.reason_compliant = rules.is_compliant(act.content["reason"])
    receivable.changed_at = now
    record = {
        "debtor": debtor.uscc,
        "reason": act.content["reason"],
        "amount": act.content["amount"],
    }
    type_ = {"dispute": "receivable.disputed", "reject": "receivable.rejected"}[act.act]
    evidence.append(
        session,
        receivable,
        type_,
        record,
        now=now,
        actor=receivable.debtor_id,
        parties=receivable.parties,
        authorizations=act.authorizations,
    )
