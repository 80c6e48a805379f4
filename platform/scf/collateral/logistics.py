"""What a logistics firm's role in deals exposes it to, bank by bank (物流企业参与模式): broker, guarantor, principal.

A deal is one debt that goods on their way, or that were, secure: pledges of one contract to one bank. The firm's role
in it is what it signed when it took the goods over; of several journeys of one receipt its newest counts. It lasts
while the pledge does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from scf.collateral.models import ControlAgreement, ControlDebt
from scf.kernel.money import Money
from scf.pledges.models import LIVE, Pledge
from scf.transit.models import Consignment
from scf.transit.rules import Role, RoleKind

Contract: TypeAlias = tuple[UUID, bytes]
"""A bank, and the contract of a debt to it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A firm's role over the goods of one receipt."""

    firm: UUID
    receipt: UUID
    role: Role


@dataclass(frozen=True, slots=True)
class Deal:
    """One debt: to which bank, how much of it is outstanding, the goods of which receipts secure it."""

    bank: UUID
    outstanding: Money
    receipts: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a firm's roles of one kind towards one bank come to."""

    firm: UUID
    bank: UUID
    kind: RoleKind
    deals: int
    outstanding: Money
    exposure: Money


def exposures(parts: Iterable[Part], deals: Sequence[Deal]) -> list[Exposure]:
    """Return per firm, bank and kind of role what it stands to lose; in order of their ids.

    A broker loses nothing. A guarantor stands for its amount, over all of a debt for no more than is owed; a principal
    for what it lent of its own. An amount that is given for goods which secure several debts is shared out among them
    by what is outstanding, to the fen, so that no sum counts it twice.
    """
    given: dict[tuple[UUID, RoleKind, int], int] = defaultdict(int)
    for part in parts:
        own = [number for number, deal in enumerate(deals) if part.receipt in deal.receipts]
        shares = _shared(part.role.amount, [deals[number].outstanding for number in own])
        for number, minor in zip(own, shares, strict=True):
            given[part.firm, part.role.kind, number] += minor
    found: dict[tuple[UUID, UUID, RoleKind], list[tuple[int, int]]] = defaultdict(list)
    for (firm, kind, number), minor in given.items():
        deal = deals[number]
        amount = Money(minor, deal.outstanding.currency)
        role = Role(kind, None if kind is RoleKind.BROKER else amount, None)
        lost = role.exposure(deal.outstanding)
        found[firm, deal.bank, kind].append((deal.outstanding.minor, lost.minor))
    return [
        Exposure(
            *key,
            deals=len(sums),
            outstanding=Money(sum(owed for owed, _ in sums)),
            exposure=Money(sum(lost for _, lost in sums)),
        )
        for key, sums in sorted(found.items())
    ]


def seen(session: Session, party_id: UUID) -> list[Exposure]:
    """Return the exposures of a logistics firm, or those towards a bank, to itself; of anybody else there are none."""
    journeys = _newest(session, party_id)
    receipts = {journey.receipt_id for journey in journeys}
    deals = _deals(session, receipts)
    parts = [
        Part(one.carrier_id, one.receipt_id, Role.from_json(one.plan["role"])) for one in journeys
    ]
    found = exposures(parts, deals)
    return [one for one in found if party_id in (one.firm, one.bank)]


def _newest(session: Session, party_id: UUID) -> Sequence[Consignment]:
    """Return the newest journey that each firm took over of each receipt: the caller's, or of what it holds in pledge."""
    pledged = select(Pledge.receipt_id).where(
        Pledge.pledgee_id == party_id, Pledge.state.in_(LIVE), Pledge.receipt_id.is_not(None)
    )
    own = (Consignment.carrier_id == party_id) | Consignment.receipt_id.in_(pledged)
    return session.scalars(
        select(Consignment)
        .where(own, Consignment.dispatched_at.is_not(None))
        .ext(distinct_on(Consignment.carrier_id, Consignment.receipt_id))
        .order_by(Consignment.carrier_id, Consignment.receipt_id, Consignment.dispatched_at.desc())
    ).all()


def _deals(session: Session, receipts: Iterable[UUID]) -> list[Deal]:
    """Return the debts that these receipts secure, by bank and contract, each as its bank said last of it."""
    pledges = session.scalars(
        select(Pledge)
        .where(Pledge.receipt_id.in_(list(receipts)), Pledge.state.in_(LIVE))
        .order_by(Pledge.pledgee_id, Pledge.contract_sha256, Pledge.id)
    ).unique()
    by_contract: dict[Contract, list[Pledge]] = defaultdict(list)
    for pledge in pledges:
        by_contract[pledge.pledgee_id, pledge.contract_sha256].append(pledge)
    said = _said(session, by_contract)
    return [
        Deal(
            contract[0],
            said.get(contract, own[0].principal),
            frozenset(pledge.receipt_id for pledge in own if pledge.receipt_id is not None),
        )
        for contract, own in by_contract.items()
    ]


def _said(session: Session, contracts: Iterable[Contract]) -> Mapping[Contract, Money]:
    """Return principal and interest of debts, where their bank has said of them since the contract."""
    banks = [bank for bank, _ in contracts]
    rows = session.execute(
        select(ControlAgreement, ControlDebt)
        .join(ControlDebt, ControlDebt.id == ControlAgreement.debt_id)
        .where(ControlAgreement.pledgee_id.in_(banks))
        .order_by(ControlAgreement.id)
    )
    return {
        (agreement.pledgee_id, agreement.contract_sha256): Money(
            debt.principal_minor + debt.interest_minor, agreement.currency
        )
        for agreement, debt in rows
    }


def _shared(amount: Money | None, outstanding: Sequence[Money]) -> list[int]:
    """Share an amount out by what is outstanding; nothing of no amount, all to the first where nothing is owed."""
    if amount is None or not outstanding:
        return [0] * len(outstanding)
    weights = [owed.minor for owed in outstanding]
    if not any(weights):
        weights[0] = 1
    return [share.minor for share in amount.split(weights)]
