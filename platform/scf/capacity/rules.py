"""How a payment runs through a pool: pure arithmetic over fen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

UNNAMED: Final = "hld_"
"""What banks outside hold blind: nobody is told by whom, and they are told nothing of the value."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one encumbrance takes of a pool, in fen; `party_id` is the party behind it."""

    holder_id: UUID
    holder: str
    party_id: UUID
    minor: int

    @property
    def told(self) -> UUID | None:
        """The party behind it, where it may be named and told."""
        return None if self.holder.startswith(UNNAMED) else self.party_id


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a payment: of the free value, or (with `holding`) of one encumbered."""

    minor: int
    holding: Holding | None


def run_through(
    amount: int,
    *,
    confirmed: int,
    free: int,
    holdings: Iterable[Holding],
    payee: UUID | None = None,
) -> list[Part]:
    """Split a payment: the free part first, then each encumbrance in order of reservation.

    What a `payee` got by a split of the payment goes to its own encumbrances before all else.

    An encumbrance that is paid moves to the proceeds, so value and encumbrance fall together: free never
    goes below zero and a shortfall stays what it is. What is paid beyond `confirmed` never enters the
    pool. All in fen, `holdings` in order of reservation; parts that would be zero are left out.
    """
    left = min(amount, max(confirmed, 0))
    held = [Part(holding.minor, holding) for holding in holdings]
    own = [part for part in held if part.holding and part.holding.party_id == payee]
    others = [part for part in held if part not in own]
    parts: list[Part] = []
    for most in (*own, Part(free, None), *others):
        if taken := min(left, most.minor):
            parts.append(Part(taken, most.holding))
            left -= taken
    assert left == 0, "free and holdings are at least what is confirmed"
    return parts


def run_back(amount: int, paid: Sequence[Holding]) -> list[Part]:
    """Put a payment back where `run_through` took it, the last taken first.

    `paid` is what was paid of each encumbrance that still stands, in order of reservation; what is left
    is free. All in fen; parts that would be zero are left out.
    """
    left, parts = amount, []
    for holding in reversed(paid):
        if given := min(left, holding.minor):
            parts.append(Part(given, holding))
            left -= given
    return [*parts, Part(left, None)] if left else parts
