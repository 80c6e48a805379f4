"""One stage for a whole file: every test has series of its own."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The real application with the cast in place."""
    with (
        fresh_database(servers) as url,
        set_stage(url, tmp_path_factory.mktemp("stage")) as found,
    ):
        yield found
