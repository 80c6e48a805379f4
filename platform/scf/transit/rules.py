"""Pure rules of goods on their way: what a plan has to be, when a position gives alarm, what a role means."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from scf.kernel.errors import Invalid
from scf.kernel.money import Money
from scf.transit.geometry import Fence, Point, within
from scf.transit.models import AlarmKind

TOLERANCE_MAX: Final = 20_000
"""Metres beside a fence that still count as within."""
STANDS_WITHIN: Final = 150
"""Metres: who moves less than that stands; a parked lorry's positions scatter by tens of metres."""
STOPS_WITHIN: Final = 1_000
"""Metres around a stop of the route where a consignment may stand for as long as it has to."""


class FenceInvalid(Invalid):
    """A polygon has three corners, a corridor two points; what is beside them counts up to 20 km."""

    code = "consignment.fence_invalid"
    title = "电子围栏不正确"
    title_en = "The fence is not valid"


class RouteInvalid(Invalid):
    """A route runs forward in time and ends in the future."""

    code = "consignment.route_invalid"
    title = "运输路线的时间须依次递增，且到达时间晚于当前"
    title_en = "The stops' times have to rise, and the last to be still to come"


class RoleInvalid(Invalid):
    """A guarantor says for how much it stands, a principal how much of its own it lends, a broker neither."""

    code = "consignment.role_invalid"
    title = "物流企业角色与金额不符：中介不填金额，担保、自营须填"
    title_en = "A broker names no amount; a guarantor and a principal do"


class RoleKind(StrEnum):
    """What a logistics firm is to the deal that the goods secure."""

    BROKER = "broker"  # 中介
    GUARANTOR = "guarantor"  # 担保
    PRINCIPAL = "principal"  # 自营


@dataclass(frozen=True, slots=True)
class Role:
    """A logistics firm's part in a deal: `amount` is its joint liability, or what it lends of its own.

    `fee_rate` is a share of the amount financed for a broker, a yearly rate on its amount for the others.
    """

    kind: RoleKind
    amount: Money | None
    fee_rate: str | None

    def check(self) -> None:
        """Raise RoleInvalid where amount and role do not fit."""
        if (self.kind is RoleKind.BROKER) != (self.amount is None):
            raise RoleInvalid(field="role.amount", kind=self.kind.value)

    def to_json(self) -> dict[str, Any]:
        """Return it as plans say it."""
        return {
            "kind": self.kind.value,
            "amount": self.amount.to_json() if self.amount else None,
            "fee_rate": self.fee_rate,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Role":
        """Read it from a plan."""
        amount = Money.from_json(value["amount"]) if value["amount"] else None
        return cls(RoleKind(value["kind"]), amount, value["fee_rate"])

    def exposure(self, outstanding: Money) -> Money:
        """Return what the firm stands to lose of a debt: a broker nothing, a guarantor never more than is owed."""
        if self.amount is None:
            return Money(0, outstanding.currency)
        if self.kind is RoleKind.GUARANTOR:
            return min(self.amount, outstanding)
        return self.amount

    def fee(self, financed: Money, days: int) -> Money:
        """Return what the firm earns: on the amount financed once, or on its own amount by days of 360; half up."""
        rate = Fraction(self.fee_rate or "0")
        if self.amount is None:
            return _rounded(financed, rate)
        return _rounded(self.amount, rate * Fraction(days, 360))


def _rounded(amount: Money, share: Fraction) -> Money:
    exact = amount.minor * share
    return Money(int((exact * 2 + 1) // 2), amount.currency)


def check_fence(kind: str, points: Sequence[Point], tolerance: int) -> None:
    """Raise FenceInvalid where a fence encloses nothing, or lets everything be within."""
    least = 3 if kind == "polygon" else 2
    if len(set(points)) < least:
        raise FenceInvalid(field="fence.points", points_min=least)
    if not 0 <= tolerance <= TOLERANCE_MAX or (kind == "corridor" and tolerance == 0):
        raise FenceInvalid(field="fence.tolerance", metres_max=TOLERANCE_MAX)


def check_route(times: Sequence[datetime], now: datetime) -> None:
    """Raise RouteInvalid where a route does not run forward, or is over."""
    rising = all(one < other for one, other in pairwise(times))
    if not rising or times[-1] <= now:
        raise RouteInvalid(field="route")


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a consignment was at an instant; `seal_open` None where nothing is said of the seal."""

    at: datetime
    point: Point
    seal_open: bool | None
    source: str


@dataclass(frozen=True, slots=True)
class Raised:
    """What one position gives alarm for."""

    kind: AlarmKind
    seen: Seen


def judge(
    trail: Sequence[Seen],
    new: Collection[Seen],
    *,
    fence: Fence,
    stops: Sequence[Point],
    halt: timedelta,
) -> list[Raised]:
    """Return the first alarm of each kind that the new positions of a trail give.

    `trail` is in order of time and reaches back at least `halt`, as far as positions do. `halt` of zero: it may stand
    for ever.
    """
    found: dict[AlarmKind, Raised] = {}
    fresh = set(new)
    for number, seen in enumerate(trail):
        if seen not in fresh:
            continue
        signs = {
            AlarmKind.LEFT_FENCE: not fence.holds(seen.point),
            AlarmKind.STANDING: bool(halt) and _stands(trail, number, halt, stops),
            AlarmKind.SEAL_OPEN: bool(seen.seal_open),
        }
        for kind in (kind for kind, given in signs.items() if given):
            found.setdefault(kind, Raised(kind, seen))
    return list(found.values())


def _stands(trail: Sequence[Seen], place: int, halt: timedelta, stops: Sequence[Point]) -> bool:
    """Say whether a position is where the consignment has been for `halt` before it, away from any stop."""
    newest = trail[place]
    if any(within(newest.point, stop, STOPS_WITHIN) for stop in stops):
        return False
    for back in range(place, -1, -1):
        seen = trail[back]
        if not within(newest.point, seen.point, STANDS_WITHIN):
            return False
        if newest.at - seen.at >= halt:
            return True
    return False
