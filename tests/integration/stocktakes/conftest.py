"""One stage for all tests of a module; each test its own goods."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with fresh_database(servers) as url, set_stage(url, tmp_path_factory.mktemp("stage")) as found:
        yield found
