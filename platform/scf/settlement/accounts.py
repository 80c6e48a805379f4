"""Changing the account that a receivable is to be paid into: with the signature of everybody concerned.

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
from scf.evidence.models import Statement
from scf.evidence.service import SubjectNotFound
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, TooLarge
from scf.kernel.ids import new_id
from scf.parties import queries as parties
from scf.parties import signing
from scf.parties.signing import Signer
from scf.pledges import notices
from scf.receivables import fact_checks, payments
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable
from scf.receivables.permissions import ActionNotAllowed
from scf.receivables.service import Account, lock, show_to
from scf.settlement import orders
from scf.settlement.models import AccountChange, ChangeState

HOLDERS_MAX: Final = 7  # an event carries sixteen authorizations, two of each bank
ACCOUNT: Final = "account"
CONSENT: Final = "consent"


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


class Overtaken(Conflict):
    """A change is signed over the receivable, and by the holders, that it names."""

    code = "account_change.overtaken"
    title = "应收账款或其质权人已变化，请重新发起变更"
    title_en = "The receivable or its holders have changed since; propose it again"


class NotOpen(Conflict):
    """A change is signed while it is open, once by each."""

    code = "account_change.not_open"
    title = "该变更已完成、失效或贵方已签署"
    title_en = "The change is done, overtaken, or signed by you"


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
) -> AccountChange:
    """Propose another account, as creditor or debtor; an older proposal gives way.

    Raises SubjectNotFound, ActionNotAllowed, NotConfirmed, SameAccount, PaymentUnderWay, TooManyHolders.
    """
    receivable = lock(session, receivable_id)
    if actor.party not in receivable.parties:
        raise SubjectNotFound
    if actor.party not in (receivable.creditor_id, receivable.debtor_id):
        raise ActionNotAllowed(action="change_account")
    if receivable.pay_to is None:
        raise NotConfirmed
    _require_other(receivable.pay_to, account)
    _require_nothing_under_way(session, receivable)
    holders = _holders(session, receivable)
    if len(holders) > HOLDERS_MAX:
        raise TooManyHolders(count=len(holders), count_max=HOLDERS_MAX)
    for open_ in session.scalars(
        select(AccountChange).where(
            AccountChange.receivable_id == receivable.id, AccountChange.state == ChangeState.OPEN
        )
    ):
        open_.state = ChangeState.OVERTAKEN
    session.flush()
    owners = [receivable.creditor_id, receivable.debtor_id]
    content = {
        "owners": _codes(session, owners),
        "holders": _codes(session, holders),
        "pay_to": account.to_json(),
        "pay_to_before": receivable.pay_to,
        "reason": reason,
        "confirmed": receivable.confirmed.to_json(),
        "outstanding": receivable.money(
            max(receivable.confirmed_minor - receivable.paid_minor, 0)
        ).to_json(),
    }
    change = AccountChange(
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


def draft(
    session: Session,
    actor: Actor,
    change_id: UUID,
    *,
    signers: Sequence[Signer],
    origin: str,
    now: datetime,
) -> list[Statement]:
    """Write the caller's part of a change. Raises NotOpen, Overtaken, and what signing raises."""
    change, receivable = _open(session, actor, change_id)
    return signing.draft(
        session,
        origin=origin,
        party=parties.active_party(session, actor.party),
        act=_act(receivable, actor.party),
        subject=receivable,
        prefix="rcv",
        content=change.content,
        amount=receivable.confirmed,
        signers=signers,
        now=now,
    )


def sign(
    session: Session, actor: Actor, change_id: UUID, *, jws: Sequence[str], now: datetime
) -> AccountChange:
    """Take the caller's signature; the last one names the new account.

    Raises NotOpen, Overtaken, PaymentUnderWay, and what signing raises.
    """
    change, receivable = _open(session, actor, change_id)
    signed = signing.collect(
        session,
        party=parties.active_party(session, actor.party),
        act=_act(receivable, actor.party),
        subject=receivable,
        jws=jws,
        now=now,
    )
    if {name: value for name, value in signed.content.items() if name != "names"} != change.content:
        raise signing.StatementAltered(field="authorizations")
    change.signed = [*change.signed, actor.party]
    change.authorizations = [*change.authorizations, *signed.authorizations]
    if set(change.signed) == set(change.signers):
        _finish(session, change, receivable, now=now)
    session.flush()
    return change


