"""What receivables, pools and pledges should be by now, reckoned by other code than the platform's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from scf.pledges.models import State as PledgeState
from scf.receivables.models import State
from scf.registry.port import Enrolled, Filing, Registration, SearchResult
from tests.support.actors import Company
from tests.support.receivables import NUMBERS


class Register:
    """The state's register, as far as a pledge goes there: clean, and at once."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def search(self, _: Enrolled) -> SearchResult:
        return SearchResult(f"S-{next(NUMBERS)}", self.now, (), bytes(32), b"search")

    def find(self, _: str) -> Registration | None:
        return None

    def register(self, filing: Filing) -> Registration:
        ends = self.now.date() + timedelta(days=365)
        return Registration(filing.reference, filing.reference, self.now, ends, None, b"paper")


@dataclass
class Claim:
    """What a receivable and its pool should be by now, reckoned fen by fen."""

    id: UUID
    number: int
    claimed: int
    state: State = State.SUBMITTED
    pool: UUID | None = None
    promised: int = 0
    paid: int = 0
    noted: int = 0
    waiting: list[tuple[UUID, int]] = field(default_factory=list)
    """Red invoices that are registered and not yet recorded: their ids and amounts."""
    confirmed: int = 0
    held: dict[UUID, int] = field(default_factory=dict)

    @property
    def used(self) -> int:
        return sum(self.held.values())

    @property
    def rest(self) -> int:
        """What its invoice still stands for."""
        return self.claimed - self.noted

    @property
    def free(self) -> int:
        return max(self.confirmed - self.used, 0)

    def pay(self, amount: int) -> None:
        self.paid += amount
        self.state = State.PAID if self.paid >= self.promised else State.PARTLY_PAID
        for _ in range(min(amount, max(self.confirmed, 0))):
            if self.free == 0:
                holder = next(holder for holder, held in self.held.items() if held)
                self.held[holder] -= 1
            self.confirmed -= 1

    def note(self, amount: int) -> None:
        """A red invoice takes first what was never confirmed."""
        for _ in range(amount):
            self.noted += 1
            self.confirmed -= self.pool is not None and self.noted > self.claimed - self.promised


@dataclass
class Bond:
    """A pledge as it should be."""

    id: UUID
    claim: Claim
    bank: Company
    amount: int
    state: PledgeState = PledgeState.PROPOSED
