"""What may hold a release back: features above put their word in when the program is put together.

A pledge knows nothing of who watches its goods. A guard is asked with the pledge's row locked, before anything is
written, at the draft and again at the signature.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

Guard = Callable[[Session, UUID, int | None, datetime], None]
"""Given a pledge, how much of its goods is to go (in smallest parts; None for all) and when: raises where it may not."""

_GUARDS: Final[list[Guard]] = []


def install(guard: Guard) -> None:
    """Ask this guard too, once however often it is installed."""
    if guard not in _GUARDS:
        _GUARDS.append(guard)


def require(session: Session, pledge_id: UUID, released: int | None, now: datetime) -> None:
    """Ask every guard. Raises what they raise."""
    for guard in _GUARDS:
        guard(session, pledge_id, released, now)
