"""What a debtor confirms of a line, whole or part; drafted, then signed. `refusals` has what it does not."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import service as capacity
from scf.evidence import service as evidence
from scf.evidence.models import Statement
from scf.http.auth import Actor
from scf.kernel.clock import parse_date
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.ids import new_id, parse_id, public_id
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.models import Party
from scf.parties.signing import Item, Signer
from scf.receivables import checks, origins, permissions, queries, rules
from scf.receivables.models import TRANSITIONS, MoveRefused, Receivable, State
from scf.receivables.permissions import Action
from scf.receivables.queries import Standing
from scf.receivables.rules import Counterclaim, Retention
from scf_ledger.encoding import b64url, from_b64url
from scf_ledger.event_types import EVENT_TYPES

CONFIRMED: Final = "receivable.confirmed"


class DocumentReversed(Conflict):
    """A claim stands on documents that are in force (a 红字发票 takes one back)."""

    code = "receivable.document_reversed"
    title = "所附发票已被红字冲销"
    title_en = "A document behind this was taken back by a credit note"


class ConfirmedExceedsDocuments(LimitExceeded):
    """No more is confirmed than the documents still stand for once notes are taken off."""

    code = "receivable.confirmed_exceeds_documents"
    title = "确认金额超过发票红冲后的余额"
    title_en = "More is confirmed than credit notes have left of the documents"


class AccountMissing(Invalid):
    """A confirmation names the account that will be paid to."""

    code = "receivable.account_missing"
    title = "未填写回款账户"
    title_en = "The account to pay to is missing"


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
    """What a debtor wants to confirm. `due_on` None: as claimed; without `pay_to` it is refused."""

    confirmed: Money
    disputed: Money | None
    rejected: Money | None
    reason: str | None
    due_on: date | None
    pay_to: Account | None
    no_setoff: bool
    consents: Sequence[str]
    retention: Retention | None = None
    counterclaims: Sequence[Counterclaim] = ()
    assignment_banned: bool = False

    @property
    def reservations(self) -> dict[str, Any]:
        """What is reserved beside amounts, as statements carry it: nothing where nothing is."""
        found: dict[str, Any] = {}
        if self.retention is not None:
            kept = self.retention
            found["retention"] = {
                "amount": kept.amount.to_json(),
                "due_on": kept.due_on.isoformat(),
            }
        if self.counterclaims:
            found["counterclaims"] = [
                {"reason": one.reason, "amount": one.amount.to_json()} for one in self.counterclaims
            ]
        if self.assignment_banned:
            found["assignment_banned"] = True
        return found


def lock(session: Session, identity: UUID) -> Receivable:
    """Return a receivable, its row locked and read afresh. Raises SubjectNotFound."""
    return evidence.lock(session, Receivable, identity)


def lock_for(session: Session, actor: Actor, identity: UUID, action: Action) -> Receivable:
    """Return a receivable, locked, for an action that this party may take."""
    return evidence.lock(
        session,
        Receivable,
        identity,
        require=lambda found: permissions.require(found, actor.party, action),
    )


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

    Raises RuleBlocks, and what `confirmation_item` and signing raise.
    """
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.CONFIRM, expected_version)
    item = confirmation_item(
        receivable,
        confirmation,
        record=queries.record(session, receivable),
        standing=queries.standings(session, [receivable.id])[receivable.id],
    )
    sides = parties.parties_of(session, [receivable])
    checks.require_confirmable(receivable, item.content, sides, now=now)
    return signing.draft(
        session,
        origin=origin,
        party=debtor,
        act="confirm",
        subject=receivable,
        prefix="rcv",
        content=item.content,
        amount=item.amount,
        signers=signers,
        now=now,
        reserved=item.reserved,
    )


def confirmation_item(
    receivable: Receivable,
    confirmation: Confirmation,
    *,
    record: Mapping[str, Any],
    standing: Standing,
) -> Item:
    """Return what a 确权函 is to say of a locked receivable, with a fresh pool and its secret.

    `record` is what was submitted. Raises MoveRefused, DocumentReversed, AccountMissing,
    ConfirmedExceedsDocuments and what `rules.answer` and `rules.check_due` raise.
    """
    answer = rules.answer(
        receivable.claimed,
        confirmed=confirmation.confirmed,
        disputed=confirmation.disputed,
        rejected=confirmation.rejected,
        reason=confirmation.reason,
    )
    require_move(receivable, _confirmed_state(answer.whole))
    if confirmation.pay_to is None:
        raise AccountMissing(field="pay_to")
    due_on = confirmation.due_on or receivable.due_on
    rules.check_due(receivable.delivered_on, due_on)
    rules.check_retention(confirmation.retention, confirmed=answer.confirmed, due_on=due_on)
    rules.check_counterclaims(
        confirmation.counterclaims,
        confirmed=answer.confirmed,
        no_setoff=confirmation.no_setoff,
    )
    require_standing(standing, answer.confirmed)
    secret = evidence.new_secret()
    content = {
        **record,
        "due_on": due_on.isoformat(),
        "confirmed": answer.confirmed.to_json(),
        "disputed": answer.disputed.to_json(),
        "rejected": answer.rejected.to_json(),
        "reason": answer.reason,
        "pay_to": confirmation.pay_to.to_json(),
        "no_setoff": confirmation.no_setoff,
        "consents": sorted(set(confirmation.consents)),
        **confirmation.reservations,
        "pool": public_id("cap", new_id()),
        "pool_secret_sha256": b64url(hashlib.sha256(secret).digest()),
    }
    return Item(receivable, content, answer.confirmed, {"pool_secret": b64url(secret)})


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

    Raises MoveRefused, `subject.version_moved`, DocumentReversed, ConfirmedExceedsDocuments and what
    signing raises.
    """
    receivable, debtor = for_debtor(session, actor, receivable_id, Action.CONFIRM, expected_version)
    act = signing.collect(
        session, party=debtor, act="confirm", subject=receivable, jws=jws, now=now
    )
    apply_confirmation(
        receivable,
        act.content,
        standing=queries.standings(session, [receivable.id])[receivable.id],
        keeper=parties.party_by_uscc(session, act.content["pay_to"]["bank_uscc"]),
        now=now,
    )
    sealed = Sealed(receivable, act.content, act.reserved)
    seal(session, [sealed], authorizations=act.authorizations, actor=debtor.id, now=now)
    return receivable


@dataclass(frozen=True, slots=True)
class Sealed:
    """A receivable with what its debtor signed of it, applied to its row; `reserved` is its pool's secret."""

    receivable: Receivable
    content: Mapping[str, Any]
    reserved: Mapping[str, Any]


