"""When a position gives alarm, and what a logistics firm's role means: exact values, no database."""

from datetime import UTC, datetime, timedelta

import pytest

from scf.kernel.money import Money
from scf.transit.geometry import Fence, Point
from scf.transit.models import AlarmKind
from scf.transit.rules import (
    FenceInvalid,
    Role,
    RoleInvalid,
    RoleKind,
    RouteInvalid,
    Seen,
    check_fence,
    check_route,
    judge,
)

NOON = datetime(2025, 11, 3, 4, 0, tzinfo=UTC)
START, END = Point(29_356_000, 105_927_000), Point(29_356_000, 106_327_000)
ON_THE_WAY, BESIDE = Point(29_356_000, 106_127_000), Point(29_361_000, 106_127_000)
ROAD = Fence(closed=False, points=(START, END), tolerance=500)
OWED = Money.parse("4900000.00")


def seen(minutes: int, point: Point = ON_THE_WAY, *, seal_open: bool | None = None) -> Seen:
    return Seen(NOON + timedelta(minutes=minutes), point, seal_open, "carrier")


def kinds(trail: list[Seen], new: list[Seen], halt: int = 60) -> list[tuple[AlarmKind, datetime]]:
    raised = judge(trail, new, fence=ROAD, stops=(START, END), halt=timedelta(minutes=halt))
    return [(one.kind, one.seen.at) for one in raised]


class TestAlarms:
    def test_the_first_position_outside_gives_alarm_once(self):
        trail = [seen(0), seen(10, BESIDE), seen(20, BESIDE)]

        assert kinds(trail, trail) == [(AlarmKind.LEFT_FENCE, NOON + timedelta(minutes=10))]

    def test_only_new_positions_are_judged(self):
        trail = [seen(0, BESIDE), seen(10)]

        assert kinds(trail, trail[1:]) == []

    def test_it_stands_from_the_minute_that_is_allowed_on(self):
        assert kinds([seen(0), seen(59)], [seen(59)]) == []
        assert kinds([seen(0), seen(60)], [seen(60)]) == [
            (AlarmKind.STANDING, NOON + timedelta(minutes=60))
        ]

    def test_who_was_elsewhere_in_between_does_not_stand(self):
        moved = Point(29_356_000, 106_130_000)  # 291 m on
        trail = [seen(0), seen(30, moved), seen(60)]

        assert kinds(trail, trail) == []

    def test_zero_minutes_mean_for_ever(self):
        assert kinds([seen(0), seen(6_000)], [seen(6_000)], halt=0) == []

    def test_it_may_stand_at_a_stop(self):
        near = Point(29_356_000, 105_937_000)  # 969 m from the start
        assert kinds([seen(0, near), seen(600, near)], [seen(600, near)]) == []

    def test_a_seal_of_which_nothing_is_said_gives_none(self):
        assert kinds([seen(0)], [seen(0)]) == []
        opened = seen(1, seal_open=True)
        assert kinds([opened], [opened]) == [(AlarmKind.SEAL_OPEN, opened.at)]


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "exposure", "fee"),
        [
            (Role(RoleKind.BROKER, None, "0.002"), "0.00", "9800.00"),
            (
                Role(RoleKind.GUARANTOR, Money.parse("3000000.00"), "0.012"),
                "3000000.00",
                "18000.00",
            ),
            (
                Role(RoleKind.GUARANTOR, Money.parse("6000000.00"), "0.012"),
                "4900000.00",
                "36000.00",
            ),
            (
                Role(RoleKind.PRINCIPAL, Money.parse("1000000.00"), "0.0435"),
                "1000000.00",
                "21750.00",
            ),
        ],
    )
    def test_what_a_firm_may_lose_and_earns_in_180_days(self, role: Role, exposure: str, fee: str):
        role.check()
        assert role.exposure(OWED) == Money.parse(exposure)
        assert role.fee(OWED, 180) == Money.parse(fee)

    def test_half_a_fen_is_one(self):
        role = Role(RoleKind.PRINCIPAL, Money.parse("1.00"), "0.018")
        assert role.fee(OWED, 100) == Money.parse("0.01")  # 0.5 fen

    @pytest.mark.parametrize(
        "role",
        [
            Role(RoleKind.BROKER, OWED, None),
            Role(RoleKind.GUARANTOR, None, None),
            Role(RoleKind.PRINCIPAL, None, None),
        ],
    )
    def test_a_role_without_its_amount_is_refused(self, role: Role):
        with pytest.raises(RoleInvalid):
            role.check()


class TestPlans:
    @pytest.mark.parametrize(
        ("kind", "points", "tolerance"),
        [
            ("polygon", [START, END, START], 0),
            ("corridor", [START, START], 500),
            ("corridor", [START, END], 0),
            ("corridor", [START, END], 20_001),
        ],
    )
    def test_a_fence_encloses_something(self, kind: str, points: list[Point], tolerance: int):
        with pytest.raises(FenceInvalid):
            check_fence(kind, points, tolerance)

    @pytest.mark.parametrize("minutes", [(10, 10), (20, 10), (-20, -10)])
    def test_a_route_runs_forward_into_the_future(self, minutes: tuple[int, int]):
        with pytest.raises(RouteInvalid):
            check_route([NOON + timedelta(minutes=one) for one in minutes], NOON)
