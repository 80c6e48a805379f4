"""Rows that were not taken, handed back as CSV files to be corrected and imported again."""

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from scf.documents.parsing import Row
from scf.http.sheets import harmless
from scf.kernel.errors import Invalid

PLACE: Final = "位置 where"
REASON: Final = "错误 error"


class RejectsUnwritable(Invalid):
    """Rows that are handed back go to a file that is not there yet and can be written."""

    code = "import.rejects_unwritable"
    title = "退回文件无法写入，或已存在"
    title_en = "The file of rejected rows cannot be written, or is there already"


class Rejects:
    """Writes rows to `path`; those of a list with other columns go to a file of their own (`-2`, `-3`, …)."""

    def __init__(self, path: Path, delimiter: str | None = None) -> None:
        """Write there, cells parted as the list's mapping says. Raises RejectsUnwritable."""
        if path.exists() or not path.parent.is_dir():
            raise RejectsUnwritable(file=str(path))
        self.count = 0
        self._path = path
        self._delimiter = delimiter or ","
        self._files = ExitStack()
        self._writers: dict[tuple[str, ...], Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, row: Row, *, place: str, reason: str) -> None:
        """Write a row as it came, with where it stood and why it was not taken. Raises RejectsUnwritable."""
        header = tuple(row.header)
        if header not in self._writers:
            self._writers[header] = self._open()
            self._writers[header].writerow([*map(harmless, header), PLACE, REASON])
        cells = row.cells + [""] * (len(header) - len(row.cells))
        self._writers[header].writerow(
            [*map(harmless, cells[: len(header)]), harmless(place), harmless(reason)]
        )
        self.count += 1

    def _open(self) -> Any:
        number = len(self._writers) + 1
        path = self._path if number == 1 else self._path.with_stem(f"{self._path.stem}-{number}")
        try:
            file = path.open("x", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise RejectsUnwritable(file=str(path), reason=error.strerror) from None
        return csv.writer(self._files.enter_context(file), delimiter=self._delimiter)
