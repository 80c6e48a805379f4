"""One stage for a whole file: every test has agreements, goods and series of its own."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.actors import STORY_BEGINS, Stage, set_stage
from tests.support.services import Servers, fresh_database


@pytest.fixture(scope="module")
def module_stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The real application with the cast in place."""
    with (
        fresh_database(servers) as url,
        set_stage(url, tmp_path_factory.mktemp("stage")) as found,
    ):
        yield found


@pytest.fixture
def stage(module_stage: Stage) -> Stage:
    """The same, at nine in the evening of the story's first day."""
    module_stage.clock.set(STORY_BEGINS + timedelta(hours=11))
    return module_stage
