"""Taking turns over what has no row to lock yet."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


def take_turns(session: Session, keys: Iterable[str]) -> None:
    """Wait until no other transaction holds one of these names, and hold them to the end of this one."""
    for key in sorted(set(keys)):
        session.execute(_LOCK, {"key": key})
