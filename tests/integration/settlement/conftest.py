"""One stage for a whole file: every test has receivables, references and months of its own."""

from collections.abc import Iterator

import pytest

from tests.support import banking
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


@pytest.fixture(autouse=True)
def own_references() -> None:
    """No test meets the references of another."""
    banking.BASE += 1_000