def seal(
    session: Session,
    sealed: Sequence[Sealed],
    *,
    authorizations: Sequence[bytes],
    actor: UUID,
    now: datetime,
) -> None:
    """Tell of confirmations, and open their pools. Raises RuleBlocks."""
    checks.check_confirmations(session, [(one.receivable, one.content) for one in sealed], now=now)
    facts = [
        evidence.Fact(
            one.receivable,
            CONFIRMED,
            confirmed_record(one.content),
            one.receivable.parties,
            authorizations,
        )
        for one in sealed
    ]
    hashes = evidence.append_all(session, facts, now=now, actor=actor)
    openings = []
    came_of = origins.marks(session, [one.receivable for one in sealed])
    for one, cause in zip(sealed, hashes, strict=True):
        receivable = one.receivable
        assert receivable.pool_id is not None, "a pool is named by what was signed"
        receivable.confirmed_event_hash = cause
        openings.append(
            capacity.Opening(
                pool_id=receivable.pool_id,
                secret=from_b64url(one.reserved["pool_secret"]),
                asset=public_id("rcv", receivable.id),
                asset_id=receivable.id,
                owner_id=receivable.creditor_id,
                confirmed=receivable.confirmed,
                cause=cause,
                parties=[receivable.creditor_id, receivable.debtor_id],
                marks=came_of[receivable.id],
            )
        )
    capacity.open_pools(session, openings, now=now, actor=actor)


def apply_confirmation(
    receivable: Receivable,
    content: Mapping[str, Any],
    *,
    standing: Standing,
    keeper: Party | None,
    now: datetime,
) -> None:
    """Take over what was signed of a locked receivable, which stands at the version that was signed.

    `keeper` is the bank that keeps the account. Raises MoveRefused, DocumentReversed,
    ConfirmedExceedsDocuments.
    """
    reason: str | None = content["reason"]
    confirmed = Money.from_json(content["confirmed"])
    require_move(receivable, _confirmed_state(reason is None))
    require_standing(standing, confirmed)
    receivable.move(_confirmed_state(reason is None))
    receivable.confirmed_minor = confirmed.minor
    receivable.disputed_minor = Money.from_json(content["disputed"]).minor
    receivable.rejected_minor = Money.from_json(content["rejected"]).minor
    receivable.reason = reason
    receivable.reason_compliant = None if reason is None else rules.is_compliant(reason)
    receivable.due_on = parse_date(content["due_on"])
    receivable.pay_to = content["pay_to"]
    receivable.no_setoff = content["no_setoff"]
    receivable.consents = content["consents"]
    retention = content.get("retention")
    if retention is not None:
        receivable.retention_minor = Money.from_json(retention["amount"]).minor
        receivable.retention_due_on = parse_date(retention["due_on"])
    receivable.counterclaims = content.get("counterclaims", [])
    receivable.assignment_banned = content.get("assignment_banned", False)
    receivable.pool_id = parse_id("cap", content["pool"])
    receivable.changed_at = now
    if keeper is not None:
        show_to(receivable, keeper.id)


def confirmed_record(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a confirmation: what was signed, as far as the event carries it."""
    return {name: content[name] for name in EVENT_TYPES[CONFIRMED].fields if name in content}


def require_standing(standing: Standing, confirmed: Money) -> None:
    """Raise DocumentReversed or ConfirmedExceedsDocuments; a note that is on its way is waited for."""
    if standing.pending is not None:
        raise DocumentReversed(number=standing.pending)
    if standing.rest.minor <= 0:
        raise DocumentReversed(rest=standing.rest)
    if confirmed > standing.rest:
        raise ConfirmedExceedsDocuments(field="confirmed", confirmed=confirmed, rest=standing.rest)


def for_debtor(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    action: Action,
    expected_version: int | None,
) -> tuple[Receivable, Party]:
    """Return a locked receivable and the debtor that acts on it."""
    receivable = lock_for(session, actor, receivable_id, action)
    evidence.require_version(receivable, expected_version)
    return receivable, parties.active_party(session, actor.party)


def require_move(receivable: Receivable, to: State) -> None:
    """Raise MoveRefused."""
    if to not in TRANSITIONS[receivable.state]:
        raise MoveRefused(state=receivable.state.value, asked=to.value)


def _confirmed_state(whole: bool) -> State:
    return State.CONFIRMED if whole else State.PARTIALLY_CONFIRMED
