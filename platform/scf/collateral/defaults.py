"""What an agreement says where nothing else was agreed: the newest rule of customary terms, by its day."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from scf.rules.book import shipped

RULE: Final = "COL-01"
SHARES: Final = ("advance_bps", "warning_bps", "disposal_bps", "price_fall_bps", "stale_bps")
DAYS: Final = ("stale_days", "cure_days", "notice_days")


def on(day: date) -> Mapping[str, Any]:
    """Return the customary terms of a day: shares in basis points, and days."""
    found = shipped().parameters(RULE, day)
    assert found is not None, "customary terms are in force from before the first story on"
    return found
