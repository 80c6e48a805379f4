"""Splitting the payment of a claim among several creditors (付款分割), so that a part of it can be taken.

Proposed and signed like a change of the account: by creditor, debtor and whoever encumbers the claim, over the
same bytes. Each part has its payee and account; what is in no part is the creditor's. Another split replaces it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.http.auth import Actor
from scf.kernel.errors import Conflict, Invalid, LimitExceeded
from scf.kernel.money import CurrencyMismatch, Money
from scf.parties import queries as parties
from scf.programmes.models import MemberRole
from scf.programmes.service import require_member
from scf.receivables import payments
from scf.receivables.accounts import account_digits
from scf.receivables.models import Receivable
from scf.receivables.service import Account
from scf.settlement import agreements
from scf.settlement.models import Agreement


class PartsOverlap(Invalid):
    """Each payee has one part, and each part an account of its own, other than the creditor's."""

    code = "payment_split.parts_overlap"
    title = "分割的权利人或账户重复，或账户与债权人的回款账户相同"
    title_en = "A payee or an account stands twice, or is the creditor's own"


class PartsExceed(LimitExceeded):
    """Parts are no more than the debtor still owes."""

    code = "payment_split.parts_exceed"
    title = "各份额之和超过应收账款未付金额"
    title_en = "The parts are above what is owed"


class PartBelowHeld(Conflict):
    """Whoever encumbers the claim has a part of at least what it holds."""

    code = "payment_split.below_held"
    title = "现有权利人的份额低于其占用的金额"
    title_en = "A holder's part is below what it holds"


@dataclass(frozen=True, slots=True)
class Part:
    """What one payee is to be paid, into its account."""

    payee_id: UUID
    amount: Money
    account: Account


def propose(
    session: Session,
    actor: Actor,
    receivable_id: UUID,
    shares: Sequence[Part],
    *,
    reason: str,
    now: datetime,
) -> Agreement:
    """Propose a split, as creditor or debtor; without parts the claim is whole again.

    Raises PartsOverlap, PartsExceed, PartBelowHeld, CurrencyMismatch, `programme.not_member`, and what
    changing the account raises.
    """
    receivable = agreements.to_change(session, actor, receivable_id)
    _require_apart(receivable, shares)
    for part in shares:
        if part.amount.currency != receivable.currency:
            raise CurrencyMismatch(left=receivable.currency, right=part.amount.currency)
        require_member(session, receivable.programme_id, part.payee_id, MemberRole.FUNDER)
    pool = payments.lock_pool(session, receivable)
    rest = receivable.money(max(pool.confirmed_minor, 0))
    owed = rest
    for part in shares:
        rest -= part.amount
    if rest.minor < 0:
        raise PartsExceed(field="parts", owed=owed, asked=owed - rest)
    given = {part.payee_id: part.amount.minor for part in shares}
    for holder in agreements.holders_of(session, receivable):
        held = pools.held_by(session, pool, holder)
        if held.minor > given.get(holder, 0):
            raise PartBelowHeld(field="parts")
    listed = [
        {
            "payee": parties.active_party(session, part.payee_id).uscc,
            "amount": part.amount.to_json(),
            "pay_to": part.account.to_json(),
        }
        for part in shares
    ]
    said = {
        "parts": sorted(listed, key=lambda one: str(one["payee"])),
        "rest": rest.to_json(),
        "pay_to": receivable.pay_to,
        "reason": reason,
    }
    return agreements.put(session, actor, receivable, said, now=now)


def _require_apart(receivable: Receivable, shares: Sequence[Part]) -> None:
    named = receivable.pay_to or {}
    payees = {receivable.creditor_id, *(part.payee_id for part in shares)}
    into = {(account_digits(part.account.account), part.account.bank_uscc) for part in shares}
    into.add((account_digits(named["account"]), named["bank_uscc"]))
    if len(payees) <= len(shares) or len(into) <= len(shares):
        raise PartsOverlap(field="parts")
    for part in shares:
        if part.amount.minor <= 0:
            raise PartsExceed(field="parts", asked=part.amount)
