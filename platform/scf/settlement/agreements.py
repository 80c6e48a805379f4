"""What needs the signature of everybody concerned with a claim: another account for it, the split of its payment.

Creditor and debtor sign, and whoever encumbers the claim at that time (Civil Code art. 546, 765: nothing that is
encumbered is changed without the holder). Payments count against the account that is named when they are told.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.evidence import service as evidence
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, TooLarge
from scf.kernel.ids import new_id, public_id
from scf.parties import queries as parties
from scf.parties.countersigning import Kind, Turn
from scf.pledges import notices
from scf.receivables import accounts, fact_checks, parts, payments
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable
from scf.receivables.permissions import ActionNotAllowed
from scf.receivables.service import Account, lock, show_to
from scf.settlement import orders
from scf.settlement.models import Agreement, ChangeState

HOLDERS_MAX: Final = 7  # an event carries sixteen authorizations, two of each bank
ACCOUNT: Final = "account"
CONSENT: Final = "consent"
CHANGE_FIELDS: Final[Sequence[str]] = ("owners", "holders", "pay_to", "pay_to_before", "reason")
SPLIT_FIELDS: Final[Sequence[str]] = ("owners", "holders", "parts", "rest", "pay_to", "reason")
"""What the record of either takes over from what was signed."""


class SameAccount(Invalid):
    """A change names another account."""

    code = "account_change.same_account"
    title = "新账户与原回款账户相同"
    title_en = "The account is the one that is named already"


class NotConfirmed(Conflict):
    """A 回款账户 is named by the 确权函."""

    code = "account_change.not_confirmed"
    title = "该应收账款尚未确权，没有回款账户"
    title_en = "The receivable is not confirmed, so it names no account"


class PaymentUnderWay(Conflict):
    """While a payment is on its way to the old account, the account does not change."""

    code = "account_change.payment_under_way"
    title = "有付款指令正在执行，暂不能变更回款账户"
    title_en = "A payment order for this is under way"


class AlreadyOpen(Conflict):
    """A receivable has one change at a time: what stands is signed, or ended, before another is proposed."""

    code = "account_change.already_open"
    title = "已有待签署的回款账户变更，请先签署或终止该变更"
    title_en = "Another change is open: sign it or end it first"


class Overtaken(Conflict):
    """A change is signed over the receivable, and by the holders, that it names."""

    code = "account_change.overtaken"
    title = "应收账款或其质权人已变化，请重新发起变更"
    title_en = "The receivable or its holders have changed since; propose it again"


class NotOpen(Conflict):
    """A change is signed while it is open, once by each."""

    code = "account_change.not_open"
    title = "该变更已完成、已终止、已失效或贵方已签署"
    title_en = "The change is done, ended, overtaken, or signed by you"


class TooManyHolders(TooLarge):
    """At most seven holders sign one change."""

    code = "account_change.too_many_holders"
    title = "质权人数量超过一次变更的上限"
    title_en = "More holders than one change can carry"


def propose(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    account: Account,
    *,
    reason: str,
    now: datetime,
) -> Agreement:
    """Propose another account, as creditor or debtor. One at a time: nobody's signature is lost to a second.

    Raises SubjectNotFound, ActionNotAllowed, NotConfirmed, SameAccount, PaymentUnderWay, TooManyHolders,
    AlreadyOpen.
    """
    receivable = to_change(session, actor, receivable_id)
    assert receivable.pay_to is not None
    _require_other(receivable.pay_to, account)
    said = {"pay_to": account.to_json(), "pay_to_before": receivable.pay_to, "reason": reason}
    return put(session, actor, receivable, said, now=now)


def to_change(session: Session, actor: Actor, receivable_id: UUID) -> Receivable:
    """Return a confirmed receivable, locked, to its creditor or debtor.

    Raises SubjectNotFound, ActionNotAllowed, NotConfirmed.
    """
    receivable = evidence.lock(
        session, Receivable, receivable_id, require=lambda found: _require_owner(found, actor)
    )
    if receivable.pay_to is None:
        raise NotConfirmed
    return receivable


def _require_owner(receivable: Receivable, actor: Actor) -> None:
    if actor.party not in receivable.parties:
        raise SubjectNotFound
    if actor.party not in (receivable.creditor_id, receivable.debtor_id):
        raise ActionNotAllowed(action="change_account")


def put(
    session: Session, actor: Actor, receivable: Receivable, said: dict[str, Any], *, now: datetime
) -> Agreement:
    """Put a change of a locked receivable to everybody concerned; `said` is what it says beside them.

    Raises PaymentUnderWay, TooManyHolders, AlreadyOpen.
    """
    _require_nothing_under_way(session, receivable)
    holders = holders_of(session, receivable)
    if len(holders) > HOLDERS_MAX:
        raise TooManyHolders(count=len(holders), count_max=HOLDERS_MAX)
    _require_none_open(session, receivable)
    owners = [receivable.creditor_id, receivable.debtor_id]
    content = {
        "owners": _codes(session, owners),
        "holders": _codes(session, holders),
        **said,
        "confirmed": receivable.confirmed.to_json(),
        "outstanding": receivable.money(
            max(receivable.confirmed_minor - receivable.paid_minor, 0)
        ).to_json(),
    }
    change = Agreement(
        id=new_id(),
        receivable_id=receivable.id,
        version=receivable.version,
        content=content,
        signers=[*owners, *holders],
        state=ChangeState.OPEN,
        proposed_by=actor.party,
        proposed_at=now,
    )
    session.add(change)
    session.flush()
    return change


def end(session: Session, actor: Actor, change_id: UUID, *, reason: str) -> Agreement:
    """Give an open change up: its proposer takes it back, any other signer refuses it; all of them see why.

    Raises SubjectNotFound, NotOpen.
    """
    _, change = _locked(session, actor, change_id)
    if change.state is not ChangeState.OPEN:
        raise NotOpen(state=change.state.value)
    change.state, change.ended_by, change.ended_because = ChangeState.ENDED, actor.party, reason
    session.flush()
    return change


def visible(session: Session, party_id: UUID, change_id: UUID) -> Agreement:
    """Return a change that this party has to sign. Raises SubjectNotFound."""
    change = session.get(Agreement, change_id)
    if change is None or party_id not in change.signers:
        raise SubjectNotFound
    return change


def page(session: Session, party_id: UUID, *, after: UUID | None, size: int) -> Sequence[Agreement]:
    """Return the changes that a party signs, oldest first."""
    statement = select(Agreement).where(Agreement.signers.contains([party_id]))
    if after is not None:
        statement = statement.where(Agreement.id > after)
    return session.scalars(statement.order_by(Agreement.id).limit(size)).all()


def _open(session: Session, actor: Actor, change_id: UUID) -> Turn[Agreement]:
    """Return an open change that waits for the caller. Raises SubjectNotFound, NotOpen, Overtaken."""
    receivable, change = _locked(session, actor, change_id)
    if change.state is not ChangeState.OPEN or actor.party in change.signed:
        raise NotOpen(state=change.state.value)
    if _moved(session, change, receivable):
        raise Overtaken(version=receivable.version)
    owner = actor.party in (receivable.creditor_id, receivable.debtor_id)
    return Turn(
        paper=change,
        signers=change.signers,
        act=ACCOUNT if owner else CONSENT,
        subject=receivable,
        prefix="rcv",
        content=change.content,
        amount=receivable.confirmed,
    )


def _locked(session: Session, actor: Actor, change_id: UUID) -> tuple[Receivable, Agreement]:
    """Return a change that the caller signs, and its receivable, both locked."""
    receivable = lock(session, visible(session, actor.party, change_id).receivable_id)
    change = session.scalars(
        select(Agreement)
        .where(Agreement.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return receivable, change


def _moved(session: Session, change: Agreement, receivable: Receivable) -> bool:
    """Say whether the claim, or who encumbers it, is another by now; its pool stays locked."""
    payments.lock_pool(session, receivable)
    holders: list[str] = change.content["holders"]
    now_held = _codes(session, holders_of(session, receivable))
    return receivable.version != change.version or now_held != holders


def _finish(session: Session, _: Actor, turn: Turn[Agreement], now: datetime) -> None:
    """Name the new account, or the accounts of the parts. Raises PaymentUnderWay, RuleBlocks."""
    change, said = turn.paper, turn.paper.content
    receivable = session.get_one(Receivable, change.receivable_id)  # locked when it was opened
    _require_nothing_under_way(session, receivable)
    holders = holders_of(session, receivable)
    fact_checks.check_change(
        session, receivable, what="account", holders=holders, agreed=change.signed, now=now
    )
    if "parts" in said:
        type_, fields = parts.AGREED, SPLIT_FIELDS
        receivable.parts = said["parts"]
    else:
        type_, fields = accounts.CHANGED, CHANGE_FIELDS
        receivable.pay_to = said["pay_to"]
    receivable.changed_at = now
    for code in _readers(said):
        reader = parties.party_by_uscc(session, code)
        if reader is not None:
            show_to(receivable, reader.id)
    record: dict[str, Any] = {name: said[name] for name in fields}
    evidence.append(
        session,
        receivable,
        type_,
        record,
        now=now,
        actor=change.proposed_by,
        parties={*receivable.parties, *change.signers},
        authorizations=change.authorizations,
    )
    notices.replace(session, receivable, now=now)
    change.state = ChangeState.DONE


SIGNED: Final = Kind(open=_open, finish=_finish)
"""How changes are signed."""


def _readers(said: dict[str, Any]) -> list[str]:
    """Return who sees the claim from then on (USCC): banks that keep its accounts, payees of parts."""
    shares = said.get("parts", ())
    accounts_named = [said["pay_to"], *(part["pay_to"] for part in shares)]
    return [account["bank_uscc"] for account in accounts_named] + [p["payee"] for p in shares]


def holders_of(session: Session, receivable: Receivable) -> list[UUID]:
    """Return whoever encumbers a confirmed claim."""
    assert receivable.pool_id is not None
    return sorted({holding.party_id for holding in pools.holdings(session, receivable.pool_id)})


def _codes(session: Session, ids: Sequence[UUID]) -> list[str]:
    return sorted(parties.party(session, identity).uscc for identity in ids)


def _require_other(before: dict[str, str], account: Account) -> None:
    same = account_digits(before["account"]) == account_digits(account.account)
    if same and before["bank_uscc"] == account.bank_uscc:
        raise SameAccount(field="pay_to")


def _require_none_open(session: Session, receivable: Receivable) -> None:
    """Raise AlreadyOpen; an open change that can no longer be signed gives way."""
    change = session.scalar(
        select(Agreement)
        .where(Agreement.receivable_id == receivable.id, Agreement.state == ChangeState.OPEN)
        .with_for_update()
    )
    if change is None:
        return
    if not _moved(session, change, receivable):
        raise AlreadyOpen(change=public_id("acg", change.id))
    change.state = ChangeState.OVERTAKEN
    session.flush()


def _require_nothing_under_way(session: Session, receivable: Receivable) -> None:
    ordered = orders.under_way(session, [receivable.id]).get(receivable.id, 0)
    if ordered:
        raise PaymentUnderWay(ordered=receivable.money(ordered))
