"""What makes two documents the same, and what becomes of one: pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Final, Self

from scf.documents.parsing import Flag, Invoice, Kind
from scf.kernel.errors import Conflict, NotAllowed
from scf.kernel.money import Money, zero


class Verdict(StrEnum):
    """What became of a document."""

    ACCEPTED = "accepted"
    FLAGGED = "flagged"  # taken, but something hints that the claim is not free
    REVERSES = "reverses"  # taken; it takes back another
    DUPLICATE = "duplicate"  # the same invoice was here before, perhaps in other bytes
    CONFLICT = "conflict"  # the same number was here before with other content
    REFUSED = "refused"


class DocumentConflict(Conflict):
    """A number of a seller names one invoice: other content under the same number is not taken."""

    code = "document.conflict"
    title = "同号发票内容不一致"
    title_en = "Another document with this number has other content"


class SellerMismatch(NotAllowed):
    """A seller registers its own invoices."""

    code = "document.seller_mismatch"
    title = "发票销售方与当前用户不一致"
    title_en = "The invoice's seller is not the party that registers it"


FLAG_CODES: Final = {
    Flag.FACTORED: "document.possibly_assigned",
    Flag.PAYEE_DIFFERS: "document.payee_differs",
    Flag.TAKEN_BACK: "document.taken_back",
    Flag.TAX_RISK: "document.tax_risk",
}
"""Flag -> the code that a listing shows, the gravest first."""


Identity = tuple[str, ...]


def identities(invoice: Invoice) -> list[Identity]:
    """Return what a document is known by: seller and number, a 数电票 also by its 20 digits alone."""
    own: list[Identity] = [(invoice.seller.identity, invoice.number)]
    return [*own, (invoice.number,)] if invoice.kind is Kind.CN_EINVOICE else own


@dataclass(frozen=True, slots=True)
class Content:
    """What the same invoice says in any format, order or bytes.

    A side is its id, else its name; the names stand aside to be compared where one document has no id.
    """

    seller: str
    number: str
    takes_back: bool
    buyer: str
    payee: str | None
    issued_on: date
    net: Money
    tax: Money
    total: Money
    payable: Money
    reverses: tuple[str, ...]
    seller_name: str = field(compare=False)
    buyer_name: str = field(compare=False)

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """Return what an invoice says."""
        return cls(
            seller=invoice.seller.identity,
            number=invoice.number,
            takes_back=invoice.takes_back,
            buyer=invoice.buyer.identity,
            payee=invoice.payee.identity if invoice.payee else None,
            issued_on=invoice.issued_on,
            net=invoice.net,
            tax=invoice.tax,
            total=invoice.total,
            payable=invoice.payable,
            reverses=tuple(sorted(invoice.reverses)),
            seller_name=invoice.seller.name,
            buyer_name=invoice.buyer.name,
        )

    def differences(self, other: Self) -> dict[str, list[Any]]:
        """Return what another document says differently: {field: [this, other]}.

        Silence contradicts nothing: a red note need not say what it takes back, nor a list the tax ids.
        """
        names = [one.name for one in fields(self) if one.compare]
        pairs = {name: [getattr(self, name), getattr(other, name)] for name in names}
        if not all(pairs["reverses"]):
            del pairs["reverses"]
        for side, own, others in (
            ("seller", self.seller_name, other.seller_name),
            ("buyer", self.buyer_name, other.buyer_name),
        ):
            if own == others and (pairs[side][0] == own or pairs[side][1] == others):
                del pairs[side]
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def left_of(payable: Money, taken_back: Iterable[Money]) -> Money:
    """Return what is left of a document once notes have taken back of it; never below zero."""
    nothing = zero(payable.currency)
    return max(payable - sum(taken_back, nothing), nothing)


def verdict_of(invoice: Invoice) -> Verdict:
    """Return what becomes of a document that is new."""
    if invoice.takes_back:
        return Verdict.REVERSES
    return Verdict.FLAGGED if invoice.flags else Verdict.ACCEPTED
