"""What receivables, pools and pledges should be by now, reckoned by other code than the platform's."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from scf.kernel.money import Money
from scf.pledges.models import State as PledgeState
from scf.receivables.models import State
from scf.registry.port import (
    Certificate,
    Enrolled,
    EntryKind,
    Filing,
    Registration,
    SearchResult,
)
from tests.support.actors import Cast, Company
from tests.support.invoices import cn_einvoice
from tests.support.receivables import NUMBERS, invoice_number


class Register:
    """The state's register, as far as a pledge goes there: clean, and at once."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def search(self, grantor: Enrolled) -> SearchResult:
        number = f"S-{next(NUMBERS)}"
        return SearchResult(number, grantor, self.now, (), bytes(32), b"search")

    def find(self, _: str) -> Registration | None:
        return None

    def register(self, filing: Filing, *, sent_before: bool = False) -> Registration:
        assert not sent_before, "one answer a filing"
        number, ends = filing.reference, self.now.date() + timedelta(days=365)
        content = Certificate(
            EntryKind.INITIAL, number, number, self.now, ends, filing.business,
            filing.secured_party, filing.grantor, filing.contract_no, filing.amount,
            filing.description, filing.items,
        )  # fmt: skip
        return Registration(number, number, self.now, ends, None, b"paper", content)


def written(cast: Cast, number: int, fen: int, takes_back: int | None = None) -> bytes:
    """An untaxed 数电票 of the supplier to the anchor; a red one names the number that it takes back."""
    total = Money(fen).text
    red = takes_back and invoice_number(takes_back)
    return cn_einvoice(
        number=invoice_number(number),
        seller=cast.supplier.uscc,
        buyer=cast.anchor.uscc,
        net=total,
        tax="0.00",
        total=total,
        lines=[(total, "0", "0.00")],
        blue="N" if red else "Y",
        red=f"<OriginalInvoiceCode>{red}</OriginalInvoiceCode>" if red else "",
    )


@dataclass
class Claim:
    """What a receivable and its pool should be by now, reckoned fen by fen."""

    id: UUID
    document: UUID
    number: int
    claimed: int
    state: State = State.SUBMITTED
    pool: UUID | None = None
    promised: int = 0
    paid: int = 0
    noted: int = 0
    formed: int = 0
    """Of what red invoices took back, what forms had been filled in for."""
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
