"""What a debtor answers to a line: confirmed (whole or part), disputed, rejected; drafted, then signed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Event, Statement
from scf.http.auth import Actor
from scf.kernel.clock import parse_date
from scf.kernel.errors import Conflict
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import SignedAct, Signer
from scf.receivables import permissions, queries, rules
from scf.receivables.models import TRANSITIONS, MoveRefused, Receivable, ReceivableDocument, State
from scf.receivables.permissions import Action
from scf_ledger.encoding import b64url, from_b64url


class DocumentReversed(Conflict):
    """A claim stands on documents that are in force (a 红字发票 takes one back)."""

    code = "receivable.document_reversed"
    title = "所附发票已被红字冲销"
    title_en = "A document behind this was taken back by a credit note"


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a debtor undertakes to pay to (回款账户); `bank_uscc` keeps it."""

    name: str
    account: str
    bank: str
    bank_uscc: str

    def to_json(self) -> dict[str, str]:
        """Return it as records and statements carry it."""
        return {
            "name": self.name,
            "account": self.account,
            "bank": self.bank,
            "bank_uscc": self.bank_uscc,
        }


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a debtor wants to confirm. `due_on` None: as claimed."""

    confirmed: Money
    disputed: Money | None
    rejected: Money | None
    reason: str | None
    due_on: date | None
    pay_to: Account
    no_setoff: bool
    consents: Sequence[str]


def lock(session: Session, identity: UUID) -> Receivable:
    """Return a receivable, its row locked and read afresh. Raises SubjectNotFound."""
    return evidence.lock(session, Receivable, identity)


def show_to(receivable: Receivable, party_id: UUID) -> None:
    """Let a party see a locked receivable: a bank that is asked for money or keeps the account."""
    if party_id not in receivable.parties:
        receivable.viewers = [*receivable.viewers, party_id]


def draft_confirmation(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    confirmation: Confirmation,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
    expected_version: int | None = None,
) -> list[Statement]:
    """Write the 确权函 for maker and checker to sign; reserve its pool's id and secret.

    Raises MoveRefused, DocumentReversed, what `rules.answer` raises, and what signing raises.
    """
    receivable, debtor = _for_debtor(
        session, actor, receivable_id, Action.CONFIRM, expected_version
    )
    answer = rules.answer(
        receivable.claimed,
        confirmed=confirmation.confirmed,
        disputed=confirmation.disputed,
        rejected=confirmation.rejected,
        reason=confirmation.reason,
    )
    _require_move(receivable, _confirmed_state(answer.whole))
    due_on = confirmation.due_on or receivable.due_on
    rules.check_due(receivable.delivered_on, due_on)
    _require_in_force(session, receivable)
    secret = evidence.new_secret()
    content = {
        **queries.record(session, receivable),
        "due_on": due_on.isoformat(),
        "confirmed": answer.confirmed.to_json(),
        "disputed": answer.disputed.to_json(),
        "rejected": answer.rejected.to_json(),
        "reason": answer.reason,
        "pay_to": confirmation.pay_to.to_json(),
        "no_setoff": confirmation.no_setoff,
        "consents": sorted(set(confirmation.consents)),
        "pool": public_id("cap", new_id()),
        "pool_secret_sha256": b64url(hashlib.sha256(secret).digest()),
    }
    return signing.draft(
        session,
        origin=origin,
        party=debtor,
        act="confirm",
        subject=receivable,
        prefix="rcv",
        content=content,
        amount=answer.confirmed,
        signers=signers,
        now=now,
        reserved={"pool_secret": b64url(secret)},
    )


def confirm(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    *,
    jws: Sequence[str],
    now: datetime,
    expected_version: int | None = None,
) -> Receivable:
    """Take the signed 确权函: the receivable is confirmed and its pool opened, in one transaction.

    Raises MoveRefused, `subject.version_moved`, DocumentReversed, and what signing raises.
    """
    receivable, debtor = _for_debtor(
        session, actor, receivable_id, Action.CONFIRM, expected_version
    )
    act = signing.collect(
        session, party=debtor, act="confirm", subject=receivable, jws=jws, now=now
    )
    _require_in_force(session, receivable)
    _apply_confirmation(session, receivable, act, now=now)
    event = _append(
        session,
        receivable,
        "receivable.confirmed",
        {
            **queries.record(session, receivable),
            "confirmed": receivable.confirmed.to_json(),
            "disputed": receivable.money(receivable.disputed_minor).to_json(),
            "rejected": receivable.money(receivable.rejected_minor).to_json(),
            "reason": receivable.reason,
            "pay_to": receivable.pay_to,
            "no_setoff": receivable.no_setoff,
            "consents": receivable.consents,
            "pool": act.content["pool"],
            "pool_secret_sha256": act.content["pool_secret_sha256"],
        },
        act=act,
        now=now,
    )
    receivable.confirmed_event_hash = event.body_hash
    assert receivable.pool_id is not None
    capacity.open_pool(
        session,
        pool_id=receivable.pool_id,
        secret=from_b64url(act.reserved["pool_secret"]),
        asset=public_id("rcv", receivable.id),
        asset_id=receivable.id,
        owner_id=receivable.creditor_id,
        confirmed=receivable.confirmed,
        cause=event.body_hash,
        now=now,
        actor=receivable.debtor_id,
        parties=[receivable.creditor_id, receivable.debtor_id],
    )
    return receivable


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
    receivable, debtor = _for_debtor(
        session, actor, receivable_id, Action.DISPUTE, expected_version
    )
    _require_move(receivable, State.DISPUTED)
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
    receivable, debtor = _for_debtor(
        session, actor, receivable_id, Action.DISPUTE, expected_version
    )
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
    receivable, debtor = _for_debtor(session, actor, receivable_id, Action.REJECT, expected_version)
    _require_move(receivable, State.REJECTED)
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
    receivable, debtor = _for_debtor(session, actor, receivable_id, Action.REJECT, expected_version)
    act = signing.collect(session, party=debtor, act="reject", subject=receivable, jws=jws, now=now)
    receivable.move(State.REJECTED)
    receivable.disputed_minor = 0
    receivable.rejected_minor = receivable.claimed_minor
    session.execute(
        update(ReceivableDocument)
        .where(ReceivableDocument.receivable_id == receivable.id)
        .values(live=False)
    )
    _refuse(session, receivable, debtor, act, now=now)
    return receivable


def _for_debtor(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    action: Action,
    expected_version: int | None,
) -> tuple[Receivable, Party]:
    """Return a locked receivable and the debtor that acts on it."""
    receivable = lock(session, receivable_id)
    permissions.require(receivable, actor.party, action)
    evidence.require_version(receivable, expected_version)
    return receivable, parties.active_party(session, actor.party)


def _require_move(receivable: Receivable, to: State) -> None:
    if to not in TRANSITIONS[receivable.state]:
        raise MoveRefused(state=receivable.state.value, asked=to.value)


def _require_in_force(session: Session, receivable: Receivable) -> None:
    """Raise DocumentReversed where a document was taken back since."""
    for paper in queries.papers_of(session, receivable):
        if not paper.in_force:
            raise DocumentReversed(document=paper.record["id"], number=paper.number)


def _confirmed_state(whole: bool) -> State:
    return State.CONFIRMED if whole else State.PARTIALLY_CONFIRMED


def _apply_confirmation(
    session: Session, receivable: Receivable, act: SignedAct, *, now: datetime
) -> None:
    """Take over what was signed; it was checked when it was drafted, and the version has not moved."""
    content = act.content
    reason: str | None = content["reason"]
    receivable.move(_confirmed_state(reason is None))
    receivable.confirmed_minor = Money.from_json(content["confirmed"]).minor
    receivable.disputed_minor = Money.from_json(content["disputed"]).minor
    receivable.rejected_minor = Money.from_json(content["rejected"]).minor
    receivable.reason = reason
    receivable.reason_compliant = None if reason is None else rules.is_compliant(reason)
    receivable.due_on = parse_date(content["due_on"])
    receivable.pay_to = content["pay_to"]
    receivable.no_setoff = content["no_setoff"]
    receivable.consents = content["consents"]
    receivable.pool_id = parse_id("cap", content["pool"])
    receivable.changed_at = now
    bank = parties.party_by_uscc(session, content["pay_to"]["bank_uscc"])
    if bank is not None:
        show_to(receivable, bank.id)


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
    receivable.reason = act.content["reason"]
    receivable.reason_compliant = rules.is_compliant(act.content["reason"])
    receivable.changed_at = now
    record = {
        "debtor": debtor.uscc,
        "reason": act.content["reason"],
        "amount": act.content["amount"],
    }
    type_ = {"dispute": "receivable.disputed", "reject": "receivable.rejected"}[act.act]
    _append(session, receivable, type_, record, act=act, now=now)


def _append(
    session: Session,
    receivable: Receivable,
    type_: str,
    record: dict[str, Any],
    *,
    act: SignedAct,
    now: datetime,
) -> Event:
    return evidence.append(
        session,
        receivable,
        type_,
        record,
        now=now,
        actor=receivable.debtor_id,
        parties=receivable.parties,
        authorizations=act.authorizations,
    )
