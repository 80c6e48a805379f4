"""What stands on a claim or on goods: liens, the live securities taken here, and what a search found beside."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from scf.capacity import queries as pools
from scf.kernel.ids import public_id
from scf.kernel.money import Money
from scf.pledges.models import LIVE, Pledge
from scf.pledges.notice_models import DebtorNotice
from scf.pledges.priority import Asset, Claim, ClaimKind
from scf.receipts.models import WarehouseReceipt
from scf.registry.port import Finding
from scf.registry.rules import overlaps

_AMOUNT: Final = re.compile(r"人民币([0-9]{1,13}\.[0-9]{2})元")
REGISTERED_AS: Final = {
    Asset.RECEIVABLE: ClaimKind.PLEDGE,
    Asset.GOODS: ClaimKind.RECEIPT_PLEDGE,
}
"""What an entry found at the register ranks as: by its time, whatever kind of security it says."""


@dataclass(frozen=True, slots=True)
class Encumbrance:
    """A claim with whose it is; `party_id` is None where only the register knows of it.

    `assumed`: the register shows no amount, so it is taken to be on the whole. `pledge_id`: it was taken here.
    """

    claim: Claim
    party_id: UUID | None
    reg_no: str | None
    assumed: bool = False
    pledge_id: UUID | None = None

    @property
    def is_lien(self) -> bool:
        """Whether it is the keeper's own, which needs no publicity: the goods are in its hands."""
        return self.claim.kind is ClaimKind.LIEN

    @property
    def is_public(self) -> bool:
        """Whether anyone who deals with the asset can know of it: at the register, or by who keeps the goods."""
        return self.reg_no is not None or self.is_lien


def taken_here(session: Session, pool_ids: Collection[UUID]) -> list[Encumbrance]:
    """Return the live securities on some pools, each once, with what the register shows of it: what was taken.

    Those taken on an earlier form stand here as far as these pools hold something for them; one that has gone on into
    later forms altogether stands there.
    """
    held = {one.holder_id for pool_id in pool_ids for one in pools.holdings(session, pool_id)}
    arrived = (
        select(func.min(DebtorNotice.delivered_at))
        .where(DebtorNotice.pledge_id == Pledge.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Pledge, arrived)
        .where(or_(Pledge.pool_id.in_(pool_ids), Pledge.id.in_(held)), Pledge.state.in_(LIVE))
        .order_by(Pledge.id)
    )
    return [
        _taken(pledge, notified_at)
        for pledge, notified_at in rows
        if pledge.id in held or set(pool_ids).issuperset(pools.pools_of(session, pledge.id))
    ]


def lien(receipt: WarehouseReceipt) -> Encumbrance | None:
    """Return what a keeper may keep goods back for: storage that is owed (留置权), None where nothing is."""
    if not receipt.fee_owed_minor:
        return None
    owed = Claim(public_id("whr", receipt.id), ClaimKind.LIEN, Money(receipt.fee_owed_minor))
    return Encumbrance(owed, receipt.keeper_id, None)


def kind_of(pledge: Pledge) -> ClaimKind:
    """Return what a security ranks as; a pledge of stored goods is one of their receipt."""
    return ClaimKind.RECEIPT_PLEDGE if pledge.receipt_id else ClaimKind(pledge.kind.value)


def _taken(pledge: Pledge, notified_at: datetime | None) -> Encumbrance:
    reg_no = pledge.registration.reg_no
    claim = Claim(
        ref=reg_no or public_id("plg", pledge.id),
        kind=kind_of(pledge),
        amount=pledge.principal if pledge.receipt_id else pledge.money,
        registered_at=pledge.registration.registered_at,
        notified_at=notified_at,
    )
    return Encumbrance(claim, pledge.pledgee_id, reg_no, pledge_id=pledge.id)


def found_elsewhere(
    findings: Iterable[Finding],
    papers: Sequence[str],
    *,
    asset: Asset,
    known: Collection[str],
    whole: Money,
) -> list[Encumbrance]:
    """Return what a search found on one of these papers beside the registrations that are known here."""
    goods = asset is Asset.GOODS
    return [
        _found(finding, REGISTERED_AS[asset], whole)
        for finding in findings
        if finding.reg_no not in known and overlaps(finding, papers, goods=goods)
    ]


def _found(finding: Finding, kind: ClaimKind, whole: Money) -> Encumbrance:
    said = public_amount(finding.description)
    claim = Claim(
        ref=finding.reg_no,
        kind=kind,
        amount=said or whole,
        registered_at=finding.registered_at,
    )
    return Encumbrance(claim, None, finding.reg_no, assumed=said is None)


def public_amount(description: str) -> Money | None:
    """Return the amount that a description of collateral states: the last one, which is the part taken."""
    stated = _AMOUNT.findall(description)
    amount = Money.parse(stated[-1]) if stated else None
    return amount if amount is not None and amount.minor > 0 else None
