"""One stage for all tests of a module: each brings its own goods, so none meets another's."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.services import Servers, fresh_database
from tests.support.warehouse import Yard, open_yard


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture(scope="module")
def yard(stage: Stage) -> Yard:
    return open_yard(stage)
