"""What a benchmark finds: figures, the limit each is held against, and how they are shown and kept."""

import json
import math
import statistics
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reach:
    """How far a figure must come: its value, or its ratio to the limit, is at least or at most this."""

    of: str
    sign: str
    bound: float

    def is_met(self, value: float, ratio: float) -> bool:
        found = value if self.of == "value" else ratio
        return found >= self.bound if self.sign == ">=" else found <= self.bound

    def __str__(self) -> str:
        return f"{self.of} {self.sign} {self.bound:,g}"


def at_least(bound: float, *, of: str = "ratio") -> Reach:
    return Reach(of, ">=", bound)


def at_most(bound: float, *, of: str = "ratio") -> Reach:
    return Reach(of, "<=", bound)


@dataclass(frozen=True)
class Row:
    """One figure and its limit in the same unit, taken in the same run; `name` is Chinese and English."""

    name: str
    value: float
    unit: str
    limit: float
    reach: Reach

    @property
    def ratio(self) -> float:
        return self.value / self.limit

    @property
    def reached(self) -> bool:
        return self.reach.is_met(self.value, self.ratio)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": significant(self.value),
            "unit": self.unit,
            "limit": significant(self.limit),
            "ratio": significant(self.ratio),
            "reach": str(self.reach),
            "reached": self.reached,
        }


def keep(rows: Iterable[Row], path: Path) -> None:
    """Write `{"rows": […]}`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"rows": [row.as_json() for row in rows]}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


HEADINGS = ("指标 figure", "测得 value", "极限 limit", "比值 ratio", "目标 reach", "")
WIDTHS = (74, 24, 12, 10, 18, 0)


def heading() -> str:
    return _line(HEADINGS) + "\n" + "─" * (sum(WIDTHS) + 16)


def shown(row: Row) -> str:
    verdict = "✓ 达到 reached" if row.reached else "✗ 未达到 missed"
    value = f"{significant(row.value):,} {row.unit}"
    limit, ratio = f"{significant(row.limit):,}", f"{significant(row.ratio):,}"
    return _line((row.name, value, limit, ratio, str(row.reach), verdict))


def _line(cells: Sequence[str]) -> str:
    return "".join(
        cell + " " * max(width - columns(cell), 1)
        for cell, width in zip(cells, WIDTHS, strict=True)
    ).rstrip()


def columns(text: str) -> int:
    """Count the columns of a terminal that a text takes: Chinese symbols take two."""
    return sum(2 if unicodedata.east_asian_width(symbol) in "WF" else 1 for symbol in text)


def significant(value: float, digits: int = 3) -> float:
    """Round to so many significant digits; whole numbers stay whole."""
    if value == 0:
        return 0
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return rounded if places > 0 else int(rounded)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def middle(values: Iterable[float]) -> float:
    return statistics.median(values)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time one call."""
    began = clock()
    work()
    return clock() - began
