"""How pools of one trade recognise each other: by the order, what was sent on it, and what came.

Whoever opens a pool names the papers that it is, and those that it came of; the number is an issuer's between
one buyer and one seller.
"""

from collections.abc import Iterable
from enum import StrEnum

from scf.capacity.converting import Mark
from scf.capacity.edges import Side
from scf.kernel.money import Money


class Paper(StrEnum):
    """What is named: an order; goods sent, or received, on an order; a receipt by its own number."""

    ORDER = "order"
    SENT = "sent"
    RECEIVED = "received"
    RECEIPT = "receipt"


def mark(side: Side, paper: Paper, *, buyer: str, seller: str, number: str, amount: Money) -> Mark:
    """Name a paper that a pool is, or came of; `buyer` and `seller` are USCC."""
    return Mark(side, f"trade:{paper.value}:{buyer}/{seller}/{number}", amount)


def of_orders(
    papers: Iterable[Paper], orders: Iterable[tuple[str, Money]], *, buyer: str, seller: str
) -> list[Mark]:
    """Name what a value came of: of each order the latest of `papers` first. Orders with their amounts."""
    known = list(orders)
    return [
        mark(Side.OF, paper, buyer=buyer, seller=seller, number=number, amount=amount)
        for paper in papers
        for number, amount in known
    ]
