"""Waiting for what others do: workers, the chain, a server that comes back."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from scf.kernel.errors import Unavailable
from scf.story.screens import Screen
from scf_ledger.chain.errors import ChainUnavailable
from scf_ledger.tokens.errors import TokenServiceUnavailable

PATIENCE_SECONDS: Final = 120
POLL_SECONDS: Final = 0.2
TRANSIENT: Final = (Unavailable, ChainUnavailable, TokenServiceUnavailable)

Found = TypeVar("Found")


class StoryStuck(Unavailable):
    """What workers do is done within two minutes."""

    code = "story.stuck"
    title = "等待后台处理超时"
    title_en = "What the story waits for did not come in time"


class NotYet(Exception):
    """What is waited for is not there yet."""


class Patience:
    """Looks again and again, and lets a person see what for."""

    def __init__(self, screen: Screen) -> None:
        """Show on a screen what is being waited for."""
        self._screen = screen

    def until(self, what: str, look: Callable[[], Found]) -> Found:
        """Return what `look` finds once it neither raises NotYet nor is refused by a busy server.

        Raises StoryStuck.
        """
        with suppress(NotYet, *TRANSIENT):
            return look()
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._screen.waiting(what):
            while True:
                time.sleep(POLL_SECONDS)
                try:
                    return look()
                except (NotYet, *TRANSIENT) as error:
                    if time.monotonic() > deadline:
                        raise StoryStuck(waiting_for=what, seen=str(error)[:300]) from None
