"""Places and fences in whole numbers: millionths of a degree in, millimetres in between, never a float.

What lies around a position is projected onto the plane that touches the globe there (equirectangular about that
point). Near the position, where a fence is left or not, the projection is true to well below a metre; far from it
it only has to be far.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

MILLIONTH: Final = 111_195
"""Micrometres of a great circle in a millionth of a degree, on a globe of 6,371,008.8 m (IUGG mean radius)."""
_HALF_TURN: Final = 180_000_000
_UNIT: Final = 10**12
_PI: Final = 3_141_592_653_590  # 10**-12
Plane = tuple[int, int]
"""East and north in millimetres."""


class Point(NamedTuple):
    """A place in millionths of a degree (WGS 84)."""

    lat: int
    lon: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read degrees with six decimals."""
        return cls(*(int(value[name].replace(".", "")) for name in ("lat", "lon")))


def degrees(millionths: int) -> str:
    """Return degrees with six decimals."""
    whole, part = divmod(abs(millionths), 1_000_000)
    return f"{'-' if millionths < 0 else ''}{whole}.{part:06d}"


def cosine(millionths: int) -> int:
    """Return the cosine of so many millionths of a degree in units of 10**-12, by its series."""
    x = millionths * _PI // _HALF_TURN
    square = x * x // _UNIT
    term = total = _UNIT
    for n in range(1, 12):
        term = -term * square // (_UNIT * (2 * n - 1) * (2 * n))
        total += term
    return total


def plane(at: Point, others: Sequence[Point]) -> list[Plane]:
    """Return where points lie from `at`: the first the shorter way round, each of the others so from the one before."""
    scale = cosine(at.lat)
    found: list[Plane] = []
    east, before = 0, at.lon
    for other in others:
        east += (other.lon - before + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN
        before = other.lon
        found.append(
            (east * MILLIONTH * scale // (1000 * _UNIT), (other.lat - at.lat) * MILLIONTH // 1000)
        )
    return found


def within(at: Point, other: Point, metres: int) -> bool:
    """Say whether two points are no further apart."""
    ((east, north),) = plane(at, [other])
    return east * east + north * north <= (metres * 1000) ** 2


@dataclass(frozen=True, slots=True)
class Fence:
    """Where goods may be: inside a polygon, or along a line of points; up to `tolerance` metres beside it."""

    closed: bool
    points: Sequence[Point]
    tolerance: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a fence as plans say it."""
        points = [Point.from_json(point) for point in value["points"]]
        return cls(value["kind"] == "polygon", points, value["tolerance"])

    def holds(self, at: Point) -> bool:
        """Say whether a point lies within the fence or beside it by no more than the tolerance; edges count."""
        corners = plane(at, self.points)
        edges = list(pairwise(corners))
        if self.closed:
            edges.append((corners[-1], corners[0]))
            if _surrounded(edges):
                return True
        reach = (self.tolerance * 1000) ** 2
        return any(_reaches(edge, reach) for edge in edges)


def _surrounded(edges: Sequence[tuple[Plane, Plane]]) -> bool:
    """Say whether the origin lies inside: a ray to the east crosses the edges an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in edges:
        if (y1 > 0) != (y2 > 0):
            crossing = x1 * (y2 - y1) - y1 * (x2 - x1)  # times (y2 - y1): east of the origin or not
            if (crossing > 0) == (y2 > y1):
                inside = not inside
    return inside


def _reaches(edge: tuple[Plane, Plane], reach: int) -> bool:
    """Say whether an edge comes within a distance, given squared, of the origin."""
    (x1, y1), (x2, y2) = edge
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = -(x1 * dx + y1 * dy)
    if along <= 0:
        return x1 * x1 + y1 * y1 <= reach
    if along >= length:
        return x2 * x2 + y2 * y2 <= reach
    return (x1 * dy - y1 * dx) ** 2 <= reach * length
