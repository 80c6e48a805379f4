"""The parts of a claim whose payment is split (付款分割): who is paid how much, into which account.

What is in no part is the creditor's, into the account of the 确权函. Usual practice is the whole claim; several
creditors on one claim each have a part, signed by creditor, debtor and whoever encumbers the claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.receivables import accounts, surpluses
from scf.receivables.models import Receivable, ReceivablePayment

AGREED: Final = "receivable.split_agreed"

Split = Sequence[Mapping[str, Any]]
"""As it was signed: `payee`, `amount` and `pay_to` of each part."""


class PartNotSplit(Conflict):
    """A part of a claim is taken within a signed split of its payment, no more than the part says."""

    code = "receivable.part_not_split"
    title = "部分质押或转让应收账款，须先由有关各方签署付款分割"
    title_en = "A part is taken within a split of the payment that everybody concerned has signed"


def history(session: Session, receivable: Receivable) -> list[tuple[date, Split]]:
    """Return every split of a receivable's payment and its first day, oldest first; whole since ever."""
    agreed = accounts.agreed(session, receivable, AGREED)
    return [(date.min, ()), *((day, record["parts"]) for day, record in agreed)]


def payee_of(splits: Iterable[Split], number: str, bank: str | None) -> str | None:
    """Return whose part is paid into an account (USCC), by the first split that has one; None where none has."""
    every = (part for split in splits for part in split)
    found = (part for part in every if accounts.differs(part["pay_to"], number, bank) is None)
    return next((str(part["payee"]) for part in found), None)


def due_into(session: Session, receivable: Receivable, number: str) -> Money:
    """Return what is still due of the part that is paid into an account, zero where there is none.

    `number` without spaces or hyphens. What came in under an earlier split of the same account counts too.
    """
    digits = accounts.account_digits
    part = next(
        (
            Money.from_json(one["amount"])
            for one in receivable.parts or ()
            if digits(one["pay_to"]["account"]) == number
        ),
        receivable.money(0),
    )
    came = session.scalars(
        select(ReceivablePayment).where(
            ReceivablePayment.receivable_id == receivable.id,
            ReceivablePayment.to_named_account,
        )
    )
    minor = sum(
        surpluses.remainder(session, one).minor for one in came if digits(one.account) == number
    )
    return receivable.money(max(part.minor - minor, 0))


def keepers(session: Session, receivable: Receivable) -> set[str]:
    """Return the USCCs of the banks that keep, or kept, the account of a part."""
    splits = [split for _, split in history(session, receivable)]
    return {str(part["pay_to"][accounts.BANK_CODE]) for split in splits for part in split}


def account_for(session: Session, receivable: Receivable, payee_id: UUID) -> dict[str, str]:
    """Return the account into which a debtor pays a payee: of its part, or the one of the 确权函."""
    assert receivable.pay_to is not None, "what is taken is confirmed, and names its account"
    part = _part(session, receivable, payee_id)
    return receivable.pay_to if part is None else dict(part["pay_to"])


def require_part(
    session: Session,
    receivable: Receivable,
    payee_id: UUID,
    taken: Money,
    *,
    held: Money,
    whole: Money,
) -> None:
    """Hold what a party takes, beside what it `held` before, to its part; unsplit, only the whole is taken.

    Raises PartNotSplit, with the taker's own part.
    """
    if not receivable.parts and taken == whole:
        return
    part = _part(session, receivable, payee_id)
    own = None if part is None else Money.from_json(part["amount"])
    if own is None or held + taken > own:
        raise PartNotSplit(field="amount", asked=taken, part=own)


def _part(session: Session, receivable: Receivable, payee_id: UUID) -> dict[str, Any] | None:
    code = parties.party(session, payee_id).uscc
    return next((part for part in receivable.parts or () if part["payee"] == code), None)
