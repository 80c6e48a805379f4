"""The parts of a claim whose payment is split (付款分割): who is paid how much, into which account.

What is in no part is the creditor's, into the account of the 确权函. Usual practice is the whole claim; several
creditors on one claim each have a part, signed by creditor, debtor and whoever encumbers the claim.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from scf.kernel.errors import Conflict
from scf.kernel.money import Money
from scf.parties import queries as parties
from scf.receivables import accounts
from scf.receivables.models import Receivable

AGREED = "receivable.split_agreed"


class PartNotSplit(Conflict):
    """A part of a claim is taken within a signed split of its payment, no more than the part says."""

    code = "receivable.part_not_split"
    title = "部分质押或转让应收账款，须先由有关各方签署付款分割"
    title_en = "A part is taken within a split of the payment that everybody concerned has signed"


def payee_of(split: Sequence[dict[str, Any]], number: str, bank: str | None) -> str | None:
    """Return whose part is paid into an account (USCC), None where it is no part's."""
    found = (part for part in split if accounts.differs(part["pay_to"], number, bank) is None)
    return next((str(part["payee"]) for part in found), None)


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
