"""What stands on a claim: the live securities taken here, and what a search of the register found beside."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.pledges.models import LIVE, Pledge
from scf.pledges.notice_models import DebtorNotice
from scf.pledges.priority import Claim, ClaimKind
from scf.registry.port import Finding
from scf.registry.rules import overlaps

_AMOUNT: Final = re.compile(r"人民币([0-9]{1,13}\.[0-9]{2})元")


@dataclass(frozen=True, slots=True)
class Encumbrance:
    """A claim with whose it is; `party_id` is None where only the register knows of it.

    `assumed`: the register shows no amount, so it is taken to be on the whole.
    """

    claim: Claim
    party_id: UUID | None
    reg_no: str | None
    assumed: bool = False

    @property
    def is_public(self) -> bool:
        """Whether anyone can read of it at the register."""
        return self.reg_no is not None


def taken_here(session: Session, pool_id: UUID) -> list[Encumbrance]:
    """Return the live securities on a pool, each with what the register shows of it: what was taken."""
    arrived = (
        select(func.min(DebtorNotice.delivered_at))
        .where(DebtorNotice.pledge_id == Pledge.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Pledge, arrived)
        .where(Pledge.pool_id == pool_id, Pledge.state.in_(LIVE))
        .order_by(Pledge.id)
    )
    return [_taken(pledge, notified_at) for pledge, notified_at in rows]


def _taken(pledge: Pledge, notified_at: datetime | None) -> Encumbrance:
    reg_no = pledge.registration.reg_no
    claim = Claim(
        ref=reg_no or public_id("plg", pledge.id),
        kind=ClaimKind(pledge.kind.value),
        amount=pledge.principal if pledge.receipt_id else pledge.money,
        registered_at=pledge.registration.registered_at,
        notified_at=notified_at,
    )
    return Encumbrance(claim, pledge.pledgee_id, reg_no)


def found_elsewhere(
    findings: Iterable[Finding],
    invoices: Sequence[str],
    *,
    known: Collection[str],
    whole: Money,
) -> list[Encumbrance]:
    """Return what a search found on one of these invoices beside the registrations that are known here."""
    return [
        _found(finding, whole)
        for finding in findings
        if finding.reg_no not in known and overlaps(finding, invoices)
    ]


def _found(finding: Finding, whole: Money) -> Encumbrance:
    said = public_amount(finding.description)
    claim = Claim(
        ref=finding.reg_no,
        kind=ClaimKind.PLEDGE,
        amount=said or whole,
        registered_at=finding.registered_at,
    )
    return Encumbrance(claim, None, finding.reg_no, assumed=said is None)


def public_amount(description: str) -> Money | None:
    """Return the amount that a description of collateral states: the last one, which is the part taken."""
    stated = _AMOUNT.findall(description)
    amount = Money.parse(stated[-1]) if stated else None
    return amount if amount is not None and amount.minor > 0 else None
