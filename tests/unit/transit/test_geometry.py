"""Fences and distances in whole numbers, held to the sine and cosine of the mathematics library."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf.transit.geometry import Fence, Point, cosine, degrees, plane, within

YONGCHUAN = Point(29_356_000, 105_927_000)
SQUARE = [
    Point(29_300_000, 105_900_000),
    Point(29_300_000, 106_000_000),
    Point(29_400_000, 106_000_000),
    Point(29_400_000, 105_900_000),
]


@given(st.integers(-90_000_000, 90_000_000))
def test_the_cosine_is_that_of_the_library(millionths: int):
    expected = math.cos(math.radians(millionths / 1e6)) * 1e12
    assert abs(cosine(millionths) - expected) < 50


@given(
    st.integers(-80_000_000, 80_000_000),
    st.integers(-180_000_000, 180_000_000),
    st.integers(-5_000, 5_000),
    st.integers(-5_000, 5_000),
)
def test_near_points_lie_where_great_circles_say(lat: int, lon: int, north: int, east: int):
    ((x, y),) = plane(Point(lat, lon), [Point(lat + north, lon + east)])
    a, b = math.radians(lat / 1e6), math.radians((lat + north) / 1e6)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(east / 1e6) / 2) ** 2
    haversine = 2 * 6_371_008.8 * math.asin(math.sqrt(half))
    assert abs(math.hypot(x, y) / 1000 - haversine) < 0.6  # metres, of at most 786


def test_a_millionth_of_a_degree_of_latitude_is_eleven_centimetres():
    assert within(YONGCHUAN, Point(29_357_000, 105_927_000), 112)
    assert not within(YONGCHUAN, Point(29_357_000, 105_927_000), 111)


class TestPolygon:
    def test_inside_and_on_its_edge_is_within(self):
        fence = Fence(closed=True, points=SQUARE, tolerance=0)

        assert fence.holds(YONGCHUAN)
        assert fence.holds(SQUARE[0])
        assert fence.holds(Point(29_300_000, 105_950_000))

    def test_outside_is_without_but_for_the_tolerance(self):
        a_hundred_metres_south = Point(29_299_101, 105_950_000)  # 899 millionths: 99.96 m

        assert not Fence(closed=True, points=SQUARE, tolerance=99).holds(a_hundred_metres_south)
        assert Fence(closed=True, points=SQUARE, tolerance=100).holds(a_hundred_metres_south)

    @pytest.mark.parametrize("turn", [1, -1])
    def test_its_direction_does_not_matter(self, turn: int):
        fence = Fence(closed=True, points=SQUARE[::turn], tolerance=0)

        assert fence.holds(YONGCHUAN)
        assert not fence.holds(Point(29_356_000, 106_100_000))
        assert not fence.holds(Point(29_356_000, 105_800_000))

    def test_a_notch_is_outside(self):
        notched = [*SQUARE, Point(29_350_000, 105_950_000)]

        assert not Fence(closed=True, points=notched, tolerance=0).holds(
            Point(29_350_000, 105_901_000)
        )


class TestCorridor:
    ROAD = (Point(29_356_000, 105_927_000), Point(29_356_000, 106_127_000))

    def test_beside_the_road_up_to_its_width(self):
        # 899 millionths of a degree north: 99.96 m
        beside = Point(29_356_899, 106_000_000)

        assert Fence(closed=False, points=self.ROAD, tolerance=100).holds(beside)
        assert not Fence(closed=False, points=self.ROAD, tolerance=99).holds(beside)

    def test_beyond_its_end_is_as_far_as_the_end_is(self):
        beyond = Point(29_356_000, 106_137_000)  # 0.01 degrees east: 969 m at this latitude

        assert Fence(closed=False, points=self.ROAD, tolerance=970).holds(beyond)
        assert not Fence(closed=False, points=self.ROAD, tolerance=968).holds(beyond)

    def test_it_may_cross_the_date_line(self):
        straits = Fence(
            closed=False, points=[Point(0, 179_900_000), Point(0, -179_900_000)], tolerance=10
        )

        assert straits.holds(Point(0, 179_999_999))
        assert not straits.holds(Point(0, 0))


@given(st.integers(-180_000_000, 180_000_000))
def test_degrees_are_written_as_they_were_read(millionths: int):
    text = degrees(millionths)
    assert Point.from_json({"lat": text, "lon": text}) == (millionths, millionths)
