"""Predicates over bills of carriers and keepers; importing them enters them into the table."""

from scf.rules.predicates import predicate
from scf.rules.verdicts import Verdict, holds_if

WHOLE_BPS = 10_000


@predicate
def bill_fits(
    *,
    expected_minor: list[int],
    billed_minor: list[int],
    tolerance_bps: int,
    tolerance_minor: int,
) -> Verdict:
    """Find the items that are billed beyond what is expected by more than a share of it, or the least amount."""
    beyond = [
        str(number)
        for number, (expected, billed) in enumerate(
            zip(expected_minor, billed_minor, strict=True), 1
        )
        if billed - expected > max(expected * tolerance_bps // WHOLE_BPS, tolerance_minor)
    ]
    return holds_if(not beyond, beyond=", ".join(beyond))
