"""What stored goods, receipts and pledges on them should be by now, reckoned by other code than the platform's."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy.orm import Session

from scf.kernel.quantity import Quantity
from scf.receipts import queries
from scf.receipts.issuing import Terms
from scf.receipts.models import State, WarehouseReceipt
from scf.stock import service as stock
from scf.stock.models import PaperKind
from scf.stock.service import Paper
from tests.support.actors import Company
from tests.support.warehouse import Yard

LOSS_STANDARD = Fraction(5, 100)


@dataclass
class Heap:
    """A lot: what was stored of it, and where that is; in the smallest part of its unit, as all below."""

    id: UUID
    pool: UUID
    stored: int
    there: int
    lost: int = 0
    delivered: int = 0

    @property
    def is_beyond(self) -> bool:
        """Whether more is lost of it than may be."""
        return self.lost > self.stored * LOSS_STANDARD


@dataclass
class Title:
    """A receipt: what lies for it in each lot, what of that was lost there, and which pledge holds how much of it."""

    id: UUID
    pool: UUID
    holder: Company
    parts: dict[UUID, int]
    lost: dict[UUID, int] = field(default_factory=dict)
    held: dict[UUID, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    disputed: set[UUID] = field(default_factory=set)
    frozen: bool = False
    end: State | None = None

    @property
    def there(self) -> int:
        return sum(self.parts.values())

    @property
    def used(self) -> int:
        return sum(self.held.values())

    @property
    def free(self) -> int:
        return max(self.there - self.used, 0)

    @property
    def state(self) -> State:
        if self.end is not None:
            return self.end
        if self.disputed:
            return State.DISPUTED
        return State.FROZEN if self.frozen else State.ACTIVE

    @property
    def kept_still(self) -> set[str]:
        """Why nothing is done with it, if anything is."""
        return set() if self.state is State.ACTIVE else {"receipt.state_forbids"}


@dataclass
class Bond:
    """A pledge; what it holds stands with the receipts that it holds it of."""

    id: UUID
    bank: Company
    is_over: bool = False


def receipt_terms(lot: UUID, quantity: Quantity) -> Terms:
    """What a keeper puts on a receipt over a part of a lot, under a new number."""
    return Terms(
        number=f"GQ-{uuid.uuid4().hex[:12]}",
        lots=[(lot, quantity)],
        depositor_address="重庆市永川区示例路 1 号",
        quality="Cu+Ag ≥ 99.95%",
        pieces=None,
        stored_until=date(2026, 11, 2),
        storage_fee="每吨每日 0.60 元",
        insurance=None,
        issued_at="重庆市永川区",
    )


def weighed_out(
    yard: Yard, receipt_id: UUID, order_no: str, session: Session, now: datetime
) -> None:
    """Have keeper and supervisor weigh out what was ordered."""
    (order,) = (one for one in queries.withdrawals(session, receipt_id) if one.order_no == order_no)
    receipt = session.get_one(WarehouseReceipt, receipt_id)
    for who in (yard.keeper, yard.supervisor):
        paper = Paper(
            kind=PaperKind.WEIGHING,
            number=f"CK-{uuid.uuid4().hex[:12]}",
            made_on=date(2025, 11, 3),
            quantity=receipt.measure(order.quantity_minor),
            passed=None,
            original=b"x",
            order_id=order.id,
        )
        stock.add_paper(session, who.actor, receipt.lots[0].lot_id, paper, now=now)


def shared_out(minor: int, shares: Sequence[int]) -> list[int]:
    """Share out pro rata: whole parts first, then one more to each in the order of what is missing to the next."""
    whole = min(minor, sum(shares))
    if whole == 0:
        return [0] * len(shares)
    exact = [Fraction(whole * share, sum(shares)) for share in shares]
    parts = [int(one) for one in exact]
    while sum(parts) < whole:
        missing = [one - part for one, part in zip(exact, parts, strict=True)]
        parts[missing.index(max(missing))] += 1
    return parts
