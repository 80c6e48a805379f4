"""What a person sees of a start: a line for each service, on stderr."""

import sys
from collections.abc import Sequence
from typing import TextIO
from unicodedata import east_asian_width

from scf.runtime.service import Service

TITLE_WIDTH = 28  # columns; a Chinese character takes two
WORDS = {
    "ready": ("✓", "就绪 ready"),
    "done": ("✓", "完成 done"),
    "crashed": ("!", "退出，即将重试 exited, will be tried again"),
}


class Progress:
    """Tells what happens to each service, with the seconds that it took."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, else to stderr."""
        self._stream = stream or sys.stderr

    def __call__(self, what: str, service: Service, seconds: float) -> None:
        """Write one line."""
        sign, words = WORDS["done" if what == "ready" and service.once else what]
        self.line(f"  {sign} {padded(service.title)}{seconds:6.1f} s  {words}")

    def line(self, text: str, *more: str) -> None:
        """Write lines at once, so that a person sees them while waiting."""
        lines: Sequence[str] = (text, *more)
        print(*lines, sep="\n", file=self._stream, flush=True)


def padded(title: str) -> str:
    """Return the title filled up to the column where the seconds stand."""
    width = sum(2 if east_asian_width(sign) in "WF" else 1 for sign in title)
    return title + " " * max(1, TITLE_WIDTH - width)
