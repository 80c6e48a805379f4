"""What stored goods would fetch: a feature above that watches prices says so, where it knows.

Put together as `guards` are: a pledge knows nothing of prices.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy.orm import Session

from scf.kernel.money import Money
from scf.kernel.quantity import Quantity
from scf.pledges.models import Pledge

Appraiser = Callable[[Session, Pledge, Quantity], Money | None]
"""Given a pledge of goods and a quantity of them: what that would fetch, None where it does not know."""

_APPRAISERS: Final[list[Appraiser]] = []


def install(appraiser: Appraiser) -> None:
    """Ask this one too, once however often it is installed."""
    if appraiser not in _APPRAISERS:
        _APPRAISERS.append(appraiser)


def worth(session: Session, pledge: Pledge, goods: Quantity) -> Money | None:
    """Return what so much of a pledge's goods would fetch, by the first that knows."""
    said = (appraiser(session, pledge, goods) for appraiser in _APPRAISERS)
    return next((one for one in said if one is not None), None)
