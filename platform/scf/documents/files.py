"""Files and folders that people hand in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from scf.kernel.errors import Invalid

BYTES_MAX: Final = 10 * 1024 * 1024  # a UBL invoice may carry a PDF


class FileUnreadable(Invalid):
    """A file can be read."""

    code = "import.file_unreadable"
    title = "文件无法读取"
    title_en = "The file cannot be read"


class PathMissing(Invalid):
    """What is to be imported is named, and is there."""

    code = "import.path_missing"
    title = "未指定文件，或路径不存在"
    title_en = "No path is given, or there is no such file or folder"


def walk(path: Path) -> Iterator[Path]:
    """Iterate over a file, or the files of a folder in order; hidden ones are no documents."""
    if not path.is_dir():
        yield path
        return
    closed: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=lambda e: closed.append(Path(e.filename))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
    yield from closed  # a folder that cannot be read is told of as a file would be


def read(path: Path) -> bytes:
    """Return a file's bytes, no more than are looked at. Raises FileUnreadable."""
    try:
        if not path.is_file():
            raise FileUnreadable(reason="不是文件 not a file")
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise FileUnreadable(reason=error.strerror) from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, however large, to be read piece by piece. Raises FileUnreadable."""
    try:
        if not path.is_file():
            raise FileUnreadable(reason="不是文件 not a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise FileUnreadable(reason=error.strerror) from None


def shown(path: Path | str) -> str:
    """Return a path as text, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "replace")
