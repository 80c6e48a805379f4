"""One stage for all tests of a file: each works in a transaction that is taken back."""

from collections.abc import Iterator

import pytest

from tests.support.actors import Stage, set_stage
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def shared(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage that the tests of a file share."""
    with (
        fresh_database(servers) as database_url,
        set_stage(database_url, tmp_path_factory.mktemp("stage")) as found,
    ):
        yield found
