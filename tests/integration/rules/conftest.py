"""A desk for all tests of this folder: each brings its own receivables."""

from collections.abc import Iterator

import pytest

from tests.support.actors import STORY_BEGINS, Stage
from tests.support.lending import Desk, lending_desk
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def open_desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with fresh_database(servers) as database_url, lending_desk(database_url, folder) as found:
        yield found


@pytest.fixture
def desk(open_desk: Desk) -> Desk:
    open_desk.stage.clock.set(STORY_BEGINS)
    return open_desk


@pytest.fixture
def stage(desk: Desk) -> Stage:
    return desk.stage
