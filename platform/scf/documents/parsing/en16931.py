"""What UBL and CII share: the rules of sums of EN 16931, the sides of an invoice, its type codes.

Where rounding goes is told in two ways. EN 16931 (BR-CO-16): payable = inclusive - prepaid + rounding.
The older BII profiles and OASIS's examples put the rounding inside the tax-inclusive total. UBL 2.0 may
have no tax-inclusive total at all. All three pass; anything else does not add up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, Self

from scf.documents.parsing.errors import FieldMissing
from scf.documents.parsing.model import Flag, InvoiceLine, InvoiceParty
from scf.documents.parsing.totals import require_equal, require_sum, rounded
from scf.kernel.money import Money, zero
from scf_ledger import uscc

FACTORED_TYPES: Final = frozenset({"393", "396"})
"""UNTDID 1001: factored invoice, factored credit note."""
CREDIT_TYPES: Final = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"}
)
"""UNTDID 1001: the codes that credit, as EN 16931 lists them."""

Term = Literal[
    "lines", "allowances", "charges", "net", "inclusive", "rounding", "prepaid", "payable"
]


# --- sums ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declared:
    """The totals that a document declares, None where it is silent, and the fields that say them."""

    amounts: Mapping[Term, Money | None]
    fields: Mapping[Term, str]

    def follow(self, term: Term, computed: Money) -> Money:
        """Return a total. Raises TotalsMismatch where the declared one is not the computed one."""
        declared = self.amounts[term]
        if declared is not None:
            require_equal(declared, computed, field=self.fields[term])
        return computed

    def adjusted(self, term: Term, items: list[Money], currency: str) -> Money:
        """Return the document's allowances or charges: declared, and then the sum of its items."""
        if items:
            return self.follow(term, sum(items, zero(currency)))
        return self.amounts[term] or zero(currency)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document declares and what follows from it."""

    net: Money
    tax: Money
    total: Money
    payable: Money


def add_up(
    declared: Declared,
    lines: tuple[InvoiceLine, ...],
    *,
    tax: Money,
    allowances: Money,
    charges: Money,
) -> Totals:
    """Let each declared total follow from what stands below it (BR-CO-10 to 16).

    What is not declared is computed. Raises TotalsMismatch with both numbers, FieldMissing where no total
    can be known.
    """
    nothing = zero(tax.currency)
    rounding = declared.amounts["rounding"] or nothing
    prepaid = declared.amounts["prepaid"] or nothing
    net = _net(declared, lines, charges - allowances)
    inclusive, rounded_inside = _inclusive(declared, net, tax, rounding)
    if inclusive is None:
        payable = declared.amounts["payable"]
        if payable is None:
            raise FieldMissing(field=declared.fields["payable"])
        inclusive = payable + prepaid - rounding
    due = inclusive - prepaid if rounded_inside else inclusive - prepaid + rounding
    payable = declared.follow("payable", due)
    return Totals(inclusive - tax if net is None else net, tax, inclusive, payable)


def _net(declared: Declared, lines: tuple[InvoiceLine, ...], adjustment: Money) -> Money | None:
    """Return the total without tax: lines - allowances + charges (BR-CO-10 to 13)."""
    line_total = declared.amounts["lines"]
    if lines:
        amounts = [line.amount for line in lines]
        if line_total is None:
            line_total = rounded(sum(amounts, Decimal()), adjustment.currency)
        require_sum(line_total, amounts, field=declared.fields["lines"])
    if line_total is None:
        return declared.amounts["net"]
    return declared.follow("net", line_total + adjustment)


def _inclusive(
    declared: Declared, net: Money | None, tax: Money, rounding: Money
) -> tuple[Money | None, bool]:
    """Return the total with tax (BR-CO-15), and whether the rounding is inside it."""
    inclusive = declared.amounts["inclusive"]
    if net is None:
        return inclusive, False
    if inclusive is not None and rounding.minor and inclusive == net + tax + rounding:
        return inclusive, True
    return declared.follow("inclusive", net + tax), False


# --- sides ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """A party with everything that it may be known by."""

    party: InvoiceParty
    known_by: frozenset[str]

    @classmethod
    def of(cls, ids: Iterable[str], names: Iterable[str], *, field: str) -> Self:
        """Return a party: its unified social credit code where one stands anywhere, else its first id.

        A document may name a party only, and then gives no id. Raises FieldMissing without a name.
        """
        known_ids = [_compact(text) for text in ids if text]
        known_names = [text for text in names if text]
        if not known_names:
            raise FieldMissing(field=field)
        chosen = next(filter(uscc.is_valid, known_ids), known_ids[0] if known_ids else None)
        known_by = frozenset({*known_ids, *map(str.casefold, known_names)})
        return cls(InvoiceParty(chosen, known_names[0]), known_by)

    def other_payee(self, ids: Iterable[str], names: Iterable[str]) -> InvoiceParty | None:
        """Return who is to be paid instead of this seller, None where it is nobody else."""
        known_ids = [_compact(text) for text in ids if text]
        known_names = [text for text in names if text]
        same = known_ids or map(str.casefold, known_names)
        if not self.known_by.isdisjoint(same) or not (known_ids or known_names):
            return None
        return InvoiceParty(known_ids[0] if known_ids else None, (known_names or known_ids)[0])


def flags(type_code: str, payee: InvoiceParty | None) -> frozenset[Flag]:
    """Return what hints at an earlier assignment."""
    factored = {Flag.FACTORED} if type_code in FACTORED_TYPES else set()
    return frozenset(factored | ({Flag.PAYEE_DIFFERS} if payee else set()))


def _compact(text: str) -> str:
    """Return an id without the spaces that printed forms group it by."""
    return text.replace(" ", "").upper()
