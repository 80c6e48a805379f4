"""What may hold back a receipt over stored goods: features above put their word in when the program is put together.

A receipt knows nothing of who watches the goods. A guard is asked with the lot's row locked, at the draft and again at
the signature.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy.orm import Session

from scf.stock.models import Lot

Guard = Callable[[Session, Lot], None]
"""Given a lot over which a receipt is to be issued: raises where none may be."""

_GUARDS: Final[list[Guard]] = []


def install(guard: Guard) -> None:
    """Ask this guard too, once however often it is installed."""
    if guard not in _GUARDS:
        _GUARDS.append(guard)


def require(session: Session, lot: Lot) -> None:
    """Ask every guard. Raises what they raise."""
    for guard in _GUARDS:
        guard(session, lot)
