"""One desk and one road for the tests of a file: each brings its own goods."""

from collections.abc import Iterator

import pytest

from tests.support.actors import STORY_BEGINS, Company
from tests.support.freight import Freight
from tests.support.lending import Desk, lending_desk
from tests.support.services import Servers, fresh_database
from tests.support.transit import Road, open_road


@pytest.fixture(scope="module")
def open_desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        yield found


@pytest.fixture(scope="module")
def open_way(open_desk: Desk) -> Road:
    return open_road(open_desk)


@pytest.fixture
def road(open_way: Road) -> Road:
    """The road on the story's first day."""
    open_way.desk.stage.clock.set(STORY_BEGINS)
    return open_way


@pytest.fixture
def freight(road: Road) -> Freight:
    return Freight(road)


@pytest.fixture
def carrier(road: Road) -> Company:
    return road.carrier


@pytest.fixture
def trader(road: Road) -> Company:
    return road.yard.trader
