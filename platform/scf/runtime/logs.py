"""The log file of a service: appended to over restarts, put aside when it is long."""

from pathlib import Path
from typing import BinaryIO

BYTES_MAX = 16 * 1024 * 1024  # a longer log is put aside at the next start
TAIL_BYTES = 64 * 1024
START_MARK = "=== start"


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to, with a mark where this start begins."""
    if path.exists() and path.stat().st_size > BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    file = path.open("ab", buffering=0)
    file.write(f"{START_MARK}\n".encode())
    return file


def since_start(path: Path) -> str:
    """Return what a service wrote since it was last started (the end of it, where it is long)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace").rpartition(START_MARK)[2]


def last_line(path: Path) -> str:
    """Return the last thing that a service said."""
    return since_start(path).strip().rpartition("\n")[2].strip()
