"""Predicates over goods that are pledged and watched by price; importing them enters them into the table."""

from datetime import date

from scf.rules.predicates import PREDICATES, predicate
from scf.rules.verdicts import Verdict, holds_if

__all__ = ["PREDICATES", "receipt_outlasts_debt", "spread_wide", "terms_customary"]


@predicate
def terms_customary(
    *,
    terms: dict[str, int],
    advance_bps: int,
    warning_bps: int,
    disposal_bps: int,
    price_fall_bps: int,
    stale_bps: int,
    stale_days: int,
    cure_days: int,
    notice_days: int,
) -> Verdict:
    """Find where an agreement gives the pledgor more room than is customary; a longer notice is no laxity."""
    at_most = {
        "advance_bps": advance_bps,
        "disposal_bps": disposal_bps,
        "stale_days": stale_days,
        "cure_days": cure_days,
    }
    at_least = {"warning_bps": warning_bps, "stale_bps": stale_bps}
    laxer = [name for name, most in at_most.items() if terms[name] > most]
    laxer += [name for name, least in at_least.items() if terms[name] < least]
    if terms.get("price_fall_bps", price_fall_bps + 1) > price_fall_bps:
        laxer.append("price_fall_bps")
    return holds_if(not laxer, laxer=", ".join(sorted(laxer)), notice_days=notice_days)


@predicate
def spread_wide(
    *, warehouse_share_bps: int, goods_share_bps: int, warehouse_bps: int, goods_bps: int
) -> Verdict:
    """Hold the largest warehouse and the largest kind of goods to their shares of the pledged value."""
    return holds_if(
        warehouse_share_bps <= warehouse_bps and goods_share_bps <= goods_bps,
        warehouse_share_bps=warehouse_share_bps,
        goods_share_bps=goods_share_bps,
    )


@predicate
def receipt_outlasts_debt(*, collect_on: date, principal_due_on: date) -> Verdict:
    """See whether the goods of a receipt are to be taken before the debt that they secure falls due."""
    return holds_if(
        collect_on >= principal_due_on,
        collect_on=collect_on.isoformat(),
        principal_due_on=principal_due_on.isoformat(),
    )