def visible(session: Session, party_id: UUID, change_id: UUID) -> AccountChange:
    """Return a change that this party has to sign. Raises SubjectNotFound."""
    change = session.get(AccountChange, change_id)
    if change is None or party_id not in change.signers:
        raise SubjectNotFound
    return change


def page(
    session: Session, party_id: UUID, *, after: UUID | None, size: int
) -> Sequence[AccountChange]:
    """Return the changes that a party signs, oldest first."""
    statement = select(AccountChange).where(AccountChange.signers.contains([party_id]))
    if after is not None:
        statement = statement.where(AccountChange.id > after)
    return session.scalars(statement.order_by(AccountChange.id).limit(size)).all()


def _open(session: Session, actor: Actor, change_id: UUID) -> tuple[AccountChange, Receivable]:
    """Return an open change that waits for the caller, and its receivable, both locked."""
    receivable = lock(session, visible(session, actor.party, change_id).receivable_id)
    change = session.scalars(
        select(AccountChange)
        .where(AccountChange.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if change.state is not ChangeState.OPEN or actor.party in change.signed:
        raise NotOpen(state=change.state.value)
    if receivable.version != change.version or _moved(session, change, receivable):
        raise Overtaken(version=receivable.version)
    return change, receivable


def _moved(session: Session, change: AccountChange, receivable: Receivable) -> bool:
    """Say whether others encumber the claim by now; its pool stays locked."""
    payments.lock_pool(session, receivable)
    holders: list[str] = change.content["holders"]
    return _codes(session, _holders(session, receivable)) != holders


def _finish(
    session: Session, change: AccountChange, receivable: Receivable, *, now: datetime
) -> None:
    _require_nothing_under_way(session, receivable)
    holders = _holders(session, receivable)
    fact_checks.check_change(
        session, receivable, what="account", holders=holders, agreed=change.signed, now=now
    )
    receivable.pay_to = change.content["pay_to"]
    receivable.changed_at = now
    bank = parties.party_by_uscc(session, change.content["pay_to"]["bank_uscc"])
    if bank is not None:
        show_to(receivable, bank.id)
    fields = ("owners", "holders", "pay_to", "pay_to_before", "reason")
    record: dict[str, Any] = {name: change.content[name] for name in fields}
    evidence.append(
        session,
        receivable,
        "receivable.account_changed",
        record,
        now=now,
        actor=change.proposed_by,
        parties={*receivable.parties, *change.signers},
        authorizations=change.authorizations,
    )
    notices.replace(session, receivable, now=now)
    change.state = ChangeState.DONE


def _act(receivable: Receivable, party_id: UUID) -> str:
    return ACCOUNT if party_id in (receivable.creditor_id, receivable.debtor_id) else CONSENT


def _holders(session: Session, receivable: Receivable) -> list[UUID]:
    assert receivable.pool_id is not None
    return sorted({holding.party_id for holding in pools.holdings(session, receivable.pool_id)})


def _codes(session: Session, ids: Sequence[UUID]) -> list[str]:
    return sorted(parties.party(session, identity).uscc for identity in ids)


def _require_other(before: dict[str, str], account: Account) -> None:
    same = account_digits(before["account"]) == account_digits(account.account)
    if same and before["bank_uscc"] == account.bank_uscc:
        raise SameAccount(field="pay_to")


def _require_nothing_under_way(session: Session, receivable: Receivable) -> None:
    ordered = orders.under_way(session, [receivable.id]).get(receivable.id, 0)
    if ordered:
        raise PaymentUnderWay(ordered=receivable.money(ordered))
