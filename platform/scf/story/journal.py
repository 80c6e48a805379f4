"""What the story has already done, so that a story cut off goes on, and a finished one only verifies.

A command's body is written down before it is sent: sent again with the same key it is the same command,
even though a second signature over the same bytes would differ.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """A small JSON file of named steps: what was made, asked and answered."""

    def __init__(self, path: Path) -> None:
        """Read what is there."""
        self.path = path
        self.entries: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what was kept under a name, or make it and keep it."""
        if name not in self.entries:
            self.entries[name] = make()
            self._write()
        return self.entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    @property
    def written_at(self) -> datetime | None:
        """The real time of the last step kept, None before the first."""
        if not self.path.exists():
            return None
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def _write(self) -> None:
        """Replace the file, whole or not at all; it holds secrets of the story's clients."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.path.with_suffix(".part")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(self.entries, ensure_ascii=False, indent=1))
        partial.replace(self.path)
